"""Representational dissimilarity matrices (RDMs) of many systems at once."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.rsa._checks import check_finite, constant_rows

# Below this share of the summed squared norms a squared distance is recomputed from
# differences. Above it, cancellation multiplies the rounding of a matrix product (1e-15
# for a million channels) by 100 at most.
_NEAR = 1e-2


def condensed_rdms(
    patterns: ArrayLike, metric: str = "euclidean", *, chunk_bytes: int = 4 * 2**20
) -> NDArray[np.float64]:
    """Dissimilarities of all pairs of conditions, for every system.

    Plain distances as in :func:`scipy.spatial.distance.pdist`, in float64: nothing is
    scaled by the number of channels. (rsatoolbox's "euclidean" is the *squared* distance
    divided by the number of channels.)

    Parameters
    ----------
    patterns : array-like of shape (n_systems, n_conditions, n_channels)
        Mean response per condition and channel, in any unit. An array of shape
        (n_conditions, n_channels) is taken for a single system.
    metric : {"euclidean", "sqeuclidean", "correlation", "cosine"}, default="euclidean"
        Distance between two patterns: Euclidean, its square, 1 - Pearson's r over
        channels, or 1 - cosine of the angle.
    chunk_bytes : int, default=4 MiB
        Systems are worked on in chunks of about this size; the default fits a
        processor's cache and is faster than larger ones. One system is the least.

    Returns
    -------
    rdms : ndarray of shape (n_systems, n_pairs)
        Condensed RDMs with ``n_pairs = n_conditions * (n_conditions - 1) / 2``, in the
        order of SciPy: pairs (0, 1), (0, 2), ..., (1, 2), ... Of shape (1, n_pairs) for
        a single system. In the unit of `patterns` ("euclidean"), its square
        ("sqeuclidean"), or without unit.

    Raises
    ------
    ValueError
        If `patterns` has the wrong shape or contains NaN or infinities; for an unknown
        metric; if the correlation is undefined (a pattern constant over channels) or the
        cosine is (a pattern of zeros).

    See Also
    --------
    RDMTransformer : The same as a scikit-learn transformer.

    Notes
    -----
    Squared distances come from the matrix of inner products,
    ``|a - b|^2 = |a|^2 + |b|^2 - 2 a.b``, after subtracting the mean pattern from all
    conditions, which leaves distances as they are. Pairs of conditions that are close
    compared with their norms, where this difference cancels, are recomputed from
    ``a - b``. "euclidean" and "sqeuclidean" agree with `pdist` to a relative 1e-12, for
    patterns far from the origin and near-duplicate conditions as well. The correlation
    and cosine distances are ``|u - v|^2 / 2`` of the normalised patterns u and v; they are
    never negative, and are right to about 1e-15, and to about 1e-15 times the square root
    of the distance where that is small: closer than 1 - r.

    References
    ----------
    .. [1] Kriegeskorte, Mur & Bandettini (2008), "Representational similarity analysis",
       Frontiers in Systems Neuroscience 2. :doi:`10.3389/neuro.06.004.2008`

    Examples
    --------
    >>> patterns = [[[0.0, 0.0], [3.0, 4.0], [0.0, 8.0]]]  # 1 system, 3 conditions
    >>> condensed_rdms(patterns)
    array([[5., 8., 5.]])
    >>> condensed_rdms(patterns, metric="sqeuclidean")
    array([[25., 64., 25.]])
    """
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {sorted(METRICS)}, got {metric!r}.")
    patterns = _as_patterns(patterns)
    n_systems, n_conditions, n_channels = patterns.shape
    rdms = np.empty((n_systems, n_conditions * (n_conditions - 1) // 2))
    chunk = max(1, int(chunk_bytes // (8 * n_conditions * (n_channels + 3 * n_conditions))))
    for start in range(0, n_systems, chunk):
        points = np.asarray(patterns[start : start + chunk], dtype=np.float64)
        check_finite(points, "patterns", ("system", "condition", "channel"), start)
        if metric in _UNDEFINED:
            _check_defined(points, metric, start)
        rdms[start : start + chunk] = METRICS[metric](points, chunk_bytes)
    return rdms


def _as_patterns(patterns: ArrayLike) -> NDArray:
    patterns = np.asarray(patterns)
    if patterns.ndim == 2:
        patterns = patterns[np.newaxis]
    if patterns.dtype.kind not in "buif":
        raise ValueError(f"patterns must be real numbers, got an array of dtype {patterns.dtype}.")
    if patterns.ndim != 3 or patterns.shape[1] < 2 or patterns.shape[2] < 1:
        raise ValueError(
            "patterns must have shape (n_systems, n_conditions, n_channels), or (n_conditions,"
            " n_channels) for one system, with at least 2 conditions and 1 channel;"
            f" got shape {patterns.shape}."
        )
    return patterns


def _check_defined(points: NDArray, metric: str, first: int) -> None:
    test, problem = _UNDEFINED[metric]
    bad = np.argwhere(test(points))
    if len(bad):
        system, condition = bad[0]
        raise ValueError(
            f"metric={metric!r} is undefined for a pattern that is {problem} over its"
            f" {points.shape[2]} channel(s): condition {condition} of system {first + system}"
            f" ({len(bad)} such patterns among the systems looked at)."
            " Drop the condition or system, or use metric='euclidean'."
        )


def _squared_distances(points: NDArray, chunk_bytes: int) -> NDArray[np.float64]:
    n_systems, n_conditions, _ = points.shape
    first, second = np.triu_indices(n_conditions, k=1)
    centred = points - points.mean(axis=1, keepdims=True)
    gram = centred @ centred.transpose(0, 2, 1)
    norms = np.diagonal(gram, axis1=1, axis2=2)
    squared = norms[:, first] + norms[:, second]
    bound = _NEAR * squared
    inner = gram.reshape(n_systems, -1).take(first * n_conditions + second, axis=1)
    inner *= 2
    squared -= inner
    system, pair = np.nonzero(~(squared > bound))
    block = max(1, int(chunk_bytes // (16 * points.shape[2])))
    for start in range(0, len(system), block):
        s, p = system[start : start + block], pair[start : start + block]
        difference = points[s, first[p]] - points[s, second[p]]
        squared[s, p] = np.einsum("ij,ij->i", difference, difference)
    return squared


def _euclidean(points: NDArray, chunk_bytes: int) -> NDArray[np.float64]:
    squared = _squared_distances(points, chunk_bytes)
    return np.sqrt(squared, out=squared)


def _cosine(points: NDArray, chunk_bytes: int) -> NDArray[np.float64]:
    unit = points / np.linalg.norm(points, axis=-1, keepdims=True)
    return _squared_distances(unit, chunk_bytes) / 2


def _correlation(points: NDArray, chunk_bytes: int) -> NDArray[np.float64]:
    return _cosine(points - points.mean(axis=-1, keepdims=True), chunk_bytes)


METRICS: dict[str, Callable[[NDArray, int], NDArray[np.float64]]] = {
    "euclidean": _euclidean,
    "sqeuclidean": _squared_distances,
    "correlation": _correlation,
    "cosine": _cosine,
}

_UNDEFINED = {
    "correlation": (constant_rows, "constant"),
    "cosine": (lambda points: ~points.any(axis=-1), "zero"),
}
