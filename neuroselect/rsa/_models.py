"""Model RDMs of factorial designs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

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
    features = _check_features(features)
    models = [models] if isinstance(models, str) or callable(models) else list(models)
    needs_task = _check_model_names(models, features, task, context_offset)
    n_conditions = _check_columns(conditions, [*features, *([] if task is None else [task])])
    coordinates = [_coordinates(conditions[name], name) for name in features]
    _check_numeric(models, features, conditions)
    design = _Design(coordinates, None, None)
    offset = np.zeros((n_conditions, 1))
    if needs_task:
        names, codes = _encode_tasks(conditions[task], task)
        chosen = _relevant_features(names, features, relevant)
        _check_two_tasks(names, chosen, models, context_offset)
        design = _Design(coordinates, codes, chosen[codes])
        offset = context_offset * codes[:, np.newaxis]
    singles = dict(zip(features, coordinates, strict=True))
    if task in models:
        singles[task] = _simplex(_encode_tasks(conditions[task], task)[1])
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
_NEED_TASK = ("rotated_grid", "orthogonal", "parallel")
_TAKE_OFFSET = ("grid", *_NEED_TASK)
_NEED_NUMBERS = ("rotated_grid", "parallel", "diagonal")


def _rdm(model, design, offset, conditions, singles) -> NDArray[np.float64]:
    if callable(model):
        return _rdm_of_callable(model, conditions, len(offset))
    if model in _MODELS:
        points = _MODELS[model](design)
        if model in _TAKE_OFFSET:
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


def _check_features(features: Sequence[str]) -> list[str]:
    names = [features] if isinstance(features, str) else list(features)
    if len(set(names)) < len(names):
        raise ValueError(f"features must name different columns of conditions, got {features!r}.")
    return names


def _check_model_names(models, features, task, context_offset) -> bool:
    """Raise for unknown models; say whether any of them needs the tasks."""
    if not models:
        raise ValueError("models must name at least one model, got none.")
    if not features and not all(callable(model) for model in models):
        raise ValueError("features must name at least one column, unless all models are callables.")
    if task in features:
        raise ValueError(f"features must not name the task column {task!r}, got {features}.")
    if "rotated_grid" in models and len(features) != 2:
        raise ValueError(
            f"The model 'rotated_grid' needs exactly two features, got {len(features)}: {features}."
        )
    known = [*_MODELS, *features, *([] if task is None else [task])]
    for model in models:
        if not callable(model) and model not in known:
            raise ValueError(
                f"Unknown model {model!r}. models may be any of {known}, or a callable on the"
                " conditions."
            )
    need = [m for m in models if m in _NEED_TASK or (context_offset and m in _TAKE_OFFSET)]
    if need and task is None:
        raise ValueError(
            f"The models {need} depend on the task, but task=None."
            " Pass the column of conditions that holds the task."
        )
    return bool(need)


def _check_columns(conditions, names: list[str]) -> int:
    """Return the number of conditions."""
    missing = [name for name in names if name not in conditions]
    if missing:
        raise ValueError(
            f"conditions lacks the columns {missing}; it has {list(conditions.keys())}."
        )
    lengths = {name: len(conditions[name]) for name in names or conditions.keys()}
    if len(set(lengths.values())) != 1 or min(lengths.values()) < 2:
        raise ValueError(
            "The columns of conditions must be equally long, with one row for each of at least"
            f" 2 conditions; got lengths {lengths}."
        )
    return next(iter(lengths.values()))


def _numbers(column: Sequence) -> NDArray | None:
    """Return numeric levels; None for labels."""
    values = np.asarray(column)
    if values.dtype == object and all(isinstance(v, Real) for v in values.tolist()):
        values = values.astype(np.float64)
    return values if values.dtype.kind in "iuf" else None


def _coordinates(column: Sequence, name: str) -> NDArray[np.float64]:
    """Centred levels on one axis, or of labels on one axis per label."""
    levels = _numbers(column)
    if levels is None:
        return _simplex(_encode(column, f"The feature {name!r}")[1])
    if not np.isfinite(levels).all():
        raise ValueError(f"The feature {name!r} of conditions holds NaN or infinite levels.")
    return (levels - np.unique(levels).mean())[:, np.newaxis]


def _simplex(codes: NDArray[np.intp]) -> NDArray[np.float64]:
    corners = np.eye(codes.max() + 1) / np.sqrt(2)
    return (corners - corners.mean(axis=0))[codes]


def _check_numeric(models: list, features: list[str], conditions) -> None:
    need = [model for model in models if not callable(model) and model in _NEED_NUMBERS]
    labels = [name for name in features if _numbers(conditions[name]) is None]
    if need and labels:
        raise ValueError(
            f"The feature {labels[0]!r} of conditions must hold numbers for the models {need}, but"
            " holds labels. Give it numbers, or choose other models."
        )


def _encode_tasks(column: Sequence, name: str) -> tuple[list, NDArray[np.intp]]:
    return _encode(column, f"The task column {name!r}")


def _encode(column: Sequence, what: str) -> tuple[list, NDArray[np.intp]]:
    """Return the labels, sorted, and the number of each condition's."""
    values = column.tolist() if hasattr(column, "tolist") else list(column)
    try:
        names = sorted(set(values))
        complete = all(value == value for value in values)
    except TypeError:
        complete = False
    if not complete:
        raise ValueError(
            f"{what} of conditions must hold codes of one type, numbers or strings, without"
            " missing values."
        )
    return names, np.array([names.index(value) for value in values])


def _check_two_tasks(names: list, relevant: NDArray, models: list, context_offset: float) -> None:
    if "rotated_grid" in models and (len(names) != 2 or relevant[0] == relevant[1]):
        raise ValueError(
            "The model 'rotated_grid' needs exactly two tasks with different relevant features,"
            f" got the tasks {names}."
        )
    if context_offset and len(names) != 2:
        raise ValueError(
            f"context_offset needs exactly two tasks to separate, got {len(names)}: {names}."
        )


def _relevant_features(names: list, features: list[str], relevant) -> NDArray[np.intp]:
    """Position in `features` of the relevant one, for each task."""
    if relevant is None:
        if len(names) != len(features):
            raise ValueError(
                "The tasks take the features in their order only if there are as many tasks as"
                f" features; got {len(names)} tasks: {names}. Pass relevant={{task: feature, ...}}."
            )
        return np.arange(len(names))
    if any(name not in relevant or relevant[name] not in features for name in names):
        raise ValueError(
            f"relevant must map each of the tasks {names} to one of the features {features},"
            f" got {dict(relevant)}."
        )
    return np.array([features.index(relevant[name]) for name in names])
