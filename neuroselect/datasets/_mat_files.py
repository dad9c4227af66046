"""Variables of MATLAB files: only those wanted, and only of the expected layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_variables(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the named variables; structs become dicts, those that are missing are left out.

    Raises
    ------
    ValueError
        If the file is damaged or is no MATLAB file of version 4 to 7.2.
    """
    from scipy.io import loadmat

    with open(path, "rb") as stream:
        try:
            return loadmat(stream, simplify_cells=True, variable_names=list(names))
        except Exception as error:  # a damaged file makes loadmat raise almost anything
            raise ValueError(
                f"{path} cannot be read as a MATLAB file ({type(error).__name__}: {error})."
            ) from error


def struct_field(content: Any, name: str) -> Any:
    """Return what a dotted name leads to, e.g. "results.code", or None."""
    for key in name.split("."):
        if hasattr(content, "_fieldnames"):  # a struct in an array of two or more axes
            content = vars(content)
        content = content.get(key) if isinstance(content, dict) else None
    return content


def finite_array(
    path: Path, name: str, value: Any, shape: tuple[int | None, ...]
) -> NDArray[np.float64]:
    """Return value as float64 if it is finite, real and of the shape (None: any length)."""
    array = np.asarray(value)
    fits = array.ndim == len(shape) and all(
        wanted in (None, length) for wanted, length in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind not in "uif" or not np.isfinite(array).all():
        lengths = ", ".join("n" if length is None else str(length) for length in shape)
        raise ValueError(
            f"{path} does not have the expected layout: {name} must be a finite real array of"
            f" shape ({lengths}{',' if len(shape) == 1 else ''}), got shape {array.shape} and"
            f" dtype {array.dtype}."
        )
    return array.astype(np.float64)


def whole_numbers(
    path: Path, name: str, value: Any, shape: tuple[int | None, ...], allowed: tuple[int, ...]
) -> NDArray[np.int64]:
    """Return value as int64 if it has the shape and holds nothing but the allowed numbers."""
    array = finite_array(path, name, value, shape)
    if not np.isin(array, allowed).all():
        other = array[~np.isin(array, allowed)]
        raise ValueError(
            f"{path} does not have the expected layout: {name} must hold nothing but"
            f" {', '.join(map(str, allowed))}, got {other[0]:g}."
        )
    return array.astype(np.int64)
