"""Group comparisons and correlations as tidy tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from neuroselect.utils._sklearn import StrOptions, validate_params

if TYPE_CHECKING:
    import pandas as pd

ALTERNATIVES = StrOptions({"two-sided", "less", "greater"})


@validate_params(
    {
        "x": ["array-like", Mapping],
        "y": ["array-like", Mapping, None],
        "paired": ["boolean"],
        "alternative": [ALTERNATIVES],
        "correction": ["boolean", StrOptions({"auto"})],
    },
    prefer_skip_nested_validation=True,
)
def compare_groups(
    x: ArrayLike | Mapping,
    y: ArrayLike | Mapping | None = None,
    *,
    paired: bool = False,
    alternative: str = "two-sided",
    correction: bool | str = "auto",
) -> pd.DataFrame:
    """T tests of each measure between two groups, or two conditions, with effect sizes.

    Parameters
    ----------
    x, y : array-like of shape (n_subjects,) or (n_subjects, n_measures), mapping or DataFrame
        Measures of each subject; the columns of a DataFrame, or the entries of a mapping, give
        their names. With ``y=None`` the means of `x` are tested against 0.
    paired : bool, default=False
        Rows of `x` and `y` are the same subjects.
    alternative : {"two-sided", "less", "greater"}, default="two-sided"
        Of the mean of `x` beside that of `y`.
    correction : bool or "auto", default="auto"
        Welch's correction for unequal variances of unpaired groups; "auto" where the groups
        differ in size.

    Returns
    -------
    table : DataFrame
        One row per measure: measure, T, dof, alternative, p_val, CI95 (low, high; of the
        difference of means), cohen_d, mean_x, n_x, mean_y, n_y; the columns of the t test are
        named as in pingouin. Cohen's d is the magnitude of the difference divided by the pooled
        standard deviation, for pairs by the root of the mean of both variances; T has the sign.

    Raises
    ------
    ValueError
        If measures are not finite or do not belong together, or groups have fewer than 2 subjects.

    See Also
    --------
    correlate_scores : Two measures of the same subjects.

    Examples
    --------
    >>> from neuroselect.behavior import compare_groups
    >>> table = compare_groups({"slope": [3.0, 4.0, 5.0, 4.0]}, {"slope": [1.0, 2.0, 3.0, 2.0]})
    >>> table[["measure", "T", "dof", "p_val", "cohen_d"]].round(3)
      measure      T  dof  p_val  cohen_d
    0   slope  3.464  6.0  0.013    2.449
    """
    import pandas as pd

    names, x = _measures(x, "x")
    if y is None:
        return pd.DataFrame(
            _row(name, a, None, True, alternative, False)
            for name, a in zip(names, x.T, strict=True)
        )
    names_y, y = _measures(y, "y")
    if names_y != names:
        raise ValueError(f"x and y must have the same measures, got {names} and {names_y}.")
    if paired and len(x) != len(y):
        raise ValueError(
            f"Paired measures need the same subjects in x and y, got {len(x)} and {len(y)} rows."
        )
    welch = len(x) != len(y) if correction == "auto" else correction
    return pd.DataFrame(
        _row(name, a, b, paired, alternative, welch)
        for name, a, b in zip(names, x.T, y.T, strict=True)
    )


def _row(name, a, b, paired, alternative, welch) -> dict:
    if b is None:
        test = stats.ttest_1samp(a, 0.0, alternative=alternative)
        d = a.mean() / a.std(ddof=1)
    elif paired:
        test = stats.ttest_rel(a, b, alternative=alternative)
        d = (a.mean() - b.mean()) / np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    else:
        test = stats.ttest_ind(a, b, equal_var=not welch, alternative=alternative)
        degrees = len(a) + len(b) - 2
        pooled = (len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)
        d = (a.mean() - b.mean()) / np.sqrt(pooled / degrees)
    row = {
        "measure": name, "T": test.statistic, "dof": test.df, "alternative": alternative,
        "p_val": test.pvalue, "CI95": np.array(test.confidence_interval(0.95)),
        "cohen_d": abs(d),
        "mean_x": a.mean(), "n_x": len(a),
    }  # fmt: skip
    return row if b is None else row | {"mean_y": b.mean(), "n_y": len(b)}


@validate_params(
    {
        "behavior": ["array-like", Mapping],
        "neural": ["array-like", Mapping],
        "method": [StrOptions({"pearson", "spearman"})],
        "alternative": [ALTERNATIVES],
    },
    prefer_skip_nested_validation=True,
)
def correlate_scores(
    behavior: ArrayLike | Mapping,
    neural: ArrayLike | Mapping,
    *,
    method: str = "pearson",
    alternative: str = "two-sided",
) -> pd.DataFrame:
    """Correlate behavioural with neural scores of the same subjects.

    Parameters
    ----------
    behavior, neural : array-like of shape (n_subjects,) or (n_subjects, n_measures), mapping \
or DataFrame
        Scores of each subject, such as the bias of a choice model and the betas of a region.
    method : {"pearson", "spearman"}, default="pearson"
        Of the scores, or of their ranks.
    alternative : {"two-sided", "less", "greater"}, default="two-sided"
        Sign of the correlation.

    Returns
    -------
    table : DataFrame
        One row for each pair of measures: behavior, neural, n, r, CI95 (Fisher's z), p_val, and
        q_val, adjusted for a false discovery rate over all rows (Benjamini and Hochberg).

    Raises
    ------
    ValueError
        If scores are constant, not finite, or of fewer than 4 subjects, or not of the same
        subjects.

    See Also
    --------
    compare_groups : Two groups, or two conditions.

    Examples
    --------
    >>> from neuroselect.behavior import correlate_scores
    >>> table = correlate_scores({"bias": [1, 2, 3, 4, 5]}, {"beta": [2, 1, 4, 3, 5]})
    >>> table[["behavior", "neural", "n", "r", "p_val"]].round(3)
      behavior neural  n    r  p_val
    0     bias   beta  5  0.8  0.104
    """
    import pandas as pd

    names, x = _measures(behavior, "behavior", least=4)
    others, y = _measures(neural, "neural", least=4)
    if len(x) != len(y):
        raise ValueError(
            f"behavior and neural must be of the same subjects, got {len(x)} and {len(y)} rows."
        )
    rows = [
        {"behavior": name, "neural": other, **_correlation(a, b, method, alternative)}
        for name, a in zip(names, x.T, strict=True)
        for other, b in zip(others, y.T, strict=True)
    ]
    table = pd.DataFrame(rows)
    return table.assign(q_val=stats.false_discovery_control(table["p_val"]))


def _correlation(a, b, method, alternative) -> dict:
    for scores in (a, b):
        if np.ptp(scores) == 0:
            raise ValueError(
                f"Scores that are all {scores[0]:.6g} have no correlation; leave them out."
            )
    test = (stats.pearsonr if method == "pearson" else stats.spearmanr)(
        a, b, alternative=alternative
    )
    low, high = _fisher_interval(test.statistic, len(a), alternative)
    return {"n": len(a), "r": test.statistic, "CI95": np.array([low, high]), "p_val": test.pvalue}


def _fisher_interval(r, n, alternative, confidence=0.95) -> tuple[float, float]:
    z = np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15))
    half = stats.norm.ppf((1 + confidence) / 2 if alternative == "two-sided" else confidence)
    half = half / np.sqrt(n - 3)
    low = -1.0 if alternative == "less" else np.tanh(z - half)
    high = 1.0 if alternative == "greater" else np.tanh(z + half)
    return float(low), float(high)


def _measures(values, argument: str, least: int = 2) -> tuple[list[str], NDArray[np.float64]]:
    """Names of the measures, and an array of shape (n_subjects, n_measures)."""
    if hasattr(values, "keys"):
        names = [str(name) for name in values]
        lengths = {len(values[name]) for name in values}
        if len(lengths) != 1:
            raise ValueError(f"{argument} must have measures of equal length, got {lengths}.")
        array = np.column_stack([np.asarray(values[name], dtype=np.float64) for name in values])
    else:
        array = np.asarray(values, dtype=np.float64)
        array = array[:, np.newaxis] if array.ndim == 1 else array
        names = [f"measure{k}" for k in range(array.shape[-1])]
    if array.ndim != 2 or len(array) < least or not array.shape[1]:
        raise ValueError(
            f"{argument} must hold measures of {least} or more subjects, of shape (n_subjects,) or"
            f" (n_subjects, n_measures), got {array.shape}."
        )
    if not np.isfinite(array).all():
        first = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(
            f"{argument} must be finite, but subject {first[0]} has {array[tuple(first)]} for"
            f" {names[first[1]]!r}. Leave this subject out."
        )
    return names, array
