"""Sentences on the arithmetic tasks, computed from the comparisons of networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neuroselect.report._content import Column
from neuroselect.report._words import listed, with_interval
from neuroselect.studies._arithmetic_measures import EXACT, FREE, TAYLOR
from neuroselect.studies._conclusions import FAILS, HOLDS, OPEN, VERDICTS, Claim

if TYPE_CHECKING:
    import pandas as pd

    from neuroselect.studies import ArithmeticResult

CONDITION = Column("experiment", "condition")
OVER = "Mean ± half the 95% t interval over the networks that learned"
FORM_NAMES = {"raw": "not pruned", "pruned": "pruned", "layer": "layer-normalised"}
MEASURE_WORDS = {"mean_absolute": "mean |RI|", "mean_relative": "mean RI"}
MEASURE_NAMES = {
    "nan_share": "share of units important to neither task",
    "mean_absolute": "mean |RI| of the others",
    "mean_relative": "mean RI of the others",
}


def mean_column(header: str, key: str, spec: str) -> Column:
    """Return a column of means with their intervals."""
    return Column(header, key, spec, f"{key}_ci95")


def conditions_of(result: ArithmeticResult) -> list[str]:
    """Experiments, in their order."""
    return list(dict.fromkeys(result.measures["condition"]))


def slug(condition: str) -> str:
    """Return an experiment as a part of a name."""
    return condition.replace(",", "").replace(".", "-").replace(" ", "-")


def sides(claim: Claim) -> str:
    """Say what a claim compares."""
    (first, layer), (second, other) = claim.first, claim.second
    if claim.within:
        return f"{first}: layer {layer} against layer {other}"
    return f"{first} against {second}, layer {layer}"


def claim_sentence(claim: Claim, conclusions: pd.DataFrame, *, short: bool = False) -> str:
    """Say with which estimators a claim holds, and what follows.

    Parameters
    ----------
    claim : Claim
    conclusions : DataFrame
        As from `conclude`.
    short : bool, default=False
        Say what follows, and the differences only.
    """
    rows = conclusions[(conclusions["claim"] == claim.name) & conclusions["main"]]
    if not rows["difference"].notna().any():
        return f"{claim.text} ({sides(claim)}): undecided, for lack of networks that learned."
    pruned = rows[rows["form"] == "pruned"].set_index("estimator")
    layer = rows[rows["form"] == "layer"].set_index("estimator")
    what = f"change of {MEASURE_WORDS[claim.measure]}"
    follows = consequence(pruned["verdict"].to_dict(), layer["verdict"].to_dict())
    if short:
        told = listed(_with_difference(name, row) for name, row in pruned.iterrows())
        return f"{claim.text}? {follows} C{what[1:]}: {told}."
    told = "; ".join(_by_verdict(pruned, numbers=True))
    normalised = "; ".join(_by_verdict(layer, numbers=False))
    return (
        f"{claim.text} ({sides(claim)}; {what}): it {told}. {follows} With layer normalisation it"
        f" {normalised}."
    )


def _by_verdict(rows, *, numbers):
    words = {HOLDS: "holds with", FAILS: "does not hold with", OPEN: "is undecided with"}
    for verdict in VERDICTS:
        own = rows[rows["verdict"] == verdict]
        if not len(own):
            continue
        if not numbers and len(own) == len(rows):
            yield f"{words[verdict]} {'any' if verdict == FAILS else 'every'} estimator"
            continue
        yield f"{words[verdict]} " + listed(
            _with_difference(name, row) if numbers else name for name, row in own.iterrows()
        )


def _with_difference(name, row):
    if np.isnan(row["difference"]):
        return name
    return f"{name} ({with_interval(row['difference'], row['difference_ci95'], '+.2f')})"


def consequence(pruned: dict[str, str], layer: dict[str, str]) -> str:
    """Say what the verdicts of the estimators have in common.

    Parameters
    ----------
    pruned, layer : dict from estimator to verdict
        Without and with layer normalisation.

    Examples
    --------
    >>> pruned = {"exact lesion": "does not hold", "Taylor": "holds"}
    >>> consequence(pruned, pruned)
    'It is there with the Taylor estimate, and absent with the exact lesion.'
    """
    verdicts = set(pruned.values())
    if verdicts == {HOLDS}:
        if set(layer.values()) == {HOLDS}:
            return "It survives every estimator, with layer normalisation and without."
        return "It survives every estimator, but not what layer normalisation takes out."
    if verdicts == {FAILS}:
        return "No estimator shows it."
    if pruned.get(TAYLOR) == HOLDS and pruned.get(EXACT) == FAILS:
        return "It is there with the Taylor estimate, and absent with the exact lesion."
    if pruned.get(TAYLOR) == HOLDS and pruned.get(FREE) == FAILS:
        return (
            "It is there with the Taylor estimate, and absent where lesions are compared with the"
            " network's own output: it comes from how well each task is fitted."
        )
    if HOLDS not in verdicts:
        return "No estimator shows it for sure."
    if FAILS not in verdicts:
        return "Some estimators show it, the others leave it open."
    return "Whether it holds depends on the estimator."
