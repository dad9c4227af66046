"""Condition means as a sum of parts, one per task variable and combination of variables."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def marginalizations(factors: list[str], timed: bool, join_time: bool) -> dict[str, list[set[int]]]:
    """Return names, and the sets of axes (factors, then time) whose effects each takes together."""
    subsets = [
        set(subset)
        for order in range(1, len(factors) + 1)
        for subset in combinations(range(len(factors)), order)
    ]
    time = len(factors)
    groups: dict[str, list[set[int]]] = {"time": [{time}]} if timed else {}
    for subset in subsets:
        name = ":".join(factors[k] for k in sorted(subset))
        groups[name] = [subset]
        if timed and join_time:
            groups[name].append(subset | {time})
    if timed and not join_time:
        for subset in subsets:
            name = ":".join(factors[k] for k in sorted(subset))
            groups[f"{name}:time"] = [subset | {time}]
    return groups


def marginalize(means: Array, groups: list[list[set[int]]]) -> Array:
    """Split centred means (level, ..., level, n_units) into parts, (n_groups, ..., n_units).

    The effect of a set of axes is the mean over all others, less the effects of its subsets: on
    each axis the mean is either kept or subtracted. Parts are orthogonal, and sum to the means.
    """
    n_axes = means.ndim - 1
    parts = np.zeros((len(groups), *means.shape))
    for part, group in zip(parts, groups, strict=True):
        for effect in group:
            values = means
            for axis in range(n_axes):
                mean = values.mean(axis=axis, keepdims=True)
                values = values - mean if axis in effect else mean
            part += values
    return parts
