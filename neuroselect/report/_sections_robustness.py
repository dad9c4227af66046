"""Sections on what networks can do without: units removed, noise added."""

from __future__ import annotations

import numpy as np

from neuroselect.displays import LesionCurveDisplay
from neuroselect.report._content import Column, Figure, Section, Table
from neuroselect.report._sections_units import SCALE
from neuroselect.report._words import change, scales_shown, summarize
from neuroselect.selectivity import lesion_curve, noise_curve
from neuroselect.studies import StudyResult

SHARES = np.linspace(0, 1, 11)
NOISE = (0.0, 0.25, 0.5, 1.0, 2.0)
N_REPEATS = 10
BAND = "Line: mean over networks and repeats; band: the middle 90% of them."


def robustness_section(result: StudyResult) -> Section:
    """Accuracy of each task without a share of the units, and with noise on the input."""
    trials, size = result.trials, float(np.sqrt(np.mean(np.square(_stimuli(result)))))
    options = {"scoring": "accuracy", "n_repeats": N_REPEATS, "random_state": 0}
    networks = list(result.networks)
    removed = lesion_curve(networks, trials.data, trials.target, shares=SHARES, **options)
    noise_std = [size * level for level in NOISE]
    noisy = noise_curve(networks, trials.data, trials.target, noise_std=noise_std, **options)
    lesions = _curve_table(result, removed, SHARES, "share")
    noise = _curve_table(result, noisy, NOISE, "noise")
    text = [
        "Hidden units are removed at random, more and more of them: what is left of the accuracy"
        " tells how far the solution is spread over units. Without half of the units, the"
        f" accuracy (mean over tasks) {_at(lesions, 'share', 0.5)}.",
        "Then all units stay, and Gaussian noise is added to each feature of the stimulus, never"
        f" to the task. Its standard deviation is given in units of the stimuli's root mean square"
        f" ({size:.3g}). With noise as strong as that, the accuracy {_at(noise, 'noise', 1.0)}.",
    ]
    names = trials.task_names
    figures = [
        *_figures(result, removed, SHARES, "lesion-curve", "share of units removed"),
        *_figures(result, noisy, NOISE, "noise-curve", "noise (stimuli's root mean square)"),
    ]
    caption = "Accuracy, mean ± half the 95% t interval over networks, of the means over"
    tables = [
        Table(
            "lesion-curve",
            f"{caption} {N_REPEATS} random orders of removal.",
            [SCALE, Column("share removed", "share", ".1f"), *_columns(names)],
            lesions,
            folded=True,
        ),
        Table(
            "noise-curve",
            f"{caption} {N_REPEATS} draws of the noise.",
            [SCALE, Column("noise", "noise", ".2f"), *_columns(names)],
            noise,
            folded=True,
        ),
    ]
    title = "Without units, and with noise"
    shown = len(scales_shown(result.measures["init_scale"]))
    return Section("robustness", title, text, figures=figures, tables=tables, figures_in_row=shown)


def _stimuli(result):
    """Columns of the trials that do not hold the task."""
    column = result.networks[0].task_column
    data = np.asarray(result.trials.data, dtype=np.float64)
    return data if column is None else np.delete(data, column, axis=1)


def _columns(names):
    keys = [*names, "all"]
    return [
        Column(f"accuracy {name}" if name != "all" else "accuracy, mean", f"accuracy_{name}",
               ".3f", f"accuracy_{name}_ci95")
        for name in keys
    ]  # fmt: skip


def _curve_table(result, curve, points, name):
    """One row per scale and point: accuracy of each task, and of all."""
    import pandas as pd

    means = curve.scores.mean(axis=2)  # (n_networks, n_points, n_tasks)
    n_networks, n_points, _ = means.shape
    frame = pd.DataFrame(
        {
            "init_scale": np.repeat(result.measures["init_scale"].to_numpy(), n_points),
            name: np.tile(points, n_networks),
        }
    )
    columns = []
    for k, task in enumerate([*result.trials.task_names, "all"]):
        values = means.mean(axis=2) if task == "all" else means[..., k]
        columns.append(f"accuracy_{task}")
        frame[columns[-1]] = values.ravel()
    return summarize(frame, columns, by=["init_scale", name])


def _at(table, name, point):
    rows = table[np.isclose(table[name], point)]
    return change(rows, "accuracy_all", ".2f")


def _figures(result, curve, points, name, xlabel):
    scales, names = result.measures["init_scale"].to_numpy(), result.trials.task_names
    figures = []
    for scale in scales_shown(scales):
        scores = np.concatenate(curve.scores[scales == scale], axis=1)
        figures.append(
            Figure(
                display=LesionCurveDisplay(points, scores, names, xlabel=xlabel, ylabel="accuracy"),
                name=f"{name}-{scale:g}",
                title=f"Scale {scale:g}",
                alt=f"Accuracy of each task against {xlabel}, at scale {scale:g}.",
                caption=BAND,
                size=(4.0, 3.0),
            )
        )
    return figures
