"""Representational similarity analysis of each unit by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import squareform
from sklearn.utils import check_random_state

from neuroselect.rsa import RDMRegression
from neuroselect.rsa._checks import constant_rows
from neuroselect.selectivity._activity import read_patterns
from neuroselect.selectivity._unit_models import adjusted
from neuroselect.selectivity._unit_table import UnitTable

BLOCK_BYTES = 2**25
TIE = 1e-9  # correlations of one and the same assignment of conditions differ by rounding


def unit_rsa(
    activity: ArrayLike | Mapping[str, Any],
    models: ArrayLike | Mapping[str, ArrayLike],
    condition: ArrayLike | str | Sequence[str] | None = None,
    *,
    standardize: bool = True,
    positive: bool = False,
    n_permutations: int = 0,
    correction: str | None = "fdr_bh",
    random_state: int | np.random.RandomState | None = None,
) -> UnitTable:
    r"""Regress the RDM of each unit on model RDMs, thousands of units in one solve [1]_.

    The RDM of unit i over conditions c holds the absolute differences of its mean responses,
    :math:`d_i(c, c') = |r_{ic} - r_{ic'}|`, and is explained as
    :class:`~neuroselect.rsa.RDMRegression` explains those of populations.

    Parameters
    ----------
    activity : array-like of shape (n_trials, n_units) or (n_networks, n_trials, n_units), or dict
        Activity, or a recording in one of both forms of
        :func:`~neuroselect.recordings.make_container`; where it has time, the mean over it counts.
    models : array-like of shape (n_models, n_pairs), or mapping or DataFrame of RDMs
        Condensed model RDMs, as :func:`~neuroselect.rsa.model_rdms` makes them, of the
        conditions in the order of the result's ``conditions``.
    condition : array-like of shape (n_trials,), or str or list of str, default=None
        Condition of each trial; the conditions are sorted. Of a recording, which needs them, the
        columns whose combinations are the conditions. None: each row is one condition.
    standardize : bool, default=True
        Z-score the RDMs of data and models over pairs.
    positive : bool, default=False
        Constrain the betas to be at least 0. The p-values are those of unconstrained ones.
    n_permutations : int, default=0
        Permutations of the conditions; 0 for no test.
    correction : {"fdr_bh", "fdr_by"} or None, default="fdr_bh"
        Of p-values, for the false discovery rate over units and models.
    random_state : int, RandomState instance or None, default=None
        Draws the permutations.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        ``betas`` (n_units, n_models) and ``r2`` (n_units,), NaN for units with equal responses
        to all conditions; with permutations ``p_values`` and ``q_values`` (n_units, n_models),
        one-sided, for betas above 0. All have a first axis of networks if activity has one.
        ``model_names``, ``unit_names``, and ``conditions``: their labels, or a table of them, or
        None. ``to_frame()`` gives one row per unit.

    Raises
    ------
    ValueError
        If activity, conditions and models do not belong together, all units are constant, or
        models are constant or dependent on each other.

    See Also
    --------
    neuroselect.rsa.RDMRegression : The same of populations.
    context_tuning : Linear tuning to features within each context.

    Notes
    -----
    Null hypothesis: given the other models, the RDM of a unit has nothing to do with model k.
    What model k has beyond the others (its residual on them) is exchangeable between conditions:
    conditions of this residual are permuted, rows and columns of the RDM together and the
    same way for all units, and the partial correlation with the unit's RDM is compared with the
    observed one (double semi-partialling [2]_; for one model the Mantel test, which is
    exact; conservative for a feature crossed with one that drives the unit). Responses to all
    conditions must be equally noisy: means over very different numbers of trials are not.

    The RDM of one unit is that of its responses on a line: where noise is large, it has the
    shape of noise, and r2 is small.

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), Neuron 110, 1258-1270,
       :doi:`10.1016/j.neuron.2022.01.005`
    .. [2] Dekker, Krackhardt & Snijders (2007), "Sensitivity of MRQAP tests to collinearity
       and autocorrelation conditions", Psychometrika 72, 563-581.
       :doi:`10.1007/s11336-007-9016-1`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.rsa import model_rdms
    >>> from neuroselect.selectivity import unit_rsa
    >>> levels = np.repeat([-1.0, 0.0, 1.0], 3), np.tile([-1.0, 0.0, 1.0], 3)
    >>> conditions = {"motion": levels[0], "colour": levels[1]}
    >>> models = dict(zip(conditions, model_rdms(conditions, ["motion", "colour"],
    ...                                          models=["motion", "colour"])))
    >>> result = unit_rsa(np.column_stack([2 * levels[0], -levels[1]]), models)
    >>> result.betas.round(6) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """
    if not isinstance(n_permutations, Integral) or n_permutations < 0:
        raise ValueError(f"n_permutations must be an integer >= 0, got {n_permutations!r}.")
    patterns, conditions, names = read_patterns(activity, condition)
    lead, n_conditions = patterns.shape[:-2], patterns.shape[-2]
    responses = np.moveaxis(patterns, -2, -1).reshape(-1, n_conditions)
    varies = ~constant_rows(responses)
    _check_responses(varies, n_conditions)
    regression = RDMRegression(models, standardize=standardize, positive=positive)
    parts = []
    rng = check_random_state(random_state)
    orders = np.array([rng.permutation(n_conditions) for _ in range(n_permutations)])
    for rdms in _rdm_blocks(responses[varies]):
        betas = regression.fit(rdms).transform(rdms)
        part = [betas, regression.r2_[:, np.newaxis]]
        if n_permutations:
            part.append(_p_values(rdms, regression.models_, orders))
        parts.append(np.concatenate(part, axis=1))
    values = np.full((len(responses), parts[0].shape[1]), np.nan)
    values[varies] = np.concatenate(parts)
    values = values.reshape(*lead, -1, values.shape[1])
    n_models = len(regression.models_)
    result = UnitTable(
        columns_key="model_names",
        betas=values[..., :n_models],
        r2=values[..., n_models],
        model_names=regression.model_names_,
        unit_names=names,
        conditions=conditions,
    )
    if n_permutations:
        result.p_values = values[..., n_models + 1 :]
        result.q_values = adjusted(result.p_values, correction)
    return result


def _check_responses(varies, n_conditions):
    if n_conditions < 3:
        raise ValueError(f"An RDM needs at least three conditions, got {n_conditions}.")
    if not varies.any():
        raise ValueError(
            "activity must vary over conditions, but each unit has equal responses to all of them:"
            " there is no RDM to explain."
        )


def _rdm_blocks(responses: NDArray) -> Iterator[NDArray[np.float64]]:
    """Yield the condensed RDMs of blocks of units."""
    first, second = np.triu_indices(responses.shape[1], 1)
    size = max(1, BLOCK_BYTES // (8 * len(first)))
    for start in range(0, len(responses), size):
        block = responses[start : start + size]
        yield abs(block[:, first] - block[:, second])


def _p_values(rdms: NDArray, models: NDArray, orders: NDArray[np.int64]) -> NDArray[np.float64]:
    """One-sided p-values (n_units, n_models) from permutations of conditions."""
    n_conditions = orders.shape[1]
    first, second = np.triu_indices(n_conditions, 1)
    step = max(1, BLOCK_BYTES // (8 * rdms.shape[1]))
    centred = rdms - rdms.mean(axis=1, keepdims=True)
    p_values = np.empty((len(rdms), len(models)))
    for k, model in enumerate(models):
        others = np.linalg.qr(np.delete(models, k, axis=0).T)[0]
        own = _beyond(model[np.newaxis], others)
        data = _beyond(centred, others)
        observed = data @ own[0] - TIE
        square, count = squareform(own[0]), np.zeros(len(rdms))
        for start in range(0, len(orders), step):
            order = orders[start : start + step]
            permuted = _beyond(square[order[:, first], order[:, second]], others)
            count += (permuted @ data.T >= observed).sum(axis=0)
        p_values[:, k] = (1 + count) / (1 + len(orders))
    return p_values


def _beyond(rows: NDArray, basis: NDArray) -> NDArray[np.float64]:
    """Return what rows have beyond an orthonormal basis, at length 1; 0 where they have nothing."""
    before = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows - (rows @ basis) @ basis.T
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > TIE * before)
