"""Which task variables does each unit care about, and does it mix them?"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroselect.recordings import check_container
from neuroselect.selectivity._activity import numbered
from neuroselect.selectivity._factors import (
    CODINGS,
    column_names,
    contrasts,
    design_matrix,
    model_terms,
    read_factors,
)
from neuroselect.selectivity._unit_models import (
    adjusted,
    fit_units,
    own_responses,
    shared_responses,
)
from neuroselect.utils._sklearn import Interval, StrOptions, fit_context

if TYPE_CHECKING:
    import pandas as pd


class MixedSelectivity(BaseEstimator):
    r"""Pure, linear mixed and nonlinear mixed selectivity of single units, by linear models.

    The activity of each unit over trials (or conditions) is modelled as a sum of main effects
    of the factors and of their interactions. A unit with one main effect is pure, one with
    several is linear mixed, one with an interaction nonlinear mixed [1]_.

    The test of a term compares the model of all terms that do not contain it with the same plus
    the term (type II sums of squares): main effects are adjusted for each other, also where
    conditions have unequal numbers of trials, and not for interactions. With :math:`SS_t` the
    decrease of the residual sum of squares and RSS the residual one of the whole model,

    .. math:: F_t = \frac{SS_t / df_t}{RSS / df}, \qquad
              R^2_t = \frac{SS_t}{SS_t + RSS}

    where :math:`R^2_t` is the term's partial variance (partial :math:`\eta^2`). It is not
    corrected for chance: in noise its mean is about :math:`df_t / (df_t + df)`.

    Parameters
    ----------
    max_order : int, default=2
        Terms: 1 are main effects, 2 also interactions of two factors, and so on, up to the
        number of factors.
    coding : {"categorical", "linear"} or dict, default="categorical"
        Whether a factor may have any effect per level, or one linear in the level (interactions:
        in the product of levels centred on their mean). A dict gives it by factor; others are
        categorical. What a linear term misses counts as noise.
    test : {"F", "permutation"}, default="F"
        "F" assumes errors that are independent, normal and equally large. "permutation" assumes
        them exchangeable: it permutes, over the trials of a unit, the residuals of the
        model without the term and without those that contain it (Freedman & Lane [2]_; exact for
        one factor, approximate for more).
    n_permutations : int, default=1000
        Number of permutations; the smallest p-value is ``1 / (n_permutations + 1)``.
    alpha : float, default=0.05
        Terms with ``q_values_`` up to this count as effects.
    correction : {"fdr_bh", "fdr_by"} or None, default="fdr_bh"
        False discovery rate over all units and terms, by Benjamini & Hochberg, or by Benjamini
        & Yekutieli (any dependence); None: no correction.
    random_state : int, RandomState instance or None, default=None
        Source of the permutations.

    Attributes
    ----------
    terms_ : list of str
        Factors, then "factor:factor", ...
    partial_variance_ : ndarray of shape (n_units, n_terms)
        From 0 to 1.
    f_values_, p_values_, q_values_ : ndarray of shape (n_units, n_terms)
        Test of each term, and p-values after the correction. NaN where there is no test.
    unit_labels_ : ndarray of shape (n_units,), str
        "untuned", "pure <factor>", "linear mixed", "nonlinear mixed", or "undetermined".
    coef_ : ndarray of shape (n_units, n_columns)
        Least-squares coefficients; NaN for a unit in whose trials columns depend on each other.
    coef_names_ : list of str
        "intercept", a linear factor, "factor[level]" (deviation of the level from the mean over
        levels; that of the last level is minus the sum of the others), products of them.
    r2_ : ndarray of shape (n_units,)
        Share of variance that the whole model explains.
    df_ : ndarray of shape (n_units, n_terms)
        Degrees of freedom of each term.
    df_residual_ : ndarray of shape (n_units,)
        Degrees of freedom of the residuals.
    unit_names_ : ndarray of shape (n_units,)
        Columns of the activity, `units["unit"]` of a recording, or "unit0", "unit1", ...
    n_features_in_ : int
        Number of units.
    feature_names_in_ : ndarray of shape (n_units,)
        Names of the columns, where X has them.

    See Also
    --------
    LesionSelectivity : What units are worth to tasks, instead of what they respond to.
    unit_classes : Units active in one task, or in several.
    context_tuning : Linear tuning to features within each context.

    Notes
    -----
    Stacked activity of several networks gives arrays with a first axis of networks; the
    correction goes over all of them.

    Missing combinations of levels leave an interaction with fewer degrees of freedom. A term that
    others explain completely has none, which is an error if it holds for all units. Where units
    have different trials, those for which a term has none are "undetermined". Units without
    variance are "untuned", with NaN for statistics, and do not count in the correction.

    References
    ----------
    .. [1] Rigotti, Barak, Warden, Wang, Daw, Miller & Fusi (2013), Nature 497, 585-590,
       :doi:`10.1038/nature12160`
    .. [2] Freedman & Lane (1983), Journal of Business & Economic Statistics 1, 292-298,
       :doi:`10.1080/07350015.1983.10509354`

    Examples
    --------
    >>> from neuroselect.datasets import make_recording
    >>> from neuroselect.selectivity import MixedSelectivity
    >>> recording = make_recording(n_units=4, effect_size=1.0, random_state=0)
    >>> list(recording.units["class"])
    ['linear mixed', 'nonlinear mixed', 'pure', 'untuned']
    >>> mixed = MixedSelectivity().fit(recording, ["task", "stimulus", "choice"])
    >>> mixed.terms_
    ['task', 'stimulus', 'choice', 'task:stimulus', 'task:choice', 'stimulus:choice']
    >>> mixed.unit_labels_.tolist()
    ['linear mixed', 'nonlinear mixed', 'pure task', 'untuned']

    Arrays, with one row per trial:

    >>> activity = recording.data[:, 2:]
    >>> MixedSelectivity(max_order=1).fit(activity, recording.trials[["task"]]).unit_labels_
    array(['pure task', 'untuned'], dtype='<U15')
    """

    _parameter_constraints: dict = {
        "max_order": [Interval(Integral, 1, None, closed="left")],
        "coding": [StrOptions(set(CODINGS)), Mapping],
        "test": [StrOptions({"F", "permutation"})],
        "n_permutations": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "correction": [StrOptions({"fdr_bh", "fdr_by"}), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        max_order=2,
        coding="categorical",
        test="F",
        n_permutations=1000,
        alpha=0.05,
        correction="fdr_bh",
        random_state=None,
    ):
        self.max_order = max_order
        self.coding = coding
        self.test = test
        self.n_permutations = n_permutations
        self.alpha = alpha
        self.correction = correction
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.one_d_labels = False
        tags.target_tags.two_d_labels = True
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike | Mapping[str, Any], y: ArrayLike) -> MixedSelectivity:
        """Fit one model per unit, and test its terms.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_units) or (n_networks, n_trials, n_units), or dict
            Activity; a row may also be the mean of a condition. A trial in which a unit is NaN
            is left out for this unit. Or a recording in one of both forms of
            :func:`~neuroselect.recordings.make_container`, without a time axis or with one bin.
        y : array-like or DataFrame of shape (n_trials, n_factors) or (n_trials,), or list of str
            Factors of each trial (of each row of a recording's data); for recordings also names
            of columns of its trials.

        Returns
        -------
        self : MixedSelectivity
            Fitted estimator.

        Raises
        ------
        ValueError
            If shapes do not belong together, activity is infinite, factors are missing, constant
            or, if categorical, continuous, a term depends on the others in all units, or
            no degrees of freedom remain for the residuals.
        """
        responses, factors, shape = self._read(X, y)
        names = list(factors)
        codes, values, labels = contrasts(factors, self.coding)
        terms = model_terms(len(names), self.max_order)
        columns, owners = design_matrix(codes, values, terms)
        self.terms_ = [":".join(names[k] for k in term) for term in terms]
        self.coef_names_ = column_names(labels, terms)
        n_permutations = self.n_permutations if self.test == "permutation" else 0
        rng = check_random_state(self.random_state)
        fits = fit_units(responses, columns, owners, terms, n_permutations, rng)
        self._check_degrees(fits)
        for name in ("partial_variance", "f_values", "p_values", "df", "df_residual", "coef", "r2"):
            result = getattr(fits, name)
            setattr(self, f"{name}_", result.reshape(*shape, *result.shape[1:]))
        self.q_values_ = adjusted(self.p_values_, self.correction)
        order = [len(term) for term in terms]
        constant = fits.constant.reshape(shape)
        self.unit_labels_ = selectivity_labels(
            self.q_values_ <= self.alpha, np.isnan(self.q_values_), constant, order, names
        )
        return self

    def _read(self, X, y):
        """Return the responses, the factors by name, and the shape of the axes of units."""
        if isinstance(X, Mapping):
            return self._read_recording(X, y)
        stacked = np.ndim(X) == 3
        networks = np.asarray(X) if stacked else None
        if stacked:
            X = networks.transpose(1, 0, 2).reshape(networks.shape[1], -1)
        checked = None if y is None else "no_validation"
        X = validate_data(
            self, X, checked, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan",
            ensure_min_samples=2,
        )  # fmt: skip
        shape = (X.shape[1],)
        if stacked:
            shape = (len(networks), networks.shape[2])
            self.n_features_in_ = shape[1]
        named = getattr(self, "feature_names_in_", None)
        self.unit_names_ = numbered(shape[-1]) if named is None else named.copy()
        factors = read_factors(y, len(X))
        there = ~np.isnan(X)
        if there.all():
            return shared_responses(X), factors, shape
        unit, trial = np.nonzero(there.T)
        return own_responses(X[trial, unit], unit, trial, X.shape[1]), factors, shape

    def _read_recording(self, recording, y):
        recording = check_container(recording)
        factors = _recorded_factors(recording, y)
        data = np.asarray(recording.data)
        if recording.time is not None:
            if len(recording.time) != 1:
                raise ValueError(
                    f"The recording must have no time axis, or one bin, got {len(recording.time)}."
                    " Average an epoch with recordings.bin_time, or pass data[:, k]."
                )
            data = data[:, 0]
        if "unit" not in recording.trials.columns:
            result = self._read(data, factors)
        else:
            data = validate_data(
                self, data.reshape(-1, 1), dtype=np.float64, ensure_all_finite="allow-nan",
                y="no_validation",
            )[:, 0]  # fmt: skip
            row = np.flatnonzero(~np.isnan(data))
            unit = recording.trials["unit"].to_numpy()[row]
            n_units = len(recording.units)
            responses = own_responses(data[row], unit, row, n_units)
            result = responses, read_factors(factors, len(data)), (n_units,)
            self.n_features_in_ = n_units
        if "unit" in recording.units.columns:
            self.unit_names_ = recording.units["unit"].to_numpy()
        else:
            self.unit_names_ = numbered(len(recording.units))
        return result

    def _check_degrees(self, fits):
        if not (fits.df_residual > 0).any():
            raise ValueError(
                f"No degrees of freedom remain for the residuals: {len(self.coef_names_)} columns"
                f" of terms up to order {self.max_order} take up all trials. Lower max_order, pass"
                " fewer factors, code factors as linear, or more trials."
            )
        lost = [name for name, df in zip(self.terms_, fits.df.T, strict=True) if not df.any()]
        if lost:
            raise ValueError(
                f"The terms {lost} depend completely on other terms: factors go together, or"
                " too many of their combinations have no trial. Leave out a factor, or lower"
                " max_order."
            )

    def to_frame(self) -> pd.DataFrame:
        """Return all results as a table.

        Returns
        -------
        table : DataFrame
            One row for each unit with the columns unit (before it network, where there are
            several), label, r2, and for each term A partial_variance_A, f_A, p_A and q_A.
        """
        import pandas as pd

        check_is_fitted(self)
        shape = self.unit_labels_.shape
        table = {}
        if len(shape) == 2:
            table["network"] = np.repeat(np.arange(shape[0]), shape[1])
        n_networks = shape[0] if len(shape) == 2 else 1
        table["unit"] = np.tile(self.unit_names_, n_networks)
        table["label"] = self.unit_labels_.ravel()
        table["r2"] = self.r2_.ravel()
        for k, term in enumerate(self.terms_):
            table[f"partial_variance_{term}"] = self.partial_variance_[..., k].ravel()
            for short in ("f", "p", "q"):
                table[f"{short}_{term}"] = getattr(self, f"{short}_values_")[..., k].ravel()
        return pd.DataFrame(table)


def _recorded_factors(recording: Mapping[str, Any], y: Any) -> Any:
    """Return the columns of the trials that y names, or y where it holds the factors."""
    known = [column for column in recording["trials"].columns if column != "unit"]
    names = [y] if isinstance(y, str) else y
    if hasattr(names, "columns") or not all(isinstance(name, str) for name in np.ravel(names)):
        return y
    if not set(names) <= set(known):
        raise ValueError(
            f"factors must name columns of the recording's trials among {known}, got {names}."
        )
    return recording["trials"][list(names)]


def selectivity_labels(
    effect: NDArray[np.bool_],
    unknown: NDArray[np.bool_],
    constant: NDArray[np.bool_],
    order: list[int],
    names: list[str],
) -> NDArray[np.str_]:
    """Return the label of each unit from which terms (..., n_terms) have an effect."""
    main = effect[..., : len(names)]
    pure = np.array([f"pure {name}" for name in names])[main.argmax(axis=-1)]
    number = main.sum(axis=-1)
    labels = np.where(number == 0, "untuned", np.where(number == 1, pure, "linear mixed"))
    interacts = effect[..., np.array(order) > 1].any(axis=-1)
    labels = np.where(interacts, "nonlinear mixed", labels)
    return np.where(unknown.any(axis=-1) & ~constant, "undetermined", labels)
