"""Representational dissimilarity matrices (RDMs) of many systems at once."""

import math
from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.recordings._blocks import row_blocks
from neuroselect.rsa._checks import check_finite
from neuroselect.rsa._cross_validated import (
    leave_one_run_out,
    over_pairs_of_runs,
    root_of_runs,
)
from neuroselect.rsa._differences import difference_products, product_on
from neuroselect.rsa._metrics import METRICS, Metric, Prior, rates_and_logs
from neuroselect.rsa._noise import precision_over_runs, precision_roots, read_noise


def condensed_rdms(
    patterns: ArrayLike,
    metric: str = "euclidean",
    *,
    noise: ArrayLike | str | None = None,
    prior_lambda: float = 1.0,
    prior_weight: float = 0.1,
    missing: str = "raise",
    device: str = "cpu",
    chunk_bytes: int = 4 * 2**20,
) -> NDArray[np.float64]:
    r"""Dissimilarities of all pairs of conditions, for every system.

    In float64. Where a distance of this name is in :func:`scipy.spatial.distance.pdist`, it is
    that one, and nothing is scaled by the number of channels. (rsatoolbox's "euclidean" and
    "mahalanobis" are the *squared* distances divided by the number of channels.) The others are
    those of rsatoolbox: sums over channels divided by their number.

    Parameters
    ----------
    patterns : array-like of shape (n_systems, n_conditions, n_channels)
        Mean response per condition and channel, in any unit. An array of shape
        (n_conditions, n_channels) is taken for a single system. For "crossnobis" and
        "poisson_cv" of shape (n_systems, n_runs, n_conditions, n_channels), or (n_runs,
        n_conditions, n_channels) for a single system, at least 2 runs. Time bins are systems:
        :func:`condition_patterns` of activity with a time axis has them first.
    metric : str, default="euclidean"
        "euclidean", "sqeuclidean"
            Euclidean distance, and its square.
        "correlation", "cosine"
            1 - Pearson's r over channels, and 1 - cosine of the angle.
        "mahalanobis"
            Euclidean distance after whitening by `noise`.
        "crossnobis"
            Cross-validated square of the Mahalanobis distance, divided by the number of channels
            [2]_: the mean over runs of the product of the difference of two patterns in one run
            with that in the mean of the other runs. *Signed*: it averages 0 where two patterns
            differ by noise only.
        "poisson"
            Symmetrised Kullback-Leibler divergence of Poisson rates [3]_, the mean over channels
            of :math:`(a - b)(\log a - \log b)`. Rates must not be negative.
        "poisson_cv"
            The same with a and b from the mean of the other runs and the logarithms from the run
            left out, averaged over runs; signed.
    noise : array-like, str or None, default=None
        Precision of the noise, for "mahalanobis" and "crossnobis", as :func:`noise_precision`
        returns it. None is the identity. Shapes: (n_channels, n_channels) for all; for
        "mahalanobis" (n_systems, n_channels, n_channels); for "crossnobis" (n_runs, n_channels,
        n_channels), the runs' own, and (n_systems, n_runs or 1, n_channels, n_channels). Two runs
        with precisions of their own are whitened by the inverse of the mean of their covariances.
        For "crossnobis" also the name of an estimator, "ledoit_wolf", "shrunk_diagonal",
        "diagonal" or "full": the covariance is then that of each system's own patterns around
        their means over runs and over conditions.
    prior_lambda, prior_weight : float, default=1.0 and 0.1
        For "poisson" and "poisson_cv": a rate x becomes
        ``(x + prior_lambda * prior_weight) / (1 + prior_weight)``.
    missing : {"raise", "nan"}, default="raise"
        What to do about NaN in `patterns`. "nan": a pattern with NaN in any channel counts as
        missing, and pairs with it are NaN; cross-validated ones are averaged over the runs that
        have both patterns, and are NaN where fewer than two have.
    device : {"cpu", "cuda", "mps", "auto"}, default="cpu"
        Where the products of matrices are computed: on the CPU by NumPy, else by torch. "mps"
        has no float64.
    chunk_bytes : int, default=4 MiB
        Systems, or tiles of the RDM of one system, are worked on in chunks of about this size;
        the default fits a processor's cache and is faster than larger ones.

    Returns
    -------
    rdms : ndarray of shape (n_systems, n_pairs)
        Condensed RDMs with ``n_pairs = n_conditions * (n_conditions - 1) / 2``, in the
        order of SciPy: pairs (0, 1), (0, 2), ..., (1, 2), ... Of shape (1, n_pairs) for
        a single system. In the unit of `patterns` ("euclidean"), its square
        ("sqeuclidean", "crossnobis" without noise), the rate ("poisson"), or without unit.

    Raises
    ------
    ValueError
        If `patterns` has the wrong shape, fewer than 2 conditions or runs, infinities, or NaN
        with ``missing="raise"``; for an unknown metric; if the correlation is undefined (a pattern
        constant over channels), the cosine is (a pattern of zeros) or a rate is negative; if
        `noise` is no precision matrix of a shape above.

    See Also
    --------
    RDMTransformer : The same as a scikit-learn transformer.
    trial_rdms : From single trials, with the precision of their noise, in one call.
    cross_run_rdms : Square RDMs between runs, whose diagonal says how reliable patterns are.

    Notes
    -----
    All dissimilarities are products of differences, (u_i - u_j).(v_i - v_j), and come from the
    matrix of inner products after subtracting the mean over conditions, which leaves them as they
    are. Pairs of conditions that are close compared with their norms, where this cancels, are
    recomputed from the differences. "euclidean" and "sqeuclidean" agree with `pdist` to a
    relative 1e-12, for patterns far from the origin and near-duplicate conditions as well. The
    correlation and cosine distances are ``|u - v|^2 / 2`` of the normalised patterns u and v; they
    are never negative, and are right to about 1e-15, and to about 1e-15 times the square root of
    the distance where that is small: closer than 1 - r. Cross-validated values, which may be near
    0 by right, are right to 1e-10 of themselves and of what differences would give.

    Beside the result and copies of the patterns memory stays within a few `chunk_bytes`.

    Runs have equal weight in the mean of the others, whatever their numbers of trials.

    References
    ----------
    .. [1] Kriegeskorte, Mur & Bandettini (2008), "Representational similarity analysis",
       Frontiers in Systems Neuroscience 2. :doi:`10.3389/neuro.06.004.2008`
    .. [2] Walther, Nili, Ejaz, Alink, Kriegeskorte & Diedrichsen (2016), "Reliability of
       dissimilarity measures for multi-voxel pattern analysis", NeuroImage 137, 188-200.
       :doi:`10.1016/j.neuroimage.2015.12.012`
    .. [3] Schütt, Kipnis, Diedrichsen & Kriegeskorte (2023), "Statistical inference on
       representational geometries", eLife 12, e82566. :doi:`10.7554/eLife.82566`

    Examples
    --------
    >>> patterns = [[[0.0, 0.0], [3.0, 4.0], [0.0, 8.0]]]  # 1 system, 3 conditions
    >>> condensed_rdms(patterns)
    array([[5., 8., 5.]])
    >>> condensed_rdms(patterns, metric="sqeuclidean")
    array([[25., 64., 25.]])

    Two runs, in which the second condition differs by noise of opposite sign:

    >>> runs = [[[0.0, 0.0], [1.0, 0.0], [4.0, 2.0]], [[0.0, 0.0], [-1.0, 0.0], [4.0, 2.0]]]
    >>> condensed_rdms(runs, metric="crossnobis")
    array([[-0.5,  10. ,   9.5]])
    """
    prior = Prior(prior_lambda, prior_weight)
    _check_parameters(metric, noise, prior, missing, chunk_bytes)
    how = {"chunk_bytes": chunk_bytes, "product": product_on(device)}
    job = _Job(metric, METRICS[metric], prior, how)
    patterns = as_patterns(patterns, metric)
    noise = read_noise(noise, patterns.shape, metric)
    n_systems, n_conditions = len(patterns), patterns.shape[-2]
    rdms = np.empty((n_systems, n_conditions * (n_conditions - 1) // 2))
    # Copies of patterns (more with runs) and of inner products that are around at a time.
    copies = 16 if job.of.takes_runs else 2
    bytes_each = 8 * copies * math.prod(patterns.shape[1:]) + 32 * n_conditions**2
    chunk = max(1, int(chunk_bytes // bytes_each))
    compute = _cross_validated if job.of.takes_runs else _plain
    for start in range(0, n_systems, chunk):
        systems = slice(start, min(start + chunk, n_systems))
        points = np.asarray(patterns[systems], dtype=np.float64)
        gaps = _find_gaps(points, missing, start)
        if gaps is not None:  # values that every metric takes; what comes of them is dropped
            points = np.where(gaps[..., np.newaxis], 1.0 + np.arange(points.shape[-1]), points)
        _check_defined(points, job, start)
        compute(points, gaps, _noise_of(noise, systems), job, rdms[systems])
    return rdms


class _Job(NamedTuple):
    """What all chunks share."""

    metric: str
    of: Metric
    prior: Prior
    how: dict


def _noise_of(noise, systems: slice):
    """Roots of the precisions of some systems; what is common to all has a first axis of 1."""
    return noise if noise is None or isinstance(noise, str) or len(noise) == 1 else noise[systems]


def _plain(points, gaps, noise, job, out) -> None:
    n_conditions, n_channels = points.shape[1:]
    if noise is not None:
        points = points @ noise
    left, right = job.of.forms(points, job.prior)
    difference_products(left, right, symmetric=left is right, out=out, **job.how)
    job.of.finish(out, n_channels)
    if gaps is not None:
        first, second = np.triu_indices(n_conditions, k=1)
        out[gaps[:, first] | gaps[:, second]] = np.nan


def _cross_validated(points, gaps, noise, job, out) -> None:
    n_runs, n_channels = points.shape[1], points.shape[-1]
    if isinstance(noise, str):
        _check_no_gaps(gaps, noise)
        own = np.stack([precision_over_runs(system, noise) for system in points])
        noise = precision_roots(own)[:, np.newaxis]
    root_of = None
    if noise is not None and noise.shape[1] == n_runs:
        if len(noise) > 1:
            for k in range(len(points)):
                own_gaps = gaps if gaps is None else gaps[k : k + 1]
                _cross_validated(points[k : k + 1], own_gaps, noise[k : k + 1], job, out[k : k + 1])
            return
        root_of = root_of_runs(noise[0])
    elif noise is not None:
        points = points @ noise
    left, right = job.of.forms(points, job.prior)
    symmetric = left is right
    if gaps is None and root_of is None:
        leave_one_run_out(left, right, symmetric=symmetric, out=out, **job.how)
    else:
        out[:] = over_pairs_of_runs(
            left, right, gaps, symmetric=symmetric, root_of=root_of, **job.how
        )
    job.of.finish(out, n_channels)


def as_patterns(patterns: ArrayLike, metric: str) -> NDArray:
    """Return patterns with an axis of systems, and for cross-validated metrics one of runs."""
    patterns = np.asarray(patterns)
    if patterns.dtype.kind not in "buif":
        raise ValueError(f"patterns must be real numbers, got an array of dtype {patterns.dtype}.")
    runs = METRICS[metric].takes_runs
    shape = patterns.shape
    if patterns.ndim == 2 + runs:
        patterns = patterns[np.newaxis]
    if patterns.ndim != 3 + runs or patterns.shape[-2] < 2 or patterns.shape[-1] < 1:
        axes = "n_runs, n_conditions, n_channels" if runs else "n_conditions, n_channels"
        raise ValueError(
            f"patterns must have shape (n_systems, {axes}), or ({axes}) for one system, for metric"
            f" {metric!r}, with at least 2 conditions and 1 channel; got shape {shape}."
        )
    if runs and patterns.shape[1] < 2:
        raise ValueError(
            f"metric={metric!r} is cross-validated and needs patterns of at least 2 runs, got"
            f" {patterns.shape[1]}: shape {shape}, (..., n_runs, n_conditions, n_channels). Split"
            " the trials into runs, or use 'mahalanobis' or 'poisson'."
        )
    return patterns


def _check_parameters(metric, noise, prior, missing, chunk_bytes) -> None:
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {sorted(METRICS)}, got {metric!r}.")
    if noise is not None and not METRICS[metric].takes_noise:
        raise ValueError(
            f"noise is for metric 'mahalanobis' and 'crossnobis', got metric={metric!r}."
        )
    if missing not in ("raise", "nan"):
        raise ValueError(f"missing must be 'raise' or 'nan', got {missing!r}.")
    for name, value in zip(("prior_lambda", "prior_weight"), prior, strict=True):
        if not isinstance(value, Real) or not 0 <= value < np.inf:
            raise ValueError(f"{name} must be a finite number >= 0, got {value!r}.")
    next(row_blocks((1, 1), chunk_bytes))  # raises for what is no number of bytes


def _find_gaps(points: NDArray, missing: str, first: int) -> NDArray[np.bool_] | None:
    """Return where patterns are missing, None if nowhere."""
    axes = ("system", "run", "condition", "channel")
    axes = axes if points.ndim == 4 else axes[:1] + axes[2:]
    gaps = None
    if missing == "nan" and np.isnan(points.sum()):
        absent = np.isnan(points)
        gaps = absent.any(axis=-1)
        points = np.where(absent, 0.0, points)
    check_finite(points, "patterns", axes, first)
    return gaps


def _check_defined(points: NDArray, job: _Job, first: int) -> None:
    if job.of.forms is rates_and_logs:
        _check_rates(points, job, first)
    if job.of.undefined is None:
        return
    test, problem = job.of.undefined
    bad = np.argwhere(test(points))
    if len(bad):
        system, condition = bad[0]
        raise ValueError(
            f"metric={job.metric!r} is undefined for a pattern that is {problem} over its"
            f" {points.shape[2]} channel(s): condition {condition} of system {first + system}"
            f" ({len(bad)} such patterns among the systems looked at)."
            " Drop the condition or system, or use metric='euclidean'."
        )


def _check_rates(points: NDArray, job: _Job, first: int) -> None:
    bad = points < 0 if job.prior.rate * job.prior.weight > 0 else points <= 0
    if bad.any():
        place = np.argwhere(bad)[0]
        raise ValueError(
            f"metric={job.metric!r} takes rates, which must not be negative (nor 0 without a"
            f" prior), but condition {place[-2]}, channel {place[-1]} of system"
            f" {first + place[0]} is {points[tuple(place)]:g} ({bad.sum()} such values). Use"
            " another metric for activity that was centred or scaled."
        )


def _check_no_gaps(gaps, noise: str) -> None:
    if gaps is not None:
        raise ValueError(
            f"noise={noise!r} is estimated from the patterns of all runs, but some are missing."
            " Pass a precision matrix, as noise_precision returns it from single trials."
        )
