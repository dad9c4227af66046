"""Results of a stack of networks as arrays, and back."""

from __future__ import annotations

from itertools import count, takewhile

import numpy as np

from neuroselect._engine._record import history_bytes
from neuroselect._engine._spec import Job, OptimizerState, Result, Weights
from neuroselect._engine._state import n_buffers

HISTORY, STATE = "history_", "state_"  # begin the names of what was recorded, and of the solver's


def packed(results: list[Result]) -> dict[str, np.ndarray]:
    """Arrays with a leading network axis: networks of one stack are of one shape.

    Those of networks that stopped early are filled up with zeros.
    """
    arrays = _packed_weights([result.weights for result in results])
    arrays["loss_curve"], arrays["n_passes"] = _padded([result.loss_curve for result in results])
    for name in results[0].history or ():
        own = [result.history[name] for result in results]
        arrays[HISTORY + name], arrays["n_records"] = _padded(own)
    states = [result.state for result in results]
    arrays["n_updates"] = np.array([state.n_updates for state in states])
    arrays["scale"] = np.array([state.scale for state in states])
    if states[0].signal is not None:
        arrays["signal"] = np.stack([state.signal for state in states])
    for name in states[0].buffers:
        arrays |= _packed_weights([state.buffers[name] for state in states], f"{STATE}{name}:")
    return arrays


def unpacked(arrays: dict[str, np.ndarray]) -> list[Result]:
    """Results from their arrays."""
    return [
        _one_result({name: stacked[k].copy() for name, stacked in arrays.items()})
        for k in range(len(arrays["loss_curve"]))
    ]


def result_bytes(job: Job) -> int:
    """Bytes of the arrays of one network, at most."""
    layers, context = job.initial._replace(context=()), job.initial.context
    n_weights = context.size + sum(a.size for part in layers for a in part)
    n_values = (1 + n_buffers(job.spec)) * n_weights + job.spec.max_iter
    return n_values * np.dtype(job.spec.dtype).itemsize + history_bytes(job)


def _one_result(own: dict[str, np.ndarray]) -> Result:
    history = {
        name.removeprefix(HISTORY): own[name][: own["n_records"]]
        for name in own
        if name.startswith(HISTORY)
    }
    parts = [name.partition(":")[0] for name in own if name.startswith(STATE)]
    buffers = {
        part.removeprefix(STATE): _unpacked_weights(own, f"{part}:")
        for part in dict.fromkeys(parts)
    }
    counts = own["n_updates"].item(), own["scale"].item()
    state = OptimizerState(*counts, buffers, own.get("signal"))
    curve = own["loss_curve"][: own["n_passes"]]
    return Result(_unpacked_weights(own), curve, history or None, state)


def _packed_weights(weights: list[Weights], prefix: str = "") -> dict[str, np.ndarray]:
    arrays = {f"{prefix}context": np.stack([w.context for w in weights])}
    for part in Weights._fields:
        if part != "context":
            for k in range(len(getattr(weights[0], part))):
                layer = [getattr(w, part)[k] for w in weights]
                arrays[f"{prefix}{part}_{k}"] = np.stack(layer)
    return arrays


def _unpacked_weights(own: dict[str, np.ndarray], prefix: str = "") -> Weights:
    def layers(part):
        names = takewhile(own.__contains__, (f"{prefix}{part}_{k}" for k in count()))
        return tuple(own[name] for name in names)

    parts = {part: layers(part) for part in Weights._fields}
    return Weights(**{**parts, "context": own[f"{prefix}context"]})


def _padded(own: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Stack arrays of different lengths; the lengths."""
    lengths = np.array([len(array) for array in own])
    stacked = np.zeros((len(own), lengths.max(), *own[0].shape[1:]), own[0].dtype)
    for k, array in enumerate(own):
        stacked[k, : len(array)] = array
    return stacked, lengths
