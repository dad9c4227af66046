"""Which unit of one system is which of another?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.base import BaseEstimator, MultiOutputMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroselect.alignment._systems import center, check_same_trials, read_system, varies
from neuroselect.utils._sklearn import StrOptions, check_feature_names_in, fit_context


def unit_correlations(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Pearson correlation over trials of every unit of one system with every unit of another.

    Parameters
    ----------
    a, b : array-like of shape (n_trials, n_units)
        Activity of the same trials; units may differ in number.

    Returns
    -------
    correlations : ndarray of shape (n_units_a, n_units_b)
        NaN for units that are constant over trials.

    Raises
    ------
    ValueError
        If trials differ in number, or values are not finite.

    Examples
    --------
    >>> from neuroselect.alignment import unit_correlations
    >>> unit_correlations([[0.0], [1.0], [2.0]], [[0.0, 5.0], [2.0, 5.0], [4.0, 5.0]]).round(6)
    array([[ 1., nan]])
    """
    a, b = read_system(a, "a"), read_system(b, "b")
    check_same_trials(a, b)
    unit = []
    for activity in (a, b):
        activity = center(activity)
        largest = abs(activity).max(axis=0)
        activity = np.divide(activity, largest, out=activity, where=largest > 0)
        norm = np.linalg.norm(activity, axis=0)
        unit.append(np.divide(activity, norm, out=np.full_like(activity, np.nan), where=norm > 0))
    return np.clip(unit[0].T @ unit[1], -1, 1)


class UnitMatching(MultiOutputMixin, TransformerMixin, BaseEstimator):
    r"""Find for each unit of one system its counterpart in another [1]_.

    By the correlation :math:`C_{ij}` of units over trials: each unit takes the best one,
    :math:`\max_j C_{ij}` (semi-matching; units of the other system may be taken several times), or
    the pairs are one-to-one with the greatest sum, :math:`\max_\pi \sum_i C_{i\pi(i)}`.

    Parameters
    ----------
    method : {"one-to-one", "semi"}, default="one-to-one"
        One-to-one assignment, or semi-matching.
    absolute : bool, default=False
        Match by the absolute correlation: a unit may find its mirror image.

    Attributes
    ----------
    pairs_ : ndarray of shape (n_pairs, 2)
        Unit of X, unit of y; in the order of the units of X. One-to-one matches leave units of
        the larger system without one.
    correlations_ : ndarray of shape (n_pairs,)
        Correlation of each pair in the training trials, with its sign.
    n_silent_ : tuple of int
        Units of X and of y that are constant over the training trials: they have no
        correlation, and are left out.
    n_features_in_ : int
        Number of units of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the units of X, where it has them.

    See Also
    --------
    match_units : Chosen on one half of the trials, scored on the other.
    sparse_prediction : Several units for one.

    Notes
    -----
    On the training trials, semi-matching is never below one-to-one; the gap says how far units
    are not one-to-one. `score` is greater for better matches. Null: trials of one system
    shuffled (`alignment_test`); networks that were not trained match far better than that, so
    compare with an untrained pair, too.

    References
    ----------
    .. [1] Li, Yosinski, Clune, Lipson & Hopcroft (2016), "Convergent learning: do different
       neural networks learn the same representations?", ICLR. :doi:`10.48550/arXiv.1511.07543`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.alignment import UnitMatching
    >>> X = np.random.default_rng(0).normal(size=(30, 4))
    >>> UnitMatching().fit(X, X[:, [2, 0, 3, 1]]).pairs_.tolist()
    [[0, 1], [1, 3], [2, 0], [3, 2]]
    """

    _parameter_constraints: dict = {
        "method": [StrOptions({"one-to-one", "semi"})],
        "absolute": ["boolean"],
    }

    def __init__(self, method="one-to-one", *, absolute=False):
        self.method = method
        self.absolute = absolute

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> UnitMatching:
        """Match units.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units_x)
            Activity of one system.
        y : array-like of shape (n_trials, n_units_y) or (n_trials,)
            Activity of the other in the same trials.

        Returns
        -------
        self : UnitMatching

        Raises
        ------
        ValueError
            If all units of a system are constant over trials.
        """
        X, y = validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, ensure_min_samples=2
        )
        y = y.reshape(len(y), -1).astype(np.float64)
        active = [np.flatnonzero(varies(activity)) for activity in (X, y)]
        self.n_silent_ = X.shape[1] - len(active[0]), y.shape[1] - len(active[1])
        for name, units in zip("Xy", active, strict=True):
            if not len(units):
                raise ValueError(f"All units of {name} are constant over trials: none can match.")
        correlations = unit_correlations(X[:, active[0]], y[:, active[1]])
        worth = abs(correlations) if self.absolute else correlations
        if self.method == "semi":
            rows, columns = np.arange(len(worth)), worth.argmax(axis=1)
        else:
            rows, columns = linear_sum_assignment(worth, maximize=True)
        self.pairs_ = np.column_stack([active[0][rows], active[1][columns]])
        self.correlations_ = correlations[rows, columns]
        self._n_units_y = y.shape[1]
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the activity of the matched units of X, in the order of `pairs_`.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units_x)
            Activity.

        Returns
        -------
        activity : ndarray of shape (n_trials, n_pairs)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return X[:, self.pairs_[:, 0]]

    def pair_correlations(self, X: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Correlations of the pairs in other trials.

        Parameters
        ----------
        X, y : array-like
            As in `fit`.

        Returns
        -------
        correlations : ndarray of shape (n_pairs,)
            Absolute ones if `absolute`. NaN where a unit is constant in these trials.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False, ensure_min_samples=2)
        y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
        y = y.reshape(len(y), -1)
        check_same_trials(X, y, ("X", "y"))
        if y.shape[1] != self._n_units_y:
            raise ValueError(
                f"y must have the {self._n_units_y} units that it had in fit, got {y.shape[1]}."
            )
        both = [center(z[:, units]) for z, units in zip((X, y), self.pairs_.T, strict=True)]
        norms = np.linalg.norm(both[0], axis=0) * np.linalg.norm(both[1], axis=0)
        product = np.einsum("ij,ij->j", *both)
        r = np.divide(product, norms, out=np.full(len(norms), np.nan), where=norms > 0)
        r = np.clip(r, -1, 1)
        return abs(r) if self.absolute else r

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Mean correlation of the pairs in other trials: greater for better matches.

        Parameters
        ----------
        X, y : array-like
            As in `fit`.

        Returns
        -------
        score : float
            At most 1. Pairs with a unit that is constant in these trials are left out; NaN if
            there are no others.
        """
        r = self.pair_correlations(X, y)
        known = np.isfinite(r)
        return float(r[known].mean()) if known.any() else np.nan

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray:
        """Return names of the matched units.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the units of X.

        Returns
        -------
        names : ndarray of shape (n_pairs,)
        """
        check_is_fitted(self)
        return check_feature_names_in(self, input_features)[self.pairs_[:, 0]]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
