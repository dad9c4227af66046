"""What each network sees at each step, as stacked tensors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from neuroselect._engine._passes import Inputs, make_inputs
from neuroselect._engine._spec import Job

GATHER_BYTES = 2**18  # inputs of several steps, picked at once


class Batch(NamedTuple):
    """Trials of one step; without a network axis where all networks see the same."""

    inputs: Inputs
    target: torch.Tensor
    weight: torch.Tensor | None

    @property
    def n_trials(self) -> int:
        """Number of trials that each network sees."""
        return self.inputs.first.shape[-2]

    def pick(self, index) -> Batch:
        """Index the leading axis of every tensor."""
        first, cue = self.inputs
        inputs = Inputs(first[index], None if cue is None else cue[index])
        weight = None if self.weight is None else self.weight[index]
        return Batch(inputs, self.target[index], weight)

    def part(self, start: int, stop: int) -> Batch:
        """View the trials from ``start`` to ``stop`` of each network."""
        first, cue = self.inputs
        inputs = Inputs(first[:, start:stop], None if cue is None else cue[:, start:stop])
        weight = None if self.weight is None else self.weight[:, start:stop]
        return Batch(inputs, self.target[:, start:stop], weight)


def make_batches(jobs: list[Job]):
    """Return an iterable that gives the batches of one pass each time it is walked."""
    trials = list({id(job.trials): job.trials for job in jobs}.values())
    position = {id(t): k for k, t in enumerate(trials)}
    which = np.array([position[id(job.trials)] for job in jobs])
    if jobs[0].spec.batch_size is None:
        return FullBatch(jobs, trials, which)
    return MiniBatches(jobs, trials, which)


def _stacked(jobs, trials) -> Batch:
    """Distinct trials on the device, stacked along a new leading axis."""
    spec = jobs[0].spec

    def stack(arrays):
        return torch.as_tensor(np.stack(arrays), device=spec.device)

    inputs = make_inputs(
        spec.network, stack([t.stimuli for t in trials]), stack([t.task for t in trials])
    )
    weight = None
    if any(t.weight is not None for t in trials):
        ones = np.ones(spec.n_trials, dtype=spec.dtype)
        weight = stack([ones if t.weight is None else t.weight for t in trials])
    return Batch(inputs, stack([t.target for t in trials]), weight)


class FullBatch:
    """All trials at every step; `shared` if they are the same for all networks."""

    n_batches = 1

    def __init__(self, jobs, trials, which):
        self.shared = len(trials) == 1
        distinct = _stacked(jobs, trials)
        if self.shared:
            self._batch = distinct.pick(0)
        elif len(trials) == len(jobs):
            self._batch = distinct
        else:
            self._batch = distinct.pick(torch.as_tensor(which, device=jobs[0].spec.device))

    def __iter__(self):
        yield self._batch


class MiniBatches:
    """Each network's own order of its own trials, drawn anew for every pass."""

    shared = False

    def __init__(self, jobs, trials, which):
        spec = jobs[0].spec
        self._n_trials, self._size, self._device = spec.n_trials, spec.batch_size, spec.device
        self.n_batches = -(-self._n_trials // self._size)
        distinct = _stacked(jobs, trials)
        self._pool = Batch(
            Inputs(*(None if x is None else x.flatten(0, 1) for x in distinct.inputs)),
            distinct.target.flatten(0, 1),
            None if distinct.weight is None else distinct.weight.flatten(0, 1),
        )
        row_bytes = len(jobs) * self._pool.inputs.first[0].nbytes
        self._gathered = self._size * max(1, GATHER_BYTES // (row_bytes * self._size))
        self._offset = which * self._n_trials
        self._orders = [np.random.default_rng(job.order_seed) for job in jobs]

    def __iter__(self):
        order = np.stack(
            [
                rng.permutation(self._n_trials) + offset
                for rng, offset in zip(self._orders, self._offset, strict=True)
            ]
        )
        order = torch.as_tensor(order, device=self._device)
        for start in range(0, self._n_trials, self._gathered):
            block = self._pool.pick(order[:, start : start + self._gathered])
            for first in range(0, block.n_trials, self._size):
                yield block.part(first, first + self._size)
