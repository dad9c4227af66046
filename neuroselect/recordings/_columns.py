"""Columns of tables as plain arrays, and back with the types that they had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

DTYPE, CATEGORIES, CATEGORIES_DTYPE, ORDERED = (
    "pandas_dtype",
    "categories",
    "categories_dtype",
    "ordered",
)


def pack_column(column: pd.Series) -> tuple[NDArray, dict[str, Any]]:
    """Return a column as an array of NumPy, and what is needed to get its type back.

    That is nothing where pandas would guess it from the array.
    """
    import pandas as pd

    values, dtype = _plain(column), column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        categories = pd.Series(dtype.categories)
        return values, {
            DTYPE: "category",
            CATEGORIES: _plain(categories),
            CATEGORIES_DTYPE: str(categories.dtype),
            ORDERED: int(bool(dtype.ordered)),
        }
    return values, {} if pd.Series(values).dtype == dtype else {DTYPE: str(dtype)}


def unpack_column(values: Any, kept: Mapping[str, Any]) -> pd.Series:
    """Return the column that :func:`pack_column` was given."""
    import pandas as pd

    if DTYPE not in kept:
        return pd.Series(values)
    if kept[DTYPE] != "category":
        return pd.Series(values, dtype=kept[DTYPE])
    categories = pd.Index(pd.Series(kept[CATEGORIES], dtype=kept[CATEGORIES_DTYPE]))
    return pd.Series(pd.Categorical(values, categories=categories, ordered=bool(kept[ORDERED])))


def _plain(column: pd.Series) -> NDArray:
    values = column.to_numpy(copy=True)
    if values.dtype == object and len(values) and all(isinstance(v, str) for v in values):
        return values.astype(str)
    return values
