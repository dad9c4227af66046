"""What simulated units are selective for: factors, classes and coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuroselect.datasets._arithmetic import trial_counts

if TYPE_CHECKING:
    import pandas as pd

# Number of factors that a unit of the class needs at least.
CLASSES = {"untuned": 0, "pure": 1, "linear mixed": 2, "nonlinear mixed": 2}
FACTORS = {"stimulus": 4, "choice": 2}
# Columns of the trials that are no factor.
RESERVED = ("task", "condition", "unit", "trial")


def check_factors(n_tasks: int, factors: Mapping[str, int] | None) -> dict[str, int]:
    """Return the number of levels of each factor, the task first."""
    factors = FACTORS if factors is None else factors
    for name, n_levels in factors.items():
        if not isinstance(name, str) or not name or ":" in name or name in RESERVED:
            raise ValueError(
                f"factors must be named by strings without ':' other than {', '.join(RESERVED)},"
                f" got {name!r}."
            )
        whole = isinstance(n_levels, Integral) and not isinstance(n_levels, bool)
        if not whole or n_levels < 2:
            raise ValueError(
                f"factors must have a whole number of levels, 2 or more, got {n_levels!r} for"
                f" {name!r}."
            )
    tasks = {"task": n_tasks} if n_tasks > 1 else {}
    if not factors and not tasks:
        raise ValueError("factors is empty. Pass at least one factor, or n_tasks of 2 or more.")
    return {**tasks, **factors}


def class_counts(
    shares: Mapping[str, float] | None, n_units: int, n_factors: int
) -> dict[str, int]:
    """Return the number of units of each class."""
    allowed = [name for name, needed in CLASSES.items() if n_factors >= needed]
    if shares is None:
        shares = dict.fromkeys(allowed, 1 / len(allowed))
    unknown = sorted(set(shares) - set(CLASSES), key=str)
    if unknown:
        raise ValueError(
            f"shares must be of the classes {', '.join(map(repr, CLASSES))}, got {unknown[0]!r}."
        )
    values = np.array([shares.get(name, 0) for name in CLASSES], dtype=object)
    fits = all(isinstance(value, Real) and 0 <= value <= 1 for value in values)
    if not fits or not np.isclose(sum(values), 1, rtol=0, atol=1e-6):
        raise ValueError(f"shares must lie between 0 and 1 and sum to 1, got {dict(shares)}.")
    impossible = [name for name in CLASSES if shares.get(name, 0) and name not in allowed]
    if impossible:
        raise ValueError(
            f"shares has {impossible[0]!r} units, which need two factors, but there is one. Pass"
            " more factors, or n_tasks of 2 or more."
        )
    values = values.astype(np.float64)
    counts = trial_counts(values / values.sum(), n_units)
    return dict(zip(CLASSES, counts.tolist(), strict=True))


def make_conditions(n_levels: Mapping[str, int]) -> pd.DataFrame:
    """Return all combinations: the codes of the tasks, and centred levels of the other factors."""
    import pandas as pd

    codes = condition_codes(n_levels)
    columns = {
        name: code if name == "task" else code - (n_levels[name] - 1) / 2
        for name, code in zip(n_levels, codes, strict=True)
    }
    return pd.DataFrame(columns)


def condition_codes(n_levels: Mapping[str, int]) -> NDArray[np.int64]:
    """Return the zero-based level of each factor in each condition, (n_factors, n_conditions)."""
    return np.indices(tuple(n_levels.values())).reshape(len(n_levels), -1)


def draw_units(
    counts: Mapping[str, int],
    n_levels: Mapping[str, int],
    tuning: str,
    effect_size: float,
    rng: np.random.RandomState,
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Return the table of units and their effects, (n_conditions, n_units)."""
    import pandas as pd

    names = list(n_levels)
    terms = [(k,) for k in range(len(names))] + list(combinations(range(len(names)), 2))
    labels = rng.permutation(np.repeat(list(CLASSES), list(counts.values())))
    coefs = np.array([draw_coefs(label, terms, tuning, rng) for label in labels]) * effect_size
    codes = condition_codes(n_levels)
    sizes = tuple(n_levels.values())
    effects = np.zeros((codes.shape[1], len(labels)))
    for term, coef in zip(terms, coefs.T, strict=True):
        shape = [sizes[k] for k in term]
        values = level_effects(shape, len(labels), tuning, rng)
        effects += values[(..., *codes[list(term)])].T * coef
    columns = [f"coef_{':'.join(names[k] for k in term)}" for term in terms]
    units = pd.DataFrame({"unit": np.arange(len(labels)), "class": labels})
    return pd.concat([units, pd.DataFrame(coefs, columns=columns)], axis=1), effects


def draw_coefs(
    label: str, terms: list[tuple[int, ...]], tuning: str, rng: np.random.RandomState
) -> NDArray[np.float64]:
    """Return the coefficients (n_terms,) of one unit, about 1 in size or 0."""
    n_factors = sum(len(term) == 1 for term in terms)
    if label == "linear mixed":
        n_effects = rng.randint(2, n_factors + 1)
    else:
        n_effects = {"untuned": 0, "pure": 1, "nonlinear mixed": 2}[label]
    factors = sorted(rng.permutation(n_factors)[:n_effects].tolist())
    present = np.array([len(term) == 1 and term[0] in factors for term in terms])
    if label == "nonlinear mixed":
        present[terms.index(tuple(factors))] = True
    sizes = rng.uniform(0.75, 1.25, size=len(terms))
    signs = rng.choice([-1.0, 1.0], size=len(terms)) if tuning == "linear" else 1.0
    return np.where(present, sizes * signs, 0.0)


def level_effects(
    shape: list[int], n_units: int, tuning: str, rng: np.random.RandomState
) -> NDArray[np.float64]:
    """Return the effect of each level or pair of levels, (n_units or 1, *shape).

    The means along each axis are 0, so that effects of different terms are orthogonal; the
    standard deviation over levels is 1.
    """
    if tuning == "linear":
        values = np.ones((1, *shape))
        for axis, size in enumerate(shape, start=1):
            level = np.arange(size) - (size - 1) / 2
            values = values * np.expand_dims(level, [k for k in range(len(shape) + 1) if k != axis])
    else:
        values = rng.normal(size=(n_units, *shape))
        for axis in range(1, len(shape) + 1):
            values = values - values.mean(axis=axis, keepdims=True)
    axes = tuple(range(1, len(shape) + 1))
    return values / np.sqrt((values**2).mean(axis=axes, keepdims=True))
