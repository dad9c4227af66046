"""Model RDMs of factorial designs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

from neuroselect.rsa._design import (
    TAKE_OFFSET,
    check_columns,
    check_features,
    check_model_names,
    check_numeric,
    check_two_tasks,
    coordinates,
    encode_tasks,
    relevant_features,
    simplex,
)

if TYPE_CHECKING:
    import pandas as pd

Model = str | Callable[[Any], Any]


class _Design(NamedTuple):
    """Coordinates per feature, one axis if numeric, and per condition its task and relevant one."""

    features: list[NDArray[np.float64]]
    task: NDArray[np.intp] | None
    relevant: NDArray[np.intp] | None

    def levels(self) -> NDArray[np.float64]:
        return np.hstack(self.features)

    def of_relevant(self) -> NDArray[np.float64]:
        return np.take_along_axis(self.levels(), self.relevant[:, np.newaxis], axis=1)

    def of_irrelevant(self) -> NDArray[np.float64]:
        """Of the other one of two features."""
        return np.take_along_axis(self.levels(), 1 - self.relevant[:, np.newaxis], axis=1)


def model_rdms(
    conditions: "pd.DataFrame | Mapping[str, Sequence]",
    features: Sequence[str],
    task: str | None = None,
    *,
    models: Model | Iterable[Model] = ("grid", "orthogonal", "parallel"),
    relevant: Mapping[Any, str] | None = None,
    context_offset: float = 0.0,
) -> NDArray[np.float64]:
    """Euclidean RDMs that hypotheses about the geometry of features predict [1]_.

    Every condition has a level of each feature; in each task one of them is relevant (r), the
    others are not (i). Numeric levels are centred on the mean of the distinct levels. Levels that
    are labels are the corners of a regular simplex, centred, any two of them 1 apart.

    Parameters
    ----------
    conditions : DataFrame or mapping of columns
        One row per condition.
    features : sequence of str
        The columns of the features: numbers, or labels (strings, booleans, categories). May be
        empty if all models are callables.
    task : str or None, default=None
        The column of the task. None for models that need no task.
    models : str, callable, or iterable of them, default=("grid", "orthogonal", "parallel")
        "grid"
            All features, each on axes of its own, the same in all tasks.
        "rotated_grid"
            The grid, its plane turned by 90 degrees in the second task, so that both
            relevant features share an axis: (r, i) in the first, (r, -i) in the second task. For
            two numeric features and two tasks.
        "orthogonal"
            The grid with the irrelevant features set to 0: relevant features only, each on
            its own axis.
        "parallel"
            The relevant features only, on one common axis; numeric features.
        "diagonal"
            The features projected on the line of equal angles with them, of two features
            (x + y) / sqrt(2); numeric features.
        the name of a feature
            That feature only.
        the name of the task column
            Conditions of different tasks, 1 apart.
        a callable
            Takes `conditions`, and returns coordinates of shape (n_conditions, n_dims), or
            an RDM: condensed, of shape (n_pairs,), or square. A square array counts as an RDM
            if it is symmetric with a diagonal of 0.
    relevant : mapping or None, default=None
        From each task to its relevant feature. By default the sorted tasks take the
        features in their order, which needs as many tasks as features.
    context_offset : float, default=0.0
        Distance between the tasks on one further coordinate, in the unit of the levels. Enters
        "grid", "rotated_grid", "orthogonal" and "parallel" only. The published analyses of
        networks and recordings [1]_ use 1.

    Returns
    -------
    rdms : ndarray of shape (n_models, n_pairs)
        Condensed RDMs in the unit of the levels, pairs in SciPy's order.

    Raises
    ------
    ValueError
        If a column is missing, has missing or infinite values, or is not numeric where a model
        needs numbers; if a model is unknown, needs a task, or exactly two of them or of the
        features; or if `relevant` does not cover the tasks.

    See Also
    --------
    RDMRegression : Explain RDMs by these models.

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), "Orthogonal representations
       for robust context-dependent task performance in brains and neural networks",
       Neuron 110, 1258-1270. :doi:`10.1016/j.neuron.2022.01.005`

    Examples
    --------
    Two levels of two features in two tasks; motion matters in task 0, colour in task 1.

    >>> conditions = {"motion": [-1, -1, 1, 1] * 2, "colour": [-1, 1, -1, 1] * 2,
    ...               "task": [0] * 4 + [1] * 4}
    >>> rdms = model_rdms(conditions, ["motion", "colour"], "task",
    ...                   models=["grid", "parallel", "motion"])
    >>> rdms.shape
    (3, 28)
    >>> rdms[:, :3].round(3)  # from the first condition to the next three
    array([[2.   , 2.   , 2.828],
           [0.   , 2.   , 2.   ],
           [0.   , 2.   , 2.   ]])

    Any factorial design; labels are 1 apart:

    >>> faces = {"category": ["face", "face", "house"], "size": [1, 2, 1], "gaze": [0, 1, 1]}
    >>> model_rdms(faces, ["category", "size", "gaze"], models=["grid", "category"]).round(3)
    array([[1.414, 1.414, 1.414],
           [0.   , 1.   , 1.   ]])
    """
    features = check_features(features)
    models = [models] if isinstance(models, str) or callable(models) else list(models)
    needs_task = check_model_names(models, features, task, context_offset)
    n_conditions = check_columns(conditions, [*features, *([] if task is None else [task])])
    points = [coordinates(conditions[name], name) for name in features]
    check_numeric(models, features, conditions)
    design = _Design(points, None, None)
    offset = np.zeros((n_conditions, 1))
    if needs_task:
        names, codes = encode_tasks(conditions[task], task)
        chosen = relevant_features(names, features, relevant)
        check_two_tasks(names, chosen, models, context_offset)
        design = _Design(points, codes, chosen[codes])
        offset = context_offset * codes[:, np.newaxis]
    singles = dict(zip(features, points, strict=True))
    if task in models:
        singles[task] = simplex(encode_tasks(conditions[task], task)[1])
    return np.array([_rdm(model, design, offset, conditions, singles) for model in models])


def _grid(design: _Design) -> NDArray[np.float64]:
    return design.levels()


def _rotated_grid(design: _Design) -> NDArray[np.float64]:
    turn = np.where(design.task == 0, 1.0, -1.0)[:, np.newaxis]
    return np.hstack([design.of_relevant(), turn * design.of_irrelevant()])


def _orthogonal(design: _Design) -> NDArray[np.float64]:
    relevant = design.relevant[:, np.newaxis]
    return np.hstack([np.where(relevant == k, x, 0.0) for k, x in enumerate(design.features)])


def _parallel(design: _Design) -> NDArray[np.float64]:
    return design.of_relevant()


def _diagonal(design: _Design) -> NDArray[np.float64]:
    levels = design.levels()
    return levels.sum(axis=1, keepdims=True) / np.sqrt(levels.shape[1])


_MODELS = {
    "grid": _grid,
    "rotated_grid": _rotated_grid,
    "orthogonal": _orthogonal,
    "parallel": _parallel,
    "diagonal": _diagonal,
}


def _rdm(model, design, offset, conditions, singles) -> NDArray[np.float64]:
    if callable(model):
        return _rdm_of_callable(model, conditions, len(offset))
    if model in _MODELS:
        points = _MODELS[model](design)
        if model in TAKE_OFFSET:
            points = np.hstack([points, offset])
    else:
        points = singles[model]
    return pdist(points)


def _rdm_of_callable(model: Callable, conditions, n_conditions: int) -> NDArray[np.float64]:
    result = np.asarray(model(conditions), dtype=np.float64)
    name = getattr(model, "__name__", repr(model))
    if not np.isfinite(result).all():
        raise ValueError(f"The model {name} returned NaN or infinite values.")
    n_pairs = n_conditions * (n_conditions - 1) // 2
    if result.shape == (n_pairs,):
        return result
    if result.ndim != 2 or len(result) != n_conditions:
        raise ValueError(
            f"The model {name} must return coordinates of shape ({n_conditions}, n_dims), or an"
            f" RDM of shape ({n_pairs},) or ({n_conditions}, {n_conditions}), one row per"
            f" condition; got shape {result.shape}."
        )
    square = result.shape == (n_conditions, n_conditions)
    if square and np.array_equal(result, result.T) and not np.diagonal(result).any():
        return squareform(result)
    return pdist(result)
