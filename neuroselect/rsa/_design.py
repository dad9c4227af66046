"""Factorial designs of conditions: columns, levels and tasks, checked."""

from collections.abc import Sequence
from numbers import Real

import numpy as np
from numpy.typing import NDArray

MODELS = ("grid", "rotated_grid", "orthogonal", "parallel", "diagonal")
NEED_TASK = ("rotated_grid", "orthogonal", "parallel")
TAKE_OFFSET = ("grid", *NEED_TASK)
NEED_NUMBERS = ("rotated_grid", "parallel", "diagonal")


def check_features(features: Sequence[str]) -> list[str]:
    """Return the names of the features as a list."""
    names = [features] if isinstance(features, str) else list(features)
    if len(set(names)) < len(names):
        raise ValueError(f"features must name different columns of conditions, got {features!r}.")
    return names


def check_model_names(models, features, task, context_offset) -> bool:
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
    known = [*MODELS, *features, *([] if task is None else [task])]
    for model in models:
        if not callable(model) and model not in known:
            raise ValueError(
                f"Unknown model {model!r}. models may be any of {known}, or a callable on the"
                " conditions."
            )
    need = [m for m in models if m in NEED_TASK or (context_offset and m in TAKE_OFFSET)]
    if need and task is None:
        raise ValueError(
            f"The models {need} depend on the task, but task=None."
            " Pass the column of conditions that holds the task."
        )
    return bool(need)


def check_columns(conditions, names: list[str]) -> int:
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


def coordinates(column: Sequence, name: str) -> NDArray[np.float64]:
    """Centred levels on one axis, or of labels on one axis per label."""
    levels = _numbers(column)
    if levels is None:
        return simplex(_encode(column, f"The feature {name!r}")[1])
    if not np.isfinite(levels).all():
        raise ValueError(f"The feature {name!r} of conditions holds NaN or infinite levels.")
    return (levels - np.unique(levels).mean())[:, np.newaxis]


def simplex(codes: NDArray[np.intp]) -> NDArray[np.float64]:
    """Corners of a regular simplex, centred, 1 apart; one per code."""
    corners = np.eye(codes.max() + 1) / np.sqrt(2)
    return (corners - corners.mean(axis=0))[codes]


def check_numeric(models: list, features: list[str], conditions) -> None:
    """Raise where a model needs numbers and a feature holds labels."""
    need = [model for model in models if not callable(model) and model in NEED_NUMBERS]
    labels = [name for name in features if _numbers(conditions[name]) is None]
    if need and labels:
        raise ValueError(
            f"The feature {labels[0]!r} of conditions must hold numbers for the models {need}, but"
            " holds labels. Give it numbers, or choose other models."
        )


def encode_tasks(column: Sequence, name: str) -> tuple[list, NDArray[np.intp]]:
    """Return the tasks, sorted, and the number of each condition's."""
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


def check_two_tasks(names: list, relevant: NDArray, models: list, context_offset: float) -> None:
    """Raise for models that need two tasks with relevant features of their own."""
    if "rotated_grid" in models and (len(names) != 2 or relevant[0] == relevant[1]):
        raise ValueError(
            "The model 'rotated_grid' needs exactly two tasks with different relevant features,"
            f" got the tasks {names}."
        )
    if context_offset and len(names) != 2:
        raise ValueError(
            f"context_offset needs exactly two tasks to separate, got {len(names)}: {names}."
        )


def relevant_features(names: list, features: list[str], relevant) -> NDArray[np.intp]:
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
