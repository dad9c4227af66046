"""How well could any model do, given that subjects differ?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from neuroselect.rsa._similarities import ResampledSimilarities, WeightedSimilarities, laid_out

WEIGHTED = ("cosine", "corr")


def noise_ceiling(
    rdms: ArrayLike, comparison: str = "cosine", *, subjects: ArrayLike | None = None, **options
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
    **options
        For `compare_rdms`, such as ``sigma_k``.

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
    (0.967, 0.982)
    """
    from neuroselect.rsa._evaluation_input import read_rdms, read_subjects

    rdms = read_rdms(rdms, "rdms")
    groups = read_subjects(subjects, len(rdms))
    everyone = np.ones((1, groups.max() + 1))
    if comparison in WEIGHTED:
        similarities = WeightedSimilarities(rdms[None], rdms, comparison)
        ((_, _, among),) = similarities.blocks(None, among_rdms=True)
        lower, upper = ceilings_of_samples(among, everyone, groups)
    else:
        compare = ResampledSimilarities(rdms[None], rdms, comparison, options).compare
        lower, upper = ceilings_by_pooling(rdms, None, everyone, groups, comparison, compare)
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
    with_pool = np.einsum("nt,nts->ns", *_matched(weight, among))
    norm = np.sqrt(np.einsum("ns,ns->n", *_matched(weight, with_pool)))
    share = subject_shares(counts, groups)
    upper = np.sum(share * with_pool, axis=1) / norm
    others = weight[:, None] * ~own  # (n_samples, n_subjects, n_rdms)
    with_others = others @ among
    norms = np.sqrt(np.maximum(np.einsum("ngs,ngs->ng", *_matched(others, with_others)), 0))
    of_rdm = np.take_along_axis(with_others, groups[None, None], axis=1)[:, 0]
    lower = np.sum(share * of_rdm / norms[:, groups], axis=1)
    return lower, upper


def ceilings_by_pooling(
    rdms: NDArray,
    condition_counts: NDArray | None,
    counts: NDArray,
    groups: NDArray,
    comparison: str,
    compare,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds (n_samples,), RDMs pooled for each sample of one set of conditions."""
    rdms = laid_out(rdms, condition_counts)
    ready = _prepared(rdms, comparison)
    lower, upper = np.empty((2, len(counts)))
    for k, (sample, share) in enumerate(
        zip(counts, subject_shares(counts, groups), strict=True)
    ):
        weight = sample[groups]
        present = np.flatnonzero(sample)
        pools = [weight @ ready] + [(weight * (groups != g)) @ ready for g in present]
        similar = compare(np.stack(pools), rdms)
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
        return rankdata(rdms, axis=-1)
    if comparison == "corr_cov":
        rdms = rdms - rdms.mean(axis=-1, keepdims=True)
    norms = np.linalg.norm(rdms, axis=-1, keepdims=True)
    return np.divide(rdms, norms, out=np.zeros_like(rdms), where=norms > 0)


def _matched(first, second):
    n = max(len(first), len(second))
    return (np.broadcast_to(x, (n, *x.shape[1:])) for x in (first, second))
