"""Sections on digit tasks: whom the units serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neuroselect.displays import SelectivityDisplay
from neuroselect.report._content import Column, Figure, Section, Table
from neuroselect.report._digit_words import (
    CONDITION,
    OVER,
    conditions_of,
    mean_column,
    n_networks,
    slug,
    summarize_kinds,
    task_names,
    told_kinds,
)
from neuroselect.report._histograms import histogram_cells, histogram_columns
from neuroselect.report._sections_units import METHOD_NAMES
from neuroselect.report._words import summarize
from neuroselect.studies import DigitsResult

if TYPE_CHECKING:
    import pandas as pd

CUTOFF = 0.9
HISTOGRAMS = ("interleaved", "sequential", "EWC")

# prefix of the columns: (name of the table, caption)
KINDS = {
    "units": ("unit-classes", "Units of the dense hidden layer, by exact lesions."),
    "active": ("active-units", "The same units, by their mean activity in each task."),
    "channels": ("channel-classes", "Channels of the last convolutional layer, by exact lesions."),
}


def importance_section(result: DigitsResult) -> Section:
    """Histograms of relative importance for each pair of tasks, exact with Taylor beside."""
    frame = result.measures
    shown = [c for c in conditions_of(frame) if c in HISTOGRAMS]
    histograms = {
        (method, pair, condition): SelectivityDisplay.from_arrays(
            values[(frame["condition"] == condition).to_numpy()][..., k], task_pair=pair
        )
        for method, values in result.importance.items()
        for k, pair in enumerate(result.task_pairs)
        for condition in conditions_of(frame)
    }
    ymax = 1.2 * max(h.shares.max() for (_, _, c), h in histograms.items() if c in shown)
    n_units = result.importance["lesion"].shape[1]
    text = [
        f"Each of the {n_units} hidden units is removed in turn, and the loss of every test trial"
        " compared with that of the intact network. A unit's importance for a task is the mean"
        " squared change, and 0 below a tenth of the layer's mean; its relative importance for"
        " two tasks is the difference over the sum: 1 or −1 for units that matter to one of them"
        " only. Units that matter to neither are counted beside the histogram; the bars and they"
        " make up all units.",
        "The outlines are the Taylor estimate, mean (h ∂ℓ/∂h)². It carries the squared residual of"
        " the task as a factor: a task that was forgotten has large residuals, and the"
        " estimate leans towards it whatever the units do. Where the two differ, trust the exact"
        " lesion. It, too, is of the network as it is: units that a forgotten task once needed"
        " count for what they do to its answers now.",
        f"By exact lesions, {told_kinds(one_sided(result), 'one_only', '.0%')} of the units matter"
        f" to one task of a pair only (relative importance beyond ±{CUTOFF:g}), as a mean over the"
        f" {len(result.task_pairs)} pairs.",
    ]
    figures = [
        Figure(
            display=histograms["lesion", pair, condition],
            name=f"importance-{slug(condition)}-{pair[0]}-{pair[1]}",
            title=f"{pair[0]}, {pair[1]}: {condition}",
            alt=f"Relative importance of units for {pair[0]} and {pair[1]}, training: {condition}.",
            caption=(
                f"{histograms['lesion', pair, condition].n_units} units of {n_networks(result)}."
                " Bars: exact lesion; outline: Taylor estimate."
            ),
            size=(4.6, 2.9),
            options={"ymax": ymax, "beside": histograms["taylor", pair, condition]},
        )
        for pair in result.task_pairs
        for condition in shown
    ]
    return Section(
        "importance",
        "Which task needs which unit",
        text,
        figures=figures,
        tables=[_pair_table(result), _histogram_table(histograms)],
        figures_in_row=len(shown),
    )


def pair_shares(result: DigitsResult) -> pd.DataFrame:
    """Shares of each network's units for each pair of tasks, by exact lesions.

    One row per pair and network: `first_only`, `second_only`, `one_only` (their sum), `both` and
    `neither`.
    """
    import pandas as pd

    tables = []
    for k, (first, second) in enumerate(result.task_pairs):
        values = result.importance["lesion"][..., k]
        shares = {
            "first_only": (values > CUTOFF).mean(axis=1),
            "second_only": (values < -CUTOFF).mean(axis=1),
            "both": (abs(values) <= CUTOFF).mean(axis=1),
            "neither": np.isnan(values).mean(axis=1),
        }
        table = pd.DataFrame({"first": first, "second": second, **shares})
        table["one_only"] = table["first_only"] + table["second_only"]
        tables.append(result.measures[["condition", "network"]].join(table))
    return pd.concat(tables, ignore_index=True)


def one_sided(result: DigitsResult) -> pd.DataFrame:
    """Share of units that matter to one task of a pair only, mean over pairs, by training."""
    shares = pair_shares(result).groupby(["condition", "network"], sort=False)["one_only"].mean()
    return summarize_kinds(shares.reset_index(), ["one_only"])


def _pair_table(result):
    columns = ["first_only", "second_only", "both", "neither"]
    summary = summarize(pair_shares(result), columns, ["first", "second", "condition"], sort=False)
    return Table(
        "pair-selectivity",
        "Share of the units that matter to the first task only (relative importance above"
        f" {CUTOFF:g}), to the second only (below −{CUTOFF:g}), to both, or to neither, by exact"
        f" lesions. {OVER}.",
        [
            Column("first task", "first"),
            Column("second task", "second"),
            CONDITION,
            *(mean_column(c.replace("_", " "), c, ".3f") for c in columns),
        ],
        summary,
    )


def _histogram_table(histograms):
    import pandas as pd

    rows = []
    for (method, pair, condition), histogram in histograms.items():
        row = {"method": METHOD_NAMES[method], "tasks": f"{pair[0]}, {pair[1]}"}
        row |= {"condition": condition, "units": histogram.n_units}
        rows.append(row | histogram_cells(histogram))
    columns = [Column("method", "method"), Column("tasks", "tasks"), CONDITION]
    columns.append(Column("units", "units", "d"))
    columns += histogram_columns(histogram)
    return Table(
        "relative-importance",
        "Share of all units by their relative importance, in ten bins on [−1, 1], for each"
        " method, pair of tasks and kind of training, pooled over networks.",
        columns,
        pd.DataFrame(rows),
        folded=True,
    )


def units_section(result: DigitsResult) -> Section:
    """Units that serve one task, several, or none."""
    names, frame = task_names(result), result.measures
    n_units = result.importance["lesion"].shape[1]
    prefixes = [p for p in KINDS if f"{p}_mixed" in frame]
    classes = ["silent", *names, "specific", "mixed"]
    summary = summarize_kinds(frame, [f"{p}_{c}" for p in prefixes for c in classes])
    headers = {"specific": "one task only", **{name: f"only {name}" for name in names}}
    tables = [
        Table(
            f"{KINDS[prefix][0]}",
            f"{KINDS[prefix][1]} {OVER}.",
            [CONDITION, *(mean_column(headers.get(c, c), f"{prefix}_{c}", ".1f") for c in classes)],
            summary,
        )
        for prefix in prefixes
    ]
    text = [
        "By exact lesions, a unit serves one task only if its relative importance for this task"
        " against each of the others is above 0.9; it is silent if it matters to no task, and"
        " mixed otherwise. By activity, it is of one task only if it is active, on average, in"
        f" this task alone. Of the {n_units} units of a network,"
        f" {told_kinds(summary, 'units_specific', '.1f')} serve one task only by lesions, and"
        f" {told_kinds(summary, 'active_specific', '.1f')} by activity.",
        "Two of the tasks, parity and parity_subset, ask the same of a digit, so that units may"
        " well serve both.",
    ]
    return Section("units", "Units that serve one task, or several", text, tables=tables)
