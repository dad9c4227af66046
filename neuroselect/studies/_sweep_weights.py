"""Fitted networks as arrays in one file, without pickle."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

METADATA = "networks"


def weights_bytes(networks: Mapping[int, Any], format: str) -> bytes:
    """Write the learned state of networks as a file of arrays.

    The arrays are called ``network_0000/coefs_0`` and so on; what is no array of numbers is in
    the entry ``networks`` of a ``.npz`` file or in the metadata of a ``.safetensors`` file, as
    JSON.
    """
    arrays: dict[str, np.ndarray] = {}
    states = {k: _state(k, network, arrays) for k, network in networks.items()}
    arrays = dict(sorted(arrays.items()))
    text = json.dumps(states, sort_keys=True)
    if format == "npz":
        buffer = io.BytesIO()
        np.savez(buffer, **arrays, **{METADATA: np.array(text)})
        return buffer.getvalue()
    from safetensors.numpy import save

    return save(arrays, metadata={METADATA: text})


def read_weights(path: Path, estimators: list) -> list:
    """Put the learned state of a file into unfitted estimators; None for those without one."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
        text = arrays.pop(METADATA).item()
    else:
        from safetensors import safe_open

        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            text = file.metadata()[METADATA]
    states = json.loads(text)
    fitted: list = [None] * len(estimators)
    for k, state in states.items():
        network = estimators[int(k)]
        for name, part in state.items():
            setattr(network, name, _decoded(part, arrays))
        fitted[int(k)] = network
    return fitted


def _state(k: int, network, arrays: dict) -> dict[str, Any]:
    params = network.get_params(deep=False)
    learned = {name: value for name, value in vars(network).items() if name not in params}
    return {n: _encoded(f"network_{k:04d}/{n}", value, arrays) for n, value in learned.items()}


def _encoded(name: str, value: Any, arrays: dict) -> dict[str, Any]:
    """Describe a value as JSON; arrays of numbers are put aside under ``name``."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        arrays[name] = value.copy(order="C")
        return {"array": name}
    if isinstance(value, np.ndarray) and all(isinstance(v, str) for v in value.ravel()):
        return {"strings": value.tolist(), "dtype": value.dtype.str}
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) is dict:
        return {"dict": {k: _encoded(f"{name}_{k}", part, arrays) for k, part in value.items()}}
    if type(value) in (list, tuple):
        parts = [_encoded(f"{name}{k}", part, arrays) for k, part in enumerate(value)]
        return {type(value).__name__: parts}
    if value is None or isinstance(value, (str, bool, int, float)):
        return {"value": value}
    raise TypeError(f"{name} cannot be written without pickle: {value!r}.")


def _decoded(part: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Any:
    ((kind, value),) = [(k, v) for k, v in part.items() if k != "dtype"]
    if kind == "array":
        return arrays[value]
    if kind == "strings":
        return np.array(value, dtype=part["dtype"])
    if kind in ("list", "tuple"):
        return {"list": list, "tuple": tuple}[kind](_decoded(v, arrays) for v in value)
    if kind == "dict":
        return {name: _decoded(v, arrays) for name, v in value.items()}
    return value
