"""Fits of the psychophysical model: many subjects and many starts as one batch."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroselect.behavior._minimize import minimize_batch
from neuroselect.behavior._polish import polish
from neuroselect.behavior._psychometric import SLOPE, Cells, Layout, objective_of

# The published objective has kinks, which are rounded less and less.
WIDTHS = {"binomial": (0.0,), "published": (1e-2, 1e-4, 1e-7)}
WIDTHS_AROUND = {"binomial": (0.0,), "published": (1e-3, 1e-6)}
N_KEPT = 20  # of a subject's starts, the best after the first width go on to the next ones
# Its lowest minimum may be narrow, near the best one found so far but steeper: rounds of starts
# around that one, with these standard deviations at most (radians; levels; probability).
N_ROUNDS, N_AROUND = 2, 50
ANGLE_SPREAD, OFFSET_SPREAD, LAPSE_SPREAD = np.radians(15), 0.2, 0.05

MAX_ITER = {"binomial": 200, "published": 60}  # Newton steps from each start, at each width


class CellFit(NamedTuple):
    """Parameters (n_subjects, n_params), objective (n_subjects,) and (n_subjects, n_starts)."""

    parameters: NDArray[np.float64]
    value: NDArray[np.float64]
    of_starts: NDArray[np.float64]


def fit_cells(
    cells: Cells,
    variant: Layout,
    objective: str,
    n_starts: int,
    rng: np.random.RandomState,
) -> CellFit:
    """Return the best fit of each subject; all subjects have the same starting points."""
    starts = first_starts(variant, n_starts, rng)
    widths = WIDTHS[objective]
    best = _best_of(cells, variant, objective, starts[np.newaxis], widths)
    for _ in range(N_ROUNDS):
        around = _starts_around(best.parameters, variant, rng)
        best = _better(best, _best_of(cells, variant, objective, around, WIDTHS_AROUND[objective]))
    if objective == "published":
        best = _better(best, polish(cells, variant, best.parameters))
        # Saturated cells leave a valley that is all but flat along the slope.
        steepest = np.where(np.array(_kinds(variant)) == "slope", SLOPE[1], best.parameters)
        best = _better(best, polish(cells, variant, steepest))
    else:
        subject = np.arange(len(best.value))
        precise = minimize_batch(
            objective_of(objective, cells, variant, subject),
            best.parameters, variant.bounds, max_iter=1000, tol=1e-15,
        )  # fmt: skip
        best = _better(best, best._replace(parameters=precise.x, value=precise.value))
    return best


def first_starts(variant: Layout, n_starts: int, rng) -> NDArray[np.float64]:
    """Return the optimal observer with a few lapses, then points drawn inside the bounds."""
    low, high = variant.bounds.T
    starts = low + (high - low) * rng.uniform(size=(n_starts, len(low)))
    guess = {"boundary": 0.75 * np.pi, "boundary_0": np.pi, "boundary_1": np.pi / 2,
             "slope": 2.0, "offset": 0.0, "lapse": 0.05}  # fmt: skip
    kinds = _kinds(variant)
    starts[0] = [
        guess.get(name, guess[kind]) for name, kind in zip(variant.names, kinds, strict=True)
    ]
    return starts


def _kinds(variant: Layout) -> list[str]:
    return [name.partition("_")[0] for name in variant.names]


def _starts_around(parameters, variant: Layout, rng) -> NDArray[np.float64]:
    """Points near those of each subject, of any slope: (n_subjects, N_AROUND, n_params)."""
    kinds = np.array(_kinds(variant))
    spread = {"boundary": ANGLE_SPREAD, "offset": OFFSET_SPREAD, "lapse": LAPSE_SPREAD, "slope": 0}
    size = (N_AROUND, len(kinds))
    scale = rng.uniform(0.2, 1, size=(N_AROUND, 1)) * [spread[kind] for kind in kinds]
    starts = parameters[:, np.newaxis] + scale * rng.normal(size=size)
    steep = SLOPE[1] * np.sqrt(rng.uniform(size=size))
    # Of two slopes, one may be steep where the other is not.
    anew = (kinds == "slope") & (rng.uniform(size=size) < 1 / (kinds == "slope").sum())
    return np.clip(np.where(anew, steep, starts), *variant.bounds.T)


def _best_of(cells, variant, objective, starts, widths) -> CellFit:
    """Minimise from starts (n_subjects or 1, n_starts, p); return the best of each subject."""
    n_subjects, (_, n_starts, n_params) = len(cells.counts), starts.shape
    x = np.broadcast_to(starts, (n_subjects, n_starts, n_params))
    for width in widths:
        subject = np.repeat(np.arange(n_subjects), x.shape[1])
        found = minimize_batch(
            objective_of(objective, cells, variant, subject, width),
            x.reshape(-1, n_params), variant.bounds, max_iter=MAX_ITER[objective], tol=1e-12,
        )  # fmt: skip
        exact = objective_of(objective, cells, variant, subject)
        value = found.value if width == 0 else exact(found.x, np.arange(len(subject)))[0]
        value = value.reshape(n_subjects, -1)
        order = value.argsort(axis=1)[:, :N_KEPT]
        if width == widths[0]:
            of_starts = np.sort(value, axis=1)
        x = found.x.reshape(n_subjects, -1, n_params)
        x = np.take_along_axis(x, order[..., np.newaxis], axis=1)
    return CellFit(x[:, 0], value.min(axis=1), of_starts)


def _better(one: CellFit, other: CellFit) -> CellFit:
    lower = other.value < one.value
    return one._replace(
        parameters=np.where(lower[:, np.newaxis], other.parameters, one.parameters),
        value=np.minimum(one.value, other.value),
    )
