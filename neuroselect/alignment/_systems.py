"""Activity of systems that saw the same trials, each with units of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

# A unit whose deviations are below this share of its largest value varies by rounding only.
ROUNDING = 8 * np.finfo(np.float64).eps


def read_system(activity: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return finite activity (n_trials, n_units) of one system."""
    activity = np.asarray(activity, dtype=np.float64)
    if activity.ndim != 2 or activity.shape[0] < 2 or activity.shape[1] < 1:
        raise ValueError(
            f"{name} must have shape (n_trials, n_units) with at least 2 trials and 1 unit, got"
            f" shape {activity.shape}."
        )
    if not np.isfinite(activity).all():
        raise ValueError(
            f"{name} must be finite, got {np.sum(~np.isfinite(activity))} NaN or infinite"
            " values. Drop these trials or units first, in both systems."
        )
    return activity


def check_same_trials(a: NDArray, b: NDArray, names: tuple[str, str] = ("a", "b")) -> None:
    """Raise unless both systems have as many trials."""
    if len(a) != len(b):
        raise ValueError(
            f"{names[0]} and {names[1]} must have the same trials in the same order, got"
            f" {len(a)} and {len(b)} trials."
        )


def center(activity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Subtract each unit's mean; a constant unit becomes exactly 0."""
    # Against the first trial a constant is 0; against its mean it may be off by rounding.
    moved = activity - activity[0]
    moved -= moved.mean(axis=0)
    moved[:, ~varies(activity)] = 0.0
    return moved


def varies(activity: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each unit's activity varies over trials by more than rounding."""
    largest, smallest = activity.max(axis=0), activity.min(axis=0)
    return largest - smallest > ROUNDING * np.maximum(abs(largest), abs(smallest))


def of_pairs(
    measure: Callable, prepare: Callable, a: ArrayLike, b: ArrayLike | None
) -> float | NDArray[np.float64]:
    """``measure(prepare(x), prepare(y))`` for one pair of systems, or for all.

    Each system is prepared once. Without `b`, all pairs of `a`, computed once each.
    """
    left, single_a = _read_systems(a, "a")
    right, single_b = (left, False) if b is None else _read_systems(b, "b")
    if b is None and single_a:
        raise ValueError("b must be given if a is one system; or pass several systems as a.")
    for name, systems in (("a", left), ("b", right)):
        for k, system in enumerate(systems):
            check_same_trials(left[0], system, ("a[0]", f"{name}[{k}]"))
    left = [prepare(system) for system in left]
    right = left if b is None else [prepare(system) for system in right]
    values = np.empty((len(left), len(right)))
    for i, x in enumerate(left):
        for j, y in enumerate(right):
            values[i, j] = values[j, i] if b is None and j < i else measure(x, y)
    if single_a and single_b:
        return float(values[0, 0])
    if single_b:
        return values[:, 0]
    return values[0] if single_a else values


def _read_systems(activity, name):
    """List of systems, and whether there is one without an axis of systems."""
    if isinstance(activity, (list, tuple)) and activity and np.ndim(activity[0]) == 2:
        return [read_system(x, f"{name}[{k}]") for k, x in enumerate(activity)], False
    array = np.asarray(activity)
    if array.ndim == 3 and len(array):
        return [read_system(x, f"{name}[{k}]") for k, x in enumerate(array)], False
    if array.ndim != 2:
        raise ValueError(
            f"{name} must have shape (n_trials, n_units), or hold several such systems (an array"
            f" (n_systems, n_trials, n_units) or a list), got shape {array.shape}."
        )
    return [read_system(array, name)], True
