"""Choice curves of the relevant and the irrelevant feature, and their slopes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from neuroselect.behavior._checks import check_choice_matrices, relevant_first
from neuroselect.behavior._minimize import minimize_batch

MAX_SLOPE = 10.0
# Grid of slopes and intercepts from which the best local minima are refined.
SLOPES = np.linspace(-MAX_SLOPE, MAX_SLOPE, 41)
INTERCEPTS = np.linspace(-20.0, 20.0, 81)
N_REFINED = 6


class SigmoidFit(NamedTuple):
    """Least-squares sigmoids: slope and intercept of the logit, and the squared error."""

    slope: NDArray[np.float64]
    intercept: NDArray[np.float64]
    squared_error: NDArray[np.float64]


def choice_curves(choice_matrices: ArrayLike) -> NDArray[np.float64]:
    """Share of accept choices along the relevant and along the irrelevant feature.

    The relevant curve is the mean over the levels of the irrelevant feature, the irrelevant
    curve the mean over those of the relevant one; both are averaged over the two tasks.

    Parameters
    ----------
    choice_matrices : array-like of shape (n_subjects, 2, n_levels, n_levels)
        Shares of accept choices in the aligned frame: the feature on the first axis of the grid
        is relevant in the first task (north), that on the second axis in the second, and
        rewards rise with either. The matrices of one subject may come without the first axis.

    Returns
    -------
    curves : ndarray of shape (n_subjects, 2, n_levels)
        The relevant, then the irrelevant curve.

    Raises
    ------
    ValueError
        If the matrices are not square, not of two tasks, or hold anything but shares.

    See Also
    --------
    choice_slopes : How steep the curves are.

    Examples
    --------
    >>> from neuroselect.behavior import choice_curves
    >>> north = [[0.0, 0.2], [0.8, 1.0]]
    >>> south = [[0.0, 1.0], [0.0, 1.0]]
    >>> choice_curves([north, south])
    array([[[0.05, 0.95],
            [0.45, 0.55]]])
    """
    m = relevant_first(check_choice_matrices(choice_matrices))
    return np.stack([m.mean(axis=(1, 3)), m.mean(axis=(1, 2))], axis=1)


def choice_slopes(choice_matrices: ArrayLike) -> NDArray[np.float64]:
    r"""Slopes of the choice curves along the relevant and the irrelevant feature [1]_.

    The slope k of a curve minimises the squared error of

    .. math:: p = 1 / (1 + \exp(-k (x - x_0))), \quad |k| \le 10

    with x the z-scored levels (population standard deviation).

    Parameters
    ----------
    choice_matrices : array-like of shape (n_subjects, 2, n_levels, n_levels)
        Shares of accept choices in the aligned frame, as in :func:`choice_curves`.

    Returns
    -------
    slopes : ndarray of shape (n_subjects, 2)
        Per standard deviation of the levels: relevant, then irrelevant. A subject who follows
        the rules has a steep relevant and a flat irrelevant curve; two equal slopes are
        those of one diagonal boundary.

    Raises
    ------
    ValueError
        As in :func:`choice_curves`.

    See Also
    --------
    fit_sigmoids : The fit, with the intercepts.
    congruency_effect : What the irrelevant feature costs.

    Notes
    -----
    The squared error has several minima; the lowest one of a grid and its refinement is taken.
    The fit of a curve that lies in one tail of the sigmoid says little about its slope:
    shares of 0 and at the last level 0.02 are met best by a steep sigmoid far to the right.

    References
    ----------
    .. [1] Flesch, Nagy, Saxe & Summerfield (2023), PLOS Computational Biology 19, e1010808,
       :doi:`10.1371/journal.pcbi.1010808`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.behavior import choice_slopes
    >>> levels = (np.arange(5) - 2) / np.sqrt(2)
    >>> rows = np.repeat(1 / (1 + np.exp(-3 * levels)), 5).reshape(5, 5)
    >>> choice_slopes([[rows, rows.T]]).round(6) + 0.0
    array([[3., 0.]])
    """
    return fit_sigmoids(choice_curves(choice_matrices)).slope


def fit_sigmoids(curves: ArrayLike, levels: ArrayLike | None = None) -> SigmoidFit:
    r"""Fit a sigmoid of bounded slope to every curve, by least squares.

    Parameters
    ----------
    curves : array-like of shape (..., n_levels)
        Shares from 0 to 1.
    levels : array-like of shape (n_levels,), default=None
        Levels along the curves, z-scored before the fit; None takes equal steps.

    Returns
    -------
    fit : SigmoidFit
        `slope` k, `intercept` c and `squared_error`, of shape (...,), of
        ``1 / (1 + exp(-(k * x + c)))`` with x the z-scored levels and \|k\| at most 10. A curve
        without any change has slope 0.

    Raises
    ------
    ValueError
        If shares are outside [0, 1], or levels do not belong to the curves.

    Examples
    --------
    >>> from neuroselect.behavior import fit_sigmoids
    >>> fit = fit_sigmoids([[0.0, 0.0, 0.5, 1.0, 1.0], [0.7, 0.7, 0.7, 0.7, 0.7]])
    >>> fit.slope.round(6)
    array([10.,  0.])
    """
    y = np.asarray(curves, dtype=np.float64)
    if y.ndim == 0 or y.shape[-1] < 2 or not ((y >= 0) & (y <= 1)).all():
        raise ValueError(
            "curves must hold shares from 0 to 1 at 2 or more levels on the last axis, got shape"
            f" {y.shape} with values from {np.min(y, initial=np.inf):.6g} to"
            f" {np.max(y, initial=-np.inf):.6g}."
        )
    x = _z_scored(np.arange(y.shape[-1]) if levels is None else levels, y.shape[-1])
    flat = y.reshape(-1, y.shape[-1])
    starts = _grid_minima(flat, x)
    rows = np.repeat(np.arange(len(flat)), N_REFINED)
    best = minimize_batch(
        _squared_error(flat[rows], x),
        starts.reshape(-1, 2),
        np.array([[-MAX_SLOPE, MAX_SLOPE], [-np.inf, np.inf]]),
    )
    value = best.value.reshape(-1, N_REFINED)
    chosen = np.arange(len(flat)), value.argmin(axis=1)
    slope, intercept = np.moveaxis(best.x.reshape(-1, N_REFINED, 2)[chosen], -1, 0)
    unchanging = np.ptp(flat, axis=1) <= 1e-12  # any slope does, far enough in a tail
    slope = np.where(unchanging, 0.0, slope)
    with np.errstate(divide="ignore"):
        level = np.log(flat[:, 0]) - np.log1p(-flat[:, 0])
    intercept = np.where(unchanging, level, intercept)
    error = np.where(unchanging, 0.0, 2 * value[chosen])
    shape = y.shape[:-1]
    return SigmoidFit(*(part.reshape(shape) for part in (slope, intercept, error)))


def _z_scored(levels: ArrayLike, n_levels: int) -> NDArray[np.float64]:
    levels = np.asarray(levels, dtype=np.float64)
    if levels.shape != (n_levels,) or not np.isfinite(levels).all() or np.ptp(levels) == 0:
        raise ValueError(
            f"levels must be the {n_levels} levels along the curves, finite and not all the same,"
            f" got {levels.tolist()}."
        )
    return (levels - levels.mean()) / levels.std()


def _grid_minima(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slope and intercept of the lowest local minima of a grid: (n_curves, N_REFINED, 2)."""
    k, c = (axis.ravel() for axis in np.meshgrid(SLOPES, INTERCEPTS, indexing="ij"))
    table = expit(k[:, np.newaxis] * x + c[:, np.newaxis])  # (n_points, n_levels)
    starts = np.empty((len(y), N_REFINED, 2))
    for first in range(0, len(y), 1000):
        part = slice(first, first + 1000)
        error = (table**2).sum(axis=1) - 2 * y[part] @ table.T
        grid = np.pad(
            error.reshape(-1, len(SLOPES), len(INTERCEPTS)),
            [(0, 0), (1, 1), (1, 1)],
            constant_values=np.inf,
        )
        around = np.minimum.reduce(
            [grid[:, 2:, 1:-1], grid[:, :-2, 1:-1], grid[:, 1:-1, 2:], grid[:, 1:-1, :-2]]
        ).reshape(error.shape)
        error[error > around] += 1e3  # after all local minima
        lowest = np.argpartition(error, N_REFINED, axis=1)[:, :N_REFINED]
        starts[part] = np.stack([k[lowest], c[lowest]], axis=-1)
    return starts


def _squared_error(y: NDArray[np.float64], x: NDArray[np.float64]):
    """Return the objective of :func:`minimize_batch` for curves (n_problems, n_levels)."""
    design = np.stack([x, np.ones_like(x)], axis=1)

    def objective(parameters, rows):
        p = expit(parameters @ design.T)
        residual, slope = p - y[rows], p * (1 - p)
        jacobian = slope[..., np.newaxis] * design
        gradient = np.einsum("bi,bip->bp", residual, jacobian)
        curvature = jacobian.swapaxes(1, 2) @ jacobian
        return 0.5 * (residual**2).sum(axis=1), gradient, curvature

    return objective
