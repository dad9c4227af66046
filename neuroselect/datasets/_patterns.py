"""Patterns of voxels in runs, with a known RDM and spatially correlated noise."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch, check_random_state

from neuroselect.datasets._noise import symmetric_root
from neuroselect.recordings import make_container
from neuroselect.utils._sklearn import Interval, validate_params

N_CONDITIONS = 8
FWHM_PER_STD = np.sqrt(8 * np.log(2))

DESCR = """\
Simulated patterns of voxels with a known RDM

Each row of `data` is one estimate of the pattern of a condition in a run, over the voxels of a
grid: the true pattern, plus an offset of every voxel in that run (the same for all conditions),
plus noise. The noise is independent between rows; between voxels part of it is smooth in space
(white noise smoothed with a Gaussian kernel), the rest independent.

`trials`: `run`, `condition` and `repeat`, from 0. `units`: `unit` and the indices `i`, `j`, ... of
the voxel on the grid. `true_patterns` (n_conditions, n_voxels); `true_distances` (n_pairs,): their
squared Euclidean distances divided by the number of voxels, condensed in SciPy's order;
`noise_covariance` (n_voxels, n_voxels) of a row around its mean within the run.
"""


@validate_params(
    {
        "n_conditions": [Interval(Integral, 2, None, closed="left"), None],
        "grid_shape": [tuple, list],
        "n_runs": [Interval(Integral, 1, None, closed="left")],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "rdm": ["array-like", None],
        "pattern_covariance": ["array-like", None],
        "noise_std": [Interval(Real, 0, None, closed="left")],
        "noise_fwhm": [Interval(Real, 0, None, closed="neither")],
        "smooth_share": [Interval(Real, 0, 1, closed="both")],
        "run_std": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_patterns(
    n_conditions: int | None = None,
    *,
    grid_shape: Sequence[int] = (10, 10),
    n_runs: int = 8,
    n_repeats: int = 1,
    rdm: ArrayLike | None = None,
    pattern_covariance: ArrayLike | None = None,
    noise_std: float = 2.0,
    noise_fwhm: float = 2.0,
    smooth_share: float = 0.5,
    run_std: float = 1.0,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Make patterns of voxels, as fMRI gives them in runs, whose true RDM is known.

    The true RDM may be given, directly or by the covariance of the patterns [1]_; then the true
    patterns have it exactly. There is no ``return_X_y``: take ``data`` and a column of
    ``trials``.

    Parameters
    ----------
    n_conditions : int or None, default=None
        Number of conditions. None is that of `rdm` or `pattern_covariance`, or else 8.
    grid_shape : tuple or list of int, default=(10, 10)
        Voxels along each axis of the grid.
    n_runs : int, default=8
        Number of runs; each has all conditions.
    n_repeats : int, default=1
        Rows per condition and run, with noise of their own.
    rdm : array-like of shape (n_pairs,) or None, default=None
        Squared Euclidean distances of the true patterns divided by the number of voxels,
        condensed in SciPy's order.
    pattern_covariance : array-like of shape (n_conditions, n_conditions) or None, default=None
        True second moment of the patterns, ``U @ U.T / n_voxels``. With neither this nor `rdm`
        the patterns are drawn from independent standard normal distributions.
    noise_std : float, default=2.0
        Standard deviation of the noise of a row in each voxel.
    noise_fwhm : float, default=2.0
        Full width at half maximum, in voxels, of the kernel that makes the smooth noise; the
        correlation of smooth noise at a distance d is ``exp(-d**2 / (4 * s**2))`` with ``s`` the
        standard deviation of the kernel, fwhm / 2.355.
    smooth_share : float, default=0.5
        Share of the variance of the noise that is smooth. 1 makes a covariance that is hard to
        invert.
    run_std : float, default=1.0
        Standard deviation of the offsets of the voxels in a run.
    random_state : int, RandomState instance or None, default=None
        Source of the patterns, the runs and the noise, in that order.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        A container of trials, see :func:`~neuroselect.recordings.make_container`:

        data : ndarray of shape (n_runs * n_conditions * n_repeats, n_voxels)
            One row per run, condition and repeat, the last fastest.
        trials : DataFrame of shape (n_rows, 3)
            `run`, `condition` and `repeat`, from 0.
        units : DataFrame of shape (n_voxels, 1 + n_axes)
            `unit` and the indices `i`, `j`, ... of the voxel on the grid.
        true_patterns : ndarray of shape (n_conditions, n_voxels)
            Without noise and offsets of runs.
        true_distances : ndarray of shape (n_pairs,)
            Their squared Euclidean distances divided by the number of voxels.
        noise_covariance : ndarray of shape (n_voxels, n_voxels)
            Of the noise of a row.
        DESCR : str
            Description.

    Raises
    ------
    ValueError
        If shapes do not belong together, both `rdm` and `pattern_covariance` are given, no
        patterns can have them, or there are too few voxels for them.

    See Also
    --------
    make_recording : Units with known selectivity.

    References
    ----------
    .. [1] Diedrichsen & Kriegeskorte (2017), PLOS Computational Biology 13, e1005508,
       :doi:`10.1371/journal.pcbi.1005508`

    Examples
    --------
    >>> from neuroselect.datasets import make_patterns
    >>> patterns = make_patterns(rdm=[1.0, 4.0, 3.0], random_state=0)
    >>> patterns.data.shape, patterns.true_distances.round(10)
    ((24, 100), array([1., 4., 3.]))
    """
    rng = check_random_state(random_state)
    shape = check_grid(grid_shape)
    n_voxels = int(np.prod(shape))
    moment = second_moment(n_conditions, rdm, pattern_covariance)
    if moment is None:
        patterns = rng.normal(size=(n_conditions or N_CONDITIONS, n_voxels))
    else:
        patterns = embed(moment, n_voxels, rng)
    run, condition, repeat = np.indices((n_runs, len(patterns), n_repeats)).reshape(3, -1)
    offsets = run_std * rng.normal(size=(n_runs, n_voxels))
    correlations = [smooth_correlation(size, noise_fwhm) for size in shape]
    smooth = rng.normal(size=(len(run), *shape))
    for axis, correlation in enumerate(correlations, start=1):
        smooth = np.moveaxis(np.tensordot(smooth, symmetric_root(correlation), (axis, 0)), -1, axis)
    noise = np.sqrt(smooth_share) * smooth.reshape(len(run), -1)
    noise += np.sqrt(1 - smooth_share) * rng.normal(size=(len(run), n_voxels))
    covariance = smooth_share * reduce(np.kron, correlations)
    covariance += (1 - smooth_share) * np.eye(n_voxels)
    first, second = np.triu_indices(len(patterns), k=1)
    voxels = np.indices(shape).reshape(len(shape), -1)
    return make_container(
        patterns[condition] + offsets[run] + noise_std * noise,
        {"run": run, "condition": condition, "repeat": repeat},
        units={"unit": np.arange(n_voxels), **dict(zip("ijk", voxels, strict=False))},
        true_patterns=patterns,
        true_distances=((patterns[first] - patterns[second]) ** 2).mean(axis=1),
        noise_covariance=noise_std**2 * covariance,
        DESCR=DESCR,
    )


def check_grid(grid_shape: Sequence[int]) -> tuple[int, ...]:
    """Return the numbers of voxels along one to three axes."""
    whole = all(isinstance(n, Integral) and not isinstance(n, bool) and n >= 1 for n in grid_shape)
    if not whole or not 1 <= len(grid_shape) <= 3:
        raise ValueError(
            "grid_shape must be one to three whole numbers of voxels, 1 or more, got"
            f" {tuple(grid_shape)}."
        )
    return tuple(int(n) for n in grid_shape)


def second_moment(
    n_conditions: int | None, rdm: ArrayLike | None, pattern_covariance: ArrayLike | None
) -> NDArray[np.float64] | None:
    """Return the second moment (n_conditions, n_conditions) that was asked for, if any."""
    if rdm is not None and pattern_covariance is not None:
        raise ValueError("rdm and pattern_covariance exclude each other. Pass one of them.")
    if rdm is None and pattern_covariance is None:
        return None
    name = "rdm" if pattern_covariance is None else "pattern_covariance"
    given = np.asarray(rdm if pattern_covariance is None else pattern_covariance, np.float64)
    moment = moment_of_rdm(given) if pattern_covariance is None else given
    square = moment.ndim == 2 and moment.shape[0] == moment.shape[1] >= 2
    if not square or not np.isfinite(moment).all() or not np.allclose(moment, moment.T):
        raise ValueError(
            "pattern_covariance must be a finite symmetric matrix of shape (n_conditions,"
            f" n_conditions), got shape {moment.shape}."
        )
    if n_conditions not in (None, len(moment)):
        raise ValueError(
            f"n_conditions={n_conditions} does not fit {name}, which has {len(moment)} conditions."
        )
    values = np.linalg.eigvalsh(moment)
    if values[0] < -1e-8 * max(values[-1], 1e-300):
        reason = "are no squared Euclidean distances" if name == "rdm" else "are no covariance"
        raise ValueError(
            f"No patterns have this {name}: its values {reason} (eigenvalue {values[0]:.3g} of"
            f" the second moment, largest {values[-1]:.3g})."
        )
    return moment


def moment_of_rdm(rdm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the second moment of patterns with mean 0 over conditions from their distances."""
    from scipy.spatial.distance import squareform

    n_conditions = round((1 + np.sqrt(1 + 8 * rdm.size)) / 2)
    pairs = n_conditions * (n_conditions - 1) // 2
    if rdm.ndim != 1 or rdm.size == 0 or pairs != rdm.size:
        raise ValueError(
            "rdm must be condensed, of length n_conditions * (n_conditions - 1) / 2, got shape"
            f" {rdm.shape}. scipy.spatial.distance.squareform condenses a square one."
        )
    if not np.isfinite(rdm).all() or (rdm < 0).any():
        raise ValueError("rdm must hold squared distances, finite and not below 0.")
    centring = np.eye(n_conditions) - 1 / n_conditions
    return -0.5 * centring @ squareform(rdm) @ centring


def embed(
    moment: NDArray[np.float64], n_voxels: int, rng: np.random.RandomState
) -> NDArray[np.float64]:
    """Return patterns U (n_conditions, n_voxels) with U @ U.T / n_voxels equal to the moment."""
    values, vectors = np.linalg.eigh(moment)
    kept = values > 1e-12 * max(values[-1], 0)
    if kept.sum() > n_voxels:
        raise ValueError(
            f"grid_shape must give at least {kept.sum()} voxels for patterns of this rank, got"
            f" {n_voxels}."
        )
    directions, _ = np.linalg.qr(rng.normal(size=(n_voxels, kept.sum())))
    coordinates = vectors[:, kept] * np.sqrt(values[kept])
    return np.sqrt(n_voxels) * coordinates @ directions.T


def smooth_correlation(n_voxels: int, fwhm: float) -> NDArray[np.float64]:
    """Return the correlation along one axis of white noise smoothed with a Gaussian kernel."""
    distance = np.subtract.outer(np.arange(n_voxels), np.arange(n_voxels))
    return np.exp(-((distance * FWHM_PER_STD / fwhm) ** 2) / 4)
