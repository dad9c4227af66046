"""The code of docs/recordings.md runs, and its options are those of the command."""

import re
from pathlib import Path

import pandas as pd

from neuroselect.cli import main
from neuroselect.datasets import make_recording

PAGE = (Path(__file__).parent.parent / "docs" / "recordings.md").read_text(encoding="utf-8")


def test_the_command_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("neuroselect.report._content.Figure.draw", lambda figure: "data:,")
    session = make_recording(100, 6, factors={"colour": 3, "motion": 3}, random_state=0)
    trials = session.trials[["task", "colour", "motion"]].rename(columns={"task": "context"})
    units = pd.DataFrame(session.data, columns=[f"cell_{k}" for k in range(6)])
    pd.concat([trials, units], axis=1).to_csv("session.csv", index=False)
    (command,) = re.findall(r"```bash\nneuroselect (report .*)\n```", PAGE)
    assert main([*command.split(), "--quick", "--n-networks", "1", "--max-iter", "5"]) == 0
    text = (tmp_path / "neuroselect-report" / "index.html").read_text(encoding="utf-8")
    assert "Which networks are closest" in text


def test_the_code_runs(capsys):
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    for code in blocks:
        exec(compile(code, "docs/recordings.md", "exec"), names)
    assert len(blocks) == 2
    assert "(3, 28)" in capsys.readouterr().out


def test_every_option_is_described(capsys):
    main(["report", "--help"])
    (text,) = re.findall(r"the recording's file:(.*)", capsys.readouterr().out, flags=re.DOTALL)
    options = set(re.findall(r"^  (--[a-z]+)", text, flags=re.MULTILINE))
    assert options | {"--recording"} == set(
        re.findall(r"^\| `(--[a-z]+)", PAGE, flags=re.MULTILINE)
    )
