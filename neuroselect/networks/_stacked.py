"""Fitted networks of one shape, used as one stack."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuroselect._engine._predict import all_outputs, carry_all_on, hidden_activities
from neuroselect.networks._base import BaseMultiTaskMLP

STACK_BYTES = 2**26  # of the activity of all layers
# A subclass with others of its own is used network by network.
METHODS = ("activations", "_encode", "_raw_output", "_weights")


class NetworkStack:
    """Networks that `alike` put together; results have them on the first axis."""

    def __init__(self, networks: Sequence[BaseMultiTaskMLP]):
        self.networks = list(networks)
        self.spec = self.networks[0]._network()
        self.weights = [network._weights() for network in self.networks]
        self.device = self.networks[0].device_

    def _encode(self, X):
        return self.networks[0]._encode(X)

    def activations(self, X, layer: int) -> NDArray:
        """Activity of a hidden layer, (n_networks, n_trials, n_units)."""
        return hidden_activities(self.spec, self.weights, *self._encode(X), layer, self.device)

    def outputs(self, X) -> NDArray:
        """Outputs before `predict` makes classes of them, (n_networks, n_trials, n_outputs)."""
        return all_outputs(self.spec, self.weights, *self._encode(X), self.device)

    def carry_on(self, activity: NDArray, X, layer: int) -> NDArray:
        """Outputs from the activity (n_networks, ..., n_trials, n_units) of a hidden layer."""
        stimuli, task = self._encode(X)
        return carry_all_on(self.spec, self.weights, activity, stimuli, task, layer, self.device)


def alike(estimators: Sequence[object], n_trials: int) -> list[list[int]]:
    """Positions of estimators that can be a stack, together; of all others one by one."""
    groups: dict = {}
    for k, estimator in enumerate(estimators):
        key = _key(estimator)
        groups.setdefault(("alone", k) if key is None else key, []).append(k)
    stacks = []
    for positions in groups.values():
        size = len(positions)
        if size > 1:
            n_values = estimators[positions[0]]._network().n_values
            size = max(1, STACK_BYTES // (8 * n_trials * n_values))
        stacks += [positions[start : start + size] for start in range(0, len(positions), size)]
    return stacks


def _key(estimator):
    """Return what networks of a stack share, None for what cannot be in one."""
    kind = type(estimator)
    if not isinstance(estimator, BaseMultiTaskMLP) or not hasattr(estimator, "coefs_"):
        return None
    if any(getattr(kind, name) is not getattr(BaseMultiTaskMLP, name) for name in METHODS):
        return None
    spec = estimator._network()
    if spec.n_conv:
        return None
    names = (getattr(estimator, name, None) for name in ("tasks_", "classes_", "feature_names_in_"))
    names = tuple(None if each is None else tuple(np.asarray(each).tolist()) for each in names)
    return kind, spec, estimator.task_column, estimator.device_, estimator.loss, names
