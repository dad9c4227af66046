"""Sections on learning and on single units."""

from __future__ import annotations

import numpy as np

from neuroselect.displays import LearningCurveDisplay, SelectivityDisplay, SweepDisplay
from neuroselect.report._content import Column, Figure, Section, Table
from neuroselect.report._histograms import histogram_cells, histogram_columns
from neuroselect.report._words import change, scales_shown, summarize
from neuroselect.studies import StudyResult

METHOD_NAMES = {"lesion": "exact lesion", "taylor": "Taylor estimate"}
SCALE = Column("scale", "init_scale", "g")


def performance_section(result: StudyResult) -> Section:
    """Accuracy by sign, R², and convergence."""
    names, frame = result.trials.task_names, result.measures
    accuracies = [f"accuracy_{name}" for name in names]
    scores = [f"r2_{name}" for name in names]
    summary = summarize(frame, [*accuracies, *scores, "last_loss", "convergence_pass"])
    groups = frame.groupby("init_scale")
    summary["networks"] = groups.size().to_numpy()
    summary["converged"] = groups["convergence_pass"].count().to_numpy()
    n_perfect = int((frame[accuracies] == 1).all(axis=1).sum())
    n_converged = int(frame["convergence_pass"].notna().sum())
    columns = [
        SCALE,
        Column("networks", "networks", "d"),
        *(_mean(f"accuracy {n}", f"accuracy_{n}", ".3f") for n in names),
        *(_mean(f"R² {n}", f"r2_{n}", ".4f") for n in names),
        _mean("last loss", "last_loss", ".3g"),
        Column("reached 5%", "converged", "d"),
        _mean("pass of 5%", "convergence_pass", ".0f"),
    ]
    text = [
        f"{n_perfect} of {len(frame)} networks give an answer of the right sign in every condition"
        " of both tasks. Conditions whose target is 0 have no sign and are left out.",
        f"The loss of {n_converged} of {len(frame)} networks fell below 5% of its value in the"
        f" first pass.{_speed(summary)} Training runs near the largest stable step, so that the"
        " loss may rise in between.",
    ]
    curves = Figure(
        display=LearningCurveDisplay.from_estimators(
            result.networks, frame["init_scale"], ylabel="loss (½ Σ squared error)"
        ),
        name="learning",
        title="Learning curves",
        alt="Loss against pass over the trials, on logarithmic axes, one colour per scale.",
        caption=(
            "Summed loss over the conditions before the update of each pass. Strong lines: median"
            f" over the {_n(frame)} of a scale; faint: single networks."
        ),
        size=(4.4, 3.3),
    )
    figures = [curves, _convergence_figure(frame)] if n_converged else [curves]
    table = Table(
        "performance",
        "Accuracy (share of conditions with the right sign), R², loss in the last pass, number of"
        " networks whose loss fell below 5% of its first value, and the first pass at which it"
        " did. Mean ± half the 95% t interval over networks.",
        columns,
        summary,
    )
    return Section("accuracy", "Accuracy and convergence", text, figures=figures, tables=[table])


def _convergence_figure(frame):
    return Figure(
        display=SweepDisplay.from_frame(
            frame,
            ["convergence_pass"],
            ylabel="pass over the trials",
            xlabel=XLABEL,
        ),
        name="convergence",
        title="Pass at which the loss first fell below 5%",
        alt="First pass at which the loss was below 5% of that of the first pass, by scale.",
        caption=(
            f"Of the loss in the first pass. Networks that never got there are left out. {POINTS}"
        ),
        size=(4.4, 3.3),
        options={"yscale": "log"},
    )


def _speed(summary):
    if summary["convergence_pass"].iloc[[0, -1]].isna().any():
        return ""
    return f" The pass at which it first did {change(summary, 'convergence_pass', '.0f')}."


def weight_section(result: StudyResult) -> Section:
    """Relative norm change and relative distance."""
    frame, layers = result.measures, ("stimulus", "context", "output")
    names = [f"{m}_{layer}" for layer in layers for m in ("norm_change", "distance")]
    summary = summarize(frame, names)
    text = [
        "In the rich regime training moves the weights far from where they started, in the lazy"
        " regime hardly. The distance that the stimulus weights travelled, relative to"
        f" their initial norm, {change(summary, 'distance_stimulus', '.3g')}.",
        "The published measure is the change of the norm, (‖W_end‖ − ‖W_0‖) / ‖W_0‖. It cannot see"
        " weights that turn at constant length, so the distance ‖W_end − W_0‖ / ‖W_0‖ stands"
        " beside it; it is never the smaller one.",
    ]
    common = {"ylabel": "relative to the initial norm", "xlabel": XLABEL}
    figures = [
        Figure(
            display=SweepDisplay.from_frame(
                frame,
                {"distance": "distance_stimulus", "norm change": "norm_change_stimulus"},
                **common,
            ),
            name="weight-change",
            title="Stimulus weights, two measures",
            alt="Relative distance and relative norm change of the stimulus weights by scale.",
            caption=f"{POINTS} The vertical axis is logarithmic, but linear between ±0.01.",
            size=(4.4, 3.3),
            options={"yscale": "symlog"},
        ),
        Figure(
            display=SweepDisplay.from_frame(frame, {n: f"distance_{n}" for n in layers}, **common),
            name="weight-distance",
            title="Distance travelled, all weights",
            alt="Relative distance of stimulus, context and output weights by scale.",
            caption=f"‖W_end − W_0‖ / ‖W_0‖ of each set of weights. {POINTS}",
            size=(4.4, 3.3),
            options={"yscale": "log"},
        ),
    ]
    columns = [SCALE]
    for layer in layers:
        columns.append(_mean(f"norm change, {layer}", f"norm_change_{layer}", ".3g"))
        columns.append(_mean(f"distance, {layer}", f"distance_{layer}", ".3g"))
    caption = "Both measures for all weights. Mean ± half the 95% t interval over networks."
    table = Table("weight-change", caption, columns, summary)
    return Section(
        "weights", "How far training moved the weights", text, figures=figures, tables=[table]
    )


def classes_section(result: StudyResult) -> Section:
    """Silent, task-specific and mixed units."""
    frame, names = result.measures, result.trials.task_names
    n_units = result.importance["lesion"].shape[1]
    columns = [*(f"units_{name}" for name in names), "units_specific", "units_mixed"]
    summary = summarize(frame, [*columns, "units_silent"])
    text = [
        "A hidden unit is silent if its mean activity is 0 in both tasks, task-specific if it is"
        " positive in exactly one, and mixed if it is positive in both.",
        f"The number of task-specific units, of {n_units},"
        f" {change(summary, 'units_specific', '.1f')}. The number of mixed units"
        f" {change(summary, 'units_mixed', '.1f')}.",
    ]
    if result.recording is not None:
        text.append(
            f"The rule has a meaning only for units that can be exactly silent. What it says of"
            f" {result.recording.name} is in a section of its own, on recorded units."
        )
    common = {"ylabel": f"hidden units (of {n_units})", "xlabel": XLABEL}
    shown = {"task-specific": "units_specific", "mixed": "units_mixed", "silent": "units_silent"}
    figures = [
        Figure(
            display=SweepDisplay.from_frame(frame, shown, **common),
            name="unit-classes",
            title="Task-specific, mixed and silent units",
            alt="Number of task-specific, mixed and silent hidden units by scale.",
            caption=f"Classes from the mean activity of each unit in each task. {POINTS}",
            size=(4.4, 3.3),
            options={"ylim": (0, n_units)},
        ),
        Figure(
            display=SweepDisplay.from_frame(
                frame, {f"task {n}": f"units_{n}" for n in names}, **common
            ),
            name="unit-tasks",
            title="Task-specific units by task",
            alt="Number of hidden units specific to each of the tasks, by scale.",
            caption=f"The task-specific units, split by the task they are active in. {POINTS}",
            size=(4.4, 3.3),
        ),
    ]
    headers = {"units_silent": "silent", "units_specific": "task-specific", "units_mixed": "mixed"}
    headers |= {f"units_{name}": f"only task {name}" for name in names}
    order = ["units_silent", *columns]
    table = Table(
        "unit-classes",
        f"Hidden units of each class, of {n_units}. Mean ± half the 95% t interval over networks.",
        [SCALE, *(_mean(headers[key], key, ".1f") for key in order)],
        summary,
    )
    return Section(
        "classes", "Task-specific and mixed units", text, figures=figures, tables=[table]
    )


def importance_section(result: StudyResult) -> Section:
    """Histograms of relative importance, exact and Taylor."""
    scales, shown = (
        np.unique(result.measures["init_scale"]),
        scales_shown(result.measures["init_scale"]),
    )
    histograms = {
        (method, pair, scale): SelectivityDisplay.from_arrays(
            values[result.measures["init_scale"] == scale][..., k], task_pair=pair
        )
        for method, values in result.importance.items()
        for k, pair in enumerate(result.task_pairs)
        for scale in scales
    }
    first, last = (histograms["lesion", result.task_pairs[0], s] for s in scales[[0, -1]])
    text = [
        "How much does a task's loss change when one hidden unit is silenced? The importance I(A)"
        " is the mean over the trials of task A of the squared change; values below a tenth of the"
        " layer's mean are set to 0. The relative importance of a unit for a pair of tasks is"
        " (I(A) − I(B)) / (I(A) + I(B)): 1 if it matters to A only, −1 if to B only.",
        f"By exact lesions, {first.nan_share:.0%} of the units are important to neither task at"
        f" scale {scales[0]:g}, and {last.nan_share:.0%} at scale {scales[-1]:g}. Of all units,"
        f" {_extreme(first):.0%} and {_extreme(last):.0%} lie in the two outermost bins, and so"
        " matter (almost) to one task only.",
        "The Taylor estimate, mean (h ∂ℓ/∂h)², is cheap but carries the squared residual of"
        " the task as a factor: in a trained network it depends on which task happens to be"
        " fitted better. Where the two rows differ, trust the exact lesion.",
    ]
    ymax = 1.25 * max(h.shares.max() for (m, p, s), h in histograms.items() if s in shown)
    figures = [
        Figure(
            display=histograms[method, pair, scale],
            name=f"importance-{method}-{scale:g}-{pair[0]}-{pair[1]}",
            title=f"{METHOD_NAMES[method].capitalize()}, scale {scale:g}",
            alt=f"Histogram of relative importance at scale {scale:g} by {METHOD_NAMES[method]}.",
            caption=(
                f"Tasks {pair[0]} and {pair[1]}; {histograms[method, pair, scale].n_units} units of"
                f" {_n(result.measures)}."
            ),
            size=(4.0, 2.9),
            options={"ymax": ymax, "color": color},
        )
        for pair in result.task_pairs
        for method, color in zip(METHOD_NAMES, ("#0072B2", "#8A3F94"), strict=True)
        for scale in shown
    ]
    table = _histogram_table(histograms)
    return Section(
        "importance",
        "Which task needs which unit",
        text,
        figures=figures,
        tables=[table],
        figures_in_row=len(shown),
    )


def _histogram_table(histograms):
    import pandas as pd

    rows = []
    for (method, pair, scale), histogram in histograms.items():
        row = {"method": METHOD_NAMES[method], "tasks": f"{pair[0]}, {pair[1]}"}
        row |= {"init_scale": scale, "units": histogram.n_units}
        rows.append(row | histogram_cells(histogram))
    columns = [
        Column("method", "method"),
        Column("tasks", "tasks"),
        SCALE,
        Column("units", "units", "d"),
        *histogram_columns(histogram),
    ]
    return Table(
        "relative-importance",
        "Share of all units by their relative importance, in ten bins on [−1, 1], for each"
        " method and scale, pooled over networks.",
        columns,
        pd.DataFrame(rows),
        folded=True,
    )


def _extreme(histogram):
    return histogram.shares[0] + histogram.shares[-1]


XLABEL = "scale (standard deviation of initial weights)"
POINTS = "Faint points: networks; line and bars: mean and 95% t interval."


def _mean(header, key, spec):
    return Column(header, key, spec, f"{key}_ci95")


def _n(frame):
    count = int(frame.groupby("init_scale").size().iloc[0])
    return f"{count} network{'s' if count > 1 else ''}"
