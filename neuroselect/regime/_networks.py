"""Trained networks as the measures need them: checked, and sorted into stacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from neuroselect._engine._spec import NetworkSpec, Weights

# What makes an estimator a network: the engine's view of it.
NETWORK = ("_encode", "_network", "_weights")


class Group(NamedTuple):
    """Networks of one shape that see the same encoded trials."""

    positions: list[int]
    network: NetworkSpec
    stimuli: np.ndarray
    task: np.ndarray
    device: str


def as_networks(estimators) -> tuple[list, bool]:
    """Return fitted networks as a list, and whether it was one that came alone."""
    alone = not isinstance(estimators, (list, tuple, np.ndarray))
    networks = [estimators] if alone else list(estimators)
    if not networks:
        raise ValueError("estimators must hold at least one fitted network, got none.")
    for k, network in enumerate(networks):
        _check_network(network, "estimators" if alone else f"estimators[{k}]")
    return networks, alone


def _check_network(network, name):
    if not all(hasattr(network, method) for method in NETWORK):
        raise TypeError(
            f"{name} must be a fitted network (MultiTaskMLP, MultiTaskMLPClassifier), got"
            f" {network!r}. Of a Pipeline, pass the last step and the X that reaches it."
        )
    check_is_fitted(network)
    if network._network().n_conv:
        raise TypeError(
            f"{name} must be a multi-layer perceptron: the measures follow its dense layers, and"
            f" {type(network).__name__} has others."
        )


def weights_of(network, *, initial: bool) -> Weights:
    """Weights before or after training."""
    return network._weights("initial_" if initial else "")


def grouped(networks: list, X) -> Iterator[Group]:
    """Sort networks into groups that can be evaluated as stacks on the trials X."""
    groups: dict = {}
    for k, network in enumerate(networks):
        stimuli, task = network._encode(X)
        key = (network._network(), network.device_, network.task_column, task.tobytes())
        if key not in groups:
            groups[key] = Group([], key[0], stimuli, task, network.device_)
        groups[key].positions.append(k)
    yield from groups.values()
