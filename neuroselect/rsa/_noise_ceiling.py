"""How well could any model do, given that subjects differ?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from neuroselect.rsa._compare import compare_rdms
from neuroselect.rsa._evaluation_input import check_comparison, read_rdms, read_subjects
from neuroselect.rsa._similarities import WEIGHTED, ResampledSimilarities, WeightedSimilarities


def noise_ceiling(
    rdms: ArrayLike,
    comparison: str = "cosine",
    *,
    subjects: ArrayLike | None = None,
    sigma_k: ArrayLike | None = None,
) -> tuple[float, float]:
    """Bounds on the similarity that the best model could reach [1]_.

    Upper bound: mean similarity of the subjects' RDMs to their pooled RDM, which is fitted to
    them and so too good. Lower bound: mean similarity of each subject's RDMs to the pooled RDM of
    the others, which is noisy and so too bad.

    Parameters
    ----------
    rdms : array-like of shape (n_rdms, n_pairs)
        Measured RDMs.
    comparison : str, default="cosine"
        As of `compare_rdms`. RDMs are pooled so that the mean is best for it: normalised by
        their norm ("cosine", "cosine_cov", "bures"), z-scored ("corr", "corr_cov") or ranked (rank
        measures) before they are averaged. The pooled RDM is the best one for cosine and
        correlation, an approximation for others.
    subjects : array-like of shape (n_rdms,), default=None
        Whose RDM each is; all of one subject are left out together. None: each its own.
    sigma_k : array-like, default=None
        As of `compare_rdms`, for the whitened comparisons.

    Returns
    -------
    lower, upper : float

    Raises
    ------
    ValueError
        If there are less than two subjects.

    See Also
    --------
    evaluate : Models beside the noise ceiling.

    References
    ----------
    .. [1] Nili, Wingfield, Walther, Su, Marslen-Wilson & Kriegeskorte (2014), "A toolbox for
       representational similarity analysis", PLOS Computational Biology 10, e1003553.
       :doi:`10.1371/journal.pcbi.1003553`

    Examples
    --------
    >>> from neuroselect.rsa import noise_ceiling
    >>> lower, upper = noise_ceiling([[1.0, 2.0, 3.0], [1.0, 2.0, 2.0], [2.0, 2.0, 3.0]])
    >>> round(lower, 3), round(upper, 3)
    (0.98, 0.991)
    """
    rdms = read_rdms(rdms, "rdms")
    check_comparison(comparison, sigma_k)
    groups = read_subjects(subjects, len(rdms))
    if groups.max() < 1:
        raise ValueError("rdms must be of two subjects at least, got one: nobody is left out.")
    everyone = np.ones((1, groups.max() + 1))
    if comparison in WEIGHTED:
        compare_rdms(rdms, rdms[:1], comparison)  # raises where it is undefined
        similarities = WeightedSimilarities(rdms[None], rdms, comparison)
        ((_, _, among),) = similarities.blocks(None, among_rdms=True)
        lower, upper = ceilings_of_samples(among, everyone, groups)
    else:
        similarities = ResampledSimilarities(rdms[None], rdms, comparison, sigma_k)
        lower, upper = ceilings_by_pooling(similarities, None, everyone, groups)
    return float(lower[0]), float(upper[0])


def ceilings_of_samples(
    among: NDArray, counts: NDArray, groups: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds (n_samples,) from similarities of the RDMs with each other, without pooling any.

    ``among`` (n_samples or 1, n_rdms, n_rdms); ``counts`` (n_samples or 1, n_subjects): how
    often each subject is in the sample.
    """
    n_subjects = counts.shape[1]
    own = groups == np.arange(n_subjects)[:, None]  # (n_subjects, n_rdms)
    weight = counts[:, groups].astype(np.float64)  # (n_samples, n_rdms)
    with_pool = np.einsum("nt,nts->ns", *matched(weight, among))
    norm = np.sqrt(np.einsum("ns,ns->n", *matched(weight, with_pool)))
    share = subject_shares(counts, groups)
    upper = np.sum(share * with_pool, axis=1) / norm
    others = weight[:, None] * ~own  # (n_samples, n_subjects, n_rdms)
    with_others = others @ among
    norms = np.sqrt(np.maximum(np.einsum("ngs,ngs->ng", *matched(others, with_others)), 0))
    of_rdm = np.take_along_axis(with_others, groups[None, None], axis=1)[:, 0]
    lower = np.sum(share * of_rdm / norms[:, groups], axis=1)
    return lower, upper


def ceilings_by_pooling(
    similarities: ResampledSimilarities,
    conditions: NDArray | None,
    counts: NDArray,
    groups: NDArray,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds (n_samples,), RDMs pooled for each sample of subjects, in one set of conditions."""
    rdms = similarities.laid_out(similarities.rdms, conditions)
    ready = _prepared(rdms, similarities.comparison)
    lower, upper = np.empty((2, len(counts)))
    shares = subject_shares(counts, groups)
    for k, (sample, share) in enumerate(zip(counts, shares, strict=True)):
        weight = sample[groups]
        present = np.flatnonzero(sample)
        pools = [weight @ ready] + [(weight * (groups != g)) @ ready for g in present]
        similar = similarities.compare(np.stack(pools), rdms, conditions)
        row = np.zeros(len(sample), dtype=np.int64)
        row[present] = 1 + np.arange(len(present))
        upper[k] = share @ similar[0]
        lower[k] = share @ similar[row[groups], np.arange(len(rdms))]
    return lower, upper


def subject_shares(counts: NDArray, groups: NDArray) -> NDArray[np.float64]:
    """Weight of each RDM in a mean over subjects of the means over their RDMs."""
    sizes = np.bincount(groups)
    return (counts / sizes)[:, groups] / counts.sum(axis=1, keepdims=True)


def _prepared(rdms, comparison):
    """RDMs whose mean is the pooled RDM."""
    if comparison in ("spearman", "rho-a", "tau-a", "tau-b"):
        return rankdata(rdms, axis=-1, nan_policy="omit")
    if comparison == "corr_cov":
        rdms = rdms - np.nanmean(rdms, axis=-1, keepdims=True)
    norms = np.sqrt(np.nansum(rdms**2, axis=-1, keepdims=True))
    return np.divide(rdms, norms, out=np.zeros_like(rdms), where=norms > 0)


def matched(first, second):
    """Both with as many samples: one that is the same in all is repeated."""
    n = max(len(first), len(second))
    return (np.broadcast_to(x, (n, *x.shape[1:])) for x in (first, second))
