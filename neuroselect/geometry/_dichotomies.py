"""Two-way splits of conditions, and scores of them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

if TYPE_CHECKING:
    import pandas as pd

MOST = 100_000


class DichotomyScores(Bunch):
    """Scores of dichotomies with their null distribution: `scores`, `null`, `p_values`, ..."""

    def to_frame(self) -> pd.DataFrame:
        """Return one row per dichotomy.

        Returns
        -------
        table : DataFrame
            Columns dichotomy, score, null_mean, null_std and p_value.
        """
        import pandas as pd

        drawn = len(self.null) > 0
        absent = np.full(len(self.scores), np.nan)
        return pd.DataFrame(
            {
                "dichotomy": self.names,
                "score": self.scores,
                "null_mean": self.null.mean(axis=0) if drawn else absent,
                "null_std": self.null.std(axis=0) if drawn else absent,
                "p_value": self.p_values,
            }
        )


def balanced_dichotomies(n_conditions: int) -> NDArray[np.bool_]:
    """All splits into halves (n_dichotomies, n_conditions), the first condition on side False.

    Of an odd number of conditions, one side has one condition more.
    """
    half = n_conditions // 2
    n_ways = comb(n_conditions, half) // (1 if n_conditions % 2 else 2)
    if n_ways > MOST:
        raise ValueError(
            f"{n_conditions} conditions have {n_ways} balanced dichotomies, more than {MOST}. Name"
            " those of interest by dichotomies."
        )
    chosen = np.array(list(combinations(range(n_conditions), half)))
    sides = np.zeros((len(chosen), n_conditions), dtype=bool)
    sides[np.arange(len(chosen))[:, np.newaxis], chosen] = True
    if n_conditions % 2:
        return sides ^ sides[:, :1]
    return sides[~sides[:, 0]]


def read_dichotomies(
    dichotomies: Any, conditions: pd.DataFrame, *, smallest: int
) -> tuple[list[str], NDArray[np.bool_]]:
    """Return names, and the side of each condition (n_dichotomies, n_conditions).

    Parameters
    ----------
    smallest : int
        Conditions that a side must have at the least.
    """
    if isinstance(dichotomies, str) and dichotomies == "all":
        sides = balanced_dichotomies(len(conditions))
        names = _names_of(sides, conditions)
    elif isinstance(dichotomies, str) or _are_strings(dichotomies):
        names = [dichotomies] if isinstance(dichotomies, str) else list(dichotomies)
        sides = np.stack([_column_sides(conditions, name) for name in names])
    else:
        named = isinstance(dichotomies, Mapping)
        rows = list(dichotomies.values()) if named else dichotomies
        sides = _labellings(rows, len(conditions))
        names = [f"dichotomy {k}" for k in range(len(sides))]
        if named:
            names = [str(name) for name in dichotomies]
    _check_sides(names, sides, smallest)
    return names, sides


def _are_strings(names: Any) -> bool:
    return (
        isinstance(names, (list, tuple))
        and len(names) > 0
        and all(isinstance(name, str) for name in names)
    )


def _names_of(sides: NDArray[np.bool_], conditions: pd.DataFrame) -> list[str]:
    """Name a dichotomy after the column that makes it, if there is one."""
    names = [f"dichotomy {k}" for k in range(len(sides))]
    for column in conditions.columns:
        if conditions[column].nunique() == 2:
            own = _column_sides(conditions, column)
            same = (sides == own).all(axis=1) | (sides == ~own).all(axis=1)
            for k in np.flatnonzero(same):
                names[k] = column
    return names


def _column_sides(conditions: pd.DataFrame, name: str) -> NDArray[np.bool_]:
    if name not in conditions.columns:
        raise ValueError(
            f"dichotomies must be 'all', columns of the conditions {list(conditions.columns)}, or"
            f" labellings of the {len(conditions)} conditions, got {name!r}."
        )
    values = np.unique(conditions[name].to_numpy())
    if len(values) != 2:
        raise ValueError(
            f"A column that makes a dichotomy must have 2 values, {name!r} has {len(values)}:"
            f" {values[:10].tolist()}. Pass a labelling of the conditions, such as"
            f" {{'{name}': [False, ..., True]}}."
        )
    return conditions[name].to_numpy() == values[1]


def _labellings(rows: Any, n_conditions: int) -> NDArray[np.bool_]:
    try:
        sides = np.atleast_2d(np.asarray(rows))
    except ValueError:
        sides = np.empty((0, 0))
    if sides.ndim != 2 or sides.shape[1] != n_conditions or not len(sides):
        raise ValueError(
            f"dichotomies must label each of the {n_conditions} conditions, in the order of"
            f" their sorted values, shape ({n_conditions},) or (n_dichotomies, {n_conditions});"
            f" got shape {np.shape(sides)}."
        )
    if sides.dtype.kind not in "biuf" or not np.isin(sides, (0, 1)).all():
        raise ValueError("dichotomies must be boolean labellings (False and True, or 0 and 1).")
    return sides.astype(bool)


def _check_sides(names: list[str], sides: NDArray[np.bool_], smallest: int) -> None:
    fewest = np.minimum(sides.sum(axis=1), (~sides).sum(axis=1))
    if fewest.min() >= smallest:
        return
    k = int(fewest.argmin())
    if fewest[k] == 0:
        raise ValueError(
            f"The dichotomy {names[k]!r} leaves a class empty: all {sides.shape[1]} conditions are"
            " on one side. Each side needs conditions."
        )
    raise ValueError(
        f"Each side of a dichotomy needs at least {smallest} conditions, one to hold out and one"
        f" to train on, but one side of {names[k]!r} has {fewest[k]}. Cross conditions with"
        " another variable, or leave this dichotomy out."
    )
