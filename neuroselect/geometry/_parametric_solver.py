"""Least squares of the parametric model: many starts and systems at once, then a polish."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from neuroselect.geometry._parametric_model import (
    N_PARAMETERS,
    Fit,
    Pairs,
    SmoothFit,
    derivatives_of,
    functions_of,
)

LOWER = np.array([0.0] * 5 + [-np.pi / 2])
UPPER = np.array([np.inf] * 5 + [np.pi / 2])
BLOCK_BYTES = 2**19  # of one array (rows, n_groups): a dozen of them stay in the cache
N_ITERATIONS = {Fit: 40, SmoothFit: 12}
N_POLISHED = 5
APART = 0.02
N_NEAR = 15
PERFECT = 1e-14  # RDMs are between 0 and 1: there is nothing left to polish


def draw_candidates(n_starts: int, rng: np.random.RandomState) -> NDArray[np.float64]:
    """Return parameters (50 * n_starts, 6), uniform between the published bounds."""
    high = np.array([1, 1, 1, 1, 2, np.pi / 2])
    return rng.uniform(LOWER, high, (50 * n_starts, N_PARAMETERS))


def solve(candidates, pairs: Pairs, targets, *, n_starts: int, offset: bool):
    """Best parameters (n_systems, 6), and the loss after each descent (n_systems, n_descents)."""
    starts = _choose_starts(candidates, pairs, targets, n_starts, offset)
    ends, loss, slope = _in_blocks(Fit, starts, pairs, targets, offset)
    # The lowest point may lie just across a kink.
    leading = ends[np.arange(len(ends)), loss.argmin(axis=1), np.newaxis]
    again = _in_blocks(Fit, _around(leading, candidates, n_starts), pairs, targets, offset)
    ends, loss, slope = (
        np.concatenate(both, axis=1) for both in zip((ends, loss, slope), again, strict=True)
    )
    best = [
        _polish_best(ends[k], loss[k], slope[k], pairs, targets[[k]], offset)
        for k in range(len(targets))
    ]
    return np.array(best), loss


def _choose_starts(candidates, pairs, targets, n_starts, offset):
    """Candidates of least loss, ends of smooth fits from some of them, and points around those.

    Of shape (n_systems, 3 * n_starts, 6).
    """
    candidates = _unit(candidates)
    rescaled = Fit(candidates, pairs, np.zeros((1, 1)), offset=offset).rescaled
    # Their losses but for a constant, as they are the same for all systems.
    loss = (rescaled**2 @ pairs.counts) - 2 * (targets * pairs.counts) @ rescaled.T
    order = np.argsort(loss, axis=1, kind="stable")[:, : 2 * n_starts]
    n_smooth = (n_starts + 1) // 2
    first = np.tile(candidates[:n_smooth], (len(targets), 1, 1))
    smooth = _in_blocks(SmoothFit, first, pairs, targets, offset)[0]
    n_around = n_starts - n_smooth
    around = _around(smooth[:, :n_around], candidates, n_around, narrowest=0.3)
    return np.concatenate([candidates[order], smooth, around], axis=1)


def _around(theta, candidates, n_points, narrowest=0.02):
    """Points near `theta` (n_systems, 1 or n_points, 6), at most by a few to 30 per cent."""
    # The last candidates serve as noise, so that all systems have the same.
    noise = candidates[len(candidates) - n_points :] / [1, 1, 1, 1, 2, np.pi / 2]
    noise[:, :5] = 2 * noise[:, :5] - 1
    noise *= np.geomspace(0.3, narrowest, n_points)[:, np.newaxis]
    points = theta * (1 + noise)
    points[..., 5] = theta[..., 5] + noise[:, 5]
    return np.clip(points, LOWER, UPPER)


def _in_blocks(kind, starts, pairs, targets, offset):
    """Descend from `starts` (n_systems, n, 6), in blocks of bounded memory."""
    n_systems, n, _ = starts.shape
    flat, system = starts.reshape(-1, N_PARAMETERS), np.repeat(np.arange(n_systems), n)
    block = max(1, BLOCK_BYTES // (8 * len(pairs.counts)))
    parts = []
    for first in range(0, len(flat), block):
        rows = slice(first, first + block)
        parts.append(_descend(kind, flat[rows], pairs, targets[system[rows]], offset))
    theta, loss, slope = (np.concatenate(part) for part in zip(*parts, strict=True))
    return theta.reshape(starts.shape), loss.reshape(n_systems, n), slope.reshape(n_systems, n)


def _descend(kind, theta, pairs, targets, offset):
    """Levenberg-Marquardt steps, cut off at the bounds; ends, their losses and slopes."""
    theta = _unit(theta)
    fit = kind(theta, pairs, targets, offset=offset)
    loss, gradient, curvature = fit.loss, fit.gradient(), fit.curvature()
    damping = np.full(len(theta), 1e-2)
    active = np.arange(len(theta))
    for _ in range(N_ITERATIONS[kind]):
        now = theta[active]
        step = _step(now, gradient[active], curvature[active], damping[active])
        fit = kind(_unit(np.clip(now + step, LOWER, UPPER)), pairs, targets[active], offset=offset)
        gain = loss[active] - fit.loss
        better = gain > 0
        rows = active[better]
        theta[rows], loss[rows] = fit.theta[better], fit.loss[better]
        gradient[rows], curvature[rows] = fit.gradient()[better], fit.curvature()[better]
        damping[active] = np.where(
            better, np.maximum(damping[active] / 5, 1e-8), damping[active] * 4
        )
        active = active[~(better & (gain < 1e-8)) & (damping[active] < 1e6)]
        if not len(active):
            break
    free = ~_at_bound(theta, gradient)
    return theta, loss, abs(gradient * free).max(axis=1)


def _step(theta, gradient, curvature, damping):
    fixed = _at_bound(theta, gradient)
    free = ~fixed
    curvature = curvature * (free[:, :, np.newaxis] & free[:, np.newaxis])
    diagonal = np.einsum("nkk->nk", curvature)
    floor = 1e-6 * diagonal.max(axis=1, keepdims=True) + 1e-12
    ridge = damping[:, np.newaxis] * (diagonal + floor) + 1e-14 + fixed
    system = curvature + ridge[:, np.newaxis] * np.eye(N_PARAMETERS)
    return -np.linalg.solve(system, (gradient * free)[..., np.newaxis])[..., 0]


def _at_bound(theta, gradient):
    """Whether descent is held up by a bound."""
    return ((theta <= LOWER) & (gradient > 0)) | ((theta >= UPPER) & (gradient < 0))


def _unit(theta):
    """Multiply lengths by what makes the largest 1; the loss does not see it."""
    largest = theta[:, :5].max(axis=1, keepdims=True)
    theta = theta.copy()
    theta[:, :5] /= np.where(largest > 0, largest, 1.0)
    return theta


def _polish_best(ends, loss, slope, pairs, targets, offset):
    """The best of a few ends after a polish.

    Where the descent came to rest on a slope it was held up by a kink, and the order of such
    ends says little.
    """
    order = np.argsort(loss, kind="stable")
    least, best = _polish(ends[order[0]], pairs, targets, offset)
    tried = [ends[order[0]], best]
    for k in order[1:]:
        stuck = slope[k] > 1e-2 and loss[k] < 1.05 * least
        if not stuck or min(abs(ends[k] - end).max() for end in tried) < APART:
            continue
        new, theta = _polish(ends[k], pairs, targets, offset, n_pieces=1)
        tried += [ends[k], theta]
        if new < least:
            least, best = _polish(theta, pairs, targets, offset)
            tried.append(best)
        if len(tried) > 2 * N_POLISHED:
            break
    return best


def _polish(theta, pairs, targets, offset, n_pieces=6):
    """Walk from piece to piece of the loss.

    On a piece, the same pairs are farthest and closest and the loss is smooth. That these pairs
    stay so is a constraint: linear in the nine functions, without any root.
    """
    best = _unit(theta[np.newaxis])
    loss = Fit(best, pairs, targets, offset=offset).loss[0]
    seen = set()
    for _ in range(n_pieces):
        piece = _next_piece(best, pairs, targets, offset, seen)
        if piece is None or loss < PERFECT:
            break
        seen.add(piece)
        new = _minimise_piece(best, piece, pairs, targets, offset)
        new_loss = Fit(new, pairs, targets, offset=offset).loss[0]
        if new_loss < loss:
            best, loss = new, new_loss
    return loss, best[0]


def _next_piece(theta, pairs, targets, offset, seen):
    """Groups that are farthest and closest here, up to rounding, and were not so before."""
    rescaled = Fit(theta, pairs, targets, offset=offset).rescaled[0]
    highest = np.flatnonzero(rescaled > rescaled.max() - 1e-5)
    lowest = np.flatnonzero(rescaled < 1e-5) if offset else [0]
    pieces = ((int(high), int(low)) for high in highest for low in lowest)
    return next((piece for piece in pieces if piece not in seen), None)


def _minimise_piece(theta, piece, pairs, targets, offset):
    """Sequential quadratic programming on one piece; lengths that are 0 stay so."""
    ends = (np.array([piece[0]]), np.array([piece[1]]))
    rows = _inequalities(theta, piece, pairs, targets, offset)
    bounds = np.column_stack([LOWER, np.where(theta[0] == 0, 0.0, UPPER)])

    def loss(x):
        fit = Fit(x[np.newaxis], pairs, targets, offset=offset, ends=ends)
        return fit.loss[0], 2 * fit.gradient()[0]

    constraint = {
        "type": "ineq",
        "fun": lambda x: rows @ functions_of(x[np.newaxis])[0],
        "jac": lambda x: rows @ derivatives_of(x[np.newaxis])[0].T,
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Values in x were outside bounds", RuntimeWarning)
        result = minimize(
            loss,
            theta[0],
            jac=True,
            method="SLSQP",
            bounds=bounds,
            constraints=[constraint] if len(rows) else [],
            options={"ftol": 1e-12, "maxiter": 50},
        )
    end = result.x if np.isfinite(result.x).all() else theta[0]
    return _unit(np.clip(end, LOWER, UPPER)[np.newaxis])


def _inequalities(theta, piece, pairs, targets, offset):
    """Rows that times the nine functions are not negative on the piece, of the nearest groups."""
    high, low = piece
    fit = Fit(theta, pairs, targets, offset=offset)
    distances, order = fit.distances[0], np.argsort(fit.distances[0])
    rows = pairs.features[high] - pairs.features[order[-N_NEAR:]]
    if offset and distances[low] > 1e-6 * distances[high]:
        nearest = order[:N_NEAR]
        scale = distances[nearest, np.newaxis] / distances[high]
        rows = np.concatenate([rows, (pairs.features[nearest] - pairs.features[low]) / scale])
    return rows[rows.any(axis=1)]
