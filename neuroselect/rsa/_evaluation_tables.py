"""From estimates in bootstrap samples to standard errors, tests and tables."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit
from scipy.stats import false_discovery_control

from neuroselect.rsa._resampling import generalized_variance
from neuroselect.utils._p_values import monte_carlo_p_values

if TYPE_CHECKING:
    import pandas as pd

CORRECTIONS = ("holm", "bonferroni", "fdr_bh", None)


class Inference:
    """Estimates and contrasts with their standard errors."""

    def __init__(self, point, samples, sizes, dof, n_models):
        self.point, self.samples, self.sizes, self.dof = point, samples, sizes, dof
        self.n_models = n_models

    def test(self, contrast: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        """Contrasts (n_contrasts,) of the estimates, their standard errors and t values."""
        value = contrast @ self.point
        variances = {t: (s @ contrast.T).var(axis=0, ddof=1) for t, s in self.samples.items()}
        error = np.sqrt(np.maximum(generalized_variance(variances, self.sizes), 0))
        tiny = 1e-12 * np.abs(self.point).max()
        t = np.divide(value, error, out=np.zeros_like(value), where=error > tiny)
        # Without any variance only a contrast of 0 is no difference.
        return (
            value,
            error,
            np.where((error <= tiny) & (abs(value) > tiny), np.copysign(np.inf, value), t),
        )

    def two_sided(self, t):
        """P-values of t values in either direction."""
        return 2 * stdtr(self.dof, -np.abs(t))

    @property
    def of_models(self) -> NDArray:
        """One contrast for each model: itself."""
        return np.eye(self.n_models, len(self.point))


def model_table(found: Inference, result, confidence: float, correction) -> pd.DataFrame:
    """One row for each model, see `evaluate`."""
    import pandas as pd

    names, models = result.names, found.of_models
    value, error, t = found.test(models)
    half = stdtrit(found.dof, (1 + confidence) / 2) * error
    columns = {"estimate": value, "standard_error": error}
    columns |= {"ci_low": value - half, "ci_high": value + half}
    columns |= _with_corrected("p_zero", stdtr(found.dof, -t), correction)
    if len(result.permuted):
        p = monte_carlo_p_values(value, result.permuted)
        columns |= _with_corrected("p_permutation", p, correction)
    if result.ceiling is not None:
        columns |= {"ceiling_low": result.ceiling[0], "ceiling_high": result.ceiling[1]}
        contrast = models.copy()
        contrast[:, found.n_models] = -1
        p = found.two_sided(found.test(contrast)[2])
        columns |= _with_corrected("p_ceiling", p, correction)
    table = pd.DataFrame(columns, index=pd.Index(names, name="model"))
    pairs = result.pairwise
    for p in ("p", "p_corrected"):
        square = pd.DataFrame(np.nan, index=names, columns=names)
        for row in pairs.to_dict("records"):
            square.loc[row["model"], row["other"]] = row[p]
            square.loc[row["other"], row["model"]] = row[p]
        for name in names if len(names) > 1 else []:
            table[f"p_vs_{name}{p[1:]}"] = square[name]
    return table


def pairwise_table(found: Inference, names: list[str], correction) -> pd.DataFrame:
    """One row for each pair of models, see `model_comparison`."""
    import pandas as pd

    pairs = list(combinations(range(len(names)), 2))
    contrast = np.zeros((len(pairs), len(found.point)))
    for row, (a, b) in zip(contrast, pairs, strict=True):
        row[[a, b]] = 1, -1
    value, error, t = found.test(contrast)
    columns = {"model": [names[a] for a, _ in pairs], "other": [names[b] for _, b in pairs]}
    columns |= {"difference": value, "standard_error": error, "t": t}
    return pd.DataFrame(columns | _with_corrected("p", found.two_sided(t), correction))


def _with_corrected(name, p, correction):
    return {name: p, f"{name}_corrected": corrected_p_values(p, correction)}


def corrected_p_values(p: NDArray, correction: str | None) -> NDArray[np.float64]:
    """Correct p-values of one family of tests."""
    n = len(p)
    if correction is None or not n:
        return p.copy()
    if correction == "fdr_bh":
        return false_discovery_control(p)
    if correction == "bonferroni":
        return np.minimum(n * p, 1)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(np.minimum((n - np.arange(n)) * p[order], 1))
    return stepped[np.argsort(order, kind="stable")]
