"""The code of docs/rdms.md runs and finds what was simulated; its tables are complete."""

import re
from pathlib import Path

from neuroselect.rsa._compare import METHODS
from neuroselect.rsa._metrics import METRICS

PAGE = (Path(__file__).parent.parent / "docs" / "rdms.md").read_text(encoding="utf-8")


def test_the_code_runs():
    names = {}
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(compile(code, "docs/rdms.md", "exec"), names)
    assert names["rdms"].shape == (12, 28)
    category, size = names["regression"].unique_variance_.mean(axis=0)
    assert category > 0.5 > 10 * size


def test_every_metric_and_method_is_described():
    cells = re.findall(r'^\| (`"[^|]*) \|', PAGE, flags=re.MULTILINE)
    described = {name for cell in cells for name in re.findall(r'`"([\w-]+)"`', cell)}
    assert described == {*METRICS, *METHODS}
