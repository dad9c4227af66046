"""The psychophysical model of choices under two rules, for many subjects at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

# Bounds of slope, offset and lapse, and of the boundary (radians) of north, south, or of both.
SLOPE, OFFSET, LAPSE = (0.0, 20.0), (-1.0, 1.0), (0.0, 0.5)
NORTH, SOUTH, SHARED = (np.pi / 2, 1.5 * np.pi), (0.0, np.pi), (0.0, 1.5 * np.pi)
PUBLISHED_EPSILON = 1e-10
TINY = 1e-300
BYTES_PER_BLOCK = 64 * 2**20


class Cells(NamedTuple):
    """What n_subjects chose in the cells of either task; cells without trials are padding."""

    features: NDArray[np.float64]  # (n_subjects, 2, n_cells, 2): branchiness, leafiness
    accepted: NDArray[np.float64]  # (n_subjects, 2, n_cells): accept choices
    counts: NDArray[np.float64]  # (n_subjects, 2, n_cells): trials


class Layout(NamedTuple):
    """Which parameters a variant of the model has."""

    names: tuple[str, ...]
    bounds: NDArray[np.float64]  # (n_params, 2)
    local: NDArray[np.intp]  # (2, 4): column of each task's boundary, slope, offset, lapse


def layout(boundary: str, slope: str, lapse: str) -> Layout:
    """Return the parameters of a variant; each argument is "shared" or "per_task"."""
    names, bounds = ["boundary"], [SHARED]
    if boundary == "per_task":
        names, bounds = ["boundary_0", "boundary_1"], [NORTH, SOUTH]
    columns = [[0, len(names) - 1]]
    for name, kind, limits in (
        ("slope", slope, SLOPE), ("offset", "shared", OFFSET), ("lapse", lapse, LAPSE),
    ):  # fmt: skip
        first = len(names)
        names += [name] if kind == "shared" else [f"{name}_0", f"{name}_1"]
        bounds += [limits] * (len(names) - first)
        columns.append([first, len(names) - 1])
    return Layout(tuple(names), np.array(bounds), np.array(columns).T)


def accept_probability(
    local: NDArray[np.float64], features: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Probability of accept and of reject choices, and the gradient of the first.

    Parameters
    ----------
    local : ndarray of shape (..., 4)
        Boundary in radians, slope, offset and lapse.
    features : ndarray of shape (..., n_cells, 2)
        Branchiness and leafiness.

    Returns
    -------
    accept, reject : ndarray of shape (..., n_cells)
        Each precise where it is small.
    gradient : ndarray of shape (..., n_cells, 4)
    """
    angle, slope, offset, lapse = np.moveaxis(local[..., np.newaxis], -2, 0)
    branch, leaf = features[..., 0], features[..., 1]
    sine, cosine = np.sin(angle), np.cos(angle)
    distance = branch * sine - leaf * cosine - offset
    up, down = expit(slope * distance), expit(-slope * distance)
    free = 1 - 2 * lapse
    steep = free * up * down
    gradient = np.empty((*distance.shape, 4))
    gradient[..., 0] = steep * slope * (branch * cosine + leaf * sine)
    gradient[..., 1] = steep * distance
    gradient[..., 2] = -steep * slope
    gradient[..., 3] = down - up
    return lapse + free * up, lapse + free * down, gradient


def binomial_terms(accept, reject, accepted, counts, width):
    """Negative log likelihood of choices, with its slope and Fisher information in `accept`.

    Without the binomial coefficients, which no parameter changes: the likelihood is that of
    the single trials. It is smooth, whatever the `width`.
    """
    rejected = counts - accepted
    accept, reject = np.maximum(accept, TINY), np.maximum(reject, TINY)
    value = -(accepted * np.log(accept) + rejected * np.log(reject))
    return value, rejected / reject - accepted / accept, counts / (accept * reject)


def published_terms(accept, reject, accepted, counts, width):
    """Return -log(1 - abs(y - accept) + 1e-10) of each cell, its slope and a curvature.

    The kink at y is rounded over `width`; 0 is the published objective itself.
    """
    there = counts > 0
    residual = np.where(there, accept - accepted / np.where(there, counts, 1), 0.0)
    rounded = np.sqrt(residual**2 + width**2)
    left = 1 + PUBLISHED_EPSILON - (rounded - width)
    direction = residual / np.maximum(rounded, TINY)
    curvature = direction**2 / left**2 + 1 / (left * np.maximum(rounded, 1e-12))
    return -np.log(left), direction / left, np.where(there, curvature, 0.0)


OBJECTIVES = {"binomial": binomial_terms, "published": published_terms}


def objective_of(
    kind: str, cells: Cells, variant: Layout, subject: NDArray[np.intp], width: float = 0.0
):
    """Return the objective of :func:`minimize_batch`; problem k belongs to ``subject[k]``."""
    terms = OBJECTIVES[kind]
    n_params = len(variant.names)
    place = np.eye(n_params)[variant.local]  # (2, 4, n_params)
    n_cells = cells.counts.shape[-1]
    block = max(1, BYTES_PER_BLOCK // (8 * 2 * n_cells * 16))

    def of_block(parameters, rows):
        of = subject[rows]
        accept, reject, gradient = accept_probability(
            parameters[:, variant.local], cells.features[of]
        )
        value, slope, curvature = terms(accept, reject, cells.accepted[of], cells.counts[of], width)
        force = slope[..., np.newaxis, :] @ gradient  # (n, 2, 1, 4)
        bend = (gradient * curvature[..., np.newaxis]).swapaxes(-1, -2) @ gradient
        return (
            value.sum(axis=(1, 2)),
            (force @ place).sum(axis=(1, 2)),
            (place.swapaxes(1, 2) @ bend @ place).sum(axis=1),
        )

    def objective(parameters, rows):
        parts = [
            of_block(parameters[first : first + block], rows[first : first + block])
            for first in range(0, len(rows), block)
        ]
        return tuple(np.concatenate(part) for part in zip(*parts, strict=True))

    return objective
