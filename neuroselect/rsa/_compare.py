"""How alike RDMs are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.recordings._blocks import row_blocks
from neuroselect.rsa._bures import centred_products, fidelities
from neuroselect.rsa._checks import constant_rows
from neuroselect.rsa._missing import common_pairs
from neuroselect.rsa._pairs import n_conditions_of
from neuroselect.rsa._ranks import average_ranks, dense_ranks, order_agreement
from neuroselect.rsa._whitened import contrast_root, whitened_features

METHODS = (
    "cosine",
    "corr",
    "spearman",
    "rho-a",
    "tau-a",
    "tau-b",
    "cosine_cov",
    "corr_cov",
    "bures",
    "bures_metric",
)
_WHITENED = ("cosine_cov", "corr_cov")
_CENTRED = ("corr", "spearman", "tau-b", "corr_cov")  # undefined for a constant RDM
_PARTIAL = ("corr", "spearman")


def compare_rdms(
    a: ArrayLike,
    b: ArrayLike,
    method: str = "cosine",
    *,
    sigma_k: ArrayLike | None = None,
    partial: ArrayLike | None = None,
    missing: str = "raise",
    chunk_bytes: int = 16 * 2**20,
) -> NDArray[np.float64]:
    r"""Compare every RDM of one set with every RDM of another.

    Parameters
    ----------
    a, b : array-like of shape (n_a, n_pairs) and (n_b, n_pairs)
        Condensed RDMs of the same conditions in the same order. An array of shape (n_pairs,) is
        taken for one RDM.
    method : str, default="cosine"
        "cosine"
            Cosine of the angle between the two vectors of dissimilarities. For ratio scales
            whose 0 means something, as crossnobis.
        "corr"
            Pearson's correlation over pairs.
        "spearman"
            Pearson's correlation of the ranks, ties sharing their mean rank.
        "rho-a"
            Expected Spearman correlation if ties were broken at random. To be preferred to
            "spearman" where models predict ties [1]_.
        "tau-a", "tau-b"
            Kendall's coefficients: concordant less discordant pairs of pairs, divided by all of
            them, or by the geometric mean of those not tied in either RDM.
        "cosine_cov", "corr_cov"
            Cosine and correlation after whitening by the covariance of the entries of an RDM
            [2]_; see `sigma_k`. For "corr_cov" the plain mean over pairs is subtracted first.
        "bures"
            Bures similarity (fidelity) of the inner products of the centred conditions whose
            *squared* distances the RDMs are; 1 if they are proportional.
        "bures_metric"
            The square of the Bures distance of the same, in the unit of the RDMs. The only one
            of which less is more alike.
    sigma_k : array-like of shape (n_conditions, n_conditions) or (n_conditions,), default=None
        Covariance, or variances, of the estimates of the patterns over conditions, for
        "cosine_cov" and "corr_cov". None: independent with equal variance; "cosine_cov" is then
        linear centred kernel alignment.
    partial : array-like of shape (n_controls, n_pairs), default=None
        RDMs whose linear part is taken out of `a` and `b` first: partial correlation, of the
        ranks with "spearman". For "corr" and "spearman" only.
    missing : {"raise", "drop"}, default="raise"
        What to do about NaN. "drop" leaves out every pair of conditions that is NaN in any RDM
        of `a`, `b` or `partial` from all of them, so that all results are about the same pairs.
    chunk_bytes : int, default=16 MiB
        RDMs are worked on in blocks of about this size; one RDM is the least.

    Returns
    -------
    similarity : ndarray of shape (n_a, n_b)
        Between -1 and 1, up to rounding; "bures" between 0 and 1; "bures_metric" 0 or more.

    Raises
    ------
    ValueError
        For an unknown method; if RDMs differ in their number of pairs, hold NaN with
        ``missing="raise"`` or are infinite; if the coefficient is undefined (an RDM that is
        constant, 0, or explained by `partial` altogether); if `sigma_k` is no covariance of the
        conditions.

    See Also
    --------
    RDMRegression : Several models at once.

    Notes
    -----
    All methods but Kendall's and Bures' are one product of matrices. The whitened ones take
    ``n_conditions ** 3`` operations per RDM and never form the covariance of the pairs. Kendall's
    coefficients count inversions by sorting, ``n_pairs log(n_pairs)`` for two RDMs.

    References
    ----------
    .. [1] Schütt, Kipnis, Diedrichsen & Kriegeskorte (2023), "Statistical inference on
       representational geometries", eLife 12, e82566. :doi:`10.7554/eLife.82566`
    .. [2] Diedrichsen, Berlot, Mur, Schütt, Shahbazi & Kriegeskorte (2021), "Comparing
       representational geometries using whitened unbiased-distance-matrix similarity", Neurons,
       Behavior, Data analysis, and Theory 5. :doi:`10.51628/001c.27664`

    Examples
    --------
    >>> from neuroselect.rsa import compare_rdms
    >>> data = [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]
    >>> compare_rdms(data, [[1.0, 2.0, 4.0]], method="spearman")
    array([[ 1.],
           [-1.]])
    >>> compare_rdms(data, [2.0, 4.0, 6.0], method="cosine").round(3)
    array([[1.   ],
           [0.714]])
    """
    rdms = _check_arguments(a, b, method, sigma_k, partial, chunk_bytes)
    present = common_pairs(missing, **rdms)
    if not present.all():
        whole = method in _WHITENED  # which need the place of a pair
        rdms = {
            name: np.where(present, array, 0.0) if whole else array[:, present]
            for name, array in rdms.items()
        }
    for name in ("a", "b"):
        _check_defined(rdms[name], name, method, present)
    if method in ("tau-a", "tau-b"):
        return _kendall(rdms["a"], rdms["b"], method, chunk_bytes)
    if method in ("bures", "bures_metric"):
        _check_complete(method, present)
        return _bures(rdms["a"], rdms["b"], method, chunk_bytes)
    prepare = _preparation(method, rdms.get("partial"), present, sigma_k)
    return _inner_products(rdms["a"], rdms["b"], prepare, chunk_bytes)


def _preparation(method, controls, present, sigma_k) -> Callable[[NDArray, str, int], NDArray]:
    """Return what turns RDMs into vectors whose inner products are the coefficients."""
    if method in _WHITENED:
        root = None if sigma_k is None else contrast_root(sigma_k, len(present))

        def whiten(rows, name, first):
            if method == "corr_cov":
                rows = np.where(present, rows - rows[:, present].mean(axis=1, keepdims=True), 0.0)
            return _unit(whitened_features(rows, present, root))

        return whiten
    scale = average_ranks if method in ("spearman", "rho-a") else np.asarray
    basis = None if controls is None else _basis_of_controls(scale(controls))

    def vectors(rows, name, first):
        rows = scale(rows)
        if method == "cosine":
            return _unit(rows)
        rows = rows - rows.mean(axis=1, keepdims=True)
        if method == "rho-a":
            n = rows.shape[1]
            return rows * np.sqrt(12 / (n**3 - n))
        return _unit(rows if basis is None else _residuals(rows, basis, name, first))

    return vectors


def _inner_products(a, b, prepare, chunk_bytes) -> NDArray[np.float64]:
    result = np.empty((len(a), len(b)))
    for columns in row_blocks(b.shape, chunk_bytes):
        right = prepare(b[columns], "b", columns.start)
        for rows in row_blocks(a.shape, chunk_bytes):
            result[rows, columns] = prepare(a[rows], "a", rows.start) @ right.T
    return result


def _unit(rows: NDArray) -> NDArray[np.float64]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _basis_of_controls(controls: NDArray) -> NDArray[np.float64]:
    """Orthonormal basis, (n_pairs, rank), of centred RDMs, which may depend on each other."""
    centred = controls - controls.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    centred = centred[norms[:, 0] > 0] / norms[norms[:, 0] > 0]
    _, values, vectors = np.linalg.svd(centred, full_matrices=False)
    return vectors[values > 1e-10].T


def _residuals(rows, basis, name, first) -> NDArray[np.float64]:
    left = rows - (rows @ basis) @ basis.T
    explained = np.linalg.norm(left, axis=1) <= 1e-10 * np.linalg.norm(rows, axis=1)
    if explained.any():
        raise ValueError(
            f"partial must leave something of every RDM, but explains RDM"
            f" {first + np.argmax(explained)} of {name} altogether. Leave that RDM out, or the"
            " control that equals it."
        )
    return left


def _kendall(a, b, method, chunk_bytes) -> NDArray[np.float64]:
    result = np.empty((len(a), len(b)))
    pairs = a.shape[1] * (a.shape[1] - 1) / 2
    others = list(zip(*dense_ranks(b), strict=True))
    for rows in row_blocks(a.shape, chunk_bytes / 16):  # a cache's worth, and copies of it
        ranks, ties = dense_ranks(a[rows])
        for column, (other, other_ties) in enumerate(others):
            agreement = order_agreement(ranks, ties, other, other_ties)
            total = pairs
            if method == "tau-b":
                total = np.sqrt(pairs - ties) * np.sqrt(pairs - other_ties)
            result[rows, column] = agreement / total
    return result


def _bures(a, b, method, chunk_bytes) -> NDArray[np.float64]:
    a, b = centred_products(a), centred_products(b)
    traces = [np.trace(x, axis1=1, axis2=2) for x in (a, b)]
    shared = fidelities(a, b, chunk_bytes)
    if method == "bures":
        return shared / np.sqrt(np.outer(*traces))
    return np.add.outer(*traces) - 2 * shared


def _check_arguments(a, b, method, sigma_k, partial, chunk_bytes) -> dict[str, NDArray]:
    if method not in METHODS:
        raise ValueError(f"method must be one of {list(METHODS)}, got {method!r}.")
    if sigma_k is not None and method not in _WHITENED:
        raise ValueError(f"sigma_k is for method 'cosine_cov' and 'corr_cov', got {method!r}.")
    if partial is not None and method not in _PARTIAL:
        raise ValueError(f"partial is for method 'corr' and 'spearman', got {method!r}.")
    given = {"a": a, "b": b} | ({} if partial is None else {"partial": partial})
    rdms = {name: as_rdms(array, name) for name, array in given.items()}
    widths = {name: array.shape[1] for name, array in rdms.items()}
    if len(set(widths.values())) > 1:
        raise ValueError(
            f"{' and '.join(widths)} must be RDMs of the same pairs of conditions, got"
            f" {', '.join(f'{n} pairs in {name}' for name, n in widths.items())}."
        )
    next(row_blocks((1, 1), chunk_bytes))  # raises for what is no number of bytes
    return rdms


def as_rdms(rdms: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return condensed RDMs as an array of two axes."""
    try:
        array = np.atleast_2d(np.asarray(rdms, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold condensed RDMs of real numbers.") from error
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(
            f"{name} must hold condensed RDMs, of shape (n_rdms, n_pairs), or one, of shape"
            f" (n_pairs,); got shape {array.shape}."
        )
    n_conditions_of(array.shape[1], name)
    return array


def _check_defined(rdms: NDArray, name: str, method: str, present: NDArray) -> None:
    if method in _CENTRED:
        bad, what = constant_rows(rdms[:, present] if method in _WHITENED else rdms), "constant"
    elif method in ("cosine", "cosine_cov"):
        bad, what = ~rdms.any(axis=1), "0"
    elif method == "bures":
        bad, what = rdms.sum(axis=1) <= 0, "0 or less on average"
    else:
        return
    if bad.any():
        raise ValueError(
            f"method={method!r} is undefined for an RDM that is {what}: RDM {np.argmax(bad)} of"
            f" {name} ({bad.sum()} such RDMs). Leave it out, or use 'tau-a' or 'rho-a'."
        )


def _check_complete(method: str, present: NDArray) -> None:
    if not present.all():
        raise ValueError(
            f"method={method!r} needs all pairs of conditions, but {(~present).sum()} of"
            f" {len(present)} are NaN. Leave out the conditions or RDMs that they belong to."
        )
