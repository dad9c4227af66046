"""Train on where earlier training ended: `partial_fit` and ``warm_start``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuroselect._engine._spec import NetworkSpec, OptimizerState, Trials, Weights
from neuroselect.networks._encoding import encode_tasks, tidy_tasks

# Parameter behind each part of a network's shape that must stay.
PARAMETERS = {"hidden": "hidden_layer_sizes", "gates": "gating"}


def as_plain(value: Any) -> Any:
    """Named tuples as dictionaries, so that fitted state is of containers that everyone knows."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {name: as_plain(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return tuple(as_plain(part) for part in value)
    return value


def optimizer_state(plain: dict) -> OptimizerState:
    """Undo `as_plain`."""
    buffers = {name: Weights(**weights) for name, weights in plain["buffers"].items()}
    return OptimizerState(plain["n_updates"], plain["scale"], buffers, plain["signal"])


def check_same_network(before: dict, network: NetworkSpec) -> None:
    """Raise if training would go on with another network."""
    now = as_plain(network)
    changed = [(name, old, now[name]) for name, old in before.items() if old != now[name]]
    if changed:
        parts = [f"{PARAMETERS.get(name, name)} was {old}, is {new}" for name, old, new in changed]
        raise ValueError(
            f"Training goes on with the network that it began with, but {', '.join(parts)}. Set"
            " this back, or train a new network: clone it, or fit with warm_start=False."
        )


def known_tasks(given: ArrayLike, task_column) -> np.ndarray:
    """Tasks of all calls to `partial_fit`, sorted."""
    if task_column is None:
        raise ValueError("tasks were given, but task_column is None: there is one task only.")
    codes = np.asarray(given)
    if codes.ndim != 1 or not len(codes):
        raise ValueError(f"tasks must hold the code of each task, shape (n_tasks,); got {given!r}.")
    return np.unique(tidy_tasks(codes))


def encode_known_tasks(codes, tasks) -> np.ndarray:
    """As `encode_tasks`; the message says what to do where training goes on."""
    try:
        return encode_tasks(codes, tasks)
    except ValueError as error:
        raise ValueError(
            f"{error} Training goes on with the tasks that it began with: name all of them in the"
            " first call, partial_fit(..., tasks=...)."
        ) from None


def check_same(given: ArrayLike | None, known: np.ndarray, name: str) -> None:
    """Raise if ``tasks`` or ``classes`` of a later call are not those of the first."""
    if given is not None and set(np.asarray(given).tolist()) != set(known.tolist()):
        raise ValueError(
            f"{name} are fixed by the first call: {known.tolist()}; got"
            f" {np.asarray(given).tolist()}. Leave {name} out in later calls."
        )


def encode_classes(y, classes) -> np.ndarray:
    """Index of each label among the known ``classes``, (n_trials,) int64."""
    unknown = set(y.tolist()) - set(classes.tolist())
    if unknown:
        raise ValueError(
            f"y holds classes that were not there when training began: {sorted(unknown, key=str)}."
            f" Known classes: {classes.tolist()}. Name all of them in the first call,"
            " partial_fit(..., classes=...)."
        )
    return np.searchsorted(classes, y)


def goes_on(history: dict | None, names: tuple[str, ...], trials: Trials) -> bool:
    """Whether records of these names continue the history."""
    if history is None or set(names) != history.keys() - {"passes", "tasks", "layers"}:
        return False
    if "activations" in names and history["activations"].shape[1] != len(trials.stimuli):
        raise ValueError(
            f"record='activations' is of {history['activations'].shape[1]} trials so far, and X"
            f" has {len(trials.stimuli)}. Train on the same trials, or leave 'activations' out."
        )
    return True
