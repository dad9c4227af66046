"""Sections on what hidden units respond to: mixed selectivity, and task profiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuroselect.displays import MixedSelectivityDisplay, TaskProfileDisplay
from neuroselect.report._content import Column, Figure, Section, Table
from neuroselect.report._sections_units import SCALE
from neuroselect.report._words import change, scales_shown, summarize
from neuroselect.selectivity import (
    MixedSelectivity,
    TaskClusters,
    cluster_lesion_scores,
    task_variance,
)
from neuroselect.studies import StudyResult
from neuroselect.studies._networks import task_labels

N_TRIALS = 4  # of each condition
NOISE = 0.5  # of the stimuli's root mean square
KINDS = ("silent", "untuned", "pure", "linear mixed", "nonlinear mixed")


def mixed_section(result: StudyResult) -> Section:
    """Hidden units by the terms of a linear model that they need."""
    labels, silent = _labels(result)
    table = _shares(result, labels, silent)
    scales = result.measures["init_scale"].to_numpy()
    text = [
        "What do hidden units respond to? A linear model per unit, of the task, both features, each"
        " level with an effect of its own, and their interactions of two; F tests, false discovery"
        " rate of 5% over all units and terms. One main effect makes a unit pure, several linear"
        " mixed, an interaction nonlinear mixed. For the tests there are"
        f" {N_TRIALS} trials of each condition, with noise of {NOISE:g} times the stimuli's root"
        " mean square on the stimulus.",
        f"The share of nonlinear mixed units {change(table, 'nonlinear mixed', '.2f')}. In a"
        " rectified unit every boundary that crosses the stimuli is an interaction: this is"
        " selectivity by response, not by what a task needs.",
    ]
    figures = [
        Figure(
            display=MixedSelectivityDisplay.from_labels(
                labels[scales == scale][~silent[scales == scale]]
            ),
            name=f"mixed-{scale:g}",
            title=f"Scale {scale:g}",
            alt=f"Share of hidden units of each kind of selectivity, at scale {scale:g}.",
            caption=f"Of {int((scales == scale).sum())} networks; silent units are left out.",
            size=(4.2, 2.6),
        )
        for scale in scales_shown(scales)
        if not silent[scales == scale].all()
    ]
    columns = [SCALE, *(Column(kind, kind, ".3f", f"{kind}_ci95") for kind in KINDS)]
    caption = "Share of hidden units of each kind. Mean ± half the 95% t interval over networks."
    return Section(
        "mixed", "What hidden units respond to", text, figures=figures,
        tables=[Table("mixed-selectivity", caption, columns, table)],
        figures_in_row=max(1, len(figures)),
    )  # fmt: skip


def _labels(result):
    """Labels of units (n_networks, n_units), and which are silent in all trials."""
    trials, rng = result.trials, np.random.default_rng(0)
    data = np.tile(np.asarray(trials.data, dtype=np.float64), (N_TRIALS, 1))
    column = result.networks[0].task_column
    kept = np.arange(data.shape[1])
    kept = kept if column is None else np.delete(kept, column)
    size = np.sqrt(np.mean(np.square(data[:, kept])))
    data[:, kept] += NOISE * size * rng.normal(size=(len(data), len(kept)))
    activity = np.stack([network.activations(data) for network in result.networks])
    factors = trials.conditions[[result.study.task, *result.study.features]]
    factors = factors.iloc[np.tile(np.arange(len(factors)), N_TRIALS)]
    labels = MixedSelectivity().fit(activity, factors).unit_labels_
    return labels, ~activity.any(axis=1)


def _shares(result, labels, silent):
    frame = result.measures[["init_scale"]].copy()
    kinds = np.where(np.char.startswith(labels, "pure "), "pure", labels)
    kinds = np.where(silent, "silent", kinds)
    for kind in KINDS:
        frame[kind] = (kinds == kind).mean(axis=1)
    return summarize(frame, KINDS)


def profile_section(result: StudyResult) -> Section:
    """Units of the first network of some scales by task, in clusters that are lesioned."""
    import pandas as pd

    trials, scales = result.trials, result.measures["init_scale"].to_numpy()
    names, figures, rows = trials.task_names, [], []
    for scale in scales_shown(scales):
        network = result.networks[int(np.flatnonzero(scales == scale)[0])]
        variance = _variance(network, result)
        if np.sum(variance.any(axis=1)) < 2:
            continue
        clusters = TaskClusters(random_state=0).fit(variance)
        figures.append(_profile_figure(clusters, names, scale))
        rows += _cluster_rows(clusters, network, trials, names, scale)
    text = [
        "How much does each unit vary over the stimuli of each task (task variance), relative to"
        " the task in which it varies most? Units are clustered by this profile, the number of"
        " clusters by silhouette; one is always found, also where units form a continuum. Then"
        " each cluster is lesioned, and beside it as many units drawn at random from all"
        " clusters: a cluster matters for a task if the score falls further than theirs.",
    ]
    columns = [SCALE, Column("cluster", "cluster", "d"), Column("units", "units", "d")]
    columns += [Column(f"variance {n}", f"variance_{n}", ".2f") for n in names]
    for name in names:
        columns.append(Column(f"R² {name}, lesioned", f"r2_{name}", ".2f"))
        columns.append(Column(f"R² {name}, random units", f"control_{name}", ".2f"))
    caption = (
        "Clusters of the first network of each scale shown: mean normalised task variance, and R²"
        " of each task without the cluster, and without as many random units (mean of 20 draws)."
    )
    frame = pd.DataFrame(rows, columns=[column.key for column in columns])
    return Section(
        "profiles", "Which tasks units vary in", text, figures=figures,
        tables=[Table("task-profiles", caption, columns, frame)],
        figures_in_row=max(1, len(figures)),
    )  # fmt: skip


def _variance(network, result):
    activity = network.activations(result.trials.data)
    return task_variance(activity, task_labels(result.trials, result.study.task))


def _profile_figure(clusters, names: Sequence[str], scale) -> Figure:
    return Figure(
        display=TaskProfileDisplay.from_estimator(clusters, tasks=sorted(names)),
        name=f"profile-{scale:g}",
        title=f"Scale {scale:g}",
        alt=f"Heat map of the normalised task variance of hidden units, at scale {scale:g}.",
        caption=f"One network of scale {scale:g}, its units sorted by cluster and task.",
        size=(3.6, 3.8),
    )


def _cluster_rows(clusters, network, trials, names, scale):
    lesioned = cluster_lesion_scores(network, trials.data, trials.target, clusters, random_state=0)
    order = np.argsort(names)  # task_variance sorts names, the network codes
    for k in range(clusters.n_clusters_):
        row = {"init_scale": scale, "cluster": k, "units": int(lesioned.n_units[k])}
        for place, task in enumerate(order):
            row[f"variance_{names[task]}"] = clusters.profiles_[k, place]
        for task, name in enumerate(names):
            row[f"r2_{name}"] = lesioned.scores[k, task]
            row[f"control_{name}"] = lesioned.control_scores[k, :, task].mean()
        yield row
