"""The page on two tasks about two features, from rich to lazy initial weights."""

from __future__ import annotations

from neuroselect.report._content import Column, Page, Table
from neuroselect.report._sections_populations import (
    beta_section,
    dimension_section,
    map_section,
    rdm_section,
)
from neuroselect.report._sections_recording import closest_section, recorded_units_section
from neuroselect.report._sections_robustness import robustness_section
from neuroselect.report._sections_tuning import mixed_section, profile_section
from neuroselect.report._sections_units import (
    classes_section,
    importance_section,
    performance_section,
    weight_section,
)
from neuroselect.report._words import change, number, summarize
from neuroselect.studies import StudyResult


def findings(result: StudyResult) -> list[str]:
    """The main numbers, one sentence each."""
    frame = result.measures.join(result.population.betas["three"])
    columns = ["units_specific", "units_mixed", "orthogonal", "grid"]
    summary = summarize(frame, columns)
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
        closest = result.closest
        sentences.append(
            f"{result.recording.name[0].upper()}{result.recording.name[1:]}, by the same measure:"
            f" orthogonal {number(row['orthogonal'], '.2f')}, grid {number(row['grid'], '.2f')}. Of"
            f" the scales trained, {closest.scale:g} comes closest in geometry (95% interval from"
            f" {closest.low:g} to {closest.high:g})."
        )
    return sentences


def networks_table(result: StudyResult) -> Table:
    """All networks, one row each."""
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


def size(result: StudyResult) -> str:
    """Say how many networks made how many passes."""
    passes = result.networks[0].max_iter
    return f"few networks ({len(result.networks)} in all) and few passes ({passes})"


PAGE = Page(
    findings=findings,
    sections=(
        performance_section,
        weight_section,
        classes_section,
        importance_section,
        robustness_section,
        mixed_section,
        profile_section,
        recorded_units_section,
        rdm_section,
        beta_section,
        map_section,
        dimension_section,
        closest_section,
    ),
    networks=networks_table,
    size=size,
    varied=("init_scale", "context_init_scale", "random_state"),
)
