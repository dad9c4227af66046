"""The command: exit statuses, one-line errors, light imports."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from neuroselect import __version__
from neuroselect.cli import main


def one_error(capsys):
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("neuroselect: error: ")
    return err


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=120, **options
    )


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"neuroselect {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["report", "--help"], ["sweep", "--help"]])
def test_help(arguments, capsys):
    assert main(arguments) == 0
    (command,) = {"report", "sweep"} & set(arguments) or {"COMMAND"}
    assert f"neuroselect {command}" in capsys.readouterr().out.replace("[-h] [--version] ", "")


def test_python_m_neuroselect():
    done = run("-m", "neuroselect", "--version")
    assert (done.returncode, done.stdout) == (0, f"neuroselect {__version__}\n")


def test_help_is_light():
    code = (
        "import sys; from neuroselect.cli import main;"
        "main(['report', '--help']); main(['sweep', '--help']);"
        "heavy = {'torch', 'pandas', 'matplotlib', 'sklearn', 'numpy'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = run("-c", code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "COMMAND"),
        (["reprot"], "invalid choice: 'reprot'"),
        (["report", "--study", "x"], "Unknown study 'x'. The known studies are: 'rich-lazy',"),
        (["report", "--recording", "x"], "Unknown recording 'x': neither a file nor one of"),
        (["report", "--n-networks", "0"], "argument --n-networks: must be at least 1, got 0"),
        (["report", "--n-networks", "-5"], "--n-networks: must be at least 1, got -5"),
        (["report", "--max-iter", "many"], "--max-iter: expected a whole number, got 'many'"),
        (["report", "--seed", "-1"], "--seed: must be at least 0, got -1"),
        (["report", "--jobs", "0"], "--jobs: must be at least 1, got 0"),
        (["report", "--images", "cats"], "--images: invalid choice: 'cats'"),
        (["report", "--images", "mnist"], "The study 'rich-lazy' takes no images"),
        (["report", "--study", "digits", "--recording", "x"], "'digits' takes no recording, got"),
        (["report", "--study", "arithmetic", "--images", "mnist"], "'arithmetic' takes no images"),
        (["report", "--factors", "colour"], "--factors: expected two, separated by a comma, got"),
        (
            ["report", "--window", "-5,x"],
            "--window: expected two, separated by a comma, got '-5,x'",
        ),
        (["report", "--read", "units"], "--read: expected NAME=VALUE, got 'units'"),
        (["report", "--task", "context"], "task describe a recording in a file"),
        (["report", "--device", "tpu"], "--device: invalid choice: 'tpu'"),
        (["report", "--seed", "4294967296"], "seed must be below 2**32"),
        (["sweep"], "sweep needs a configuration file (see neuroselect sweep --help)"),
        (["sweep", "none.toml"], "There is no configuration file 'none.toml'."),
        (["sweep", "a.toml", "--n-jobs", "0"], "argument --n-jobs: must be at least 1, got 0"),
    ],
)
def test_errors_are_one_line_and_status_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert message in one_error(capsys)


def test_unwritable_folder(capsys, tmp_path):
    (tmp_path / "file").touch()
    assert main(["report", "--out", str(tmp_path / "file" / "report")]) == 2
    assert "file" in one_error(capsys)


def test_malformed_recording(capsys, tmp_path):
    broken = tmp_path / "broken.mat"
    broken.write_bytes(b"\0" * 300)
    assert main(["report", "--out", str(tmp_path), "--recording", str(broken)]) == 2
    assert "broken.mat" in one_error(capsys)


def test_options_of_a_recording(tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr("neuroselect.report.write_report", lambda *a, **k: seen.update(k))
    assert main([
        "report", "--recording", "a.nwb", "--task", "rule", "--factors", "colour,motion", "--align",
        "go", "--window", "-200,500", "--bin", "50", "--trials", "correct == 1", "--read",
        "missing=drop", "--read", "overlap=true", "--read", "axes=trials,units",
    ]) == 0  # fmt: skip
    assert seen["factors"] == ("colour", "motion")
    assert seen["window"] == (-200.0, 500.0)
    assert (seen["task"], seen["align"], seen["bin"]) == ("rule", "go", 50.0)
    assert seen["trials"] == "correct == 1"
    assert seen["read"] == {"missing": "drop", "overlap": True, "axes": ["trials", "units"]}


def test_unavailable_device(capsys, tmp_path):
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    device = next(device for device, available in there.items() if not available)
    arguments = ["report", "--out", str(tmp_path), "--recording", "none", "--device", device]
    assert main([*arguments, "--n-networks", "1", "--max-iter", "2"]) == 2
    assert f"device='{device}' is not available here" in one_error(capsys)


def test_interrupt(capsys, tmp_path, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("neuroselect.report._write.run_study", interrupt)
    assert main(["report", "--out", str(tmp_path), "--recording", "none"]) == 130
    assert capsys.readouterr().err == "neuroselect: interrupted, no report written\n"
    assert not (tmp_path / "index.html").exists()


def test_missing_recording_is_no_error(capsys, tmp_path, monkeypatch):
    def no_network(*args, **kwargs):
        raise OSError("Could not download it.\nGet it and put it there.")

    monkeypatch.setattr("neuroselect.studies._recordings.fetch_mante_monkey_a", no_network)
    monkeypatch.setattr("neuroselect.report._content.Figure.draw", lambda figure: "data:,")
    out = tmp_path / "report"
    tiny = ["--n-networks", "1", "--max-iter", "2", "--jobs", "1"]
    assert main(["report", "--out", str(out), *tiny]) == 0
    printed, err = capsys.readouterr()
    assert printed == f"{out / 'index.html'}\n"
    (warning,) = [line for line in err.splitlines() if "warning" in line]
    assert re.match(r"neuroselect: warning: .*Get it and put it there\..*NEUROSELECT_DATA", warning)
    assert len(err.splitlines()) < 10
    assert "Get it and put it there." in (out / "index.html").read_text(encoding="utf-8")


# -- sweep -----------------------------------------------------------------------------

SWEEP = """
[task]
name = "context_blobs"

[estimator]
name = "MultiTaskMLP"
hidden_layer_sizes = [4]
max_iter = 2

[grid]
init_scale = [0.1, 1.0]

[seeds]
n = 3

[analyses]
units = true
"""


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    """A folder to work in, with a sweep's file."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(SWEEP)
    return tmp_path


def test_sweep(in_folder, capsys):
    assert main(["sweep", "tiny.toml", "--n-jobs", "1"]) == 0
    out, err = capsys.readouterr()
    head, *files = out.splitlines()
    assert re.fullmatch(r"6 networks \(2 settings x 3 seeds\) in \d+ s, written to tiny", head)
    assert files == ["  networks.csv (6 rows)", "  units.csv (24 rows)", "  weights.npz"]
    said = ["Training 6 networks", "Measuring 6 networks"]
    assert err.splitlines() == [f"neuroselect: {line}" for line in said]
    there = {path.name for path in Path("tiny").iterdir()}
    assert there == {"networks.csv", "units.csv", "weights.npz", "config.toml", "sweep.json"}
    assert main(["sweep", "tiny.toml"]) == 0
    assert "Reading 6 networks, trained before" in capsys.readouterr().err


def test_sweep_dry_run_writes_nothing(in_folder, capsys):
    assert main(["sweep", "tiny.toml", "--dry-run", "--output", "elsewhere"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    head, *files = out.splitlines()
    size = "6 networks (2 settings x 3 seeds) on 50 trials"
    assert head == f"{size}; would write to elsewhere"
    assert files == ["  networks.csv", "  units.csv", "  weights.npz"]
    assert [path.name for path in in_folder.iterdir()] == ["tiny.toml"]


def test_sweep_schema(capsys):
    assert main(["sweep", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert "context_blobs" in schema["properties"]["task"]["properties"]["name"]["enum"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[seeds]", "[seeds", "tiny.toml: not valid TOML: "),
        ("[seeds]", "[seed]", "unknown section 'seed'. Did you mean 'seeds'?"),
        ("n = 3", "n = 1.5", "tiny.toml: seeds.n: expected a whole number, got 1.5."),
        ("[0.1, 1.0]", "[0.1, -1.0]", "tiny.toml: grid.init_scale[1]: The 'init_scale' parameter"),
        ("[0.1, 1.0]", "[]", "tiny.toml: grid.init_scale: is empty"),
    ],
)
def test_sweep_errors_are_one_line(in_folder, capsys, old, new, message):
    Path("tiny.toml").write_text(SWEEP.replace(old, new))
    assert main(["sweep", "tiny.toml"]) == 2
    assert message in one_error(capsys)
    assert not Path("tiny").exists()


def test_sweep_into_another_sweep(in_folder, capsys):
    assert main(["sweep", "tiny.toml", "--output", "out"]) == 0
    Path("tiny.toml").write_text(SWEEP.replace("n = 3", "n = 4"))
    capsys.readouterr()
    assert main(["sweep", "tiny.toml", "--output", "out"]) == 2
    assert "output='out' holds another sweep: it differs in [seeds]." in one_error(capsys)
    assert main(["sweep", "tiny.toml", "--output", "out", "--dry-run"]) == 2
    assert "output='out' holds another sweep: it differs in [seeds]." in one_error(capsys)


def test_sweep_needs_an_extra(in_folder, capsys, monkeypatch):
    from neuroselect.studies import _sweep_folder

    monkeypatch.setattr(_sweep_folder.importlib.util, "find_spec", lambda name: None)
    Path("tiny.toml").write_text(SWEEP + "[output]\nformat = 'parquet'\n")
    assert main(["sweep", "tiny.toml"]) == 2
    assert 'pip install "neuroselect[parquet]"' in one_error(capsys)


def test_sweep_interrupted(in_folder, capsys, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("neuroselect.networks._fit_many.train", interrupt)
    assert main(["sweep", "tiny.toml", "--n-jobs", "1"]) == 130
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith("interrupted, finished networks are kept: the same command goes on")
    monkeypatch.undo()
    assert main(["sweep", str(in_folder / "tiny.toml"), "--output", str(in_folder / "tiny")]) == 0
