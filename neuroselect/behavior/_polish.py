"""The last digits of a fit of the published objective, at whose minimum several kinks meet."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from neuroselect.behavior._psychometric import (
    PUBLISHED_EPSILON,
    Cells,
    Layout,
    accept_probability,
    objective_of,
)

# Cells whose residual is smaller than this may lie at their kink.
NEAR, N_REPEATS, MAX_ITER = 1e-2, 4, 100


class Polished(NamedTuple):
    """Parameters (n_subjects, n_params) and the published objective (n_subjects,)."""

    parameters: NDArray[np.float64]
    value: NDArray[np.float64]


def polish(cells: Cells, variant: Layout, parameters: NDArray[np.float64]) -> Polished:
    """Minimise the published objective from good parameters, one set for each subject.

    Residuals near a kink become variables t with the constraints -t <= residual <= t, which
    leaves a smooth problem for sequential quadratic programming.
    """
    x, values = parameters.copy(), []
    for subject in range(len(x)):
        exact = objective_of("published", cells, variant, np.array([subject]))
        value = exact(x[[subject]], np.zeros(1, dtype=int))[0][0]
        for _ in range(N_REPEATS):
            trial = _without_kinks(cells, subject, variant, x[subject])
            new = exact(trial[np.newaxis], np.zeros(1, dtype=int))[0][0]
            if not new < value:
                break
            x[subject], value = trial, new
        values.append(value)
    return Polished(x, np.array(values))


def _without_kinks(cells: Cells, subject: int, variant: Layout, start: NDArray) -> NDArray:
    there = cells.counts[subject] > 0
    share = (cells.accepted[subject][there]) / cells.counts[subject][there]
    place = np.eye(len(start))[variant.local]

    def residuals(x):
        accept, _, gradient = accept_probability(x[variant.local], cells.features[subject])
        return accept[there] - share, np.einsum("tcl,tlp->tcp", gradient, place)[there]

    first, _ = residuals(start)
    near = abs(first) < NEAR
    sign, n_near, n_params = np.sign(first[~near]), near.sum(), len(start)
    unit = np.eye(n_near)

    def objective(z):
        residual, jacobian = residuals(z[:n_params])
        left = 1 + PUBLISHED_EPSILON - np.r_[sign * residual[~near], z[n_params:]]
        far = (sign / left[: len(sign)]) @ jacobian[~near]
        return -np.log(np.maximum(left, 1e-300)).sum(), np.r_[far, 1 / left[len(sign) :]]

    def room(z):
        residual, _ = residuals(z[:n_params])
        return np.r_[z[n_params:] - residual[near], z[n_params:] + residual[near]]

    def room_jacobian(z):
        _, jacobian = residuals(z[:n_params])
        return np.block([[-jacobian[near], unit], [jacobian[near], unit]])

    found = minimize(
        objective, np.r_[start, abs(first[near])], jac=True, method="SLSQP",
        bounds=[*map(tuple, variant.bounds), *[(0, 0.5)] * n_near],
        constraints={"type": "ineq", "fun": room, "jac": room_jacobian},
        options={"ftol": 1e-14, "maxiter": MAX_ITER},
    )  # fmt: skip
    return np.clip(found.x[:n_params], *variant.bounds.T)
