"""RDMs explained by model RDMs."""

from collections.abc import Mapping
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular
from scipy.optimize import nnls
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroselect.rsa._checks import check_finite, constant_rows
from neuroselect.rsa._missing import POLICIES, common_pairs
from neuroselect.utils._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    check_feature_names_in,
    fit_context,
)


class RDMRegression(TransformerMixin, BaseEstimator):
    r"""Linear regression of each RDM on model RDMs.

    For the RDM d of every system and the model RDMs m_1, ..., m_k, the betas minimise

    .. math:: \|d - \beta_0 - \sum_k \beta_k m_k\|^2 + \alpha \sum_k \beta_k^2

    over pairs of conditions. With ``standardize=True``, the published analysis [1]_, d and
    every m_k are z-scored over pairs first, so that betas of RDMs in different units compare.

    Parameters
    ----------
    models : array-like of shape (n_models, n_pairs), or mapping or DataFrame of RDMs
        Condensed model RDMs, as :func:`model_rdms` makes them. A mapping goes from the name of a
        model to its RDM; the columns of a DataFrame are models.
    standardize : bool, default=True
        Z-score data and model RDMs over pairs (population standard deviation); betas
        have no unit. If False they are in units of d per unit of m_k. Either way the intercept
        is free and not penalised; on z-scores it is 0.
    positive : bool, default=False
        Constrain the betas (not the intercept) to be at least 0.
    alpha : float, default=0.0
        Ridge penalty, not scaled by the number of pairs: as in
        :class:`sklearn.linear_model.Ridge`. It applies to the betas of the z-scores with
        ``standardize=True``, and depends on the units of the RDMs without.
    missing : {"raise", "drop"}, default="raise"
        What to do about NaN. "drop" leaves out of each system's regression the pairs that are NaN
        in its RDM or in any model, from the RDM and from all models, before they are centred.

    Attributes
    ----------
    r2_ : ndarray of shape (n_systems,)
        Share of the variance over pairs explained in each of the RDMs given to `fit`.
    unique_variance_ : ndarray of shape (n_systems, n_models)
        How much of it each model adds to the others, see `unique_variance`.
    models_ : ndarray of shape (n_models, n_pairs)
        The model RDMs, centred and with ``standardize=True`` z-scored; NaN where missing.
    model_names_ : ndarray of shape (n_models,)
        The names of the models; "model0", "model1", ... for an array.
    n_features_in_ : int
        Number of pairs.
    feature_names_in_ : ndarray of shape (n_pairs,)
        Names of the pairs seen in `fit`; only if `X` has names that are all strings.

    See Also
    --------
    model_rdms : Make the model RDMs.
    RDMTransformer : Make the RDMs from patterns.

    Notes
    -----
    Nothing is learned from one system for another: `transform` fits each row by itself,
    for all rows in one solve.

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), "Orthogonal representations
       for robust context-dependent task performance in brains and neural networks",
       Neuron 110, 1258-1270. :doi:`10.1016/j.neuron.2022.01.005`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.rsa import RDMRegression
    >>> models = {"near": [1.0, 2.0, 1.0, 1.0, 2.0, 1.0], "odd": [0.0, 0.0, 1.0, 0.0, 1.0, 1.0]}
    >>> rdms = [2 * np.array(models["near"]) + 3, np.array(models["odd"])]
    >>> regression = RDMRegression(models)
    >>> regression.fit_transform(rdms).round(6) + 0.0
    array([[1., 0.],
           [0., 1.]])
    >>> regression.get_feature_names_out()
    array(['near', 'odd'], dtype=object)
    """

    _parameter_constraints: dict = {
        "models": ["array-like", HasMethods(["keys", "__getitem__"])],
        "standardize": ["boolean"],
        "positive": ["boolean"],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "missing": [StrOptions(set(POLICIES))],
    }

    def __init__(self, models, *, standardize=True, positive=False, alpha=0.0, missing="raise"):
        self.models = models
        self.standardize = standardize
        self.positive = positive
        self.alpha = alpha
        self.missing = missing

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: None = None) -> "RDMRegression":
        """Prepare the models, and explain `X` for `r2_`.

        Parameters
        ----------
        X : array-like of shape (n_systems, n_pairs)
            Condensed RDMs.
        y : None
            Ignored.

        Returns
        -------
        self : RDMRegression
            Fitted transformer.
        """
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite=False, ensure_min_features=2)
        names, models = _as_models(self.models, self.missing)
        if models.shape[1] != X.shape[1]:
            raise ValueError(
                f"X has {X.shape[1]} pairs of conditions, but the RDMs in models have"
                f" {models.shape[1]}. Make both from the same conditions in the same order:"
                " n_pairs = n_conditions * (n_conditions - 1) / 2."
            )
        present = ~np.isnan(models).any(axis=0)
        for name, model in zip(names, models[:, present], strict=True):
            if constant_rows(model):
                raise ValueError(
                    f"The model {name!r} is constant over pairs and can explain no variance."
                    " Leave it out of models."
                )
        self.models_ = np.full(models.shape, np.nan)
        self.models_[:, present] = _standardized(models[:, present], self.standardize)
        self.model_names_ = np.array(names, dtype=object)
        _, self.r2_, unique = self._explain(X, self.models_)
        self.unique_variance_ = self._added(X, self.r2_) if self._bounded() else unique
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the betas of each RDM.

        Parameters
        ----------
        X : array-like of shape (n_systems, n_pairs)
            Condensed RDMs.

        Returns
        -------
        betas : ndarray of shape (n_systems, n_models)
            Coefficients in the order of `model_names_`.
        """
        return self._explain(self._validated(X), self.models_, betas_only=True)[0]

    def score(self, X: ArrayLike, y: None = None) -> float:
        """Return the mean share of variance explained; greater is better.

        Parameters
        ----------
        X : array-like of shape (n_systems, n_pairs)
            Condensed RDMs.
        y : None
            Ignored.

        Returns
        -------
        score : float
            R squared over pairs, averaged over systems; 1 is perfect.
        """
        return float(self._explain(self._validated(X), self.models_)[1].mean())

    def unique_variance(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the share of variance that each model adds to the others.

        Parameters
        ----------
        X : array-like of shape (n_systems, n_pairs)
            Condensed RDMs.

        Returns
        -------
        variance : ndarray of shape (n_systems, n_models)
            R squared of all models less that of all but one, each fitted by itself with the same
            constraint and penalty. With a penalty it may be less than 0.
        """
        X = self._validated(X)
        _, r2, unique = self._explain(X, self.models_)
        return self._added(X, r2) if self._bounded() else unique

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray:
        """Return the names of the models.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Only checked against the names seen in `fit`.

        Returns
        -------
        names : ndarray of shape (n_models,)
            As `model_names_`.
        """
        check_is_fitted(self)
        check_feature_names_in(self, input_features, generate_names=False)
        return self.model_names_.copy()

    def _validated(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, ensure_all_finite=False, reset=False)

    def _bounded(self) -> bool:
        """Whether a constraint or penalty makes this no least-squares problem."""
        return self.positive or self.alpha > 0

    def _explain(self, X, models, betas_only=False) -> tuple[NDArray, NDArray, NDArray]:
        """Betas, R squared and, by least squares, unique variance of each system.

        Over the pairs that the system and the models have.
        """
        betas, r2 = np.empty((len(X), len(models))), np.empty(len(X))
        unique = np.empty_like(betas)
        for rows, present in self._groups(X, models):
            complete = len(rows) == len(X) and present.all()
            rdms = X if complete else X[np.ix_(rows, present)]
            rdms = _standardized(rdms, self.standardize)
            chosen = _standardized(models[:, present], self.standardize)
            if self.alpha == 0:
                _check_independent(list(self.model_names_), chosen)
            q, r = _factor(chosen, self.alpha)
            betas[rows] = self._betas(rdms @ q, r)
            if betas_only:
                continue
            residual = rdms - betas[rows] @ chosen
            total = (rdms**2).sum(axis=1)
            r2[rows] = 1 - (residual**2).sum(axis=1) / total
            # The diagonal of the inverse of the models' products: what a beta costs in variance.
            spread = (solve_triangular(r, np.eye(len(r))) ** 2).sum(axis=1)
            unique[rows] = betas[rows] ** 2 / spread / total[:, np.newaxis]
        return betas, r2, unique

    def _added(self, X, r2) -> NDArray[np.float64]:
        """R squared less that without each model, fitted anew."""
        if len(self.models_) == 1:
            return r2[:, np.newaxis].copy()
        left_out = (np.delete(self.models_, k, axis=0) for k in range(len(self.models_)))
        gaps = np.isnan(self.models_).any(axis=0)  # the same pairs with all models as without one
        return np.column_stack(
            [r2 - self._explain(X, np.where(gaps, np.nan, models))[1] for models in left_out]
        )

    def _groups(self, X, models):
        """Rows with the same missing pairs, and the pairs that these and the models have."""
        if self.missing == "raise":
            check_finite(X, "RDMs", ("system", "pair"))
            _check_varies(X, np.arange(len(X)))
            yield np.arange(len(X)), np.ones(X.shape[1], dtype=bool)
            return
        patterns, group = np.unique(np.isnan(X), axis=0, return_inverse=True)
        for k in range(len(patterns)):
            rows = np.flatnonzero(group.ravel() == k)
            present = common_pairs("drop", RDMs=X[rows], models=models)
            _check_varies(X[np.ix_(rows, present)], rows)
            yield rows, present

    def _betas(self, target, r):
        if self.positive:
            return np.array([nnls(r, row)[0] for row in target])
        return solve_triangular(r, target.T).T

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "drop"
        return tags


def _check_varies(rdms: NDArray, systems: NDArray[np.intp]) -> None:
    constant = systems[constant_rows(rdms)]
    if len(constant):
        raise ValueError(
            f"The RDMs of {len(constant)} system(s), first system {constant[0]}, are constant"
            " over pairs: there is no variance to explain. Leave these systems out."
        )


def _as_models(models, missing: str) -> tuple[list[str], NDArray[np.float64]]:
    if isinstance(models, Mapping) or hasattr(models, "columns"):
        names = [str(name) for name in models]
        rows = [np.asarray(models[name], dtype=np.float64) for name in models]
        if len({row.shape for row in rows}) > 1:
            shapes = {name: row.shape for name, row in zip(names, rows, strict=True)}
            raise ValueError(f"The RDMs in models must have the same length, got shapes {shapes}.")
        models = np.array(rows)
    else:
        models = np.array(models, dtype=np.float64)
        names = [f"model{k}" for k in range(len(models))]
    if models.ndim != 2 or 0 in models.shape:
        raise ValueError(
            "models must hold at least one condensed RDM, as an array of shape (n_models, n_pairs)"
            f" or a mapping from names to RDMs; got shape {models.shape}."
        )
    if missing == "raise":
        check_finite(models, "models", ("model", "pair"))
    else:
        common_pairs(missing, models=models)
    return names, models


def _standardized(rdms: NDArray, scale: bool) -> NDArray[np.float64]:
    centred = rdms - rdms.mean(axis=1, keepdims=True)
    if scale:
        squares = np.einsum("ij,ij->i", centred, centred)
        centred /= np.sqrt(squares / rdms.shape[1])[:, np.newaxis]
    return centred


def _check_independent(names: list[str], centred: NDArray) -> None:
    """Raise if the betas are not unique."""
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    rank = np.linalg.matrix_rank(unit)
    if rank == len(unit):
        return
    # A combination of models that cancels: those which take part are to blame.
    weights = abs(np.linalg.eigh(unit @ unit.T)[1][:, 0])
    involved = [name for name, w in zip(names, weights, strict=True) if w > 1e-6 * weights.max()]
    raise ValueError(
        f"The {len(unit)} models are linearly dependent over pairs (rank {rank}), so their betas"
        f" are not unique; among {involved} at least one follows from the others."
        " Leave it out, or set alpha > 0."
    )


def _factor(models: NDArray, alpha: float) -> tuple[NDArray, NDArray]:
    """QR decomposition of the design; the rows that stand for the penalty are dropped from Q.

    Least squares on (R, Q'd), of n_models rows, has the solution of that on all pairs.
    """
    n_models = len(models)
    design = np.vstack([models.T, np.sqrt(alpha) * np.eye(n_models)]) if alpha else models.T
    q, r = np.linalg.qr(design)
    return q[: models.shape[1]], r
