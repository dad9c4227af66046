"""The example of docs/sweep.md runs as it stands, and its tables are complete."""

import re
from pathlib import Path

import pytest

from neuroselect.cli import main
from neuroselect.studies._sweep_schema import ANALYSES, sweep_schema

PAGE = (Path(__file__).parent.parent / "docs" / "sweep.md").read_text(encoding="utf-8")


def test_the_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (config,) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    Path("rich_lazy.toml").write_text(config, encoding="utf-8")
    first, again = re.findall(r"```bash\nneuroselect (sweep .*)\n```", PAGE)
    assert main(first.split()) == 0
    assert "20 networks (4 settings x 5 seeds)" in capsys.readouterr().out
    for code in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(code, "docs/sweep.md", "exec"), {})
    assert "mixed" in capsys.readouterr().out
    assert main(again.split()) == 0
    files = {path.name: path.read_bytes() for path in Path("rich_lazy").iterdir()}
    assert {name for name in files if name != "sweep.json"} == {
        path.name
        for path in Path("again").iterdir()
        if path.name != "sweep.json" and path.read_bytes() == files[path.name]
    }


@pytest.mark.parametrize("section", sweep_schema()["properties"].keys() - {"title"})
def test_every_section_is_described(section):
    assert f"`[{section}]`" in PAGE


@pytest.mark.parametrize("name", ANALYSES)
def test_every_option_is_described(name):
    (row,) = re.findall(rf"^\| `{name}` \|.*$", PAGE, flags=re.MULTILINE)
    options = row.split("|")[-2]
    assert re.findall(r"`(\w+)`", options) == list(ANALYSES[name])


def test_every_option_of_the_command_is_described(capsys):
    main(["sweep", "--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert options == set(re.findall(r"^\| `(--[a-z-]+)", PAGE, flags=re.MULTILINE))
