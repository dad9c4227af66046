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
from neuroselect.utils._scoring import GroupScorer, scores_outputs


def stacks_of(estimators, X, scoring, layer=None) -> list[list[int]]:
    """Positions of estimators that are used together, as one stack."""
    estimators = list(estimators)
    if layer == "input" or not all(
        is_network(e) and scores_outputs(e, scoring) for e in estimators
    ):
        return [[k] for k in range(len(estimators))]
    from neuroselect.networks._stacked import alike

    return alike(estimators, len(X))


def lesionable_units(estimators, X, *, layer, task):
    """Return the units that sets are made of, and the task of each trial.

    Parameters
    ----------
    estimators : list of object
        Fitted: one, or networks that are a stack.
    X : ndarray or DataFrame of shape (n_trials, n_columns)
    layer : int or "input"
    task : None, int, str or array-like of shape (n_trials,)
    """
    first = estimators[0]
    check_is_fitted(first)
    check_layer(first, layer)
    if is_network(first) and layer != "input":
        return HiddenUnits(estimators, X, layer), trial_tasks(first, X, task)
    columns = stimulus_columns(first, X, task)
    return InputColumns(estimators, X, columns), trial_tasks(first, X, task)


def make_scorer(estimators, X, y, member, scoring) -> GroupScorer:
    """Return what scores the outputs of one estimator, or of a stack."""
    if len(estimators) == 1:
        return GroupScorer(estimators[0], X, y, member, scoring)
    from neuroselect.networks._stacked import NetworkStack

    return GroupScorer(estimators[0], X, y, member, scoring, NetworkStack(estimators).outputs(X))


def intact_scores(scorer, n_networks) -> NDArray[np.float64]:
    """Return scores (n_networks, n_groups) with nothing done."""
    return scorer.intact.reshape(n_networks, -1)


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
    return check_array(X, dtype=None, input_name="X")


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
    """What units are clamped to, (n_networks, 1 or n_trials, n_units or 1)."""
    if lesion_value not in CLAMPS:
        raise ValueError(f"lesion_value must be one of {list(CLAMPS)}, got {lesion_value!r}.")
    return np.stack([CLAMPS[lesion_value](of_network, task) for of_network in activity])


class HiddenUnits:
    """Units of a hidden layer; of a convolutional one its channels."""

    def __init__(self, networks, X, layer):
        network = networks[0]
        shapes = network._network().activity_shapes
        self._networks, self._layer = networks, int(layer) % len(shapes)
        if len(networks) == 1:
            self._activity = network.activations(X, self._layer)[np.newaxis]
        else:
            from neuroselect.networks._stacked import NetworkStack

            self._activity = NetworkStack(networks).activations(X, self._layer)
        self.n_units = self._activity.shape[2]
        self._stimuli, self._task = network._encode(X)

    @property
    def activity(self) -> NDArray:
        """Activity (n_networks, n_trials, n_units); of a channel its mean over positions."""
        return self._activity if self._activity.ndim == 3 else self._activity.mean((3, 4))

    def scores(self, removed, value, scorer) -> NDArray[np.float64]:
        """Scores (n_networks, n_sets, n_groups) with the units of each set clamped."""
        from neuroselect._engine._group_lesion import lesioned_outputs

        network, n_groups = self._networks[0], scorer.intact.shape[-1]
        scores = np.empty((*removed.shape[:2], n_groups))
        blocks = lesioned_outputs(
            network._network(),
            [each._weights() for each in self._networks],
            self._stimuli,
            self._task,
            self._activity,
            removed,
            layer=self._layer,
            value=value,
            device=network.device_,
        )
        for networks, sets, outputs in blocks:
            if len(self._networks) == 1:
                scores[0, sets] = scorer.of_outputs(outputs[0])
            else:
                scores[networks, sets] = scorer.of_networks(networks).of_outputs(outputs)
        return scores


class InputColumns:
    """Columns of X, seen through the predictions of one estimator, or of a stack."""

    def __init__(self, estimators, X, positions):
        self._X = X if hasattr(X, "iloc") else check_array(X, dtype=FLOATS, input_name="X")
        self._estimators, self._positions, self.n_units = estimators, positions, len(positions)
        self.stimuli = numeric_columns(self._X, positions)

    @property
    def activity(self) -> NDArray:
        """The columns, (1, n_trials, n_units), the same for all networks."""
        return self.stimuli[np.newaxis]

    def scores(self, removed, value, scorer) -> NDArray[np.float64]:
        """Scores (1, n_sets, n_groups) of one estimator with the columns of each set clamped."""
        scores = np.empty((1, removed.shape[1], scorer.intact.shape[-1]))
        per_copy = len(self._X) * self._X.shape[1] * self.stimuli.itemsize
        n_copies = max(1, BLOCK_BYTES // per_copy)
        for start in range(0, removed.shape[1], n_copies):
            sets = slice(start, min(start + n_copies, removed.shape[1]))
            lesioned = np.where(removed[0, sets, np.newaxis], value[0], self.stimuli)
            scores[:, sets] = self.scores_with(lesioned, scorer)
        return scores

    def scores_with(self, values, scorer) -> NDArray[np.float64]:
        """Scores (n_networks, n_versions, n_groups) with other values in the columns.

        ``values`` has the shape (n_versions, n_trials, n_units).
        """
        n_versions = len(values)
        values = values.astype(self.stimuli.dtype).reshape(-1, self.n_units)
        inputs = self._with_values(values, n_versions)
        if len(self._estimators) == 1:
            return scorer.of_inputs(inputs, n_versions)[np.newaxis]
        from neuroselect.networks._stacked import NetworkStack

        outputs = NetworkStack(self._estimators).outputs(inputs)
        shape = (len(outputs), n_versions, len(self._X), outputs.shape[-1])
        return scorer.of_outputs(outputs.reshape(shape))

    def _with_values(self, values, n_copies):
        """Copies of all trials, with other ``values`` in these columns."""
        if not hasattr(self._X, "iloc"):
            copies = np.tile(self._X, (n_copies, 1))
            copies[:, self._positions] = values
            return copies
        frame = self._X.iloc[np.tile(np.arange(len(self._X)), n_copies)].reset_index(drop=True)
        for k, position in enumerate(self._positions.tolist()):
            frame.isetitem(position, values[:, k])
        return frame
