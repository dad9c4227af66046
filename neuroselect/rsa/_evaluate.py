"""Models against measured RDMs: estimates, intervals, tests and the noise ceiling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from neuroselect.rsa._condition_permutation import permuted_estimates
from neuroselect.rsa._evaluation_bootstrap import Bootstrap
from neuroselect.rsa._evaluation_input import check_comparison, read_evaluated, read_factors
from neuroselect.rsa._evaluation_tables import CORRECTIONS, Inference, model_table, pairwise_table
from neuroselect.rsa._noise_ceiling import subject_shares
from neuroselect.rsa._resampling import draw_counts, fewest_distinct, subsets

if TYPE_CHECKING:
    import pandas as pd


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
    bootstrap = Bootstrap(given, comparison, noise_ceiling, sigma_k)
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
    found = Inference(point[0], samples, given.sizes, dof, len(given.names))
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
    result.pairwise = pairwise_table(found, given.names, correction)
    result.table = model_table(found, result, confidence, correction)
    return result


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
