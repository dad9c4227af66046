"""Checks of arrays shared by the RDM functions and estimators."""

import numpy as np
from numpy.typing import NDArray


def check_finite(array: NDArray, name: str, axes: tuple[str, ...], first: int = 0) -> None:
    """Raise a ValueError that says where the first NaN or infinity of `array` lies.

    `axes` names the axes of `array`; `first` is added to the index on the first.
    """
    with np.errstate(all="ignore"):
        if np.isfinite(array.sum()):
            return
    bad = np.argwhere(~np.isfinite(array))
    if not len(bad):
        return
    value = array[tuple(bad[0])]
    index = [bad[0][0] + first, *bad[0][1:]]
    where = ", ".join(f"{axis} {i}" for axis, i in zip(axes, index, strict=True))
    raise ValueError(
        f"{name} must be finite, but {where} is {'NaN' if np.isnan(value) else 'infinite (inf)'}"
        f" ({len(bad)} such values). Drop or impute these values first."
    )


def constant_rows(array: NDArray) -> NDArray[np.bool_]:
    """Whether each vector on the last axis is constant up to rounding.

    The standard deviation cannot tell: that of (0.1, 0.1, 0.1) is 1e-17, not 0.
    """
    largest, smallest = array.max(axis=-1), array.min(axis=-1)
    magnitude = np.maximum(abs(largest), abs(smallest))
    return largest - smallest <= 4 * np.finfo(np.float64).eps * magnitude
