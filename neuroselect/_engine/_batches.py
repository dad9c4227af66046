"""What each network sees at each step, as stacked tensors."""

from __future__ import annotations

from itertools import chain, islice
from typing import NamedTuple

import numpy as np
import torch

from neuroselect._engine._passes import Inputs, cues, make_inputs
from neuroselect._engine._sluggish import make_signal
from neuroselect._engine._spec import Job, NetworkSpec, TrainingSpec
from neuroselect.curricula import CURRICULA, Interleaved, check_passes

KNOWN_CURRICULA = tuple(CURRICULA.values())
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
        inputs = Inputs(_take(first, index), None if cue is None else _take(cue, index))
        weight = None if self.weight is None else _take(self.weight, index)
        return Batch(inputs, _take(self.target, index), weight)

    def part(self, start: int, stop: int) -> Batch:
        """View the trials from ``start`` to ``stop`` of each network."""
        first, cue = self.inputs
        inputs = Inputs(first[:, start:stop], None if cue is None else cue[:, start:stop])
        weight = None if self.weight is None else self.weight[:, start:stop]
        return Batch(inputs, self.target[:, start:stop], weight)

    def with_signal(self, network: NetworkSpec, signal, share) -> Batch:
        """Put another task signal (n_networks, n_trials, n_tasks) in the cue's place.

        What enters the first layer is overwritten.
        """
        first, later = cues(network, signal, share)
        if first is not None:
            start = network.n_features
            self.inputs.first[..., start : start + network.n_tasks] = first
        return self._replace(inputs=Inputs(self.inputs.first, later))


def _take(values, index):
    if isinstance(index, torch.Tensor):  # several times faster than values[index]
        return values.index_select(0, index.flatten()).unflatten(0, index.shape)
    return values[index]


def make_batches(jobs: list[Job]):
    """Return an iterable that gives the batches of one pass each time it is walked."""
    trials = list({id(job.trials): job.trials for job in jobs}.values())
    position = {id(t): k for k, t in enumerate(trials)}
    which = np.array([position[id(job.trials)] for job in jobs])
    if is_full_batch(jobs[0].spec):
        return FullBatch(jobs, trials, which)
    return MiniBatches(jobs, trials, which)


def is_full_batch(spec: TrainingSpec) -> bool:
    """Whether every step sees all trials, so that their order does not matter."""
    full = spec.batch_size is None and isinstance(spec.curriculum, Interleaved)
    return full and not spec.sluggish


def _stacked(jobs, trials) -> Batch:
    """Distinct trials on the device, stacked along a new leading axis."""
    spec = jobs[0].spec

    def stack(arrays):
        return torch.as_tensor(np.stack(arrays), device=spec.device)

    inputs = make_inputs(
        spec.network,
        stack([t.stimuli for t in trials]),
        stack([t.task for t in trials]),
        _cue_share(trials, stack),
    )
    weight = None
    if any(t.weight is not None for t in trials):
        ones = np.ones(spec.n_trials, dtype=spec.dtype)
        weight = stack([ones if t.weight is None else t.weight for t in trials])
    return Batch(inputs, stack([t.target for t in trials]), weight)


def _cue_share(trials, stack):
    """What the cue of distinct trials is centred on, (n_distinct, 1, n_tasks), or None."""
    shares = [t.cue_share for t in trials]
    known = [share for share in shares if share is not None]
    if not known:
        return None
    nothing = np.zeros_like(known[0])
    return stack([nothing if share is None else share for share in shares]).unsqueeze(1)


class FullBatch:
    """All trials at every step; `shared` if they are the same for all networks."""

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

    def block(self, trials: slice) -> Batch:
        """Some of all networks' trials, in their given order."""
        if self.shared:
            return self._batch.pick(trials)
        return self._batch.part(trials.start, trials.stop)

    def signals(self, n_passes: list[int]) -> list[None]:
        """Nothing lags behind: the cue is that of the trial."""
        return [None] * len(n_passes)

    def close(self) -> None:
        """Nothing is left over."""


class MiniBatches:
    """Each network's own order of its own trials, drawn from its curriculum pass by pass."""

    shared = False

    def __init__(self, jobs, trials, which):
        spec = jobs[0].spec
        self._spec, self._device, self._n_trials = spec, spec.device, spec.n_trials
        self._signal, self._share = make_signal(jobs, trials), None
        if self._signal is not None:
            share = _cue_share(trials, lambda arrays: self._on_device(np.stack(arrays)))
            self._share = None if share is None else share[self._on_device(which)]
        distinct = _stacked(jobs, trials)
        self._pool = Batch(
            Inputs(*(None if x is None else x.flatten(0, 1) for x in distinct.inputs)),
            distinct.target.flatten(0, 1),
            None if distinct.weight is None else distinct.weight.flatten(0, 1),
        )
        row_bytes = len(jobs) * self._pool.inputs.first[0].nbytes
        self._gathered = max(1, GATHER_BYTES // row_bytes)
        self._offset = which[:, None] * spec.n_trials
        self._passes = [_passes(job) for job in jobs]

    def __iter__(self):
        steps = [next(passes) for passes in self._passes]
        sizes = [len(step) for step in steps[0]]
        if any([len(step) for step in own] != sizes for own in steps):
            raise RuntimeError("Networks whose steps differ in size cannot train as one stack.")
        order = np.stack([np.concatenate(own) for own in steps]) + self._offset
        signal = None
        if self._signal is not None:
            signal = self._on_device(self._signal.of_pass(order).astype(self._spec.dtype))
        order = self._on_device(order)
        bounds = [0, *np.cumsum(sizes).tolist()]
        first = 0
        while first < len(sizes):
            # Several steps at once, as long as they stay in the cache.
            last = first + 1
            while last < len(sizes) and bounds[last + 1] - bounds[first] <= self._gathered:
                last += 1
            shown = slice(bounds[first], bounds[last])
            block = self._pool.pick(order[:, shown])
            if signal is not None:
                block = block.with_signal(self._spec.network, signal[:, shown], self._share)
            for k in range(first, last):
                yield block.part(bounds[k] - bounds[first], bounds[k + 1] - bounds[first])
            first = last

    def block(self, trials: slice) -> Batch:
        """Some of all networks' trials, in their given order."""
        return self.pick(np.arange(self._n_trials)[None, trials])

    def pick(self, trials: np.ndarray) -> Batch:
        """Pick each network's own trials by number, (n_networks, n_picked)."""
        return self._pool.pick(self._on_device(trials + self._offset))

    def signals(self, n_passes: list[int]) -> list[np.ndarray] | list[None]:
        """Sluggish task signal of each network after so many passes, if it has one."""
        if self._signal is None:
            return [None] * len(n_passes)
        return self._signal.after(n_passes)

    def _on_device(self, array):
        return torch.as_tensor(array, device=self._device)

    def close(self) -> None:
        """Ask for a pass too many: `check_passes` raises if a curriculum has one."""
        for passes in self._passes:
            next(passes, None)


def _passes(job: Job):
    """Walk through the curriculum of one network, from where earlier training ended.

    The passes made before are drawn again and skipped. A plan that is through begins again,
    with draws of its own.
    """
    spec, rng = job.spec, np.random.default_rng(job.order_seed)
    n_plans = -(-(spec.n_before + spec.n_passes) // spec.max_iter)
    passes = chain.from_iterable(_plan(job, rng) for _ in range(n_plans))
    return islice(passes, spec.n_before, None)


def _plan(job: Job, rng: np.random.Generator):
    spec = job.spec
    passes = spec.curriculum(
        job.trials.codes, batch_size=spec.batch_size, max_iter=spec.max_iter, rng=rng
    )
    if isinstance(spec.curriculum, KNOWN_CURRICULA):
        return passes
    return check_passes(passes, n_trials=spec.n_trials, max_iter=spec.max_iter)
