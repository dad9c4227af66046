"""The record at the end of the page."""

from __future__ import annotations

import platform
from importlib.metadata import version

from neuroselect.report._content import Column, Page, Section, Table
from neuroselect.report._words import duration

PACKAGES = (
    "neuroselect", "numpy", "scipy", "scikit-learn", "torch", "pandas", "matplotlib",
)  # fmt: skip


def record_section(page: Page, result, settings: dict[str, str], command: str) -> Section:
    """Settings, seeds, versions and time: what it takes to run this again."""
    import pandas as pd

    text = [
        "Every network has an integer seed of its own, drawn from the seed below before any"
        " network is trained; the table of networks lists them. The same command on the same"
        " versions gives the same numbers.",
    ]
    versions = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    versions |= {name: version(name) for name in PACKAGES}

    def pairs(name, caption, header, content):
        frame = pd.DataFrame({header: list(content), "value": [_text(v) for v in content.values()]})
        return Table(name, caption, [Column(header, header), Column("value", "value")], frame)

    tables = [
        pairs("settings", "Parameters of the run.", "parameter", settings),
        pairs(
            "network-parameters",
            "Parameters that all networks share.",
            "parameter",
            _shared(result.networks[0], page.varied),
        ),
        pairs("versions", "Versions.", "software", versions),
        _time_table(result),
        page.networks(result),
    ]
    return Section("record", "How to run this again", text, code=command, tables=tables)


def _text(value):
    return ", ".join(value) if isinstance(value, list) else str(value)


def _time_table(result):
    import pandas as pd

    frame = pd.DataFrame(result.seconds.items(), columns=["stage", "seconds"])
    columns = [Column("stage", "stage"), Column("seconds", "seconds", ".1f")]
    caption = f"Time taken: {duration(result.seconds['all'])} in all."
    return Table("time", caption, columns, frame)


def _shared(network, varied):
    return {
        name: f"{value:.6g}" if isinstance(value, float) else value
        for name, value in network.get_params().items()
        if name not in (*varied, "verbose")
    }
