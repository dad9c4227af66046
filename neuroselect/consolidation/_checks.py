"""Checks of the parameters of consolidation methods."""

from __future__ import annotations

import math
from numbers import Integral, Real


def check_number(value, name: str, *, positive: bool = False) -> float:
    """Return ``value`` as a finite float, at least 0 or above it, or raise."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0 or (positive and value == 0):
        bound = "above 0" if positive else "of at least 0"
        raise ValueError(f"{name} must be a finite number {bound}, got {value!r}.")
    return float(value)


def check_count_or_none(value, name: str) -> int | None:
    """Return ``value`` as None or an int of at least 1, or raise."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be an integer of at least 1 or None, got {value!r}.")
    return int(value)


def check_option(value, name: str, options: tuple[str, ...]) -> None:
    """Raise unless ``value`` is one of ``options``."""
    if value not in options:
        raise ValueError(f"{name} must be one of {options}, got {value!r}.")
