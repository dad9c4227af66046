"""Demixed principal component analysis."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroselect.geometry._marginalize import marginalizations, marginalize
from neuroselect.geometry._mds import _fix_signs
from neuroselect.geometry._regression_axes import condition_means, row_groups
from neuroselect.geometry._rows import Rows, read_rows
from neuroselect.preprocessing._axes import read_activity
from neuroselect.preprocessing._groups import check_columns, group_numbers
from neuroselect.utils._sklearn import Interval, StrOptions, check_feature_names_in, fit_context

Array = NDArray[np.float64]


class DemixedPCA(TransformerMixin, BaseEstimator):
    r"""Components that each carry one task variable (demixed PCA, Kobak et al. 2016 [1]_).

    Condition means X (over all levels of the factors, and time) are the sum of marginalizations
    :math:`X_\phi`: what depends on time only, on a factor (and time), on the interaction of two
    factors, and so on. For each of them a decoder D and an encoder F of few components minimise

    .. math:: \lVert X_\phi - F_\phi D_\phi X \rVert^2 + \mu \lVert F_\phi D_\phi \rVert^2

    where X has the noise of single trials. This is a regression of reduced rank, solved in closed
    form.

    Parameters
    ----------
    n_components : int, default=2
        Components of each marginalization; fewer where it has fewer dimensions.
    factors : list of str, default=None
        Columns of the trials. None: all of them but "unit".
    join_time : bool, default=True
        Take the effect of a factor and its interaction with time together. Without, the latter are
        marginalizations of their own.
    alpha : float, default=0.0
        Ridge penalty :math:`\mu` divided by the summed variance of the condition means; small
        values such as 1e-4 do against overfitting.
    noise : {"auto", "diagonal"} or None, default="auto"
        Covariance of single trials around the means of their conditions that X has: "auto" the full
        one for units recorded together, of others their variances; "diagonal" variances only; None
        no noise, for condition means.

    Attributes
    ----------
    marginalizations_ : list of str
        "time", "factor", "factor:factor", ...
    marginal_variance_ratio_ : ndarray of shape (n_marginalizations,)
        Share of each in the variance of the condition means; they sum to 1.
    component_names_ : list of str
        "<marginalization>_0", ... of all components, in the order of the marginalizations.
    decoders_, encoders_ : ndarray of shape (n_components_total, n_units)
        Rows of D and columns of F. Encoders are of unit length, and orthogonal within a
        marginalization.
    explained_variance_ratio_ : ndarray of shape (n_components_total,)
        Share of the variance of the condition means that each component reconstructs.
    component_shares_ : ndarray of shape (n_components_total, n_marginalizations)
        How the variance of each component is made up; rows sum to 1. A demixed component has
        nearly all in its own marginalization.
    mean_ : ndarray of shape (n_units,)
        Mean over conditions and time.
    n_features_in_ : int
        Number of units.
    feature_names_in_ : ndarray of shape (n_units,)
        Names of the columns, where X has them.

    See Also
    --------
    TargetedDimensionalityReduction : An axis of one variable, by regression.

    Notes
    -----
    Without noise and penalty, and with units at least as many as means, the encoders are the
    principal axes of the marginalization: then every pattern over conditions can be decoded, and
    only the rank is a limit. All combinations of levels need trials; each of them has the same
    weight, however many trials.

    References
    ----------
    .. [1] Kobak, Brendel, Constantinidis, Feierstein, Kepecs, Mainen, Qi, Romo, Uchida & Machens
       (2016), "Demixed principal component analysis of neural population data", eLife 5, e10989.
       :doi:`10.7554/eLife.10989`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.geometry import DemixedPCA
    >>> rng = np.random.default_rng(0)
    >>> trials = {"stimulus": np.tile([-1, 0, 1], 60), "choice": np.repeat([-1, 1], 90)}
    >>> axes = rng.normal(size=(2, 25))
    >>> rates = np.column_stack(list(trials.values())) @ axes + rng.normal(size=(180, 25))
    >>> demixed = DemixedPCA(n_components=1).fit(rates, trials)
    >>> demixed.marginalizations_
    ['stimulus', 'choice', 'stimulus:choice']
    >>> demixed.component_shares_[:2].diagonal().round(1)
    array([1., 1.])
    >>> demixed.transform(rates).shape
    (180, 3)
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "factors": [str, list, tuple, None],
        "join_time": ["boolean"],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "noise": [StrOptions({"auto", "diagonal"}), None],
    }

    def __init__(self, n_components=2, *, factors=None, join_time=True, alpha=0.0, noise="auto"):
        self.n_components = n_components
        self.factors = factors
        self.join_time = join_time
        self.alpha = alpha
        self.noise = noise

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.two_d_labels = True
        tags.input_tags.three_d_array = True
        return tags

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike | Mapping[str, Any], y: Any = None) -> DemixedPCA:
        """Find the components.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_times, n_units) or (n_trials, n_units), or dict
            Activity of single trials; in long form (n_rows, n_times) or (n_rows,). Or a recording
            in one of both forms of :func:`~neuroselect.recordings.make_container`.
        y : DataFrame or dict of columns, or array-like of shape (n_trials,)
            Trials: a row for each row of X, in long form with the column "unit". An array holds
            the levels of a single factor. None where X is a recording.

        Returns
        -------
        self : DemixedPCA
            Fitted estimator.

        Raises
        ------
        ValueError
            If activity is not finite, a factor is not there or has one level, or a combination of
            levels has no trial (of a unit).
        """
        given = [self.factors] if isinstance(self.factors, str) else self.factors
        rows = read_rows(self, X, y, ["condition"] if given is None else list(given))
        names = [name for name in rows.trials.columns if name != "unit"] if given is None else given
        names = check_columns(names, rows.trials, "factors")
        condition, table = group_numbers(rows.trials, names)
        shape = _levels(table, names)
        means = condition_means(rows.values, rows.unit, rows.n_units, condition)
        groups = marginalizations(names, rows.n_times is not None, self.join_time)
        self.mean_ = means.mean(axis=(0, 1))
        centred = (means - self.mean_).reshape(*shape, *means.shape[1:])
        if rows.n_times is None:
            centred = centred.reshape(*shape, rows.n_units)
        parts = marginalize(centred, list(groups.values())).reshape(len(groups), -1, rows.n_units)
        noise = self._noise(rows, condition, means)
        self.marginalizations_ = list(groups)
        self._solve(parts, noise)
        return self

    def _noise(self, rows: Rows, condition: NDArray[np.int64], means: Array) -> Array | float:
        if self.noise is None:
            return 0.0
        full = self.noise == "auto" and rows.unit is None
        return noise_covariance(rows, condition, means, full)

    def _solve(self, parts: Array, noise: Array | float) -> None:
        """Reduced-rank regression of each marginalization; `parts` (n_parts, n_means, n_units)."""
        total = parts.sum(axis=0)
        scatter = np.swapaxes(parts, 1, 2) @ parts / parts.shape[1]
        signal = total.T @ total / len(total)
        power = np.trace(signal)
        ridge = self.alpha * power * np.eye(len(signal))
        inverse = _pseudo_inverse(signal + noise + ridge)
        encoders, decoders, names = [], [], []
        for name, own in zip(self.marginalizations_, scatter, strict=True):
            kept = leading_axes(own @ inverse @ own, self.n_components, np.trace(own))
            encoders.append(kept)
            decoders.append(kept @ own @ inverse)
            names += [f"{name}_{k}" for k in range(len(kept))]
        self.encoders_, self.decoders_ = np.concatenate(encoders), np.concatenate(decoders)
        self.component_names_ = names
        variances = np.einsum("ku,puv,kv->kp", self.decoders_, scatter, self.decoders_)
        variances = variances.clip(min=0)
        decoded = variances.sum(axis=1)
        covered = np.einsum("ku,uv,kv->k", self.encoders_, signal, self.decoders_)
        size = power if power > 0 else 1.0
        self.explained_variance_ratio_ = (2 * covered - decoded) / size
        self.component_shares_ = variances / np.where(decoded > 0, decoded, 1.0)[:, np.newaxis]
        self.marginal_variance_ratio_ = np.trace(scatter, axis1=1, axis2=2) / size

    def transform(self, X: ArrayLike) -> Array:
        """Decode the components.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units) or (n_trials, n_times, n_units)
            Activity of all units at once: trials, pseudo-trials or condition means.

        Returns
        -------
        components : ndarray of shape (n_trials, n_total) or (n_trials, n_times, n_total)
            Named by `component_names_`.

        Raises
        ------
        ValueError
            If X is not finite or has another number of units.
        """
        check_is_fitted(self)
        values, leading = read_activity(self, X, reset=False, allow_nan=False)
        return ((values - self.mean_) @ self.decoders_.T).reshape(*leading, -1)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray:
        """Return the names of the components.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns of X, checked only.

        Returns
        -------
        names : ndarray of shape (n_total,), str
        """
        check_is_fitted(self)
        check_feature_names_in(self, input_features)
        return np.array(self.component_names_, dtype=object)


def _levels(table, names: list[str]) -> tuple[int, ...]:
    """Numbers of levels, if all of their combinations are there."""
    shape = tuple(int(table[name].nunique()) for name in names)
    single = [name for name, n in zip(names, shape, strict=True) if n < 2]
    if single or not names:
        raise ValueError(f"Factors must have at least 2 levels, got one of {single or names}.")
    if np.prod(shape) != len(table):
        raise ValueError(
            f"All combinations of the levels of {names} must have trials, {int(np.prod(shape))}"
            f" of them, but only {len(table)} have. Leave out a factor or levels."
        )
    return shape


def noise_covariance(rows: Rows, condition: NDArray[np.int64], means: Array, full: bool) -> Array:
    """Covariance (n_units, n_units) of trials around their means, all conditions weighing alike.

    Diagonal if not `full`. A condition with a single trial counts as one without noise.
    """
    group, n_groups = row_groups(condition, rows.unit, rows.n_units)
    by_group = means.reshape(len(means), -1)
    if rows.unit is not None:
        by_group = means.transpose(0, 2, 1).reshape(n_groups, -1)
    residuals = rows.values - by_group[group]
    dof = np.bincount(group, minlength=n_groups) - 1
    weight = np.where(dof > 0, 1.0 / np.maximum(dof, 1), 0.0)[group, np.newaxis]
    n_cells = len(means) * means.shape[1]
    if rows.unit is not None:
        squares = (residuals**2 * weight).sum(axis=1)
        return np.diag(np.bincount(rows.unit, squares, rows.n_units)) / n_cells
    weighted = (residuals * weight).reshape(-1, rows.n_units)
    residuals = residuals.reshape(-1, rows.n_units)
    if full:
        return weighted.T @ residuals / n_cells
    return np.diag((weighted * residuals).sum(axis=0)) / n_cells


def _pseudo_inverse(covariance: Array) -> Array:
    values, vectors = np.linalg.eigh(covariance)
    kept = values > len(values) * np.finfo(np.float64).eps * max(values[-1], 0.0)
    return (vectors[:, kept] / values[kept]) @ vectors[:, kept].T


def leading_axes(matrix: Array, n_axes: int, size: float) -> Array:
    """Eigenvectors (n_kept, n_units) of the largest eigenvalues that are more than rounding."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    n_kept = int(np.sum(values[::-1][:n_axes] > 1e-10 * size)) if size > 0 else 0
    return _fix_signs(vectors[:, ::-1][:, :n_kept]).T
