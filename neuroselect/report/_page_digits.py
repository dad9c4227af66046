"""The page on four digit tasks, interleaved or one after the other."""

from __future__ import annotations

from neuroselect.report._content import Column, Page, Table
from neuroselect.report._digit_words import summarize_kinds, task_names, told, told_kinds
from neuroselect.report._sections_digit_units import importance_section, one_sided, units_section
from neuroselect.report._sections_digits import accuracy_section, forgetting_section, gains
from neuroselect.studies import DigitsResult

LEADS = {
    "interleaved": "All tasks interleaved",
    "sequential": "One task after the other",
    "EWC": "One after the other with EWC",
    "EWC as published": "One after the other with EWC as published",
}


def findings(result: DigitsResult) -> list[str]:
    """The main numbers, one sentence each."""
    names = task_names(result)
    summary = summarize_kinds(result.measures, [f"accuracy_{name}" for name in names])
    sentences = [
        f"{LEADS[row['condition']]}: accuracy at the end is {told(row, 'accuracy', names)}."
        for row in summary.to_dict("records")
    ]
    gain = gains(result).set_index("condition").loc["EWC"]
    sentences.append(
        "EWC against none, change of the accuracy at the end in networks with the same initial"
        f" weights: {told(gain, 'gain', names, '+.3f')}."
    )
    learned = summarize_kinds(result.measures, [f"learned_{name}" for name in names])
    after = learned.set_index("condition").to_dict("index")
    sentences.append(
        "What was not learned cannot be forgotten: right after its own phase, accuracy on a task is"
        f" {told(after['EWC'], 'learned', names)} with EWC, and"
        f" {told(after['sequential'], 'learned', names)} without."
    )
    sentences.append(
        "Hidden units that matter to one task of a pair only, by exact lesions, as a mean over the"
        f" {len(result.task_pairs)} pairs: {told_kinds(one_sided(result), 'one_only', '.0%')}."
    )
    return sentences


def networks_table(result: DigitsResult) -> Table:
    """All networks at the end of training, one row each."""
    names = task_names(result)
    columns = [
        Column("condition", "condition"),
        Column("network", "network", "d"),
        Column("seed", "random_state", "d"),
        Column("passes", "passes", "d"),
    ]
    for header, measure in (
        ("at the end", "accuracy"),
        ("after its own phase", "learned"),
        ("answers swayed", "swayed"),
    ):
        columns += [Column(f"{header}: {n}", f"{measure}_{n}", ".3f") for n in names]
    for header, prefix in (("units", "units"), ("active units", "active")):
        columns.append(Column(f"{header}: silent", f"{prefix}_silent", "d"))
        columns += [Column(f"{header}: only {n}", f"{prefix}_{n}", "d") for n in names]
        columns.append(Column(f"{header}: mixed", f"{prefix}_mixed", "d"))
    caption = "All networks at the end of training, one row each."
    return Table("networks", caption, columns, result.measures, folded=True)


def size(result: DigitsResult) -> str:
    """Say how many networks made how many passes, on which images."""
    passes = result.measures["passes"].min()
    rows, columns = result.trials.image_shape
    return (
        f"few networks ({len(result.networks)} in all), few passes ({passes} over each task) and"
        f" images of {rows} x {columns} pixels"
    )


PAGE = Page(
    findings=findings,
    sections=(accuracy_section, forgetting_section, importance_section, units_section),
    networks=networks_table,
    size=size,
    varied=("max_iter", "curriculum", "consolidation", "random_state"),
)
