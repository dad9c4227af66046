"""The command ``neuroselect``."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

from neuroselect import __version__, _cli_datasets, _cli_inspect

RECORDING = ("task", "factors", "trials", "align", "window", "bin")
EXIT_ERROR, EXIT_INTERRUPTED = 2, 130


class _Parser(argparse.ArgumentParser):
    """Errors in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_ERROR, f"neuroselect: error: {message} (see {self.prog} --help)\n")


def _whole(least: int):
    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}") from None
        if number < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {number}")
        return number

    return convert


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _Parser(
        prog="neuroselect",
        description="When do units become selective for a task, and when mixed?",
    )
    parser.add_argument("--version", action="version", version=f"neuroselect {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    report = commands.add_parser(
        "report",
        help="train the networks of a study and write a report",
        description=(
            "Train the networks of a study, measure them (and a recording with the same"
            " functions), and write one self-contained HTML page with its tables as CSV beside it."
        ),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = report.add_argument
    add(
        "--study", default="rich-lazy", metavar="NAME",
        help="what to run: rich-lazy (two tasks, initial weights from small to large), digits"
        " (four tasks on images, interleaved or one after the other), arithmetic (two tasks,"
        " similar or not, and the importance of units by several estimators) or continual (two"
        " rules, blocked or interleaved, in networks with and without gating, and in people)",
    )  # fmt: skip
    add("--out", default="neuroselect-report", metavar="FOLDER", help="folder to write to")
    add(
        "--n-networks", type=_whole(1), metavar="N", default=argparse.SUPPRESS,
        help="networks of each kind: at each scale, in each condition (default: 5; arithmetic: 30;"
        " continual: 20)",
    )  # fmt: skip
    add(
        "--max-iter", type=_whole(1), metavar="N", default=argparse.SUPPRESS,
        help="passes in training; in digits and continual, and in arithmetic with replay, over each"
        " task (default: 10000; digits: 8; arithmetic: 10; continual: 200)",
    )  # fmt: skip
    add(
        "--recording", metavar="NAME|FILE|none", default=argparse.SUPPRESS,
        help="recording to compare with, in rich-lazy: mante-monkey-a, a file (with --task and"
        " --factors), or none (default: mante-monkey-a; downloaded on first use)",
    )  # fmt: skip
    _add_recording(report)
    add(
        "--images", choices=["mnist", "digits"], default=argparse.SUPPRESS,
        help="images of the study digits: MNIST, or the smaller ones of scikit-learn (default:"
        " mnist; downloaded on first use)",
    )  # fmt: skip
    add("--seed", type=_whole(0), default=0, metavar="N", help="seed of all random numbers")
    add(
        "--jobs", type=_whole(1), metavar="N", default=argparse.SUPPRESS,
        help="processes that train networks side by side (default: one per core;"
        " 1 on other devices and with --quick)",
    )  # fmt: skip
    add("--device", default="cpu", choices=["cpu", "cuda", "mps", "auto"], help="where to train")
    add(
        "--quick", action="store_true", default=argparse.SUPPRESS,
        help="a look in seconds: fewer networks and passes, smaller images, not converged",
    )  # fmt: skip
    _add_sweep(commands)
    _cli_datasets.add_parsers(commands)
    _cli_inspect.add_parsers(commands)
    return parser


def _add_recording(report) -> None:
    group = report.add_argument_group(
        "the recording's file", "what of it to compare with; see docs/recordings.md"
    )

    def add(name, metavar, help, **kwargs):
        group.add_argument(name, metavar=metavar, help=help, default=argparse.SUPPRESS, **kwargs)

    add("--task", "COLUMN", "column of the task, with two values")
    add(
        "--factors", "COLUMN,COLUMN", "the two numeric factors, first the one relevant in the first"
        " task", type=_list_of(str),
    )  # fmt: skip
    add("--trials", "QUERY", "trials to keep, such as 'correct == 1'")
    add("--align", "EVENT", "event of an NWB file at which time is 0 (default: start_time)")
    add("--window", "MS,MS", "time that each trial is averaged over", type=_list_of(float))
    add("--bin", "MS", "width of the bins in the window", type=float)
    add(
        "--read", "NAME=VALUE", "argument of the reader, such as units='cell_*'; may be repeated",
        type=_assignment, action="append",
    )  # fmt: skip


def _list_of(kind):
    def convert(text: str) -> tuple:
        try:
            values = tuple(kind(part) for part in text.split(","))
        except ValueError:
            values = ()
        if len(values) != 2:
            raise argparse.ArgumentTypeError(f"expected two, separated by a comma, got {text!r}")
        return values

    return convert


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    try:
        return name, json.loads(value)  # numbers, true and false
    except ValueError:
        return name, value.split(",") if "," in value else value


def _add_sweep(commands) -> None:
    sweep = commands.add_parser(
        "sweep",
        help="train and measure the networks that a file describes",
        description=(
            "Train the networks that a TOML file describes (task, estimator, grid, seeds), measure"
            " them, and write tables and weights to a folder. A run that was interrupted goes on"
            " with the same command."
        ),
    )
    add = sweep.add_argument
    add("config", nargs="?", metavar="CONFIG.toml", help="what to train; see docs/sweep.md")
    add("--output", metavar="FOLDER", help="folder to write to (default: the file's name)")
    add(
        "--n-jobs", type=_whole(1), metavar="N",
        help="processes that train networks side by side (default: one per core; 1 on other"
        " devices)",
    )  # fmt: skip
    add("--dry-run", action="store_true", help="check the file and say what would be done")
    add("--schema", action="store_true", help="print the file's JSON Schema, for editors")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str or None, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    status : int
        0; 2 after an error, 130 after Ctrl-C, each with one line on stderr.
    """
    try:
        arguments = make_parser().parse_args(_joined(sys.argv[1:] if argv is None else argv))
    except SystemExit as exit:
        return int(exit.code or 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _show_warning
            COMMANDS[arguments.command](arguments)
    except (ImportError, OSError, ValueError) as error:
        _say(f"error: {_one_line(error)}")
        return EXIT_ERROR
    except KeyboardInterrupt:
        _say(f"interrupted, {LEFT[arguments.command]}")
        return EXIT_INTERRUPTED
    return 0


def _joined(argv: Sequence[str]) -> list[str]:
    """Join --window and a value that begins with a minus, which argparse takes for an option."""
    parts: list[str] = []
    for part in argv:
        if parts and parts[-1] == "--window" and re.match(r"-[\d.]", part):
            parts[-1] += f"={part}"
        else:
            parts.append(part)
    return parts


def _report(arguments: argparse.Namespace) -> None:
    from joblib import cpu_count

    from neuroselect.report import write_report

    options = vars(arguments)
    quick = options.get("quick", False)
    # Starting processes takes longer than a quick look, and an accelerator has no use for them.
    jobs = options.get("jobs", 1 if quick or arguments.device != "cpu" else cpu_count())
    started = time.perf_counter()
    path = write_report(
        arguments.study,
        out=arguments.out,
        recording=options.get("recording"),
        **{name: options[name] for name in RECORDING if name in options},
        read=dict(options["read"]) if "read" in options else None,
        images=options.get("images"),
        n_networks=options.get("n_networks"),
        max_iter=options.get("max_iter"),
        seed=arguments.seed,
        n_jobs=jobs,
        device=arguments.device,
        quick=quick,
        progress=sys.stderr.isatty(),  # in a log file a moving bar is a flood
        on_stage=_say,
    )
    _say(f"done in {time.perf_counter() - started:.0f} s")
    print(path)


def _sweep(arguments: argparse.Namespace) -> None:
    from pathlib import Path

    from neuroselect.studies import plan_sweep, run_sweep, sweep_schema
    from neuroselect.studies._sweep_run import open_folder

    if arguments.schema:
        print(json.dumps(sweep_schema(), indent=2))
        return
    if arguments.config is None:
        raise ValueError("sweep needs a configuration file (see neuroselect sweep --help)")
    started = time.perf_counter()
    plan = plan_sweep(arguments.config)
    folder = Path(arguments.output or Path(arguments.config).stem)
    size = f"{len(plan.estimators)} networks ({plan.n_settings} settings x {plan.n_seeds} seeds)"
    if arguments.dry_run:
        open_folder(plan, folder)
        print(f"{size} on {len(plan.trials.y)} trials; would write to {folder}")
        print("\n".join(f"  {name}" for name in plan.files))
        return
    jobs = arguments.n_jobs or _default_jobs(plan.estimators[0].device)
    progress = sys.stderr.isatty()
    sweep = run_sweep(plan, folder, n_jobs=jobs, verbose=progress, on_stage=_say)
    print(f"{size} in {time.perf_counter() - started:.0f} s, written to {folder}")
    tables = {"networks": sweep.networks, **sweep.tables}
    for name in plan.files:
        stem = name.split(".")[0]
        print(f"  {name}" + (f" ({len(tables[stem])} rows)" if stem in tables else ""))


def _default_jobs(device: str) -> int:
    from joblib import cpu_count

    return cpu_count() if device == "cpu" else 1


COMMANDS = {"report": _report, "sweep": _sweep, **_cli_datasets.COMMANDS, **_cli_inspect.COMMANDS}
LEFT = {
    "report": "no report written",
    "sweep": "finished networks are kept: the same command goes on",
    **_cli_datasets.LEFT,
    **_cli_inspect.LEFT,
}


def _say(text: str) -> None:
    print(f"neuroselect: {text}", file=sys.stderr, flush=True)


def _show_warning(message, *_args, **_kwargs) -> None:
    _say(f"warning: {_one_line(message)}")


def _one_line(message: object) -> str:
    return " ".join(str(message).split())
