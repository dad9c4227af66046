"""Tuning of single units to features, within each context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.recordings import check_container
from neuroselect.selectivity._mixed_selectivity import MixedSelectivity
from neuroselect.selectivity._unit_table import UnitTable

if TYPE_CHECKING:
    import pandas as pd


def context_tuning(
    activity: ArrayLike | Mapping[str, Any],
    features: Sequence[str],
    context: str,
    conditions: pd.DataFrame | Mapping[str, ArrayLike] | None = None,
    *,
    correction: str | None = "fdr_bh",
) -> UnitTable:
    r"""Regress responses of each unit on features within each context [1]_.

    There is one predictor per feature and context: the level of the feature, centred, in trials
    of the context, and 0 in the others. For two features in two contexts these are four;

    .. math:: r_{i} = \beta_{i0} + \sum_{f, c} \beta_{ifc}\, x_f \, 1[\text{context} = c]

    is solved for all units at once.

    Parameters
    ----------
    activity : array-like of shape (n_trials, n_units) or (n_networks, n_trials, n_units), or dict
        Activity in trials or conditions, or a recording, as
        :class:`~neuroselect.selectivity.MixedSelectivity` takes them.
    features : sequence of str
        Columns of the features, numeric.
    context : str
        Column of the context.
    conditions : DataFrame or mapping of columns, default=None
        One row for each trial of activity. None: the trials of a recording.
    correction : {"fdr_bh", "fdr_by"} or None, default="fdr_bh"
        Of p-values, for the false discovery rate over all units and predictors.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        ``betas``, ``t_values``, ``p_values`` (two-sided) and ``q_values`` (n_units,
        n_predictors), ``r2`` (n_units,), with a first axis of networks if activity has one; betas
        are in units of the activity per unit of the feature. ``predictors``: their names,
        "feature in context". ``unit_names``. ``to_frame()`` gives one row per unit.

    Raises
    ------
    ValueError
        If columns are missing or not numeric, there is one context, or a feature does not
        vary in a context; or as in `MixedSelectivity`.

    See Also
    --------
    MixedSelectivity : Any factors, with interactions; it solves these models, too.
    unit_rsa : The same question without linearity.

    Notes
    -----
    Levels are centred on the mean of the distinct levels of a context. Errors are assumed
    independent, normal and equally large, as in the F test of `MixedSelectivity`.

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), Neuron 110, 1258-1270,
       :doi:`10.1016/j.neuron.2022.01.005`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.selectivity import context_tuning
    >>> conditions = {"motion": np.tile([-1, -1, 1, 1], 10), "colour": np.tile([-1, 1, -1, 1], 10),
    ...               "context": np.repeat(["a", "b"], 20)}
    >>> noise = np.random.default_rng(0).normal(size=(40, 2))
    >>> rates = noise + 3 * np.column_stack([
    ...     conditions["motion"] * (conditions["context"] == "a"), conditions["colour"]])
    >>> result = context_tuning(rates, ["motion", "colour"], "context", conditions)
    >>> result.predictors
    ['motion in a', 'colour in a', 'motion in b', 'colour in b']
    >>> result.q_values < 0.01
    array([[ True, False, False, False],
           [False,  True, False,  True]])
    """
    if isinstance(activity, Mapping):
        activity = check_container(activity)
        conditions = activity.trials if conditions is None else conditions
    predictors = _predictors(conditions, features, context)
    mixed = MixedSelectivity(max_order=1, coding="linear", correction=correction)
    mixed.fit(activity, predictors)
    # the levels of a predictor have mean 0, and MixedSelectivity divides them by their spread
    spread = [np.unique(predictors[name]).std() for name in predictors]
    betas = mixed.coef_[..., 1:] / spread
    return UnitTable(
        columns_key="predictors",
        betas=betas,
        t_values=np.sign(betas) * np.sqrt(mixed.f_values_),
        p_values=mixed.p_values_,
        q_values=mixed.q_values_,
        r2=mixed.r2_,
        predictors=list(predictors),
        unit_names=mixed.unit_names_,
    )


def _predictors(conditions, features, context) -> pd.DataFrame:
    """Return one column per feature and context."""
    import pandas as pd

    features = [features] if isinstance(features, str) else list(features)
    known = [] if conditions is None else list(conditions)
    missing = [name for name in [*features, context] if name not in known]
    if missing or not features:
        raise ValueError(
            f"features and context must name columns of conditions (of a recording's trials) among"
            f" {known}, got features={features} and context={context!r}."
        )
    codes = np.asarray(conditions[context])
    contexts = pd.unique(pd.Series(codes).dropna()).tolist()
    if len(contexts) < 2:
        raise ValueError(f"The column {context!r} must hold at least two contexts, got {contexts}.")
    columns = {}
    for code in sorted(contexts):
        for feature in features:
            levels = _levels(conditions[feature], feature)
            there = np.asarray(codes == code)
            distinct = np.unique(levels[there])
            if len(distinct) < 2:
                raise ValueError(
                    f"The feature {feature!r} must vary in context {code!r}, got the level"
                    f" {distinct.tolist()} only."
                )
            columns[f"{feature} in {code}"] = np.where(there, levels - distinct.mean(), 0.0)
    return pd.DataFrame(columns)


def _levels(column, name):
    levels = np.asarray(column)
    if levels.dtype.kind not in "iufb" or not np.isfinite(levels.astype(np.float64)).all():
        raise ValueError(f"The feature {name!r} must hold finite numbers, got {levels.dtype}.")
    return levels.astype(np.float64)
