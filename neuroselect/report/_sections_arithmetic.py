"""Sections on the arithmetic tasks: what holds, and which networks learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuroselect.displays import SweepDisplay
from neuroselect.report._arithmetic_words import (
    CONDITION,
    FORM_NAMES,
    MEASURE_WORDS,
    OVER,
    claim_sentence,
    mean_column,
    sides,
    slug,
)
from neuroselect.report._content import Column, Figure, Section, Table
from neuroselect.report._words import summarize
from neuroselect.studies import ArithmeticResult
from neuroselect.studies._arithmetic_measures import EXACT, FREE, LEARNED, TAYLOR
from neuroselect.studies._conclusions import CLAIMS, MARGINS

if TYPE_CHECKING:
    import pandas as pd

SHOWN = (TAYLOR, EXACT, FREE)
LIMITS = {"mean_absolute": (0, 1.02), "mean_relative": (-1.02, 1.02)}


def conclusions_section(result: ArithmeticResult) -> Section:
    """Which of the published conclusions hold, with which estimator."""
    margins = (MARGINS["mean_absolute"], MARGINS["mean_relative"])
    text = [
        "Importance is measured in four ways: by the exact lesion, as the mean over a task's"
        " trials of the squared change of the loss when the unit is silenced; by its first-order"
        " estimate, mean (h ∂ℓ/∂h)², as published (Taylor); by the signed increase of the loss;"
        " and by the exact lesion with the network's own answers for targets, so that there is no"
        " residual. With residual e and change d of the output, the Taylor term is e²d²: it"
        " carries the task's squared residual as a factor. The exact one, (d² − 2ed)²/4, carries"
        " less of it where d is larger than e, and none without residual. Importances below a"
        " tenth of their layer's mean count as 0, as published; layer-normalised, each task's are"
        " divided by their sum over the layer first, which takes out every factor common to a"
        " task.",
        "The conclusions are put here as comparisons of the mean relative importance RI, or of its"
        " mean size |RI| (small if units serve both tasks), over a network's units that are"
        " important to either. A conclusion holds if the difference between the experiments lies"
        " on the side claimed with its whole 95% interval (Welch's t over networks; pairs within"
        " an experiment). It does not hold if a difference as large as a tenth of the range,"
        f" {margins[0]:g} of |RI| and {margins[1]:g} of RI, is ruled out on that side (one-sided,"
        " 5%), even if a smaller one is there. Otherwise it is undecided. No correction is made"
        " for the number of comparisons; the p values are two-sided.",
        *(claim_sentence(claim, result.conclusions) for claim in CLAIMS),
    ]
    if not len(result.layers):
        text.append("There is nothing to compare: no network learned.")
        return Section("what-holds", "Which conclusions hold", text, tables=[_claims_table()])
    return Section(
        "what-holds",
        "Which conclusions hold",
        text,
        figures=[
            _claim_figure(result, claim, estimator)
            for claim in CLAIMS
            if not claim.within
            for estimator in SHOWN
        ],
        tables=[_claims_table(), *_conclusion_tables(result)],
        figures_in_row=len(SHOWN),
    )


def _claims_table():
    import pandas as pd

    rows = [
        {
            "claim": claim.name,
            "text": claim.text,
            "measure": MEASURE_WORDS[claim.measure],
            "side": "higher" if claim.sign > 0 else "lower",
            "sides": sides(claim),
            "margin": MARGINS[claim.measure],
        }
        for claim in CLAIMS
    ]
    columns = [
        Column("conclusion", "claim"),
        Column("measure", "measure"),
        Column("is", "side"),
        Column("in", "sides"),
        Column("margin", "margin", "g"),
        Column("in words", "text"),
    ]
    caption = (
        "The conclusions as comparisons. Layers are hidden ones; the fourth is the last, and the"
        " one whose units the lesion test removes."
    )
    return Table("claims", caption, columns, pd.DataFrame(rows))


def _conclusion_tables(result):
    frame = result.conclusions.assign(form=result.conclusions["form"].map(FORM_NAMES))
    columns = [
        Column("conclusion", "claim"),
        Column("estimator", "estimator"),
        Column("form", "form"),
        Column("verdict", "verdict"),
        mean_column("difference", "difference", "+.2f"),
        Column("p", "p_value", ".2g"),
        Column("mean", "mean_first", ".2f"),
        Column("n", "n_first", "d"),
        Column("against", "mean_second", ".2f"),
        Column("n", "n_second", "d"),
    ]
    return [
        Table(
            "conclusions",
            "Every conclusion with every estimator: the verdict, the difference with half its 95%"
            " interval, and the means over the networks that learned, n, of both sides.",
            columns,
            frame[frame["main"]],
        ),
        Table(
            "conclusions-by-layer",
            "The same comparisons of experiments in every hidden layer.",
            [columns[0], Column("layer", "layer", "d"), *columns[1:]],
            frame,
            folded=True,
        ),
    ]


def _claim_figure(result, claim, estimator):
    layers = result.layers
    shown = layers[(layers["estimator"] == estimator) & (layers["form"] == "pruned")]
    both = [claim.first[0], claim.second[0]]
    values = {name: shown[claim.measure].where(shown["condition"] == name) for name in both}
    return Figure(
        display=SweepDisplay(
            shown["layer"], values, xlabel="hidden layer", ylabel=MEASURE_WORDS[claim.measure]
        ),
        name=f"claim-{slug(claim.name)}-{slug(estimator)}",
        title=f"{claim.name[0].upper()}{claim.name[1:]}: {estimator}",
        alt=f"{MEASURE_WORDS[claim.measure]} by layer in {both[0]} and {both[1]}, {estimator}.",
        caption="Faint points: networks; lines and bars: mean and 95% t interval. Pruned.",
        size=(4.9, 2.9),
        options={"ylim": LIMITS[claim.measure], "xscale": "linear"},
    )


def learning_table(result: ArithmeticResult) -> pd.DataFrame:
    """How many networks learned, and how well: one row per experiment."""
    design = ["first_task", "second_task", "fraction", "width", "cue_layer", "curriculum"]
    frame = result.measures
    groups = frame.groupby("condition", sort=False)
    table = groups[[*design, "passes"]].first().reset_index()
    table["tasks"] = table["first_task"] + ", " + table["second_task"]
    table["trained"] = groups.size().to_numpy()
    table["n_learned"] = groups["learned"].sum().to_numpy()
    table["left_out"] = table["trained"] - table["n_learned"]
    table["n_dead"] = groups["dead"].sum().to_numpy()
    errors = frame[["error_first", "error_second"]].where(frame["learned"])
    columns = list(errors)
    errors["condition"] = frame["condition"]
    return table.merge(summarize(errors, columns, "condition", sort=False), on="condition")


def learning_section(result: ArithmeticResult) -> Section:
    """Experiments, networks that learned, and their errors."""
    table = learning_table(result)
    left_out, dead = int(table["left_out"].sum()), int(table["n_dead"].sum())
    text = [
        f"{table['n_learned'].sum()} of {table['trained'].sum()} networks learned both tasks, with"
        f" a mean absolute test error below {LEARNED:g} in each. The other {left_out} are left out"
        f" of everything else. In {dead} of them the rectified output is 0 in every trial: from"
        " there no gradient leads away. (As published; there, networks were trained until the"
        " wanted number had learned.)",
        "Taylor estimates lean towards the task that is fitted worse, so that the errors of the"
        " two tasks matter here: see the last columns.",
    ]
    columns = [
        CONDITION,
        Column("tasks", "tasks"),
        Column("share", "fraction", "g"),
        Column("width", "width", "d"),
        Column("cue in layer", "cue_layer", "d"),
        Column("trained", "trained", "d"),
        Column("learned", "n_learned", "d"),
        Column("left out", "left_out", "d"),
        Column("dead", "n_dead", "d"),
        mean_column("first error", "error_first", ".4f"),
        mean_column("second error", "error_second", ".4f"),
        Column("passes", "passes", "d"),
        Column("curriculum", "curriculum"),
    ]
    caption = (
        "The experiments: tasks, share of the first one in training, networks (dead: output 0 in"
        f" every trial), and mean absolute test errors in both tasks. {OVER}."
    )
    return Section(
        "learning",
        "Which networks learned",
        text,
        tables=[Table("experiments", caption, columns, table)],
    )
