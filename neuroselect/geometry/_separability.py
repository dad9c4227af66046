"""Which dichotomies of patterns a linear read-out implements, exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch

from neuroselect.rsa._checks import check_finite

MOST_CONDITIONS = 16
ROUNDING = 1e-9


def separable_dichotomies(patterns: ArrayLike) -> Bunch:
    r"""Count the binary labellings of patterns that a linear read-out with a threshold implements.

    Of the :math:`2^c` labellings of c conditions, those whose two classes a hyperplane
    separates, found by linear programming. This is the capacity of patterns without noise; its
    logarithm to base 2 is the dimensionality of [1]_, c at the most.

    Parameters
    ----------
    patterns : array-like of shape (n_conditions, n_units)
        Mean activity of up to 16 conditions.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        n_implementable : int
            Number of separable labellings, with the two that put all conditions on one side.
        n_labellings : int
            :math:`2^c`.
        dimensionality : float
            Logarithm of `n_implementable` to base 2.
        n_balanced_implementable, n_balanced : int
            Separable and all dichotomies into halves (a labelling and its opposite are one).
            0 of 0 for an odd number of conditions.
        dichotomies : ndarray of shape (2 ** (c - 1), c), bool
            One of each labelling and its opposite: the one with the first condition on side
            False.
        separable : ndarray of shape (2 ** (c - 1),), bool
            Whether it is separable.

    Raises
    ------
    ValueError
        If `patterns` has another shape, is not finite, or has too many conditions.

    See Also
    --------
    shattering_dimensionality : The same of trials with noise, by cross-validated decoding.

    Notes
    -----
    Each programme looks for the hyperplane with the largest margin, the weights being bounded;
    patterns are rotated into their principal axes first, which changes nothing. A margin below
    1e-9 of the extent of the patterns counts as none.

    References
    ----------
    .. [1] Rigotti, Barak, Warden, Wang, Daw, Miller & Fusi (2013), "The importance of mixed
       selectivity in complex cognitive tasks", Nature 497, 585-590. :doi:`10.1038/nature12160`

    Examples
    --------
    Three units, each selective to one of three binary variables, and a fourth for the
    combination of all:

    >>> import itertools
    >>> import numpy as np
    >>> from neuroselect.geometry import separable_dichotomies
    >>> cube = np.array(list(itertools.product([-1, 1], repeat=3)))
    >>> pure = separable_dichotomies(cube)
    >>> pure.n_implementable, pure.n_labellings, pure.n_balanced_implementable, pure.n_balanced
    (104, 256, 7, 35)
    >>> mixed = separable_dichotomies(np.column_stack([cube, cube.prod(axis=1)]))
    >>> mixed.n_implementable > 104, round(pure.dimensionality, 2)
    (True, 6.7)
    """
    patterns = _check_patterns(patterns)
    n_conditions = len(patterns)
    codes = np.arange(2 ** (n_conditions - 1))[:, np.newaxis]
    dichotomies = (codes >> np.arange(n_conditions)[::-1] & 1).astype(bool)
    coordinates = _coordinates(patterns)
    if coordinates.shape[1] == n_conditions - 1:  # affinely independent: any labelling
        separable = np.ones(len(dichotomies), dtype=bool)
    else:
        separable = np.array([_is_separable(coordinates, side) for side in dichotomies])
    balanced = 2 * dichotomies.sum(axis=1) == n_conditions
    n_implementable = 2 * int(separable.sum())
    return Bunch(
        n_implementable=n_implementable,
        n_labellings=2**n_conditions,
        dimensionality=float(np.log2(n_implementable)),
        n_balanced_implementable=int((separable & balanced).sum()),
        n_balanced=int(balanced.sum()),
        dichotomies=dichotomies,
        separable=separable,
    )


def _check_patterns(patterns: ArrayLike) -> NDArray[np.float64]:
    patterns = np.asarray(patterns, dtype=np.float64)
    if patterns.ndim != 2 or not 2 <= len(patterns) <= MOST_CONDITIONS or not patterns.shape[1]:
        raise ValueError(
            f"patterns must have shape (n_conditions, n_units) with 2 to {MOST_CONDITIONS}"
            f" conditions, got shape {patterns.shape}."
        )
    check_finite(patterns, "patterns", ("condition", "unit"))
    return patterns


def _coordinates(patterns: NDArray) -> NDArray[np.float64]:
    """Return the patterns on those of their principal axes that they vary along."""
    centred = patterns - patterns[0]
    centred = centred / (abs(centred).max() or 1.0)
    left, sizes, _ = np.linalg.svd(centred - centred.mean(axis=0), full_matrices=False)
    return (left * sizes)[:, sizes > ROUNDING]


def _is_separable(coordinates: NDArray[np.float64], side: NDArray[np.bool_]) -> bool:
    from scipy.optimize import linprog

    n_conditions, n_dims = coordinates.shape
    sign = np.where(side, 1.0, -1.0)[:, np.newaxis]
    # Unknown weights, threshold and margin t: sign * (x w + b) >= t, t as large as can be.
    constraints = np.hstack([-sign * coordinates, -sign, np.ones((n_conditions, 1))])
    bounds = [(-1, 1)] * n_dims + [(None, None), (None, 1)]
    objective = np.r_[np.zeros(n_dims + 1), -1.0]
    result = linprog(objective, A_ub=constraints, b_ub=np.zeros(n_conditions), bounds=bounds)
    return bool(-result.fun > ROUNDING)
