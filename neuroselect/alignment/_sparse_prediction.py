"""How many units of one system does it take to predict a unit of another?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from neuroselect.alignment._match_units import split_trials
from neuroselect.alignment._systems import center, check_same_trials, read_system, varies


def sparse_prediction(
    a: ArrayLike,
    b: ArrayLike,
    *,
    alphas: ArrayLike | None = None,
    test_size: float = 0.5,
    groups: ArrayLike | None = None,
    max_iter: int = 10_000,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    r"""Predict each unit of one system by few units of another [1]_.

    For unit y of b, z-scored as all units are,

    .. math:: \min_w \frac{1}{2n} \|y - A w\|^2 + \alpha \|w\|_1

    Parameters
    ----------
    a, b : array-like of shape (n_trials, n_units)
        Activity of the same trials; units may differ in number.
    alphas : array-like of shape (n_alphas,), default=None
        Penalties. At 1 no unit has any input: alpha is compared with correlations. None: 20 from
        1 down to 0.001, evenly in the logarithm.
    test_size, groups
        As of `match_units`: the trials that predictions are scored on.
    max_iter : int, default=10000
        Passes of coordinate descent.
    random_state : int, RandomState instance or None, default=None
        Divides the trials.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        ``alphas`` (n_alphas,), the largest first; ``r2`` and ``n_inputs`` (n_alphas,
        n_units_b), share of variance predicted in the other trials and number of inputs;
        ``coefs`` (n_alphas, n_units_a, n_units_b), of z-scored units; ``n_silent``, units of a
        and of b that are constant in the trials of the fit: they are no inputs, and have NaN.
        ``table``, a DataFrame with a row for each penalty: ``alpha``, ``error`` (1 - R²),
        ``n_inputs``, ``r2``, medians over units of b.

    Raises
    ------
    ValueError
        If penalties are not positive, or all units of a system are constant.

    See Also
    --------
    UnitMatching : One unit for one.

    Notes
    -----
    Null: trials of one system shuffled; then the best prediction in other trials is no input at
    all, R² = 0 or less. Greater R² with fewer inputs means better aligned units.

    References
    ----------
    .. [1] Li, Yosinski, Clune, Lipson & Hopcroft (2016), "Convergent learning: do different
       neural networks learn the same representations?", ICLR. :doi:`10.48550/arXiv.1511.07543`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.alignment import sparse_prediction
    >>> a = np.random.default_rng(0).normal(size=(200, 6))
    >>> b = a[:, :1] + a[:, 1:2]                                   # one unit, of two inputs
    >>> result = sparse_prediction(a, b, alphas=[1.0, 0.1], random_state=0)
    >>> result.n_inputs.ravel().tolist(), result.r2.ravel().round(1).tolist()
    ([0, 2], [-0.0, 1.0])
    """
    import pandas as pd
    from sklearn.linear_model import lasso_path

    a, b = read_system(a, "a"), read_system(b, "b")
    check_same_trials(a, b)
    alphas = _read_alphas(alphas)
    test = split_trials(groups, len(a), test_size, check_random_state(random_state))[1]
    units = [varies(x[~test]) for x in (a, b)]
    for name, active in zip("ab", units, strict=True):
        if not active.any():
            raise ValueError(f"All units of {name} are constant over the trials of the fit.")
    (a_fit, a_test), (b_fit, b_test) = (
        _z_scored(x[:, active], test) for x, active in zip((a, b), units, strict=True)
    )
    gram, products = a_fit.T @ a_fit, a_fit.T @ b_fit
    weights = np.empty((len(alphas), a_fit.shape[1], b_fit.shape[1]))
    for unit in range(b_fit.shape[1]):
        _, path, _ = lasso_path(
            a_fit, b_fit[:, unit], alphas=alphas, precompute=gram, Xy=products[:, unit],
            max_iter=max_iter,
        )  # fmt: skip
        weights[..., unit] = path.T
    residual = np.sum((b_test - a_test @ weights) ** 2, axis=1)
    total = np.sum(center(b_test) ** 2, axis=0)
    known = 1 - np.divide(residual, total, out=np.full_like(residual, np.nan), where=total > 0)
    r2 = np.full((len(alphas), b.shape[1]), np.nan)
    n_inputs = np.full(r2.shape, np.nan) if not units[1].all() else np.zeros(r2.shape, int)
    coefs = np.zeros((len(alphas), a.shape[1], b.shape[1]))
    r2[:, units[1]], n_inputs[:, units[1]] = known, np.count_nonzero(weights, axis=1)
    coefs[:, np.outer(*units)] = weights.reshape(len(alphas), -1)
    table = {"alpha": alphas, "error": np.nanmedian(1 - r2, axis=1)}
    table |= {"n_inputs": np.nanmedian(n_inputs, axis=1), "r2": np.nanmedian(r2, axis=1)}
    return Bunch(
        alphas=alphas,
        r2=r2,
        n_inputs=n_inputs,
        coefs=coefs,
        n_silent=tuple(int(np.sum(~active)) for active in units),
        table=pd.DataFrame(table),
    )


def _read_alphas(alphas):
    alphas = np.geomspace(1, 1e-3, 20) if alphas is None else np.asarray(alphas, dtype=np.float64)
    if alphas.ndim != 1 or not len(alphas) or not (np.isfinite(alphas) & (alphas > 0)).all():
        raise ValueError(f"alphas must be a list of positive numbers, got {alphas.tolist()}.")
    return np.sort(alphas)[::-1]


def _z_scored(activity, test):
    """Activity in the trials of the fit and of the test, by mean and deviation of the former."""
    fit = activity[~test]
    mean, deviation = fit.mean(axis=0), fit.std(axis=0)
    return [(part - mean) / deviation for part in (fit, activity[test])]
