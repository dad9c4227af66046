"""Gates that the context opens: activity of a layer's units times a number between 0 and 1.

The layer that the cue enters is gated. What reaches it is the cue, scaled and centred, and behind
it the task signal itself (see `_passes.cues`); gates are weighted sums of the signal, or the
sigmoid of these where they are learned.
"""

from __future__ import annotations

import torch

from neuroselect._engine._stack import Stack


def entering(stack: Stack, cue):
    """The part of the cue that is added to a layer's input."""
    return cue if stack.gated is None else cue[..., : stack.network.n_tasks]


def task_signal(stack: Stack, cue):
    """The part of the cue that opens gates: (n_networks, n_trials, n_tasks)."""
    signal = cue[..., stack.network.n_tasks :]
    return signal.expand(stack.n_networks, *signal.shape[-2:])


def gate_values(stack: Stack, cue):
    """How far the gates of units are open, between 0 and 1: (n_networks, n_trials, n_units)."""
    gates = torch.bmm(task_signal(stack, cue), stack.layers[stack.gated].gates)
    return gates.sigmoid_() if stack.network.gates == "learned" else gates


def through_gates(stack: Stack, delta, activity, cue):
    """Carry the gradient ``delta`` at gated activity through the gates, in place.

    Returns
    -------
    delta : tensor
        Gradient at the activity before the gates.
    activity : tensor
        The activity before the gates; 0 where a closed gate lets nothing through.
    at_gates : tensor or None
        Gradient at the weighted sums that learned gates are the sigmoid of.
    """
    gates = gate_values(stack, cue)
    at_gates = None
    if stack.network.gates == "learned":
        at_gates = (1 - gates).mul_(delta).mul_(activity)
    before = torch.where(gates > 0, activity / gates, 0.0)
    return delta.mul_(gates), before, at_gates
