"""The code of docs/geometry.md runs, and says what the page says."""

import re
from pathlib import Path

from neuroselect import geometry

PAGE = (Path(__file__).parent.parent / "docs" / "geometry.md").read_text(encoding="utf-8")


def test_the_code_runs(capsys):
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    for code in blocks:
        exec(compile(code, "docs/geometry.md", "exec"), names)
    assert len(blocks) == 3
    printed = capsys.readouterr().out
    assert "\n104\n" in printed
    ccgp = dict(zip(names["ccgp"].names, names["ccgp"].p_values, strict=True))
    assert max(ccgp["context"], ccgp["value"]) < 0.05 < ccgp["action"]
    assert names["shattering"].p_value < 0.05
    assert callable(names["memory_axes"])


def test_the_functions_exist():
    (table,) = re.findall(r"\| question .*?\n\n", PAGE, flags=re.DOTALL)
    named = set(re.findall(r"`(\w+)`", table))
    assert named <= set(geometry.__all__)
