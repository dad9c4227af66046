"""Run a study and write the page."""

from __future__ import annotations

import json
import os
import shlex
import time
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from neuroselect.report._content import Page, Section
from neuroselect.report._pages import page_of
from neuroselect.report._sections_record import record_section
from neuroselect.studies import Recording, Study, get_study, load_recording, run_study
from neuroselect.studies._recordings import NAMES
from neuroselect.studies._study import check_takes

OFFLINE = "digits"


class Missing(NamedTuple):
    """What was not at hand, and what to do about it."""

    heading: str
    text: str


def write_report(
    study: str | Study = "rich-lazy",
    *,
    out: str | os.PathLike = "neuroselect-report",
    recording: str | os.PathLike | None = None,
    task: str | None = None,
    factors: Sequence[str] | None = None,
    trials: str | None = None,
    align: str | None = None,
    window: tuple[float, float] | None = None,
    bin: float | None = None,
    read: Mapping[str, Any] | None = None,
    images: str | None = None,
    n_networks: int | None = None,
    max_iter: int | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    device: str = "cpu",
    quick: bool = False,
    progress: bool = False,
    on_stage: Callable[[str], None] = lambda stage: None,
) -> Path:
    """Run a study and write one self-contained HTML page, and its tables as CSV files.

    Parameters
    ----------
    study : str or Study, default="rich-lazy"
        The study, or its name.
    out : path-like, default="neuroselect-report"
        Folder of ``index.html`` and ``tables/*.csv``; made if missing. Files of an earlier
        report are replaced one by one, each at once.
    recording : str, path-like or None, default=None
        See :func:`~neuroselect.studies.load_recording`; None is the study's own. One that is
        not at hand and cannot be downloaded is left out, with a warning and a note on the page.
    task, factors, trials, align, window, bin, read
        What of a file to compare with, see :func:`~neuroselect.studies.load_recording`; `trials`
        is a query on its columns. A file that is no copy of the study's own needs `task` and
        `factors`.
    images : {"mnist", "digits"} or None, default=None
        Images of the study "digits", see :func:`~neuroselect.datasets.make_digit_tasks`; None is
        the study's own. Where MNIST is not at hand and cannot be downloaded, scikit-learn's
        digits take its place, with a warning and a note on the page.
    n_networks, max_iter : int, default=None
        Networks of each kind (at each scale, in each condition) and passes in training (in
        "digits", and in "arithmetic" with replay, over the trials of each task). None: the
        study's own.
    seed : int, default=0
        From it the networks' seeds are drawn.
    n_jobs : int, default=None
        Processes, see :func:`~neuroselect.networks.fit_many`.
    device : {"cpu", "cuda", "mps", "auto"}, default="cpu"
        Where to train.
    quick : bool, default=False
        A quick look with fewer networks and passes, and smaller images (where these are None).
    progress : bool, default=False
        Show a progress bar on stderr.
    on_stage : callable, default does nothing
        Called with a line of text as each stage begins.

    Returns
    -------
    path : pathlib.Path
        The page.

    Raises
    ------
    OSError
        If the folder cannot be written to; checked before anything is computed.
    ValueError
        If the study, the recording or the images are unknown or the study has no use for them, a
        file is malformed, a number is out of range or the device is not there.

    Examples
    --------
    >>> from neuroselect.report import write_report
    >>> write_report(out="report", n_networks=30)  # doctest: +SKIP
    PosixPath('report/index.html')
    """
    from neuroselect.utils._torch import resolve_device

    started = time.perf_counter()
    study = get_study(study) if isinstance(study, str) else study
    page = page_of(study)
    _check_numbers(n_networks, max_iter, seed)
    given = {"n_networks": n_networks, "max_iter": max_iter}
    parts = {"task": task, "factors": factors, "trials": trials, "align": align}
    parts = _given(study, parts | {"window": window, "bin": bin, "read": read})
    options = _chosen(study, given | {"recording": recording, "images": images}, quick)
    out = _writable_folder(out)
    loaded, images, missing = _load(study, options, parts)
    resolve_device(device, "float32" if images is None else str(images.data.dtype))
    result = run_study(
        study, trials=images, recording=loaded, seed=seed, n_jobs=n_jobs, device=device,
        progress=progress, on_stage=on_stage, **{name: options[name] for name in given},
    )  # fmt: skip
    on_stage("Drawing figures")
    sections = [section for make in page.sections if (section := make(result)) is not None]
    figures = [figure for section in sections for figure in section.figures]
    sources = {figure.name: figure.draw() for figure in figures}
    result.seconds["figures"] = time.perf_counter() - started - sum(result.seconds.values())
    result.seconds["all"] = time.perf_counter() - started
    settings = {"study": study.name, "n_networks": None, "max_iter": None, "seed": seed}
    settings |= {name: value for name, value in options.items() if value is not None}
    settings |= {name: _option(value) for name, value in parts.items()} | {"device": device}
    sections.append(record_section(page, result, settings, _command(settings)))
    return _write(
        out, page, result, sections, sources, recording=loaded, quick=quick, missing=missing
    )


def _chosen(study, given, quick):
    """Return the options given, or else the quick look's, or else the study's own."""
    for name in ("recording", "images"):
        check_takes(study, name, given[name])
    own = {name: getattr(study, name) for name in given} | (dict(study.quick) if quick else {})
    chosen = own | {name: value for name, value in given.items() if value is not None}
    return chosen | ({} if study.recording else {"recording": None})


def _check_numbers(n_networks, max_iter, seed):
    for name, value, least in (
        ("n_networks", n_networks, 1),
        ("max_iter", max_iter, 1),
        ("seed", seed, 0),
    ):
        if value is not None and value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}.")
    if seed >= 2**32:
        raise ValueError(f"seed must be below 2**32, got {seed}.")


def _writable_folder(out):
    """Make the folders, and write and remove a file in each, before hours are spent."""
    out = Path(out)
    try:
        for folder in (out, out / "tables"):
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".{uuid.uuid4().hex}.tmp"
            probe.touch()
            probe.unlink()
    except OSError as error:
        raise OSError(
            f"Cannot write to the folder out={str(out)!r}: {error.strerror or error}. Choose one"
            " that can be written to."
        ) from error
    return out


def _given(study, parts):
    """Return the parts of a recording that are asked for."""
    given = {name: value for name, value in parts.items() if value is not None}
    if given and study.recording is None:
        raise ValueError(
            f"The study {study.name!r} takes no recording, got {', '.join(given)}. Leave it out."
        )
    return given


def _option(value):
    """Write an option as the command line takes it."""
    if isinstance(value, Mapping):
        return [f"{name}={_option(part)}" for name, part in value.items()]
    if isinstance(value, (str, bool)) or not isinstance(value, Sequence):
        return json.dumps(value) if isinstance(value, bool) else f"{value}"
    return ",".join(_option(part) for part in value)


def _load(study, options, parts):
    """Return recording, trials and what is missing; `options` then say what is used.

    No trials where each network has its own: the run makes them from its grid.
    """
    loaded = missing = None
    if options["recording"] is not None:
        options["recording"] = str(options["recording"])
        loaded, missing = _load_recording(options["recording"], parts)
    if study.own_trials:
        return loaded, None, missing
    if options["images"] is None:
        return loaded, study.tasks(), missing
    trials, options["images"], missing = _load_images(study, options["images"], missing)
    return loaded, trials, missing


def _load_recording(recording, parts):
    """Return the recording or None, and in the latter case what to do about it."""
    try:
        return load_recording(recording, **parts), None
    except OSError as error:
        if recording not in NAMES:
            raise
        what = f"The recording {recording} is not at hand, and the report is written without it."
        return None, _missing("Without the recording", what, error)


def _load_images(study, images, missing):
    """Return the trials, the images that they show, and whether others were asked for."""
    try:
        return study.tasks(images), images, missing
    except OSError as error:
        what = (
            f"The images {images!r} are not at hand, and the networks were trained on those that"
            " come with scikit-learn (8 x 8 pixels) in their place."
        )
        return study.tasks(OFFLINE), OFFLINE, _missing("Other images", what, error)


def _missing(heading, what, error):
    text = (
        f"{what} {' '.join(str(error).split())} Or set the environment variable NEUROSELECT_DATA to"
        " the data folder that has it."
    )
    warnings.warn(text, stacklevel=5)
    return Missing(heading, text)


def _command(settings):
    options = {"n_networks": "n-networks", "max_iter": "max-iter"}
    parts = []
    for name, value in settings.items():
        for part in value if isinstance(value, list) else [value]:
            text = shlex.quote(str(part))
            # an option that begins with a minus is taken for a value only after "="
            joint = "=" if text.startswith("-") else " "
            parts.append(f"--{options.get(name, name)}{joint}{text}")
    return " ".join(["neuroselect report", *parts])


def _write(
    out: Path,
    page: Page,
    result,
    sections: list[Section],
    sources: dict[str, str],
    *,
    recording: Recording | None,
    quick: bool,
    missing: Missing | None,
) -> Path:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = files("neuroselect.report").joinpath("page.html.jinja").read_text(encoding="utf-8")
    text = environment.from_string(template).render(
        study=result.study,
        recording=recording,
        findings=page.findings(result),
        sections=sections,
        sources=sources,
        quick=quick,
        missing=missing,
        size=page.size(result),
    )
    text = text.replace(" ± ", "\u00a0±\u00a0")  # no line break inside a number
    for section in sections:
        for table in section.tables:
            _replace(out / table.file, table.csv())
    _replace(out / "index.html", text)
    return out / "index.html"


def _replace(path, text):
    """Write beside the file and rename: a reader never sees half of it."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
