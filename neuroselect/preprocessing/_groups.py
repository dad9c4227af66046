"""Trials by their group, and random orders within groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


def check_columns(columns: str | list[str] | None, trials: pd.DataFrame, name: str) -> list[str]:
    """Return names of columns as a list; every one must exist and have no missing values."""
    columns = [columns] if isinstance(columns, str) else list(columns or [])
    for column in columns:
        if column not in trials.columns:
            raise ValueError(
                f"{name} must name columns of the trials, {list(trials.columns)}, got {column!r}."
            )
        missing = int(trials[column].isna().sum())
        if missing:
            raise ValueError(
                f"{name} must name columns without missing values, but {missing} of the"
                f" {len(trials)} trials have no {column!r}. Leave them out with"
                " neuroselect.recordings.select."
            )
    if len(set(columns)) < len(columns):
        raise ValueError(f"{name} must name each column once, got {columns}.")
    return columns


def group_numbers(trials: pd.DataFrame, columns: list[str]) -> tuple[NDArray, pd.DataFrame]:
    """Number the combinations of values, sorted, and list them: (n_rows,), one row each."""
    if not columns:
        return np.zeros(len(trials), dtype=np.int64), trials[[]].iloc[:1]
    number = trials.groupby(columns, sort=True, observed=True).ngroup().to_numpy()
    _, first = np.unique(number, return_index=True)
    return number, trials[columns].iloc[first].reset_index(drop=True)


def shuffled_within(group: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the rows group by group, in random order within each.

    One sort by group plus a uniform number in [0, 1). For a million groups the sum still keeps
    32 random bits.
    """
    return np.argsort(group + rng.random(len(group)))
