"""Many small minimisations with bounds, as one batch."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Objective = Callable[[NDArray, NDArray], tuple[NDArray, NDArray, NDArray]]


class BatchMinimum(NamedTuple):
    """Minimisers (n_problems, n_params), values and whether each converged."""

    x: NDArray[np.float64]
    value: NDArray[np.float64]
    converged: NDArray[np.bool_]


def minimize_batch(
    objective: Objective,
    start: NDArray[np.float64],
    bounds: NDArray[np.float64],
    *,
    max_iter: int = 200,
    tol: float = 1e-12,
) -> BatchMinimum:
    """Minimise many functions of a few bounded parameters by damped, projected Newton steps.

    The damping is Levenberg and Marquardt's, one for each problem: it falls after a step that
    lowers the objective and rises after one that does not, which is then not taken.

    Parameters
    ----------
    objective : callable
        ``objective(x, rows)`` takes parameters (n, n_params) of the problems in `rows` and
        returns their values (n,), gradients (n, n_params) and positive semidefinite curvatures
        (n, n_params, n_params), such as a Hessian, a Fisher or a Gauss-Newton matrix.
    start : ndarray of shape (n_problems, n_params)
        Starting points.
    bounds : ndarray of shape (n_params, 2)
        Lowest and highest value of each parameter; may be infinite.
    max_iter : int, default=200
        Steps tried.
    tol : float, default=1e-12
        A problem has converged when a full step promises less than this times
        1 + the objective's magnitude, or when damping leaves no step to take.

    Returns
    -------
    minimum : BatchMinimum
    """
    low, high = bounds.T
    x = np.clip(start, low, high)
    rows = np.arange(len(x))
    value, gradient, curvature = objective(x, rows)
    damping = np.full(len(x), 1e-2)
    converged = np.zeros(len(x), dtype=bool)
    for _ in range(max_iter):
        step, promise = _steps(x[rows], gradient, curvature, damping[rows], low, high)
        done = (promise <= tol * (1 + abs(value[rows]))) & (damping[rows] <= 1)
        done |= damping[rows] > 1e12
        converged[rows[done]] = True
        left = ~done
        rows, step, gradient, curvature = rows[left], step[left], gradient[left], curvature[left]
        if not len(rows):
            break
        trial = np.clip(x[rows] + step, low, high)
        new_value, new_gradient, new_curvature = objective(trial, rows)
        better = new_value < value[rows]
        x[rows[better]], value[rows[better]] = trial[better], new_value[better]
        gradient[better], curvature[better] = new_gradient[better], new_curvature[better]
        damping[rows] = np.clip(damping[rows] * np.where(better, 0.2, 5.0), 1e-9, None)
    return BatchMinimum(x, value, converged)


def _steps(x, gradient, curvature, damping, low, high):
    """Damped Newton steps of the parameters that are not held at a bound, and their promise."""
    held = ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))
    free = ~held
    diagonal = np.einsum("bpp->bp", curvature)
    size = np.maximum(diagonal, 1e-9 * (1 + diagonal.max(axis=1, keepdims=True)))
    matrix = curvature * (free[:, :, np.newaxis] & free[:, np.newaxis, :])
    step_in = np.arange(x.shape[1])
    matrix[:, step_in, step_in] += np.where(free, damping[:, np.newaxis] * size, 1.0)
    force = np.where(free, -gradient, 0.0)
    step = np.linalg.solve(matrix, force[..., np.newaxis])[..., 0]
    return step, 0.5 * (step * force).sum(axis=1)
