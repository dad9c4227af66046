"""Sections on two rules: what is kept, how it is chosen, and which units do it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neuroselect.displays import ChoiceMatrixDisplay, ForgettingDisplay, PsychometricDisplay
from neuroselect.report._content import Column, Figure, Section, Table
from neuroselect.report._digit_words import OVER, mean_column, slug, summarize_kinds
from neuroselect.report._words import listed, number, summarize
from neuroselect.studies import ContinualResult
from neuroselect.studies._continual_fit import FITTED, LAPSE, N_TRIALS
from neuroselect.studies._continual_measures import CHOICES, distances

if TYPE_CHECKING:
    import pandas as pd

CONDITION = Column("networks", "condition")
HEADERS = {
    "slope_relevant": "slope, relevant",
    "slope_irrelevant": "slope, irrelevant",
    "congruency": "congruency effect",
    "beta_factorised": "factorised β",
    "beta_linear": "linear β",
    "sluggishness": "fitted sluggishness",
}
SHOWN = ("vanilla", "manual gate", "Oja", "sluggish")  # kinds whose choices are drawn


def conditions(result: ContinualResult) -> list[str]:
    """Kinds of networks and training, in their order."""
    return list(result.choices)


def networks_of(result: ContinualResult, condition: str) -> list:
    """Fitted networks of a condition."""
    own = (result.measures["condition"] == condition).to_numpy()
    return [network for network, chosen in zip(result.networks, own, strict=True) if chosen]


def learning_section(result: ContinualResult) -> Section:
    """Accuracy on both rules in the course of training, and what is forgotten."""
    first, second = result.trials.task_names
    columns = [f"accuracy_{first}", f"accuracy_{second}", f"learned_{first}", f"forgotten_{first}"]
    columns.append(f"as_{second}_{first}")
    summary = summarize_kinds(result.measures, columns)
    n = result.measures["network"].nunique()
    table = Table(
        "learning",
        f"Accuracy: share of stimuli with a reward other than 0 that are chosen as it asks. {OVER}"
        f" ({n} networks).",
        [
            CONDITION,
            mean_column(f"task {first} at the end", columns[0], ".3f"),
            mean_column(f"task {second} at the end", columns[1], ".3f"),
            mean_column(f"task {first} after its block", columns[2], ".3f"),
            mean_column(f"lost of task {first}", columns[3], ".3f"),
            mean_column(f"task {first} by the choices of task {second}", columns[4], ".3f"),
        ],
        summary,
    )
    text = [
        "Lines are means over networks, bands their 95% intervals, in training as it goes on; the"
        " number behind the name of a task is the change from the end of its own block to the end"
        " of training. Only the network is measured, not its task signal: sluggish networks are"
        " shown the task that is on.",
        "Interleaved training has no blocks, so that there is nothing to be forgotten in one"
        " while the other is learned.",
    ]
    figures = [
        Figure(
            display=ForgettingDisplay.from_networks(
                networks_of(result, condition),
                ends=None if condition.endswith("blocked") else [_passes(result, condition)],
                task_names=result.trials.task_names,
                ylabel="accuracy",
            ),
            name=f"learning-{slug(condition).replace(',', '')}",
            title=condition[0].upper() + condition[1:],
            alt=f"Accuracy on both tasks during training of {condition} networks.",
            caption=f"{n} networks.",
            size=(4.2, 2.7),
            options={"ylim": (0, 1.05)},
        )
        for condition in conditions(result)
    ]
    return Section("learning", "What is kept of the first rule", text, figures=figures,
                   tables=[table])  # fmt: skip


def choices_section(result: ContinualResult) -> Section:
    """Choice matrices and curves of networks and people."""
    figures = []
    for curriculum in ("blocked", "interleaved"):
        groups = {
            kind: result.choices[f"{kind}, {curriculum}"]
            for kind in SHOWN
            if f"{kind}, {curriculum}" in result.choices
        }
        if result.humans is not None:
            groups = {"humans": result.humans[curriculum]} | groups
        figures += [
            Figure(
                display=ChoiceMatrixDisplay(groups),
                name=f"choices-{curriculum}",
                title=f"Share of accept choices, {curriculum}",
                alt=f"Choice matrices of people and networks after {curriculum} training.",
                caption="Mean over subjects. North: the first feature decides; south: the other.",
                size=(5.2, 0.6 + 1.9 * len(groups)),
            ),
            Figure(
                display=PsychometricDisplay.from_matrices(groups),
                name=f"curves-{curriculum}",
                title=f"Choice curves, {curriculum}",
                alt=f"Choices along the relevant and the irrelevant feature, {curriculum}.",
                caption="Points: means with 95% intervals; lines: fitted sigmoids.",
                size=(5.2, 5.6),
            ),
        ]
    text = [
        "Whoever follows the rules chooses by the relevant feature alone: a step along one axis of"
        " the grid in the north, along the other in the south. One diagonal boundary, the same in"
        " both, is what is left to those who cannot tell the tasks apart.",
        "Choices of networks are sigmoid(output), averaged over networks: they are certain where"
        " people are not, and say nothing of lapses.",
    ]
    if result.humans is None:
        text.append(f"The choices of people are not at hand, and not shown. {result.missing}")
    tables = [_choices_table(result)]
    if len(near := distances(result)):
        tables.append(_distance_table(near))
    return Section("choices", "How they choose", text, figures=figures, tables=tables)


def groups_section(result: ContinualResult) -> Section | None:
    """Blocked against interleaved, in people and in networks."""
    if not len(result.group_tests):
        return None
    frame = result.group_tests.assign(
        measure_name=[HEADERS[m] for m in result.group_tests["measure"]]
    )
    columns = [
        Column("who", "kind"),
        Column("measure", "measure_name"),
        Column("blocked", "mean_x", ".3f"),
        Column("interleaved", "mean_y", ".3f"),
        Column("t", "T", ".2f"),
        Column("degrees of freedom", "dof", ".1f"),
        Column("p", "p_val", ".3g"),
        Column("Cohen's d", "cohen_d", ".2f"),
    ]
    text = [
        "Two-sided t-tests of blocked against interleaved training, Welch's where the groups"
        " differ in size; not corrected for the number of tests. Networks of one kind differ by"
        " their seed alone, so that small differences are far from chance in them, which does not"
        " make them large. Measures that are the same number in all networks have no test.",
        *human_sentences(result),
    ]
    caption = "Blocked minus interleaved training."
    return Section(
        "tests",
        "Blocks or interleaved",
        text,
        tables=[Table("group-tests", caption, columns, frame)],
    )


def human_sentences(result: ContinualResult) -> list[str]:
    """What differs between the two groups of people."""
    tests = result.group_tests
    rows = tests[tests["kind"] == "humans"].to_dict("records")
    if not rows:
        return []
    told = listed(
        f"{HEADERS[row['measure']]} {number(row['mean_x'], '.2f')} against"
        f" {number(row['mean_y'], '.2f')} (t({row['dof']:.0f}) = {number(row['T'], '.2f')},"
        f" p = {row['p_val']:.2g})"
        for row in rows
    )
    return [f"People, blocked against interleaved: {told}."]


def fit_section(result: ContinualResult) -> Section | None:
    """Which sluggishness of networks makes the choices of people likeliest."""
    if not len(result.fits):
        return None
    columns = [
        Column("humans", "group"),
        Column("sluggishness", "sluggishness", "g"),
        Column("log-likelihood", "log_likelihood", ".2f"),
        Column("likeliest for", "subjects", "d"),
    ]
    caption = (
        "Log-likelihood of the choices of one subject, mean over subjects, and number of subjects"
        " whose own choices are likeliest at this value."
    )
    text = [
        f"Networks of the kind {FITTED} are trained with a task signal that moves this far to the"
        " present task with every trial: 1 is no sluggishness, small values are much. In each cell"
        f" of its choice matrix a person makes {N_TRIALS} choices, binomial with the probability"
        f" of one such network and a lapse rate of {LAPSE:g}; the likelihood is the mean over"
        " networks. Both groups are compared with interleaved networks: in blocks the task changes"
        " but once, and sluggishness leaves hardly a trace.",
        fit_sentence(result),
    ]
    return Section(
        "fits",
        "How sluggish is the task signal of people?",
        text,
        tables=[Table("fits", caption, columns, result.fits)],
    )


def fit_sentence(result: ContinualResult) -> str:
    """The sluggishness of both groups; empty without people."""
    told = listed(
        f"{row['best']:g} (95% interval {row['low']:g} to {row['high']:g}) after {row['group']}"
        " training"
        for row in result.fits.drop_duplicates("group").to_dict("records")
    )
    return told and f"Sluggishness that makes the choices of people likeliest: {told}."


def units_section(result: ContinualResult) -> Section:
    """Units that are active in one task, and the weights of the two contexts."""
    columns = ["units_specific", "units_mixed", "units_silent", "context_correlation"]
    summary = summarize_kinds(result.measures, columns)
    table = Table(
        "units",
        f"Hidden units by the tasks in which they are active, and correlation of the context"
        f" weights of the two tasks over units. {OVER}.",
        [
            CONDITION,
            mean_column("active in one task", columns[0], ".1f"),
            mean_column("in both", columns[1], ".1f"),
            mean_column("in none", columns[2], ".1f"),
            mean_column("context weights, r", columns[3], ".3f"),
        ],
        summary,
    )
    text = [
        "A gate by Oja's rule lets one context excite a unit and the other inhibit it: the weights"
        " of the two contexts become opposite, and units serve one task each.",
    ]
    return Section("units", "Units of one task, or of both", text, tables=[table])


def with_people(result: ContinualResult, measures: Sequence[str]) -> pd.DataFrame:
    """Means of measures for each kind of networks, and for the groups of people."""
    import pandas as pd

    parts = [result.measures[["condition", *measures]]]
    if result.human_measures is not None:
        people = result.human_measures
        parts.insert(0, people.assign(condition="humans, " + people["group"])[parts[0].columns])
    return summarize(pd.concat(parts, ignore_index=True), list(measures), "condition", sort=False)


def _choices_table(result):
    columns = [mean_column(HEADERS[name], name, ".2f") for name in CHOICES]
    caption = (
        "Slopes of the choice curves along the relevant and the irrelevant feature (per standard"
        " deviation of its levels, at most 10); congruency effect: expected accuracy where both"
        " features ask for the same minus that where they do not; regression of the RDM of choices"
        " on that of two boundaries (factorised) and of one diagonal boundary (linear)."
        f" {OVER}, or over people."
    )
    subjects = Column("who", "condition")
    return Table("choice-measures", caption, [subjects, *columns], with_people(result, CHOICES))


def _distance_table(near):
    wide = near.pivot(index="condition", columns="group", values="distance")
    wide = wide.loc[list(dict.fromkeys(near["condition"]))].reset_index()
    groups = list(dict.fromkeys(near["group"]))
    return Table(
        "distances",
        "Root mean square difference between the mean choice matrices of networks and of people.",
        [CONDITION, *(Column(f"to humans, {g}", g, ".3f") for g in groups)],
        wide,
    )


def _passes(result, condition):
    rows = result.measures["condition"] == condition
    return int(result.measures.loc[rows, "passes"].iloc[0])
