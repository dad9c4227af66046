"""Choice models of many subjects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from neuroselect.behavior._checks import check_choice_matrices
from neuroselect.behavior._choice_model import ChoiceModel
from neuroselect.behavior._trials import stack_cells

if TYPE_CHECKING:
    import pandas as pd


def fit_choice_models(data: Sequence[tuple], model: ChoiceModel | None = None) -> list[ChoiceModel]:
    """Fit the choices of many subjects, from all starting points, as one batch.

    Parameters
    ----------
    data : sequence of tuple
        ``(X, y)`` or ``(X, y, sample_weight)`` of each subject, as :meth:`ChoiceModel.fit` takes
        them.
    model : ChoiceModel, default=None
        Which variant to fit; None takes the defaults. It is not changed. All subjects have
        the same starting points.

    Returns
    -------
    models : list of ChoiceModel
        Fitted, one for each subject: what the loop over ``clone(model).fit(*subject)`` gives.

    Raises
    ------
    ValueError
        As from :meth:`ChoiceModel.fit`, and which subject it was.

    See Also
    --------
    fit_choices : The same from choice matrices.
    choice_model_table : One row per subject.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.behavior import fit_choice_models
    >>> X = [[-1, 1, 0], [1, -1, 0], [-1, 1, 1], [1, -1, 1]]
    >>> models = fit_choice_models([(X, [1, 0, 0, 1]), (X, [0, 1, 0, 1])])
    >>> [model.predict(X).tolist() for model in models]
    [[1, 0, 0, 1], [0, 1, 0, 1]]
    """
    model = ChoiceModel() if model is None else model
    model._validate_params()
    fitted, cells = [], []
    for k, subject in enumerate(data):
        fitted.append(clone(model))
        try:
            cells.append(fitted[k]._read(*_triple(subject)))
        except ValueError as error:
            raise ValueError(f"Subject {k}: {error}") from error
    if not fitted:
        raise ValueError("data holds no subject; pass (X, y) or (X, y, sample_weight) of each.")
    fit = model._fit_cells(stack_cells(cells))
    return [one._store(cells[k], fit, k) for k, one in enumerate(fitted)]


def _triple(subject: tuple) -> tuple:
    if not isinstance(subject, (tuple, list)) or len(subject) not in (2, 3):
        raise ValueError(
            f"data must hold (X, y) or (X, y, sample_weight), got {type(subject).__name__}."
        )
    return (*subject, None)[:3]


def fit_choices(
    choice_matrices: ArrayLike,
    counts: ArrayLike | None = None,
    model: ChoiceModel | None = None,
    *,
    levels: ArrayLike | None = None,
) -> list[ChoiceModel]:
    """Fit the choice matrices of many subjects as one batch.

    Parameters
    ----------
    choice_matrices : array-like of shape (n_subjects, 2, n_levels, n_levels)
        Shares of accept choices in the aligned frame: the first axis of the grid is leafiness,
        relevant in the first task (north), the second branchiness, relevant in the second.
    counts : array-like broadcastable to the matrices, default=None
        Number of trials of each cell, such as 12 for all. None takes each cell for one trial:
        the best parameters are those of any equal number, but `nll_`, `aic_` and `bic_` need
        the numbers with ``objective="binomial"``.
    model : ChoiceModel, default=None
        Which variant to fit; None takes the defaults.
    levels : array-like of shape (n_levels,), default=None
        Levels of either feature; None takes steps of 1 around 0, such as -2, -1, 0, 1, 2.

    Returns
    -------
    models : list of ChoiceModel
        Fitted, one for each subject.

    Raises
    ------
    ValueError
        If the matrices are not square, not of two tasks, or hold anything but shares, or
        counts are not positive.

    See Also
    --------
    fit_choice_models : The same from trials.
    choice_matrices : Matrices and counts from trials.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.behavior import fit_choices
    >>> rows = np.repeat([0.05, 0.2, 0.5, 0.8, 0.95], 5).reshape(5, 5)
    >>> (model,) = fit_choices([[rows, rows.T]], counts=20)
    >>> model.boundary_angles_.round(2), round(model.bias_, 2) + 0.0
    (array([180.,  90.]), 0.0)
    """
    m = check_choice_matrices(choice_matrices)
    n_levels = m.shape[-1]
    try:
        weight = np.broadcast_to(np.asarray(1.0 if counts is None else counts, float), m.shape)
    except ValueError as error:
        raise ValueError(
            f"counts must fit the shape {m.shape} of the matrices, got {np.shape(counts)}."
        ) from error
    if not (np.isfinite(weight) & (weight > 0)).all():
        raise ValueError(
            f"counts must hold a positive number of trials for each cell, got {weight.min():.6g}."
        )
    levels = np.asarray(
        np.arange(n_levels) - (n_levels - 1) / 2 if levels is None else levels, dtype=np.float64
    )
    if levels.shape != (n_levels,) or not (np.diff(levels) > 0).all():
        raise ValueError(
            f"levels must be the {n_levels} levels of the grid in rising order, got"
            f" {levels.tolist()}."
        )
    task, leaf, branch = np.meshgrid(np.arange(2.0), levels, levels, indexing="ij")
    X = np.stack([branch, leaf, task], axis=-1).reshape(-1, 3)
    return fit_choice_models(
        [(X, y.ravel(), w.ravel()) for y, w in zip(m, weight, strict=True)], model
    )


def choice_model_table(
    models: Sequence[ChoiceModel], subjects: Sequence | None = None
) -> pd.DataFrame:
    """One row per fitted model: bias, parameters, likelihood and information criteria.

    Parameters
    ----------
    models : sequence of ChoiceModel
        Fitted.
    subjects : sequence, default=None
        Names of the subjects; None counts them from 0.

    Returns
    -------
    table : DataFrame
        Columns subject, bias, boundary_0 and boundary_1 (degrees), slope, offset, lapse (or one
        of these for each task, slope_0, slope_1), objective, nll, aic, bic, n_params, n_trials.

    Raises
    ------
    ValueError
        If there are not as many subjects as models.

    Examples
    --------
    >>> from neuroselect.behavior import choice_model_table, fit_choices
    >>> models = fit_choices([[[[0.1, 0.1], [0.9, 0.9]], [[0.1, 0.9], [0.1, 0.9]]]], 10)
    >>> choice_model_table(models, ["ada"])[["subject", "boundary_0", "boundary_1"]].round(2)
      subject  boundary_0  boundary_1
    0     ada       180.0        90.0
    """
    import pandas as pd

    models = list(models)
    subjects = range(len(models)) if subjects is None else list(subjects)
    if len(subjects) != len(models):
        raise ValueError(f"subjects must name {len(models)} models, got {len(subjects)}.")
    return pd.DataFrame(
        [{"subject": name, **_row(model)} for name, model in zip(subjects, models, strict=True)]
    )


def _row(model: ChoiceModel) -> dict[str, float]:
    check_is_fitted(model)
    row = {"bias": model.bias_}
    row["boundary_0"], row["boundary_1"] = model.boundary_angles_
    for name in ("slope", "offset", "lapse"):
        value = getattr(model, f"{name}_")
        row |= {name: value} if np.ndim(value) == 0 else {f"{name}_{t}": value[t] for t in (0, 1)}
    return row | {
        name: getattr(model, f"{name}_")
        for name in ("objective", "nll", "aic", "bic", "n_params", "n_trials")
    }
