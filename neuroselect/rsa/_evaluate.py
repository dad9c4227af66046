"""Models against measured RDMs: estimates, intervals, tests and the noise ceiling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit
from scipy.stats import false_discovery_control
from sklearn.utils import Bunch, check_random_state

from neuroselect.rsa._compare import compare_rdms
from neuroselect.rsa._condition_permutation import permuted_estimates
from neuroselect.rsa._evaluation_input import (
    Evaluated,
    check_comparison,
    read_evaluated,
    read_factors,
)
from neuroselect.rsa._noise_ceiling import (
    ceilings_by_pooling,
    ceilings_of_samples,
    matched,
    subject_shares,
)
from neuroselect.rsa._resampling import (
    draw_counts,
    fewest_distinct,
    generalized_variance,
    subsets,
)
from neuroselect.rsa._similarities import WEIGHTED, ResampledSimilarities, WeightedSimilarities
from neuroselect.utils._p_values import monte_carlo_p_values

if TYPE_CHECKING:
    import pandas as pd

CORRECTIONS = ("holm", "bonferroni", "fdr_bh", None)


def evaluate(
    models: ArrayLike | Mapping[str, ArrayLike],
    rdms: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    resample: str | Sequence[str] = "subjects",
    comparison: str = "cosine",
    noise_ceiling: bool = True,
    subjects: ArrayLike | None = None,
    n_samples: int = 1000,
    confidence: float = 0.95,
    correction: str | None = "holm",
    n_permutations: int = 0,
    random_state: int | np.random.RandomState | None = None,
    sigma_k: ArrayLike | None = None,
) -> pd.DataFrame:
    r"""Compare models with measured RDMs, and say how sure the comparison is.

    Parameters
    ----------
    models : array-like of shape (n_models, n_pairs) or (n_models, n_networks, n_pairs), or mapping
        RDMs that models predict, condensed; or a mapping from their names to them. With an axis
        of networks, each model is a kind of network, trained from several seeds: its estimate is
        the mean over them.
    rdms : array-like of shape (n_rdms, n_pairs)
        Measured RDMs, of subjects or other systems, of the same conditions.
    names : sequence of str, default=None
        Names of the models. None: "model_0" and so on.
    resample : {"subjects", "conditions", "both", "networks", "all"} or sequence, default="subjects"
        To what the results shall generalise: what bootstrap samples are drawn of. "both" is
        subjects and conditions, "all" networks, too; or any of these three in a sequence.
        Several are crossed: the variance is the corrected one of the dual bootstrap [1]_,
        extended to three factors (see Notes).
    comparison : str, default="cosine"
        As of `compare_rdms`. "cosine" and "corr" are fast.
    noise_ceiling : bool, default=True
        Compute the noise ceiling, and compare models with its lower bound; needs two subjects.
    subjects : array-like of shape (n_rdms,), default=None
        Whose RDM each is. RDMs of one subject are averaged first, drawn together and left out
        together. None: each its own.
    n_samples : int, default=1000
        Number of bootstrap samples.
    confidence : float, default=0.95
        Coverage of the intervals.
    correction : {"holm", "bonferroni", "fdr_bh", None}, default="holm"
        For several models (tests against 0, against the ceiling, permutation tests) and for
        their pairs (pairwise tests), each family by itself.
    n_permutations : int, default=0
        Number of times the conditions of the models are permuted, for a test whose null is that
        a model knows nothing of the conditions. 0: no such test.
    random_state : int, RandomState instance or None, default=None
        Draws samples and permutations.
    sigma_k : array-like, default=None
        As of `compare_rdms`, for the whitened comparisons.

    Returns
    -------
    table : DataFrame
        One row for each model, by its name: ``estimate``, mean similarity over networks and
        subjects; ``standard_error``; ``ci_low``, ``ci_high``; ``p_zero`` (one-sided: greater
        than 0); ``p_permutation`` (one-sided), with permutations; with a noise ceiling
        ``ceiling_low``, ``ceiling_high`` (the same for all) and ``p_ceiling`` (two-sided:
        differs from the lower bound); ``p_vs_<name>`` for each model (two-sided; NaN against
        itself). A column of p-values is followed by its ``..._corrected``.

    Raises
    ------
    ValueError
        If shapes do not fit, values are not finite, or there are too few of what is resampled.

    See Also
    --------
    model_comparison : The same with samples, values of each RDM, and pairs in long form.
    noise_ceiling : The ceiling alone.
    neuroselect.displays.ModelComparisonDisplay : Draws it.

    Notes
    -----
    Tests are t-tests of the estimate over its bootstrap standard error, with as many degrees of
    freedom as the smallest factor resampled has members, minus 1 [1]_. Pairs of two copies of a
    condition have no dissimilarity and are left out of samples of conditions. A model
    without any variance (or of zeros) in a sample has similarity 0 there.

    Resampling several crossed factors at once counts interactions several times: those of two
    factors three times, those of three seven times. Bootstraps of all subsets of the factors
    tell the components apart, and each is counted once.

    What is 0? With "corr" and rank correlations a model that knows nothing has
    similarity 0 on average. With "cosine" this holds for unbiased dissimilarities
    (crossnobis) only: RDMs of positive numbers resemble any other, and ``p_zero`` says nothing. The
    permutation test holds for all.

    References
    ----------
    .. [1] Schütt, Kipnis, Diedrichsen & Kriegeskorte (2023), "Statistical inference on
       representational geometries", eLife 12, e82566. :doi:`10.7554/eLife.82566`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.rsa import evaluate
    >>> rng = np.random.default_rng(0)
    >>> models = rng.uniform(size=(2, 45))                              # of 10 conditions
    >>> rdms = models[0] + 0.2 * rng.normal(size=(12, 45))              # 12 subjects
    >>> table = evaluate(models, rdms, names=["true", "other"], comparison="corr", random_state=0)
    >>> table["estimate"].round(2).to_dict(), bool(table.loc["true", "p_vs_other"] < 0.001)
    ({'true': 0.81, 'other': 0.17}, True)
    """
    return model_comparison(
        models, rdms, names=names, resample=resample, comparison=comparison,
        noise_ceiling=noise_ceiling, subjects=subjects, n_samples=n_samples,
        confidence=confidence, correction=correction, n_permutations=n_permutations,
        random_state=random_state, sigma_k=sigma_k,
    ).table  # fmt: skip


def model_comparison(
    models: ArrayLike | Mapping[str, ArrayLike],
    rdms: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    resample: str | Sequence[str] = "subjects",
    comparison: str = "cosine",
    noise_ceiling: bool = True,
    subjects: ArrayLike | None = None,
    n_samples: int = 1000,
    confidence: float = 0.95,
    correction: str | None = "holm",
    n_permutations: int = 0,
    random_state: int | np.random.RandomState | None = None,
    sigma_k: ArrayLike | None = None,
) -> Bunch:
    """Compare models with measured RDMs; all that `evaluate` finds on the way.

    Parameters
    ----------
    models, rdms, names, resample, comparison, noise_ceiling, subjects, n_samples, confidence, \
correction, n_permutations, random_state, sigma_k
        As of `evaluate`.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        ``table``, as of `evaluate`; ``pairwise``, a DataFrame with a row for each pair of models:
        ``model``, ``other``, ``difference``, ``standard_error``, ``t``, ``p``, ``p_corrected``;
        ``per_subject`` (n_models, n_subjects), estimates of each; ``per_network`` (n_models,
        n_networks); ``samples`` (n_samples, n_models), estimates when all factors are resampled;
        ``ceiling`` (lower, upper) or None; ``ceiling_samples`` (n_samples, 2) or None;
        ``permuted`` (n_permutations, n_models); ``dof``, ``factors``, ``names``,
        ``comparison``.

    Raises
    ------
    ValueError
        As of `evaluate`.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.rsa import model_comparison
    >>> rng = np.random.default_rng(0)
    >>> models, rdms = rng.uniform(size=(2, 45)), rng.uniform(size=(12, 45))
    >>> result = model_comparison(models, rdms, comparison="corr", random_state=0)
    >>> result.per_subject.shape, list(result.pairwise)[:3]
    ((2, 12), ['model', 'other', 'difference'])
    """
    given = read_evaluated(models, rdms, names, subjects)
    check_comparison(comparison, sigma_k)
    factors = read_factors(resample, given.sizes, noise_ceiling)
    _check_numbers(n_samples, confidence, correction, n_permutations)
    if noise_ceiling and given.sizes["subjects"] < 2:
        raise ValueError(
            "noise_ceiling=True needs RDMs of two subjects at least, got one. Set"
            " noise_ceiling=False."
        )
    random_state = check_random_state(random_state)
    bootstrap = _Bootstrap(given, comparison, noise_ceiling, sigma_k)
    (point,) = bootstrap.estimates({}, [()])
    ((_, table, _),) = bootstrap.similarities.blocks(None, among_rdms=False)
    counts = {
        factor: draw_counts(
            given.sizes[factor], n_samples, fewest_distinct(factor, noise_ceiling), random_state
        )
        for factor in factors
    }
    chosen = subsets(factors)
    samples = dict(zip(chosen, bootstrap.estimates(counts, chosen), strict=True))
    dof = min(given.sizes[factor] for factor in factors) - 1
    found = _Inference(point[0], samples, given.sizes, dof, len(given.names))
    result = Bunch(
        per_network=_over_subjects(table[0], given.groups).mean(axis=-1),
        per_subject=_over_subjects(table[0], given.groups).mean(axis=1),
        samples=samples[factors][:, : len(given.names)],
        ceiling=tuple(point[0, -2:].tolist()) if noise_ceiling else None,
        ceiling_samples=samples[factors][:, -2:] if noise_ceiling else None,
        permuted=np.empty((0, len(given.names))),
        dof=dof,
        factors=factors,
        names=given.names,
        comparison=comparison,
    )
    if n_permutations:
        share = subject_shares(np.ones((1, given.sizes["subjects"])), given.groups)[0]
        result.permuted = permuted_estimates(
            given.models, given.rdms, share, comparison,
            n_permutations=n_permutations, random_state=random_state, sigma_k=sigma_k,
        )  # fmt: skip
    result.pairwise = _pairwise(found, given.names, correction)
    result.table = _table(found, result, confidence, correction)
    return result


class _Bootstrap:
    """Estimates of models and bounds of the noise ceiling, in samples of any factors."""

    def __init__(self, given: Evaluated, comparison: str, noise_ceiling: bool, sigma_k):
        self.given, self.noise_ceiling = given, noise_ceiling
        if comparison not in WEIGHTED:
            self.similarities = ResampledSimilarities(given.models, given.rdms, comparison, sigma_k)
            return
        # Raises where the comparison is undefined.
        compare_rdms(given.models.reshape(-1, given.models.shape[-1]), given.rdms, comparison)
        self.similarities = WeightedSimilarities(given.models, given.rdms, comparison)

    def estimates(self, counts: dict[str, NDArray], chosen: list[tuple[str, ...]]) -> list[NDArray]:
        """Estimates, then lower and upper bound, (n_samples, n_models + 2) for each of `chosen`.

        Those are the factors resampled; similarities in samples of conditions serve all that have
        conditions among them.
        """
        found: list = [None] * len(chosen)
        for drawn in (False, True):
            positions = [k for k, c in enumerate(chosen) if ("conditions" in c) == drawn]
            if positions:
                factors = [chosen[k] for k in positions]
                for k, values in zip(positions, self._of(counts, factors, drawn), strict=True):
                    found[k] = values
        return found

    def _of(self, counts, factors, drawn):
        width, n_samples = len(self.given.names), len(next(iter(counts.values()), [0]))
        shape = n_samples, width + 2 * self.noise_ceiling
        values = [np.empty(shape if chosen else (1, shape[1])) for chosen in factors]
        conditions = counts["conditions"] if drawn else None
        for block, table, among in self.similarities.blocks(
            conditions, among_rdms=self.noise_ceiling
        ):
            rows = block if drawn else slice(None)
            sample = conditions[block][0] if drawn else None
            for chosen, target in zip(factors, values, strict=True):
                members = {f: counts[f][rows] for f in ("networks", "subjects") if f in chosen}
                target[rows] = self._reduced(table, among, sample, **members)
        return values

    def _reduced(self, table, among, sample, networks=None, subjects=None):
        """Means over networks and subjects, and the ceilings, of samples of conditions."""
        sizes, groups = self.given.sizes, self.given.groups
        networks = np.ones((1, sizes["networks"])) if networks is None else networks
        subjects = np.ones((1, sizes["subjects"])) if subjects is None else subjects
        weight = subject_shares(subjects, groups)
        of_networks = np.einsum("nmks,ns->nmk", *matched(table, weight))
        of_models = np.einsum("nmk,nk->nm", *matched(of_networks, networks / sizes["networks"]))
        if not self.noise_ceiling:
            return of_models
        ceilings = np.transpose(self._ceilings(among, subjects, sample))
        return np.hstack(list(matched(of_models, ceilings)))

    def _ceilings(self, among, subjects, sample):
        groups = self.given.groups
        if among is None:
            return ceilings_by_pooling(self.similarities, sample, subjects, groups)
        return ceilings_of_samples(among, subjects, groups)


class _Inference:
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


def _table(found, result, confidence, correction):
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


def _pairwise(found, names, correction):
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


def _over_subjects(table, groups):
    """Means over the RDMs of each subject, (..., n_subjects)."""
    own = (groups == np.arange(groups.max() + 1)[:, None]).astype(np.float64)
    return table @ (own / own.sum(axis=1, keepdims=True)).T


def _check_numbers(n_samples, confidence, correction, n_permutations):
    if n_samples < 2:
        raise ValueError(f"n_samples must be at least 2, got {n_samples!r}.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence!r}.")
    if correction not in CORRECTIONS:
        raise ValueError(f"correction must be one of {list(CORRECTIONS)}, got {correction!r}.")
    if n_permutations < 0:
        raise ValueError(f"n_permutations must be 0 or more, got {n_permutations!r}.")
