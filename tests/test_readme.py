"""The README's code runs, its names exist, and its commands are the ones that CI runs."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_code_runs(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "importance_0" in printed


@pytest.mark.parametrize("row", re.findall(r"\| `(neuroselect\.\w+)` \| (.*?) \|", README))
def test_table_of_contents_is_true(row):
    package, names = row
    public = set(importlib.import_module(package).__all__)
    listed = set(re.findall(r"`(\w+)`", names))
    assert listed <= public
    helpers = ("neuroselect.curricula", "neuroselect.datasets", "neuroselect.studies")
    assert package in helpers or listed == public


def test_files_named_in_the_readme_exist():
    for path in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        assert (ROOT / path).exists(), path
    for script in re.findall(r"`(\w+\.py)`", README):
        assert (ROOT / "benchmarks" / script).exists(), script


def test_ci_runs_the_test_command():
    (command,) = re.findall(r"^(python .*-m pytest)$", README, flags=re.MULTILINE)
    assert command.count(" && ") == 2
    assert "grep -m 1 -- '-m pytest$' README.md" in (ROOT / ".ci/run").read_text()
