"""Regression axes of populations, on rows of one unit or of all units; arrays only.

`values` (n_rows, n_values) hold the bins of a row; `unit` (n_rows,) says whose row it is. Where
units were recorded together, unit is None and a row holds all bins of all units, time by time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from neuroselect.geometry._trials import safe_scale

Array = NDArray[np.float64]


class AxisFit(NamedTuple):
    """Moments of units, regression of their z-scores, and the axes that come of it."""

    mean: Array  # (n_units,)
    scale: Array  # (n_units,)
    coef: Array  # (n_variables, n_times, n_units)
    components: Array  # (n_components, n_units)
    explained: Array  # (n_components,)
    denoised: Array  # (n_variables, n_times, n_units)
    condition_means: Array  # (n_conditions, n_times, n_units), of z-scores


def fit_axes(
    values: Array,
    unit: NDArray[np.int64] | None,
    n_units: int,
    design: Array,
    condition: NDArray[np.int64],
    n_components: int,
) -> AxisFit:
    """Regress the z-scored activity on the design (n_rows, n_variables), and denoise by PCA."""
    mean, scale = unit_moments(values, unit, n_units)
    z = (values - per_row(mean, unit, values)) / per_row(scale, unit, values)
    coef = _by_time(_slopes(z, unit, n_units, design), n_units)
    means = condition_means(z, unit, n_units, condition)
    components, explained = _principal_axes(means, n_components)
    return AxisFit(
        mean, scale, coef, components, explained, coef @ components.T @ components, means
    )


def per_row(of_unit: Array, unit: NDArray[np.int64] | None, values: Array) -> Array:
    """Repeat a number per unit so that it goes with the values."""
    if unit is None:
        return np.tile(of_unit, values.shape[1] // len(of_unit))
    return of_unit[unit][:, np.newaxis]


def unit_moments(
    values: Array, unit: NDArray[np.int64] | None, n_units: int
) -> tuple[Array, Array]:
    """Mean and standard deviation of each unit over trials and times; 1 for a constant unit."""
    if unit is None:
        by_unit = values.reshape(-1, n_units)
        mean = by_unit.mean(axis=0)
        deviation, magnitude = by_unit.std(axis=0), abs(by_unit).max(axis=0)
        return mean, safe_scale(deviation, magnitude)
    n = np.bincount(unit, minlength=n_units) * values.shape[1]
    mean = np.bincount(unit, values.sum(axis=1), n_units) / n
    squared = ((values - mean[unit][:, np.newaxis]) ** 2).sum(axis=1)
    deviation = np.sqrt(np.bincount(unit, squared, n_units) / n)
    return mean, safe_scale(deviation, abs(mean))


def sum_rows(values: Array, group: NDArray[np.int64], n_groups: int) -> Array:
    """Sum the rows of each group, (n_groups, n_values)."""
    entries = (np.ones(len(group)), (group, np.arange(len(group))))
    return csr_array(entries, shape=(n_groups, len(group))) @ values


def row_groups(
    condition: NDArray[np.int64], unit: NDArray[np.int64] | None, n_units: int
) -> tuple[NDArray[np.int64], int]:
    """Condition (and unit) of each row as one number, and how many numbers there are."""
    n_conditions = int(condition.max()) + 1
    if unit is None:
        return condition, n_conditions
    return condition * n_units + unit, n_conditions * n_units


def _slopes(z: Array, unit: NDArray[np.int64] | None, n_units: int, design: Array) -> Array:
    """Least-squares slopes with a constant, (n_variables, n_groups, n_values)."""
    group = np.zeros(len(z), np.int64) if unit is None else unit
    n_groups = n_units if unit is not None else 1
    n = np.bincount(group, minlength=n_groups)[:, np.newaxis]
    centred = design - (sum_rows(design, group, n_groups) / n)[group]
    columns = [centred[:, [k]] for k in range(design.shape[1])]
    gram = np.stack([sum_rows(centred * c, group, n_groups) for c in columns], axis=1)
    moment = np.stack([sum_rows(z * c, group, n_groups) for c in columns], axis=1)
    _check_varied(gram, unit)
    return np.linalg.solve(gram, moment).transpose(1, 0, 2)


def _check_varied(gram: Array, unit: NDArray[np.int64] | None) -> None:
    norm = np.sqrt(np.diagonal(gram, axis1=1, axis2=2))
    size = np.where(norm > 0, norm, 1.0)
    correlation = gram / (size[:, :, np.newaxis] * size[:, np.newaxis])
    singular = (norm == 0).any(axis=1) | (np.linalg.eigvalsh(correlation)[:, 0] < 1e-10)
    if singular.any():
        whose = "" if unit is None else f" of unit {int(np.argmax(singular))}"
        raise ValueError(
            f"The variables must vary over the trials{whose}, and not depend on each other; nothing"
            " can be regressed on them. Leave out such variables or units."
        )


def _by_time(slopes: Array, n_units: int) -> Array:
    """Bring slopes of both forms to (n_variables, n_times, n_units)."""
    if slopes.shape[1] == n_units and slopes.shape[1] > 1:
        return slopes.transpose(0, 2, 1)
    return slopes.reshape(len(slopes), -1, n_units)


def condition_means(
    z: Array, unit: NDArray[np.int64] | None, n_units: int, condition: NDArray[np.int64]
) -> Array:
    """Means of conditions, (n_conditions, n_times, n_units)."""
    n_conditions = int(condition.max()) + 1
    group, n_all = row_groups(condition, unit, n_units)
    n_groups = n_all // n_conditions
    counts = np.bincount(group, minlength=n_all)
    if counts.min() == 0:
        where, whose = divmod(int(counts.argmin()), n_groups)
        raise ValueError(
            f"Every unit must have trials of every condition, but unit {whose} has none of"
            f" condition {where} (of {n_conditions}, sorted). Leave out such units."
        )
    means = sum_rows(z, group, n_all) / counts[:, np.newaxis]
    if unit is None:
        return means.reshape(n_conditions, -1, n_units)
    return means.reshape(n_conditions, n_units, -1).transpose(0, 2, 1)


def _principal_axes(means: Array, n_components: int) -> tuple[Array, Array]:
    """First principal axes of the z-scores of condition means over time and conditions."""
    flat = means.reshape(-1, means.shape[-1])
    n_most = min(len(flat) - 1, flat.shape[1])
    if n_components > n_most:
        raise ValueError(
            f"n_components must be at most {n_most}, the dimensions of {len(flat)} means"
            f" (conditions and times) of {flat.shape[1]} units, got {n_components}."
        )
    deviation = flat - flat.mean(axis=0)
    scale = safe_scale(deviation.std(axis=0), abs(flat).max(axis=0))
    _, sizes, axes = np.linalg.svd(deviation / scale, full_matrices=False)
    total = np.sum(sizes**2)
    return axes[:n_components], sizes[:n_components] ** 2 / (total if total > 0 else 1.0)
