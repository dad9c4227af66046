"""What of a unit's importance survives the choice of how to measure it?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_classifier
from sklearn.utils import Bunch

from neuroselect.selectivity._importance import EFFECTS, relative_importance
from neuroselect.selectivity._lesion_selectivity import LesionSelectivity
from neuroselect.selectivity._lesions import is_network

VARIANT = ["method", "effect", "lesion_value"]
# arguments of relative_importance, but for the threshold where units are pruned
FORMS: dict[str, dict] = {"raw": {"threshold": 0.0}, "pruned": {}, "layer": {"normalize": "layer"}}


def compare_importance(
    estimator: object | Sequence[object],
    X: ArrayLike,
    y: ArrayLike,
    *,
    layer: int | str = -1,
    task: ArrayLike | int | str | None = None,
    effects: Sequence[str] | None = None,
    lesion_values: Sequence[str] = ("zero", "mean", "task_mean"),
    threshold: float = 0.1,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Importances of units by every variant, side by side.

    Parameters
    ----------
    estimator : object or list of object
        Fitted network or other estimator, as of `LesionSelectivity`; or several, such as
        `fit_many` returns, shown the same trials.
    X, y, task
        Trials, as in `LesionSelectivity.fit`, of two tasks at least.
    layer : int or "input", default=-1
        As of `LesionSelectivity`.
    effects : sequence of str, default=None
        Effects of `LesionSelectivity`, scorers among them. None: "squared", "increase" and
        "accuracy" (of classifiers) or "r2" (of regressors).
    lesion_values : sequence of str, default=("zero", "mean", "task_mean")
        What units are clamped to; "resample" is the fourth.
    threshold : float, default=0.1
        Of pruning.
    random_state : int, RandomState instance or None, default=None
        For ``"resample"``.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        Tables, as DataFrames. A variant is a method (exact "lesion"; for hidden layers
        first-order "taylor", too, of effects that are no scores), an effect and a lesion value.

        ``importances``: rows (network, unit, task), a column for each variant.

        ``relative_importance``: rows (network, unit, pair of tasks), columns variant and form:
        "raw" without pruning, "pruned", or "layer", normalised and pruned.

        ``importance_correlation`` and ``relative_correlation``: Spearman's rank correlation over
        units between any two columns, averaged over networks and tasks, or pairs; NaN units are
        left out, two by two.

        ``summary``: for each column of ``relative_importance`` the ``nan_share`` of units
        important to neither task, and the ``mean_absolute`` relative importance of the others.

    Raises
    ------
    ValueError
        If there is one task, or nothing to compare, or a variant that does not exist.
    sklearn.exceptions.NotFittedError
        If an estimator is not fitted.

    See Also
    --------
    LesionSelectivity : One variant, and what the words mean.

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP, fit_many
    >>> from neuroselect.datasets import make_context_blobs
    >>> from neuroselect.selectivity import compare_importance
    >>> X, y = make_context_blobs()
    >>> nets = fit_many([MultiTaskMLP((8,), max_iter=50, random_state=k) for k in range(2)], X, y)
    >>> result = compare_importance(nets, X, y, lesion_values=["zero"])
    >>> result.importances.shape, result.relative_importance.shape
    ((32, 5), (16, 15))
    >>> result.relative_importance["lesion", "squared", "zero"].columns.tolist()
    ['layer', 'pruned', 'raw']
    """
    import pandas as pd

    estimators = list(estimator) if isinstance(estimator, (list, tuple)) else [estimator]
    if not estimators:
        raise ValueError("estimator must be a fitted estimator or a list of some, got none.")
    forms = {form: {"threshold": threshold} | options for form, options in FORMS.items()}
    importances, relative = [], []
    for network, each in enumerate(estimators):
        columns, compared = {}, {}
        for variant in _variants(each, layer, effects, lesion_values):
            settings = dict(zip(VARIANT, variant, strict=True))
            fitted = LesionSelectivity(
                each, layer=layer, prefit=True, random_state=random_state, **settings
            ).fit(X, y, task=task)
            columns[variant] = fitted.importances_.ravel()
            for form, pruning in forms.items():
                ratio = relative_importance(fitted.importances_, **pruning)
                compared[(*variant, form)] = ratio.ravel()
        units, tasks = fitted.unit_names_, fitted.tasks_
        importances.append(_table(columns, VARIANT, network, units, tasks.tolist(), "task"))
        pairs = [f"{a} - {b}" for a, b in fitted.task_pairs_]
        relative.append(_table(compared, [*VARIANT, "form"], network, units, pairs, "pair"))
    importances, relative = pd.concat(importances), pd.concat(relative)
    return Bunch(
        importances=importances,
        relative_importance=relative,
        importance_correlation=_correlation(importances, "task"),
        relative_correlation=_correlation(relative, "pair"),
        summary=pd.DataFrame(
            {"nan_share": relative.isna().mean(), "mean_absolute": relative.abs().mean()}
        ),
    )


def _variants(estimator, layer, effects, lesion_values):
    if effects is None:
        effects = (*EFFECTS, "accuracy" if is_classifier(estimator) else "r2")
    methods = ("lesion", "taylor") if is_network(estimator) and layer != "input" else ("lesion",)
    variants = [
        (method, effect, value)
        for method, effect, value in product(methods, effects, lesion_values)
        if method == "lesion" or effect in EFFECTS
    ]
    if not variants:
        raise ValueError("effects and lesion_values must each name one variant at least.")
    return variants


def _table(columns, names, network, units, across, name):
    import pandas as pd

    index = pd.MultiIndex.from_product([[network], units, across], names=["network", "unit", name])
    table = pd.DataFrame(columns, index=index)
    table.columns.names = names
    return table.sort_index(axis=1)  # pandas warns of partial look-ups otherwise


def _correlation(table, name):
    """Rank correlation of columns over units, the mean over networks and tasks or pairs."""
    import pandas as pd

    blocks = [block.corr(method="spearman") for _, block in table.groupby(level=["network", name])]
    values = np.stack([block.to_numpy() for block in blocks])
    known = np.isfinite(values).sum(axis=0)
    mean = np.full(known.shape, np.nan)
    np.divide(np.nansum(values, axis=0), known, out=mean, where=known > 0)
    return pd.DataFrame(mean, index=table.columns, columns=table.columns)
