"""Lesions of a fitted estimator: of a network's hidden units, or of input columns."""

from __future__ import annotations

from functools import cached_property
from numbers import Integral

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import _safe_indexing, check_array

from neuroselect.selectivity._scores import ClassifierAnswers, RegressorAnswers

BLOCK_BYTES = 2**26
FLOATS = (np.float64, np.float32)
# What makes an estimator a network: activity of layers, and the engine's view of it.
NETWORK = ("activations", "readout", "_encode", "_network", "_weights")


def is_network(estimator) -> bool:
    """Whether the estimator has hidden layers that can be lesioned."""
    return all(hasattr(estimator, name) for name in NETWORK)


def check_lesionable(estimator, layer, method, *, scored=False) -> None:
    """Raise for an estimator without the methods that lesions need.

    ``scored``: a scorer asks the estimator, which then needs no loss of single trials.
    """
    name = type(estimator).__name__
    if is_network(estimator) and layer != "input":
        return
    if method == "taylor":
        raise ValueError(
            f"method='taylor' needs the gradients of a network's hidden layer, got {name} with"
            f" layer={layer!r}. Use method='lesion', which needs predictions only."
        )
    if isinstance(layer, Integral) and layer != -1:
        raise ValueError(
            f"layer={layer} does not exist: {name} has no hidden layers, its input columns are"
            " lesioned. Leave layer out, or pass a network such as MultiTaskMLP."
        )
    if is_classifier(estimator):
        if not (scored or hasattr(estimator, "predict_proba")):
            raise TypeError(
                f"estimator must have predict_proba if it is a classifier: the loss of a trial"
                f" is minus the log probability of its class. {name} has none; wrap it in"
                " sklearn.calibration.CalibratedClassifierCV."
            )
    elif not (is_regressor(estimator) and hasattr(estimator, "predict")):
        raise TypeError(
            f"estimator must be a network, a regressor with predict or a classifier with"
            f" predict_proba, got {name}."
        )


def read_target(estimator, y, n_trials) -> NDArray:
    """Target as the losses need it: (n_trials, n_outputs), or a class index (n_trials,)."""
    y = check_array(y, dtype=None, ensure_2d=False, input_name="y")
    if len(y) != n_trials:
        raise ValueError(
            f"y must have one target for each of the {n_trials} trials of X, got {len(y)}."
        )
    if not is_classifier(estimator):
        return y.astype(np.float64).reshape(n_trials, -1)
    classes = estimator.classes_
    if isinstance(classes, list) or y.ndim != 1:
        raise ValueError(
            "y must have shape (n_trials,): classifiers of several outputs are not supported,"
            " got one for each column of y. Lesion one classifier per output."
        )
    position = {label: k for k, label in enumerate(classes.tolist())}
    unknown = sorted({label for label in y.tolist() if label not in position}, key=str)
    if unknown:
        raise ValueError(
            f"y holds classes that the estimator does not know: {unknown[:5]}. Known classes:"
            f" {classes.tolist()}."
        )
    return np.array([position[label] for label in y.tolist()])


class NetworkLesions:
    """Lesions of the units of one hidden layer."""

    def __init__(self, network, X, y, *, layer, method):
        shapes = network._network().activity_shapes
        if not -len(shapes) <= layer < len(shapes):
            raise ValueError(
                f"layer={layer} does not exist: the network has {len(shapes)} hidden layer(s)."
                f" Expected an integer from {-len(shapes)} to {len(shapes) - 1} (0 is the first,"
                " -1 the last) or 'input'."
            )
        self._network, self._X, self._method = network, X, method
        self.layer = int(layer) % len(shapes)
        self.n_units = shapes[self.layer][0]
        self._stimuli, self._task = network._encode(X)
        target = read_target(network, y, len(self._stimuli))
        if not is_classifier(network):
            target = target.astype(self._stimuli.dtype)
            if target.shape[1] != network.n_outputs_:
                raise ValueError(
                    f"y must have {network.n_outputs_} output(s) as in the network's fit, got"
                    f" {target.shape[1]}."
                )
        self._target = target

    @cached_property
    def activity(self) -> NDArray:
        """Activity of the layer, (n_trials, n_units)."""
        return _of_units(self._maps)

    @cached_property
    def _maps(self):
        return self._network.activations(self._X, self.layer)

    def changes(self, value: NDArray):
        """Yield slices of units and of trials, and what their lesion adds to the loss."""
        from neuroselect._engine._lesion import loss_changes

        network = self._network
        blocks = loss_changes(
            network._network(),
            [network._weights()],
            self._stimuli,
            self._task,
            self._target,
            loss=network.loss,
            layer=self.layer,
            method=self._method,
            value=value,
            device=network.device_,
        )
        for rows, change in blocks:
            yield slice(None), rows, change[0]

    def responder(self, unit=None, value=None):
        """Return a function of rows: an estimator with the unit lesioned, and their X."""
        network, X = self._network, self._X
        H = self._maps.copy()
        if unit is not None:
            clamp = value[:, unit if value.shape[1] > 1 else 0]
            H[:, unit] = clamp.reshape(-1, *[1] * (H.ndim - 2))
        output = network.readout(H, X, self.layer)

        def respond(rows):
            of_rows = _safe_indexing(X, rows)
            if is_classifier(network):
                return ClassifierAnswers(of_rows, output[rows], network.classes_), of_rows
            return RegressorAnswers(of_rows, output[rows]), of_rows

        return respond


def unit_activity(network, X, layer) -> NDArray:
    """Activity of a layer, (n_trials, n_units); of a channel, the mean over its map."""
    return _of_units(network.activations(X, layer))


def _of_units(activity):
    return activity if activity.ndim == 2 else activity.mean((2, 3))


class ColumnLesions:
    """Lesions of columns of X, seen through an estimator's predictions.

    ``positions`` are those of the lesioned columns; the others stay as they are.
    """

    layer = "input"

    def __init__(self, estimator, X, y, positions):
        self._estimator, self._X, self._positions = estimator, X, positions
        self.activity = numeric_columns(X, positions)
        self.n_units = len(positions)
        self._target = read_target(estimator, y, len(self.activity))

    def changes(self, value: NDArray):
        """Yield slices of units and of trials, and what their lesion adds to the loss."""
        n_trials, n_units = self.activity.shape
        value = np.broadcast_to(value, self.activity.shape)
        intact = self._losses(self.activity)
        copies = max(1, BLOCK_BYTES // (self._X.shape[1] * n_trials * self.activity.itemsize))
        for start in range(0, n_units, copies):
            units = np.arange(start, min(start + copies, n_units))
            lesioned = np.repeat(self.activity[None], len(units), axis=0)
            lesioned[np.arange(len(units)), :, units] = value[:, units].T
            losses = self._losses(lesioned.reshape(-1, n_units)).reshape(-1, n_trials)
            yield slice(start, start + len(units)), slice(None), losses - intact

    def responder(self, unit=None, value=None):
        """Return a function of rows: the estimator, and their X with the unit lesioned."""
        activity = self.activity.copy()
        if unit is not None:
            activity[:, unit] = value[:, unit if value.shape[1] > 1 else 0]
        X = self._with_others(activity, 1)
        return lambda rows: (self._estimator, _safe_indexing(X, rows))

    def _losses(self, activity):
        """Loss of each row of several copies of all trials."""
        n_copies = len(activity) // len(self._target)
        target = np.concatenate([self._target] * n_copies)
        X = self._with_others(activity, n_copies)
        if is_classifier(self._estimator):
            p = np.asarray(self._estimator.predict_proba(X), dtype=np.float64)
            of_target = p[np.arange(len(p)), target]
            return -np.log(of_target.clip(min=np.finfo(np.float64).eps))
        predicted = np.asarray(self._estimator.predict(X), dtype=np.float64)
        predicted = predicted.reshape(len(target), -1)
        if predicted.shape != target.shape:
            raise ValueError(
                f"y must have {predicted.shape[1]} output(s) as the estimator's predictions do,"
                f" got {target.shape[1]}."
            )
        if getattr(self._estimator, "loss", None) == "expected_reward":
            return -(expit(predicted) * target).sum(axis=1)
        return 0.5 * np.square(predicted - target).sum(axis=1)

    def _with_others(self, activity, n_copies):
        """Input of the estimator: lesioned columns joined by those that are not."""
        others = np.setdiff1d(np.arange(self._X.shape[1]), self._positions)
        if hasattr(self._X, "iloc"):
            import pandas as pd

            frame = pd.DataFrame(activity, columns=self._X.columns[self._positions])
            for k in others:  # at most the task columns
                column = pd.concat([self._X.iloc[:, k]] * n_copies, ignore_index=True)
                frame.insert(int(k), self._X.columns[k], column, allow_duplicates=True)
            return frame
        X = np.empty((len(activity), self._X.shape[1]), dtype=activity.dtype)
        X[:, self._positions] = activity
        X[:, others] = np.tile(self._X[:, others], (n_copies, 1))
        return X


def numeric_columns(X, positions) -> NDArray:
    """Columns of a DataFrame or an array as finite numbers, (n_trials, n_columns)."""
    if not hasattr(X, "iloc"):
        return X[:, positions]
    frame = X.iloc[:, positions]
    numeric = frame.select_dtypes(["number", "bool"]).columns
    words = [name for name in frame.columns if name not in numeric]
    if words:
        raise ValueError(
            f"The columns {words} of X do not hold numbers and cannot be lesioned. Encode them"
            " first; if one holds the task, name it: fit(X, y, task=...)."
        )
    return check_array(frame, dtype=FLOATS, input_name="X", ensure_min_features=0)
