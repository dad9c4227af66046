"""Model RDMs of two-feature, two-task designs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

if TYPE_CHECKING:
    import pandas as pd

Model = str | Callable[[Any], Any]


class _Design(NamedTuple):
    """Centred levels (n_conditions, 2), and per condition its task and relevant feature."""

    levels: NDArray[np.float64]
    task: NDArray[np.intp] | None
    relevant: NDArray[np.intp] | None

    def of_relevant(self) -> NDArray[np.float64]:
        return self.levels[np.arange(len(self.levels)), self.relevant]

    def of_irrelevant(self) -> NDArray[np.float64]:
        return self.levels[np.arange(len(self.levels)), 1 - self.relevant]


def model_rdms(
    conditions: "pd.DataFrame | Mapping[str, Sequence]",
    features: Sequence[str],
    task: str | None = None,
    *,
    models: Model | Iterable[Model] = ("grid", "orthogonal", "parallel"),
    relevant: Mapping[Any, str] | None = None,
    context_offset: float = 0.0,
) -> NDArray[np.float64]:
    """Euclidean RDMs that hypotheses about a two-feature geometry predict [1]_.

    Every condition has levels of two features; in each task one of them is relevant (r), the
    other one is not (i). Levels are centred on the mean of the distinct levels.

    Parameters
    ----------
    conditions : DataFrame or mapping of columns
        One row per condition.
    features : sequence of two str
        The columns of the two features, numeric.
    task : str or None, default=None
        The column of the task. None for models that need no task.
    models : str, callable, or iterable of them, default=("grid", "orthogonal", "parallel")
        "grid"
            Both features, on the same two axes in all tasks.
        "rotated_grid"
            The grid, its plane turned by 90 degrees in the second task, so that both
            relevant features share an axis: (r, i) in the first, (r, -i) in the second task.
        "orthogonal"
            The grid with the irrelevant feature set to 0: relevant features only, each on
            its own axis.
        "parallel"
            The relevant features only, on one common axis.
        "diagonal"
            The two features projected on the line of 45 degrees, (x + y) / sqrt(2).
        the name of a feature
            That feature only.
        a callable
            Takes `conditions`, and returns coordinates of shape (n_conditions, n_dims), or
            an RDM: condensed, of shape (n_pairs,), or square. A square array counts as an RDM
            if it is symmetric with a diagonal of 0.
    relevant : mapping or None, default=None
        From each task to its relevant feature. By default the sorted tasks take the
        features in their order, which needs exactly two tasks.
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
        If a column is missing, not numeric or not finite; if a model is unknown, needs a
        task or exactly two of them; or if `relevant` does not cover the tasks.

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
    """
    features = _check_features(features)
    models = [models] if isinstance(models, str) or callable(models) else list(models)
    needs_task = _check_model_names(models, features, task, context_offset)
    _check_columns(conditions, [*features, *([task] if task is not None else [])])
    levels = np.column_stack([_centred_levels(conditions[name], name) for name in features])
    design = _Design(levels, None, None)
    offset = np.zeros((len(levels), 1))
    if needs_task:
        names, codes = _encode_tasks(conditions[task], task)
        chosen = _relevant_features(names, features, relevant)
        _check_two_tasks(names, chosen, models, context_offset)
        design = _Design(levels, codes, chosen[codes])
        offset = context_offset * codes[:, np.newaxis]
    return np.array([_rdm(model, design, offset, conditions, features) for model in models])


def _grid(design: _Design) -> NDArray[np.float64]:
    return design.levels


def _rotated_grid(design: _Design) -> NDArray[np.float64]:
    turn = np.where(design.task == 0, 1.0, -1.0)
    return np.column_stack([design.of_relevant(), turn * design.of_irrelevant()])


def _orthogonal(design: _Design) -> NDArray[np.float64]:
    return np.where(np.arange(2) == design.relevant[:, np.newaxis], design.levels, 0.0)


def _parallel(design: _Design) -> NDArray[np.float64]:
    return design.of_relevant()[:, np.newaxis]


def _diagonal(design: _Design) -> NDArray[np.float64]:
    return design.levels.sum(axis=1, keepdims=True) / np.sqrt(2)


_MODELS = {
    "grid": _grid,
    "rotated_grid": _rotated_grid,
    "orthogonal": _orthogonal,
    "parallel": _parallel,
    "diagonal": _diagonal,
}
_NEED_TASK = ("rotated_grid", "orthogonal", "parallel")
_TAKE_OFFSET = ("grid", *_NEED_TASK)


def _rdm(model, design, offset, conditions, features) -> NDArray[np.float64]:
    if callable(model):
        return _rdm_of_callable(model, conditions, len(design.levels))
    if model in _MODELS:
        points = _MODELS[model](design)
        if model in _TAKE_OFFSET:
            points = np.hstack([points, offset])
    else:
        points = design.levels[:, [features.index(model)]]
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
    if len(names) != 2 or names[0] == names[1]:
        raise ValueError(
            f"features must name two different columns of conditions, got {features!r}."
        )
    return names


def _check_model_names(models, features, task, context_offset) -> bool:
    """Raise for unknown models; say whether any of them needs the tasks."""
    if not models:
        raise ValueError("models must name at least one model, got none.")
    known = [*_MODELS, *features]
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


def _check_columns(conditions, names: list[str]) -> None:
    missing = [name for name in names if name not in conditions]
    if missing:
        raise ValueError(
            f"conditions lacks the columns {missing}; it has {list(conditions.keys())}."
        )
    lengths = {name: len(conditions[name]) for name in names}
    if len(set(lengths.values())) > 1 or min(lengths.values()) < 2:
        raise ValueError(
            "The columns of conditions must be equally long, with one row for each of at least"
            f" 2 conditions; got lengths {lengths}."
        )


def _centred_levels(column: Sequence, name: str) -> NDArray[np.float64]:
    try:
        levels = np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The feature {name!r} of conditions must hold numbers.") from error
    if not np.isfinite(levels).all():
        raise ValueError(f"The feature {name!r} of conditions holds NaN or infinite levels.")
    return levels - np.unique(levels).mean()


def _encode_tasks(column: Sequence, name: str) -> tuple[list, NDArray[np.intp]]:
    values = column.tolist() if hasattr(column, "tolist") else list(column)
    try:
        names = sorted(set(values))
        complete = all(value == value for value in values)
    except TypeError:
        complete = False
    if not complete:
        raise ValueError(
            f"The task column {name!r} of conditions must hold codes of one type, numbers or"
            " strings, without missing values."
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
        if len(names) != 2:
            raise ValueError(
                "The tasks take the two features in their order only if there are two tasks;"
                f" got {len(names)}: {names}. Pass relevant={{task: feature, ...}}."
            )
        return np.arange(2)
    if any(name not in relevant or relevant[name] not in features for name in names):
        raise ValueError(
            f"relevant must map each of the tasks {names} to one of the features {features},"
            f" got {dict(relevant)}."
        )
    return np.array([features.index(relevant[name]) for name in names])
