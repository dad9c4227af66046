"""Sections on population geometry: networks and recording by the same functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroselect.displays import GeometryDisplay, RDMDisplay, SweepDisplay
from neuroselect.report._content import Column, Figure, Section, Table
from neuroselect.report._sections_units import POINTS, XLABEL
from neuroselect.report._words import change, listed, number, scales_shown, summarize
from neuroselect.rsa import RDMRegression
from neuroselect.studies import StudyResult
from neuroselect.studies._populations import MODEL_SETS, model_set_rdms

if TYPE_CHECKING:
    import pandas as pd


class Shown(NamedTuple):
    """A population that gets a picture: mean RDM, and what the conditions are."""

    key: str
    title: str
    rdm: NDArray[np.float64]
    conditions: pd.DataFrame
    features: tuple[str, str]
    task: str
    task_names: tuple[str, ...]
    unit: str
    origin: str


def populations_shown(result: StudyResult) -> Iterator[Shown]:
    """Networks at the smallest, middle and largest scale, and the recording."""
    init_scale, study = result.measures["init_scale"].to_numpy(), result.study
    names = tuple(result.trials.task_names)
    for scale in scales_shown(init_scale):
        rdms = result.population.rdms[init_scale == scale]
        yield Shown(
            f"{scale:g}",
            f"Networks, scale {scale:g}",
            rdms.mean(axis=0),
            result.trials.conditions,
            study.features,
            study.task,
            names,
            "activity",
            f"Mean over {len(rdms)} network{'s' if len(rdms) > 1 else ''} of distances between"
            f" hidden patterns",
        )
    if result.recording is not None:
        r = result.recording
        yield Shown(
            "recording",
            f"Recording, {r.name}",
            result.recorded.rdms[0],
            r.conditions,
            r.features,
            r.task,
            r.task_names,
            r.unit,
            f"Distances between the mean responses of {r.data.shape[1]} units",
        )


def rdm_section(result: StudyResult) -> Section:
    """Matrices of distances."""
    text = [
        "Two conditions are as dissimilar as their activity patterns are far apart (Euclidean"
        " distance over units). Blocks on the diagonal compare conditions within a task; the other"
        " two blocks compare conditions of different tasks.",
    ]
    figures = []
    for shown in populations_shown(result):
        codes = np.unique(shown.conditions[shown.task], return_inverse=True)[1]
        labels = np.array([f"task {name}" for name in shown.task_names])[codes]
        figures.append(
            Figure(
                display=RDMDisplay(
                    shown.rdm, tasks=labels, label=f"Euclidean distance ({shown.unit})"
                ),
                name=f"rdm-{shown.key}",
                title=shown.title,
                alt=f"Matrix of distances between {len(codes)} conditions. {shown.title}.",
                caption=f"{shown.origin}; {len(codes)} conditions.",
                size=(4.2, 3.4),
            )
        )
    return Section("rdms", "Dissimilarity of conditions (RDMs)", text, figures=figures)


MODEL_TEXT = (
    "The RDMs are explained by model RDMs: grid (both features kept, in both tasks alike),"
    " orthogonal (only the relevant feature, on another axis in each task), parallel (only the"
    " relevant feature, on one axis for both tasks). Data and models are z-scored over pairs"
    " of conditions, so that the regression weights (betas) have no unit and compare across"
    " networks and recording."
)


def _comparable(result):
    """Say what networks and recording share, and what not."""
    designs = (
        (result.trials.conditions, result.study.features),
        (result.recording.conditions, result.recording.features),
    )
    own, recorded = (" by ".join(str(c[name].nunique()) for name in f) for c, f in designs)
    same = (
        "So are the designs"
        if result.closest.equal_designs
        else f"The designs are not quite ({own} levels for networks, {recorded} for the recording)"
    )
    return (
        f"What can be compared: models, functions and z-scoring are the same. {same}; recorded"
        " patterns carry noise, which tends to shrink the betas of the recording."
    )


def beta_section(result: StudyResult) -> Section:
    """Regression of RDMs on model RDMs."""
    frame = _betas_with_scale(result, "three")
    summary = summarize(frame, ["grid", "orthogonal", "parallel", "r2"])
    text = [
        MODEL_TEXT,
        f"With three models the orthogonal beta {change(summary, 'orthogonal', '.2f')}; the grid"
        f" beta {change(summary, 'grid', '.2f')}.",
    ]
    if result.recorded is not None:
        text += [*_recorded_sentences(result), _comparable(result)]
    figures = [
        _beta_figure(result, "three", "Three models"),
        _beta_figure(result, "seven", "Seven models"),
    ]
    return Section(
        "betas", "Which geometry? Model RDMs", text, figures=figures, tables=_beta_tables(result)
    )


def _recorded_sentences(result):
    name, betas = result.recording.name, result.recorded.betas
    three, seven, bare = (betas[key].iloc[0] for key in ("three", "seven", "seven, no offset"))
    labels = _model_names(result.recording.features)
    yield (
        f"For {name} the same regression gives orthogonal {_two(three['orthogonal'])}, grid"
        f" {_two(three['grid'])} and parallel {_two(three['parallel'])} (R² {_two(three['r2'])})."
    )
    ranked, ranked_bare = (b.drop("r2").sort_values(ascending=False) for b in (seven, bare))
    yield (
        "The published analysis of a recording from macaques takes seven models at once, with the"
        f" tasks one level apart. With it the largest betas are {_top(ranked, labels)}. Seven"
        f" models overlap: the other six explain {_overlap(result):.0%} of the variance of the"
        " grid model, so that betas trade off against one another and no single one should be read"
        f" alone. With the tasks not set apart, the largest are {_top(ranked_bare, labels)}."
    )


def _overlap(result):
    """Share of the variance of the grid model that the other six of seven explain."""
    models = MODEL_SETS["seven"]
    r = result.recording
    rdms = model_set_rdms(r.conditions, r.features, r.task, models)
    grid = rdms.pop("grid")
    return RDMRegression(rdms).fit(grid[np.newaxis]).r2_[0]


def _two(value):
    return number(value, ".2f")


def _top(ranked, labels):
    return listed([f"{labels.get(key, key)} ({_two(ranked[key])})" for key in ranked.index[:2]])


def _model_names(features):
    return {"first": features[0], "second": features[1], "rotated_grid": "rotated grid"}


def _betas_with_scale(result, key):
    return result.population.betas[key].assign(init_scale=result.measures["init_scale"])


def _beta_figure(result, key, title):
    names = ("orthogonal", "grid", "parallel")
    frame, references, note = _betas_with_scale(result, key), {}, ""
    if result.recorded is not None:
        row = result.recorded.betas[key].iloc[0]
        references = {name: row[name] for name in names}
        note = f" Dashed, in the same colours: {result.recording.name}."
    what = (
        "three models at once"
        if key == "three"
        else ("seven models at once, tasks one level apart; the other four are in the table")
    )
    return Figure(
        display=SweepDisplay.from_frame(
            frame,
            names,
            references=references,
            reference_name=f"{result.recording.name}, same colours" if references else "",
            ylabel="standardised beta",
            xlabel=XLABEL,
        ),
        name=f"betas-{key}",
        title=title,
        alt=f"Betas of the orthogonal, grid and parallel models by scale; {what}.",
        caption=f"Betas from the regression on {what}.{note} {POINTS}",
        size=(4.4, 3.5),
    )


def _beta_tables(result):
    import pandas as pd

    tables = []
    for key, name in (
        ("three", "betas-three"),
        ("seven", "betas-seven"),
        ("seven, no offset", "betas-seven-no-offset"),
    ):
        models = [*MODEL_SETS[key].models, "r2"]
        summary = summarize(_betas_with_scale(result, key), models)
        summary.insert(0, "system", [f"networks, scale {s:g}" for s in summary["init_scale"]])
        if result.recorded is not None:
            row = {"system": result.recording.name, **result.recorded.betas[key].iloc[0]}
            summary = pd.concat([summary, pd.DataFrame([row])], ignore_index=True)
        tables.append(
            Table(
                name,
                f"Betas on {MODEL_SETS[key].description}, and the share of variance they explain"
                f" (R²).{_feature_note(result) if 'first' in models else ''} Networks: mean ± half"
                " the 95% t interval.",
                [Column("system", "system")]
                + [Column(HEADERS.get(m, m), m, ".2f", f"{m}_ci95") for m in models],
                summary,
                folded=key == "seven, no offset",
            )
        )
    return tables


HEADERS = {
    "rotated_grid": "rotated grid",
    "first": "feature of task 1",
    "second": "feature of task 2",
    "r2": "R²",
}


def _feature_note(result):
    def pair(owner, features):
        return f"{features[0]} and {features[1]} ({owner})"

    pairs = [pair("networks", result.study.features)]
    if result.recording is not None:
        pairs.append(pair(result.recording.name, result.recording.features))
    return f" Features of tasks 1 and 2: {'; '.join(pairs)}."


def map_section(result: StudyResult) -> Section:
    """Maps of the conditions in three and in two dimensions."""
    figures = []
    for shown in populations_shown(result):
        for n_components, projection in ((3, "3d"), (2, None)):
            display = GeometryDisplay.from_rdm(
                shown.rdm,
                shown.conditions,
                shown.features,
                shown.task,
                n_components=n_components,
                task_names=shown.task_names,
            )
            figures.append(
                Figure(
                    display=display,
                    name=f"map-{n_components}d-{shown.key}",
                    title=f"{shown.title}, {n_components}-D",
                    alt=(
                        f"{n_components}-dimensional map of the conditions, one grid of points per"
                        f" task. {shown.title}."
                    ),
                    caption=(
                        f"{shown.origin}. {display.explained.sum():.0%} of the variance in"
                        f" {n_components} dimensions."
                    ),
                    size=(4.2, 3.6),
                    projection=projection,
                )
            )
    text = [
        "Classical multidimensional scaling of the RDMs: conditions that evoke similar patterns lie"
        " close together. Lines join neighbouring stimuli of a task, points grow with the"
        " level of the feature that is relevant in it. If only relevant features are kept, each"
        " task's grid collapses to a line along its own axis; if everything is kept, both tasks"
        " show the whole grid. Percentages: share of the variance on each dimension.",
    ]
    return Section("maps", "The geometry, drawn", text, figures=figures)


def _other_count(result):
    own, recorded = len(result.trials.conditions), len(result.recording.conditions)
    if own == recorded:
        return ""
    return f" and there are {recorded} conditions where the networks had {own},"


def dimension_section(result: StudyResult) -> Section:
    """Participation ratio."""
    import pandas as pd

    frame = result.measures
    summary = summarize(frame, ["participation_ratio"])
    references, reference_name = {}, ""
    text = [
        "The participation ratio (Σλ)² / Σλ² of the eigenvalues λ of the covariance over conditions"
        " (activity centred) counts the dimensions that a population uses. In the networks it"
        f" {change(summary, 'participation_ratio', '.2f')}.",
    ]
    summary.insert(0, "system", [f"networks, scale {s:g}" for s in summary["init_scale"]])
    if result.recorded is not None:
        ratio = float(result.recorded.participation_ratio[0])
        references, reference_name = {"recording": ratio}, result.recording.name
        text.append(
            f"For {reference_name} it is {ratio:.2f}. Noise in the mean responses adds dimensions,"
            f"{_other_count(result)} so that it is no like-for-like comparison with noise-free"
            " networks."
        )
        row = {"system": reference_name, "participation_ratio": ratio}
        summary = pd.concat([summary, pd.DataFrame([row])], ignore_index=True)
    figure = Figure(
        display=SweepDisplay.from_frame(
            frame,
            ["participation_ratio"],
            references=references,
            reference_name=reference_name,
            ylabel="participation ratio (dimensions)",
            xlabel=XLABEL,
        ),
        name="participation-ratio",
        title="Participation ratio",
        alt="Participation ratio of the hidden layer by scale.",
        caption=POINTS + (f" Dashed: {reference_name}." if references else ""),
        size=(4.4, 3.3),
    )
    columns = [
        Column("system", "system"),
        Column("participation ratio", "participation_ratio", ".2f", "participation_ratio_ci95"),
    ]
    caption = "Centred participation ratio. Networks: mean ± half the 95% t interval."
    table = Table("participation-ratio", caption, columns, summary)
    return Section("dimensions", "How many dimensions", text, figures=[figure], tables=[table])
