"""Sets of units that are lesioned together: hidden units of a network, or input columns."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from neuroselect.selectivity._clamps import CLAMPS
from neuroselect.selectivity._lesions import BLOCK_BYTES, FLOATS, is_network, numeric_columns
from neuroselect.selectivity._tasks import column_position, read_task


def lesionable_units(estimator, X, *, layer, task):
    """Return the units that sets are made of, and the task of each trial.

    Parameters
    ----------
    estimator : object
        Fitted.
    X : ndarray or DataFrame of shape (n_trials, n_columns)
    layer : int or "input"
    task : None, int, str or array-like of shape (n_trials,)
    """
    check_is_fitted(estimator)
    check_layer(estimator, layer)
    if is_network(estimator) and layer != "input":
        return HiddenUnits(estimator, X, layer), trial_tasks(estimator, X, task)
    return InputColumns(estimator, X, stimulus_columns(estimator, X, task)), trial_tasks(
        estimator, X, task
    )


def check_layer(estimator, layer) -> None:
    """Raise for a layer that the estimator does not have."""
    name = type(estimator).__name__
    if isinstance(layer, bool) or not (isinstance(layer, Integral) or layer == "input"):
        raise ValueError(f"layer must be an integer or 'input', got {layer!r}.")
    if not is_network(estimator):
        if layer not in (-1, "input"):
            raise ValueError(
                f"layer={layer} does not exist: {name} has no hidden layers, its input columns are"
                " lesioned. Leave layer out, or pass a network such as MultiTaskMLP."
            )
    elif layer != "input":
        n_layers = len(estimator._network().activity_shapes)
        if not -n_layers <= layer < n_layers:
            raise ValueError(
                f"layer={layer} does not exist: the network has {n_layers} hidden layer(s)."
                f" Expected an integer from {-n_layers} to {n_layers - 1} (0 is the first, -1 the"
                " last) or 'input'."
            )


def trial_tasks(estimator, X, task) -> NDArray:
    """Task of each trial: as given, or as in a network's task column."""
    if task is None and is_network(estimator):
        return estimator.tasks_[estimator._encode(X)[1]]
    return read_task(X, task)[0]


def stimulus_columns(estimator, X, task) -> NDArray:
    """Positions of the columns of X that do not hold a task."""
    kept = []
    if is_network(estimator) and estimator.task_column is not None:
        kept.append(column_position(X, estimator.task_column))
    if isinstance(task, (str, Integral)):
        kept.append(column_position(X, task))
    columns = np.setdiff1d(np.arange(X.shape[1]), kept)
    if not len(columns):
        raise ValueError("X must have at least one column beside the task.")
    return columns


def read_X(X):
    """X as a DataFrame, or as an array of two axes."""
    if hasattr(X, "iloc"):
        return X
    return check_array(X, dtype=None)


def read_sets(units, n_units) -> NDArray[np.bool_]:
    """Boolean sets of units, (..., n_units)."""
    units = np.asarray(units)
    if units.dtype != bool:
        raise ValueError(
            f"units must be boolean, True for the units of a set; got dtype {units.dtype}. For"
            " indices: units = np.isin(np.arange(n_units), indices)."
        )
    if units.ndim not in (1, 2, 3) or units.shape[-1] != n_units:
        raise ValueError(
            f"units must have shape (n_sets, n_units) or (n_units,) with n_units = {n_units}, the"
            f" units of this layer (for several networks also (n_networks, n_sets, n_units)); got"
            f" shape {units.shape}."
        )
    return units


def lesion_values(activity, task, lesion_value) -> NDArray[np.float64]:
    """What units are clamped to, (1 or n_trials, n_units)."""
    if lesion_value not in CLAMPS:
        raise ValueError(f"lesion_value must be one of {list(CLAMPS)}, got {lesion_value!r}.")
    return CLAMPS[lesion_value](activity, task)


class HiddenUnits:
    """Units of a hidden layer; of a convolutional one its channels."""

    def __init__(self, network, X, layer):
        shapes = network._network().activity_shapes
        self._network, self._layer = network, int(layer) % len(shapes)
        self._activity = network.activations(X, self._layer)
        self.n_units = self._activity.shape[1]
        self._stimuli, self._task = network._encode(X)

    @property
    def activity(self) -> NDArray:
        """Activity (n_trials, n_units); of a channel its mean over positions."""
        return self._activity if self._activity.ndim == 2 else self._activity.mean((2, 3))

    def scores(self, removed, value, scorer) -> NDArray[np.float64]:
        """Scores (n_sets, n_groups) with the units of each set clamped."""
        from neuroselect._engine._group_lesion import lesioned_outputs

        network, scores = self._network, np.empty((len(removed), len(scorer.intact)))
        blocks = lesioned_outputs(
            network._network(),
            network._weights(),
            self._stimuli,
            self._task,
            self._activity,
            removed,
            layer=self._layer,
            value=value,
            device=network.device_,
        )
        for sets, outputs in blocks:
            scores[sets] = scorer.of_outputs(outputs)
        return scores


class InputColumns:
    """Columns of X, seen through an estimator's predictions."""

    def __init__(self, estimator, X, positions):
        self._X = X if hasattr(X, "iloc") else check_array(X, dtype=FLOATS)
        self._positions, self.n_units = positions, len(positions)
        self.activity = numeric_columns(self._X, positions)

    def scores(self, removed, value, scorer) -> NDArray[np.float64]:
        """Scores (n_sets, n_groups) with the columns of each set clamped."""
        scores = np.empty((len(removed), len(scorer.intact)))
        per_copy = len(self._X) * self._X.shape[1] * self.activity.itemsize
        n_copies = max(1, BLOCK_BYTES // per_copy)
        for start in range(0, len(removed), n_copies):
            block = removed[start : start + n_copies]
            lesioned = np.where(block[:, None], value, self.activity).astype(self.activity.dtype)
            inputs = self.with_values(lesioned.reshape(-1, self.n_units), len(block))
            scores[start : start + len(block)] = scorer.of_inputs(inputs, len(block))
        return scores

    def with_values(self, values, n_copies=1):
        """Copies of all trials, with other ``values`` in these columns."""
        if not hasattr(self._X, "iloc"):
            copies = np.tile(self._X, (n_copies, 1))
            copies[:, self._positions] = values
            return copies
        frame = self._X.iloc[np.tile(np.arange(len(self._X)), n_copies)].reset_index(drop=True)
        for k, position in enumerate(self._positions.tolist()):
            frame.isetitem(position, values[:, k])
        return frame
