"""The summary at the top of the page, and the record at its end."""

from __future__ import annotations

import platform
from importlib.metadata import version

import numpy as np

from neuroselect.report._content import Column, Section, Table
from neuroselect.report._words import change, duration, number, summarize
from neuroselect.studies import StudyResult

PACKAGES = (
    "neuroselect", "numpy", "scipy", "scikit-learn", "torch", "pandas", "matplotlib",
)  # fmt: skip


def findings(result: StudyResult) -> list[str]:
    """The main numbers, one sentence each."""
    frame = result.measures.join(result.population.betas["three"])
    columns = ["units_specific", "units_mixed", "orthogonal", "grid"]
    summary = summarize(frame, [*columns, "distance_stimulus"])
    n_units = result.importance["lesion"].shape[1]
    sentences = [
        f"Task-specific hidden units: their number (of {n_units})"
        f" {change(summary, 'units_specific', '.1f')}.",
        f"Mixed hidden units: their number {change(summary, 'units_mixed', '.1f')}.",
        f"Orthogonal geometry: its beta {change(summary, 'orthogonal', '.2f')}.",
        f"Grid geometry: its beta {change(summary, 'grid', '.2f')}.",
    ]
    if result.recorded is not None:
        row = result.recorded.betas["three"].iloc[0]
        nearest = summary["init_scale"][
            int(
                np.hypot(
                    summary["orthogonal"] - row["orthogonal"], summary["grid"] - row["grid"]
                ).argmin()
            )
        ]
        sentences.append(
            f"{result.recording.name[0].upper()}{result.recording.name[1:]}, by the same measure:"
            f" orthogonal {number(row['orthogonal'], '.2f')}, grid"
            f" {number(row['grid'], '.2f')}. Of the scales trained,"
            f" {nearest:g} comes nearest in these two numbers."
        )
    return sentences


def record_section(result: StudyResult, settings: dict[str, str], command: str) -> Section:
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
        frame = pd.DataFrame({header: list(content), "value": [str(v) for v in content.values()]})
        return Table(name, caption, [Column(header, header), Column("value", "value")], frame)

    tables = [
        pairs("settings", "Parameters of the run.", "parameter", settings),
        pairs(
            "network-parameters",
            "Parameters that all networks share.",
            "parameter",
            _shared(result),
        ),
        pairs("versions", "Versions.", "software", versions),
        _time_table(result),
        _networks_table(result),
    ]
    return Section("record", "How to run this again", text, code=command, tables=tables)


def _time_table(result):
    import pandas as pd

    frame = pd.DataFrame(result.seconds.items(), columns=["stage", "seconds"])
    columns = [Column("stage", "stage"), Column("seconds", "seconds", ".1f")]
    caption = f"Time taken: {duration(result.seconds['all'])} in all."
    return Table("time", caption, columns, frame)


def _shared(result):
    own = ("init_scale", "context_init_scale", "random_state", "verbose")
    parameters = result.networks[0].get_params()
    return {
        name: f"{value:.6g}" if isinstance(value, float) else value
        for name, value in parameters.items()
        if name not in own
    }


def _networks_table(result):
    frame, names = result.measures, result.trials.task_names
    columns = [
        Column("scale", "init_scale", "g"),
        Column("context scale", "context_init_scale", "g"),
        Column("network", "network", "d"),
        Column("seed", "random_state", "d"),
        *(Column(f"accuracy {n}", f"accuracy_{n}", ".3f") for n in names),
        *(Column(f"R² {n}", f"r2_{n}", ".4f") for n in names),
        Column("first loss", "first_loss", ".3f"),
        Column("last loss", "last_loss", ".3g"),
        Column("pass of 5%", "convergence_pass", ".0f"),
    ]
    for layer in ("stimulus", "context", "output"):
        columns.append(Column(f"norm change, {layer}", f"norm_change_{layer}", ".3g"))
        columns.append(Column(f"distance, {layer}", f"distance_{layer}", ".3g"))
    columns += [
        Column("silent", "units_silent", "d"),
        *(Column(f"only task {n}", f"units_{n}", "d") for n in names),
        Column("mixed", "units_mixed", "d"),
        Column("participation ratio", "participation_ratio", ".2f"),
    ]
    return Table("networks", "All networks, one row each.", columns, frame, folded=True)
