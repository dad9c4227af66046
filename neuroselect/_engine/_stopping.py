"""Stop each network of a stack when its loss no longer falls."""

from __future__ import annotations

import numpy as np
import torch

from neuroselect._engine._spec import Job
from neuroselect._engine._stack import Stack
from neuroselect._engine._state import network_of_each


def make_stopping(stack: Stack, step, jobs: list[Job], n_networks: int) -> Stopping | None:
    """Return what stops the networks of the stack, or None."""
    return None if jobs[0].spec.tol is None else Stopping(stack, step, jobs, n_networks)


class Stopping:
    """Count passes without improvement; keep each network as it is when it stops.

    Stopped networks train on with the others, and are put back to where they stopped.

    Parameters
    ----------
    stack : Stack
    step : object
        What trains the stack, with ``settle()`` and buffers ``state``.
    jobs : list of Job
        One per network of the stack.
    n_networks : int
        How many of them matter; the rest are idle.
    """

    def __init__(self, stack: Stack, step, jobs: list[Job], n_networks: int):
        self.step, self.spec = step, jobs[0].spec
        self.best = np.full(n_networks, np.inf)
        self.n_worse = np.zeros(n_networks, dtype=int)
        self.n_passes = np.full(n_networks, self.spec.n_passes)
        self.n_updates = np.zeros(n_networks, dtype=int)
        self.running = np.ones(n_networks, dtype=bool)
        self.owner = network_of_each(stack, jobs)
        self.buffers = [stack.theta, *step.state.values()]
        self.kept = [buffer.clone() for buffer in self.buffers]

    def after(self, n_passes: int, n_updates: int, losses: torch.Tensor) -> list[int]:
        """Take in the losses of a pass; return the networks that stop now."""
        loss = losses[: len(self.best)].double().cpu().numpy()
        improved = loss <= self.best - self.spec.tol  # never where the loss is NaN
        self.n_worse = np.where(improved, 0, self.n_worse + 1)
        self.best = np.fmin(self.best, loss)
        self.n_updates[self.running] = n_updates  # of those that stopped, as they were
        stops = self.running & (self.n_worse > self.spec.n_iter_no_change)
        if stops.any():
            self.n_passes[stops] = n_passes
            self.step.settle()
            self._keep(stops)
            self.running &= ~stops
        return np.flatnonzero(stops).tolist()

    def restore(self) -> list[tuple[int, int]]:
        """Put the networks that stopped back to where they did; passes and updates of each."""
        self._keep(self.running)
        for buffer, kept in zip(self.buffers, self.kept, strict=True):
            buffer.copy_(kept)
        return list(zip(self.n_passes.tolist(), self.n_updates.tolist(), strict=True))

    def _keep(self, networks: np.ndarray) -> None:
        chosen = torch.zeros(self.owner.max() + 1, dtype=torch.bool, device=self.owner.device)
        chosen[: len(networks)] = torch.as_tensor(networks, device=self.owner.device)
        mask = chosen[self.owner]
        for buffer, kept in zip(self.buffers, self.kept, strict=True):
            kept.copy_(torch.where(mask, buffer, kept))
