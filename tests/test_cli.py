"""The command: exit statuses, one-line errors, light imports."""

import re
import subprocess
import sys

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


@pytest.mark.parametrize("arguments", [["--help"], ["report", "--help"]])
def test_help(arguments, capsys):
    assert main(arguments) == 0
    assert "report" in capsys.readouterr().out


def test_python_m_neuroselect():
    done = run("-m", "neuroselect", "--version")
    assert (done.returncode, done.stdout) == (0, f"neuroselect {__version__}\n")


def test_help_is_light():
    code = (
        "import sys; from neuroselect.cli import main; main(['report', '--help']);"
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
        (["report", "--study", "x"], "Unknown study 'x'. The known studies are: 'rich-lazy'."),
        (["report", "--recording", "x"], "Unknown recording 'x': neither a file nor one of"),
        (["report", "--n-networks", "0"], "argument --n-networks: must be at least 1, got 0"),
        (["report", "--n-networks", "-5"], "--n-networks: must be at least 1, got -5"),
        (["report", "--max-iter", "many"], "--max-iter: expected a whole number, got 'many'"),
        (["report", "--seed", "-1"], "--seed: must be at least 0, got -1"),
        (["report", "--jobs", "0"], "--jobs: must be at least 1, got 0"),
        (["report", "--device", "tpu"], "--device: invalid choice: 'tpu'"),
        (["report", "--seed", "4294967296"], "seed must be below 2**32"),
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
