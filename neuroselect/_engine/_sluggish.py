"""A task signal that lags behind: an exponential average over the trials shown so far."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from neuroselect._engine._spec import Job, Trials


def make_signal(jobs: list[Job], trials: list[Trials]) -> SluggishSignal | None:
    """Return the task signals of a stack whose networks have one that lags behind, or None."""
    return SluggishSignal(jobs, trials) if jobs[0].spec.sluggish else None


class SluggishSignal:
    """Task signals of a stack, s_t = a c_t + (1 - a) s_(t-1) with each network's own a.

    c_t is 1 for the task of trial t, 0 for the others. The first trial's signal is c_1; training
    that goes on starts from where the signal was.

    Parameters
    ----------
    jobs : list of Job
    trials : list of Trials
        Distinct ones; their tasks, joined, are what ``order`` counts through.
    """

    def __init__(self, jobs: list[Job], trials: list[Trials]):
        self._cues = np.eye(jobs[0].spec.network.n_tasks)
        self._task = np.concatenate([t.task for t in trials])
        self._rates = [job.sluggishness for job in jobs]
        states = [job.state for job in jobs]
        self._last = [None if state is None else state.signal for state in states]
        self._ends: list[np.ndarray] = []

    def of_pass(self, order: np.ndarray) -> np.ndarray:
        """Signals at the trials of a pass, (n_networks, n_shown) -> (n_networks, n_shown, n_tasks).

        The next pass goes on from there.
        """
        signal = np.empty((*order.shape, len(self._cues)))
        for k, (own, rate) in enumerate(zip(order, self._rates, strict=True)):
            cues = self._cues[self._task[own]]
            before = cues[0] if self._last[k] is None else self._last[k]
            start = (1 - rate) * before[None]
            signal[k], _ = lfilter([rate], [1, rate - 1], cues, axis=0, zi=start)
        self._last = list(signal[:, -1])
        self._ends.append(signal[:, -1])
        return signal

    def after(self, n_passes: list[int]) -> list[np.ndarray]:
        """Signal of each network's last trial, (n_tasks,), after so many passes."""
        return [self._ends[n - 1][k].copy() for k, n in enumerate(n_passes)]
