"""Which conclusions on the arithmetic tasks hold, and whether that depends on the estimator.

A claim says that a measure of a layer is higher, or lower, in one experiment than in another. It
*holds* if the difference of the means over networks lies on the side claimed with its whole 95%
interval (Welch's t; of pairs within one experiment). It *does not hold* if the interval rules out
a difference as large as the margin on that side, a tenth of the range of the measure: the upper
end of the 90% interval is below it, which is a one-sided test at 5%. This comes first: a
difference that is there for sure but below the margin does not count. Otherwise
it is *undecided*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

if TYPE_CHECKING:
    import pandas as pd

MARGINS = {"mean_absolute": 0.1, "mean_relative": 0.2}  # ranges: 0 to 1, -1 to 1
CONFIDENCE = 0.95
KEYS = ("claim", "layer", "main", "estimator", "form", "measure")
HOLDS, FAILS, OPEN = VERDICTS = ("holds", "does not hold", "undecided")


@dataclass(frozen=True)
class Claim:
    """A conclusion as a comparison.

    Attributes
    ----------
    name : str
    text : str
        The conclusion in words.
    measure : {"mean_absolute", "mean_relative"}
        Means over a network's units of |RI| or of RI.
    first, second : tuple of (str, int)
        Experiment and layer (counted from 1) of both sides.
    sign : {1, -1}
        1 if the measure is claimed to be higher in the first, -1 if lower.
    """

    name: str
    text: str
    measure: str
    first: tuple[str, int]
    second: tuple[str, int]
    sign: int

    @property
    def within(self) -> bool:
        """Whether the claim compares layers of the same networks."""
        return self.first[0] == self.second[0]


CLAIMS = (
    Claim(
        "similarity",
        "Similar tasks share more units than dissimilar ones",
        "mean_absolute", ("2.2 similar", 4), ("2.1 dissimilar", 4), -1,
    ),
    Claim(
        "capacity",
        "A narrow network shares more of its units than a wide one",
        "mean_absolute", ("2.3 constrained", 4), ("2.1 dissimilar", 4), -1,
    ),
    Claim(
        "late cue, before it",
        "Units in the layer before a late cue are shared more than with an early one",
        "mean_absolute", ("2.4 late context", 3), ("2.1 dissimilar", 3), -1,
    ),
    Claim(
        "late cue, behind it",
        "Units specialise in the layer that a late cue enters",
        "mean_absolute", ("2.4 late context", 4), ("2.4 late context", 3), 1,
    ),
    Claim(
        "replay",
        "Learning one task after the other, with replay, turns units to the first task",
        "mean_relative", ("2.5 replay", 4), ("2.1 dissimilar", 4), 1,
    ),
    Claim(
        "replay, similar tasks",
        "Replay turns units to the first task if the tasks are similar, too",
        "mean_relative", ("2.5 replay, similar", 4), ("2.2 similar", 4), 1,
    ),
    Claim(
        "bias",
        "Training one task more turns units to the other one",
        "mean_relative", ("2.6 biased, 0.8", 4), ("2.6 biased, 0.2", 4), -1,
    ),
)  # fmt: skip


def conclude(layers: pd.DataFrame, claims: tuple[Claim, ...] = CLAIMS) -> pd.DataFrame:
    """Test every claim with every estimator.

    Parameters
    ----------
    layers : DataFrame, one row per network, layer, estimator and form
        `condition`, `network`, `layer`, `estimator`, `form` and the measures.
    claims : tuple of Claim
        What to test.

    Returns
    -------
    table : DataFrame, one row per claim, layer, estimator and form
        `claim`, `layer`, `main` (whether the claim is about this layer: those on several
        experiments are tested in the other layers as well), `estimator`, `form`, `measure` and
        what `compare` returns. Forms that prune only.
    """
    import pandas as pd

    by_group = {
        key: group.set_index("network")
        for key, group in layers.groupby(["condition", "layer", "estimator", "form"])
    }
    variants = [
        variant
        for variant in layers[["estimator", "form"]].drop_duplicates().itertuples(index=False)
        if variant.form != "raw"
    ]
    rows = []
    for claim in claims:
        for layer in [claim.first[1]] if claim.within else sorted(layers["layer"].unique()):
            for estimator, form in variants:
                second_layer = claim.second[1] if claim.within else layer
                values = [
                    _values(by_group.get((condition, own, estimator, form)), claim.measure)
                    for condition, own in (
                        (claim.first[0], layer),
                        (claim.second[0], second_layer),
                    )
                ]
                row = {"claim": claim.name, "layer": layer, "main": layer == claim.first[1]}
                row |= {"estimator": estimator, "form": form, "measure": claim.measure}
                compared = compare(
                    *values, sign=claim.sign, margin=MARGINS[claim.measure], paired=claim.within
                )
                rows.append(row | compared)
    return pd.DataFrame(rows, columns=[*KEYS, *compare([], [], sign=1, margin=1)])


def _values(group, measure):
    return [] if group is None else group[measure].to_numpy()


def compare(
    first: ArrayLike, second: ArrayLike, *, sign: int, margin: float, paired: bool = False
) -> dict:
    """Compare a measure of two groups of networks, and say whether the claim holds.

    Parameters
    ----------
    first, second : array-like of shape (n_networks,)
        The measure; NaN are left out. Paired values belong to the same networks.
    sign : {1, -1}
        Side on which the difference is claimed to be.
    margin : float
        Smallest difference that counts, positive.
    paired : bool, default=False
        Whether to compare within networks.

    Returns
    -------
    result : dict
        `n_first`, `n_second`, `mean_first`, `mean_second`, `difference` and
        `difference_ci95`, half the width of its 95% interval, `p_value` (two-sided) and
        `verdict`. NaN and "undecided" with fewer than two networks on a side.

    Examples
    --------
    >>> result = compare([0.4, 0.5, 0.6], [0.8, 0.9, 0.8], sign=-1, margin=0.1)
    >>> round(result["difference"], 2), result["verdict"]
    (-0.33, 'holds')
    """
    first, second = (np.asarray(values, dtype=np.float64) for values in (first, second))
    if paired:
        both = ~np.isnan(first - second)
        first, second = first[both], second[both]
    first, second = first[~np.isnan(first)], second[~np.isnan(second)]
    result = {"n_first": len(first), "n_second": len(second)}
    if min(len(first), len(second)) < 2:
        unknown = ["difference", "difference_ci95", "p_value"]
        means = {
            f"mean_{side}": float(values.mean()) if len(values) else np.nan
            for side, values in (("first", first), ("second", second))
        }
        return result | means | dict.fromkeys(unknown, np.nan) | {"verdict": OPEN}
    difference = float(first.mean() - second.mean())
    error, df = _standard_error(first, second, paired)
    t = difference / error if error else np.inf * difference if difference else 0.0
    half_width = float(stdtrit(df, (1 + CONFIDENCE) / 2) * error)
    effect = sign * difference
    ruled_out = effect + stdtrit(df, CONFIDENCE) * error < margin
    verdict = FAILS if ruled_out else HOLDS if effect > half_width else OPEN
    return result | {
        "mean_first": float(first.mean()),
        "mean_second": float(second.mean()),
        "difference": difference,
        "difference_ci95": half_width,
        "p_value": float(2 * stdtr(df, -abs(t))),
        "verdict": verdict,
    }


def _standard_error(first, second, paired) -> tuple[float, float]:
    """Standard error of the difference of means, and its degrees of freedom (Welch)."""
    if paired:
        return np.std(first - second, ddof=1) / np.sqrt(len(first)), len(first) - 1
    parts = np.array([values.var(ddof=1) / len(values) for values in (first, second)])
    dfs = np.array([len(first), len(second)]) - 1
    if not parts.any():
        return 0.0, float(dfs.sum())
    return float(np.sqrt(parts.sum())), float(parts.sum() ** 2 / (parts**2 / dfs).sum())
