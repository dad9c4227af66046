"""Rows of a table to their places in an array, and to tables with one row per trial or unit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuroselect.datasets._file_format import FileContentError

if TYPE_CHECKING:
    import pandas as pd


def number_column(path: Path, table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Return a column of numbers, NaN where missing."""
    import pandas as pd

    column = table[name]
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_complex_dtype(column):
        bad = pd.to_numeric(column, errors="coerce").isna() & column.notna()
        first = f" such as {column[bad].iloc[0]!r} in row {int(np.argmax(bad))}" if any(bad) else ""
        raise FileContentError(
            f"{path}: the column {name!r} must hold numbers, got {column.dtype}{first}."
        )
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def code_column(path: Path, table: pd.DataFrame, name: str) -> tuple[NDArray[np.int64], list]:
    """Return the position of each row among the different values, and these."""
    import pandas as pd

    codes, values = pd.factorize(table[name])
    if (codes < 0).any():
        raise FileContentError(
            f"{path}: the column {name!r} must have no missing values, got {(codes < 0).sum()}."
        )
    return codes, list(values)


def time_column(path: Path, table: pd.DataFrame, name: str) -> tuple[NDArray, NDArray]:
    """Return the position of each row among the times, and these in order."""
    values = number_column(path, table, name)
    if not np.isfinite(values).all():
        raise FileContentError(
            f"{path}: the column {name!r} must hold finite times, got"
            f" {np.sum(~np.isfinite(values))} other(s)."
        )
    times, codes = np.unique(values, return_inverse=True)
    return codes, times


def fill_grid(
    path: Path,
    codes: Sequence[NDArray],
    shape: Sequence[int],
    values: NDArray,
    names: Sequence[str],
    missing: str,
) -> NDArray[np.float64]:
    """Put rows in their places; each must have one, and be the only one there."""
    n_places = int(np.prod(shape, dtype=np.float64))
    if missing == "raise" and n_places > len(values):
        raise FileContentError(
            f"{path} must have a row for each combination of {list(names)}, {n_places}, got"
            f" {len(values)}. For trials of unequal length pass missing='nan', which fills them up."
        )
    place = np.ravel_multi_index(tuple(codes), tuple(shape))
    if len(np.unique(place)) < len(place):
        raise FileContentError(
            f"{path} must have one row for each combination of {list(names)}, got"
            f" {len(place) - len(np.unique(place))} row(s) more."
        )
    grid = np.full((n_places, *values.shape[1:]), np.nan)
    grid[place] = values
    return grid.reshape(*shape, *values.shape[1:])


def describe_units(path, table, codes, names, key, columns) -> pd.DataFrame:
    """Return the table of units: number, name and columns that describe them."""
    taken = sorted({"unit", "name"} & set(columns))
    if taken:
        raise ValueError(f"units must not have {taken}, which number and name the units.")
    frame = per_group(path, table, codes, names, key, columns).rename(columns={key: "name"})
    frame.insert(0, "unit", np.arange(len(names)))
    return frame


def per_group(
    path: Path,
    table: pd.DataFrame,
    codes: NDArray,
    ids: Sequence,
    key: str,
    columns: Sequence[str],
) -> pd.DataFrame:
    """Return one row per group, of columns that must be constant within it."""
    import pandas as pd

    _, first = np.unique(codes, return_index=True)
    frame = pd.DataFrame({key: ids})
    for column in columns:
        values = table[column]
        per_group = values.iloc[first].reset_index(drop=True)
        expected = per_group.iloc[codes].reset_index(drop=True)
        changes = ~((values == expected) | (values.isna() & expected.isna()))
        if changes.any():
            raise FileContentError(
                f"{path}: the column {column!r} must be the same in all rows of a {key}, but"
                f" changes in that of {ids[codes[int(np.argmax(changes))]]!r}. If units with the"
                " same trial were not recorded together, pass simultaneous=False; name the columns"
                " that describe units with units=, and leave out others with trials=."
            )
        frame[column] = per_group
    return frame
