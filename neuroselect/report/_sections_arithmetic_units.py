"""Sections on the arithmetic tasks: whom the units of each experiment serve."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from neuroselect.displays import SelectivityDisplay, SweepDisplay
from neuroselect.report._arithmetic_words import (
    CONDITION,
    FORM_NAMES,
    MEASURE_NAMES,
    MEASURE_WORDS,
    OVER,
    conditions_of,
    mean_column,
    slug,
)
from neuroselect.report._content import Column, Figure, Section, Table
from neuroselect.report._histograms import histogram_cells, histogram_columns
from neuroselect.report._words import listed, summarize, with_interval
from neuroselect.studies import ArithmeticResult
from neuroselect.studies._arithmetic_measures import ESTIMATORS, EXACT, GROUPS

ESTIMATOR, FORM = Column("estimator", "estimator"), Column("form", "form")
TITLES = {
    "2.1": "Experiment 2.1: dissimilar tasks",
    "2.2": "Experiment 2.2: similar tasks",
    "2.3": "Experiment 2.3: narrow networks",
    "2.4": "Experiment 2.4: late context",
    "2.5": "Experiment 2.5: one task after the other, with replay",
    "2.6": "Experiment 2.6: biased training",
}
NOTES = {
    "2.4": "The cue enters the last hidden layer only: in the layers before it, a unit's activity"
    " is the same in both tasks, and only what later layers make of it differs.",
    "2.5": "The published text changes the order of training alone; the published script also takes"
    " the similar tasks. Both are here.",
    "2.6": "The share is that of the first task among the training trials; at 0.5 this is"
    " experiment 2.2 once more, with other networks and data.",
}
SHOWN_FORMS = ("pruned", "layer")
LIMITS = {"mean_absolute": (0, 1.02), "mean_relative": (-1.02, 1.02)}


def unit_sections() -> tuple[Callable[[ArithmeticResult], Section], ...]:
    """Return what makes the section on each experiment."""
    return tuple(partial(_experiment_section, number) for number in TITLES)


def _experiment_section(number, result):
    conditions = [c for c in conditions_of(result) if c.startswith(number)]
    learned = result.measures.groupby("condition")["learned"].sum()
    some = [c for c in conditions if learned[c]]
    text = [
        "Networks that learned: " + listed(f"{learned[c]} ({c})" for c in conditions) + ".",
        *([NOTES[number]] if number in NOTES else []),
    ]
    if not some:
        return Section(f"experiment-{slug(number)}", TITLES[number], text)
    histograms = _histograms(result, some)
    figures = []
    for condition in some:
        figures += _histogram_figures(histograms, condition)
        figures += [_by_layer(result, condition, f, m) for f in SHOWN_FORMS for m in LIMITS]
    tables = [_measure_table(result, number, some, measure) for measure in MEASURE_NAMES]
    return Section(
        f"experiment-{slug(number)}",
        TITLES[number],
        text,
        figures=figures,
        tables=[*tables, _histogram_table(histograms, number)],
        figures_in_row=4,
    )


def _histograms(result, conditions):
    tasks = result.measures.groupby("condition")[["first_task", "second_task"]].first()
    return {
        key: SelectivityDisplay.from_arrays(values, task_pair=tuple(tasks.loc[key[0]]))
        for key, values in result.units.items()
        if key[0] in conditions
    }


def _by_layer(result, condition, form, measure):
    layers, what = result.layers, MEASURE_WORDS[measure]
    own = layers[(layers["condition"] == condition) & (layers["form"] == form)]
    values = {name: own[measure].where(own["estimator"] == name) for name in ESTIMATORS}
    return Figure(
        display=SweepDisplay(own["layer"], values, xlabel="hidden layer", ylabel=what),
        name=f"{measure.replace('_', '-')}-{slug(condition)}-{form}",
        title=f"{condition}: {what}",
        alt=f"{what} by layer for every estimator, {FORM_NAMES[form]}, {condition}.",
        caption=(
            f"{FORM_NAMES[form].capitalize()}. Faint points: networks; lines and bars: mean and 95%"
            " t interval."
        ),
        size=(4.0, 2.7),
        options={"ylim": LIMITS[measure], "xscale": "linear"},
    )


def _histogram_figures(histograms, condition):
    figures = []
    for form in SHOWN_FORMS:
        own = {k: h for k, h in histograms.items() if (k[0], k[3]) == (condition, form)}
        ymax = 1.05 * max(h.shares.max() for h in own.values())
        for layer in sorted({key[1] for key in own}):
            shown = own[condition, layer, EXACT, form]
            beside = {n: own[condition, layer, n, form] for n in ESTIMATORS if n != EXACT}
            figures.append(
                Figure(
                    display=shown,
                    name=f"histogram-{slug(condition)}-{form}-{layer}",
                    title=f"{condition}: layer {layer}",
                    alt=f"Relative importance in hidden layer {layer}, {condition}, {form}.",
                    caption=f"{FORM_NAMES[form].capitalize()}, {shown.n_units} units.",
                    size=(3.9, 3.2),
                    options={"ymax": ymax, "beside": beside, "label": EXACT},
                )
            )
    return figures


def _measure_table(result, number, conditions, measure):
    import pandas as pd

    keys = ["condition", "estimator", "form"]
    own = result.layers[result.layers["condition"].isin(conditions)]
    wide = own.pivot(index=["network", *keys], columns="layer", values=measure)
    wide = wide.rename(columns=lambda layer: f"layer_{layer}").reset_index()
    columns = [name for name in wide if name.startswith("layer_")]
    table = summarize(wide, columns, keys)
    for key, order in (
        ("condition", conditions), ("estimator", ESTIMATORS), ("form", list(FORM_NAMES)),
    ):  # fmt: skip
        table[key] = pd.Categorical(table[key], order, ordered=True)
    table = table.sort_values(["condition", "form", "estimator"]).astype(dict.fromkeys(keys, str))
    table["form"] = table["form"].map(FORM_NAMES)
    means = [mean_column(name.replace("_", " "), name, ".3f") for name in columns]
    name = MEASURE_NAMES[measure]
    return Table(
        f"{measure.replace('_', '-')}-{slug(number)}",
        f"{name[0].upper()}{name[1:]}, by layer. {OVER}.",
        [CONDITION, FORM, ESTIMATOR, *means],
        table,
    )


def _histogram_table(histograms, number):
    import pandas as pd

    rows = []
    for (condition, layer, estimator, form), histogram in histograms.items():
        row = {"condition": condition, "estimator": estimator, "form": FORM_NAMES[form]}
        row |= {"layer": layer, "units": histogram.n_units}
        rows.append(row | histogram_cells(histogram))
    columns = [CONDITION, Column("layer", "layer", "d"), ESTIMATOR, FORM]
    return Table(
        f"histograms-{slug(number)}",
        "Share of all units by their relative importance, in ten bins on [−1, 1], for each layer"
        " and estimator, pooled over networks.",
        [*columns, Column("units", "units", "d"), *histogram_columns(histogram)],
        pd.DataFrame(rows),
        folded=True,
    )


def lesion_section(result: ArithmeticResult) -> Section | None:
    """The lesion test: units of one task, of the other, or of both removed together."""
    frame = result.lesions
    if not len(frame):
        return None
    keys = ["condition", "estimator", "group"]
    wide = frame[frame["nan"] == "keep"].drop(columns="nan")
    removed = frame[frame["nan"] == "remove"].drop(columns=["nan", "n_units"])
    wide = wide.merge(removed, on=["network", *keys], suffixes=("", "_nan"))
    increases = [f"increase_{task}{end}" for end in ("", "_nan") for task in ("first", "second")]
    table = summarize(wide, ["n_units", *increases], keys, sort=False)
    tasks = result.measures.groupby("condition")[["first_task", "second_task"]].first()
    names = [dict(zip(GROUPS, [*tasks.loc[c], "both"], strict=True)) for c in table["condition"]]
    table["units"] = [name[group] for name, group in zip(names, table["group"], strict=True)]
    columns = [
        CONDITION,
        Column("units by", "estimator"),
        Column("removed: units of", "units"),
        mean_column("number", "n_units", ".1f"),
        mean_column("first task", "increase_first", ".1f"),
        mean_column("second task", "increase_second", ".1f"),
        mean_column("first, and neither", "increase_first_nan", ".1f"),
        mean_column("second, and neither", "increase_second_nan", ".1f"),
    ]
    caption = (
        "Relative increase of the mean absolute test error when a group of units of the last"
        " hidden layer is silenced (0: as before, 1: twice the error); in the last two columns,"
        f" as published, together with all units important to neither task. {OVER}."
    )
    return Section(
        "lesions",
        "Lesion test of the last hidden layer",
        _lesion_text(table),
        tables=[Table("lesion-test", caption, columns, table)],
    )


def _lesion_text(table):
    text = [
        "By their relative importance, pruned, units belong to the first task (above 0.9), to the"
        " second (below −0.9), or to both; each group is silenced as a whole, and the error"
        " compared with that of the intact network. Units important to neither stay as they are,"
        " or are silenced as well, as in the published comparison: units that are each"
        " unimportant need not be harmless together.",
    ]
    condition = table["condition"].iloc[0]
    shown = table[(table["estimator"] == EXACT) & (table["condition"] == condition)]
    for row in shown.itertuples():
        if row.group == "mixed":
            continue
        told = [
            with_interval(getattr(row, name), getattr(row, f"{name}_ci95"), ".1f")
            for name in (
                "increase_first", "increase_second", "increase_first_nan", "increase_second_nan",
            )
        ]  # fmt: skip
        text.append(
            f"In {row.condition}, without the units of {row.units} by the exact lesion, the error"
            f" of the first task grows by {told[0]} times the intact one, that of the second by"
            f" {told[1]}; without those of neither task as well, by {told[2]} and {told[3]}."
        )
    return text
