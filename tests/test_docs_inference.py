"""The code of docs/inference.md runs and finds what was simulated."""

import re
from pathlib import Path

import neuroselect.alignment as alignment

PAGE = (Path(__file__).parent.parent / "docs" / "inference.md").read_text(encoding="utf-8")


def test_the_code_runs(capsys):
    names = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(code, "docs/inference.md", "exec"), names)
    table = names["result"].table
    assert table.loc["category", "p_permutation"] < 0.05 < table.loc["size", "p_permutation"]
    assert table.loc["category", "p_vs_size"] < 0.05
    assert names["betas"].shape == (2, 100, 2)
    assert names["test"].p_value < 0.05


def test_measures_in_the_table_exist():
    (rows,) = re.findall(r"\| measure \|.*?\n\n", PAGE, flags=re.DOTALL)
    named = {name for name in re.findall(r"`(\w+)", rows) if "=" not in name}
    named -= {"variance_kept", "comparison"}
    assert named <= set(alignment.__all__)
    assert len(named) >= 6
