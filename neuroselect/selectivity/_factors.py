"""Task variables of trials as columns of a linear model."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

CODINGS = ("categorical", "linear")
Term = tuple[int, ...]


def read_factors(factors: Any, n_trials: int) -> dict[str, NDArray]:
    """Return the values of each factor by its name; "factor0", ... where there are no names."""
    if hasattr(factors, "columns"):
        names = [str(name) for name in factors.columns]
        columns = [factors.iloc[:, k].to_numpy() for k in range(len(names))]
    else:
        table = np.asarray(factors)
        table = table[:, np.newaxis] if table.ndim == 1 else table
        if table.ndim != 2:
            raise ValueError(
                "factors must have shape (n_trials,) or (n_trials, n_factors), got shape"
                f" {table.shape}."
            )
        names = [f"factor{k}" for k in range(table.shape[1])]
        columns = list(table.T)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"factors must be at least one column, of different names, got {names}.")
    for name, column in zip(names, columns, strict=True):
        if len(column) != n_trials:
            raise ValueError(
                f"factors must have one row for each of the {n_trials} trials, got {len(column)}"
                " rows."
            )
        _check_missing(name, column)
    return dict(zip(names, columns, strict=True))


def _check_missing(name: str, column: NDArray) -> None:
    if column.dtype.kind in "iub":
        return
    # By their text, since pandas.NA is neither equal nor unequal to itself.
    missing = sum(value is None or str(value == value) != "True" for value in column.tolist())
    if missing or (column.dtype.kind == "f" and np.isinf(column).any()):
        raise ValueError(
            f"The factor {name!r} must be known, and finite, in every trial; it is missing in"
            f" {missing}. Leave these trials out."
        )


def contrasts(
    factors: Mapping[str, NDArray], coding: str | Mapping[str, str]
) -> tuple[list[NDArray], list[NDArray], list[list[str]]]:
    """Return per factor the level of each trial, the columns of each level, and their names.

    Categorical: the indicator of each level but the last minus that of the last. Linear: the
    level itself, with mean 0 and standard deviation 1 over the levels that occur.
    """
    codes, values, labels = [], [], []
    chosen = coding if isinstance(coding, Mapping) else dict.fromkeys(factors, coding)
    unknown = [name for name in chosen if name not in factors]
    wrong = [kind for kind in chosen.values() if kind not in CODINGS]
    if unknown or wrong:
        raise ValueError(
            f"coding must map factors among {list(factors)} to 'categorical' or 'linear', got"
            f" {dict(chosen)}."
        )
    for name, column in factors.items():
        column = column if column.dtype.kind in "iufb" else column.astype(str)
        levels, code = np.unique(column, return_inverse=True)
        if len(levels) < 2:
            raise ValueError(
                f"The factor {name!r} must have at least two levels, got {levels.tolist()}. Leave"
                " it out."
            )
        codes.append(code)
        if chosen.get(name, "categorical") == "linear":
            values.append(_linear(name, levels)[:, np.newaxis])
            labels.append([name])
        else:
            values.append(_categorical(name, levels, len(column)))
            labels.append([f"{name}[{level}]" for level in levels[:-1].tolist()])
    return codes, values, labels


def _linear(name: str, levels: NDArray) -> NDArray[np.float64]:
    if levels.dtype.kind not in "iufb":
        raise ValueError(
            f"The factor {name!r} must be numbers to be coded as linear, got"
            f" {levels[0]!r}. Pass coding='categorical' for it."
        )
    levels = levels.astype(np.float64)
    return (levels - levels.mean()) / levels.std()


def _categorical(name: str, levels: NDArray, n_trials: int) -> NDArray[np.float64]:
    if len(levels) > max(2, n_trials / 2):
        raise ValueError(
            f"The factor {name!r} holds {len(levels)} different values in {n_trials} trials and"
            " looks continuous. Bin it, or code it as 'linear'."
        )
    indicator = np.eye(len(levels))[:, :-1]
    indicator[-1] = -1
    return indicator


def model_terms(n_factors: int, max_order: int) -> list[Term]:
    """Return the main effects, then the interactions of two factors, and so on."""
    orders = range(1, min(max_order, n_factors) + 1)
    return [term for order in orders for term in combinations(range(n_factors), order)]


def design_matrix(
    codes: list[NDArray], values: list[NDArray], terms: list[Term]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the columns (n_trials, n_columns), a constant first, and the term of each (-1)."""
    columns, owners = [np.ones((len(codes[0]), 1))], [-1]
    for k, term in enumerate(terms):
        block = np.ones((len(codes[0]), 1))
        for factor in term:
            block = block[:, :, np.newaxis] * values[factor][codes[factor]][:, np.newaxis, :]
            block = block.reshape(len(block), -1)
        columns.append(block)
        owners += [k] * block.shape[1]
    return np.hstack(columns), np.array(owners)


def column_names(labels: list[list[str]], terms: list[Term]) -> list[str]:
    """Return the names of the columns of :func:`design_matrix`."""
    names = ["intercept"]
    for term in terms:
        joined = [""]
        for factor in term:
            joined = [f"{a}:{b}" if a else b for a in joined for b in labels[factor]]
        names += joined
    return names
