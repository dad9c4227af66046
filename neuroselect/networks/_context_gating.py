"""What networks have in common whose units the context gates."""

from __future__ import annotations

from numbers import Real

import numpy as np
from scipy.special import expit

from neuroselect._engine._spec import Job, NetworkSpec, Result, Trials, Weights
from neuroselect.utils._sklearn import Interval, StrOptions

GATES = ("learned", "random")
HEBBIAN = ("oja", "oja_all")
GATINGS = {"none", "manual", *GATES, *HEBBIAN}


def manual_context(n_tasks: int, n_units: int, scale: float = 1.0) -> np.ndarray:
    """Context weights (n_tasks, n_units): unit j is excited by task j mod n_tasks, others inhibit.

    With two tasks they alternate over units and are opposite for the two.
    """
    own = np.arange(n_units) % n_tasks == np.arange(n_tasks)[:, None]
    return np.where(own, scale, -scale)


def random_gates(n_tasks: int, n_units: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Zeros and ones (n_tasks, n_units): for each task a share of units, drawn at random, is on."""
    gates = np.zeros((n_tasks, n_units))
    n_on = max(1, round(share * n_units))
    for of_task in gates:
        of_task[rng.choice(n_units, n_on, replace=False)] = 1
    return gates


class ContextGating:
    """Gates, Hebbian rule, sluggish task signal and centred inputs of a network.

    To stand before a `BaseMultiTaskMLP` among the bases of a class.
    """

    _gating_constraints: dict = {
        "gating": [StrOptions(GATINGS)],
        "gate_share": [Interval(Real, 0, 1, closed="right")],
        "hebbian_rate": [Interval(Real, 0, None, closed="left")],
        "sluggishness": [Interval(Real, 0, 1, closed="right")],
        "center_inputs": ["boolean"],
    }

    def _reading(self):
        return (*super()._reading(), self.center_inputs)

    def _read_trials(self, X, y, sample_weight=None, *, continued=False, **known) -> Trials:
        if continued and self.center_inputs != hasattr(self, "input_means_"):
            raise ValueError(
                "Training goes on with the inputs that it began with, but center_inputs is"
                f" {self.center_inputs} now. Set it back, or train a new network: clone it, or fit"
                " with warm_start=False."
            )
        trials = super()._read_trials(X, y, sample_weight, continued=continued, **known)
        if not self.center_inputs:
            return trials
        if not continued:
            self._learn_means(trials)
        share = self._cue_share.astype(trials.stimuli.dtype)
        return trials._replace(stimuli=self._centered(trials.stimuli), cue_share=share)

    def _learn_means(self, trials: Trials) -> None:
        """Means over the trials of what the network sees of them."""
        weight = np.ones(len(trials.task)) if trials.weight is None else trials.weight
        stimuli = np.ascontiguousarray(trials.stimuli)  # sums round alike, whatever X was
        self._stimulus_means = np.average(stimuli, axis=0, weights=weight.astype(float))
        counts = np.bincount(trials.task, weights=weight, minlength=len(self.tasks_))
        self._cue_share = counts / weight.sum()

    def _centered(self, stimuli):
        return stimuli - self._stimulus_means.astype(stimuli.dtype)

    def _make_job(self, trials: Trials, **how) -> Job:
        job = super()._make_job(trials, **how)
        cued = job.spec.network.n_tasks > 0
        spec = job.spec._replace(
            hebbian=self.gating if cued and self.gating in HEBBIAN else None,
            sluggish=cued and self.sluggishness < 1,
        )
        rates = {"hebbian_rate": float(self.hebbian_rate), "sluggishness": float(self.sluggishness)}
        return job._replace(spec=spec, **rates)

    def _draw_weights(self, network: NetworkSpec, rng) -> Weights:
        weights = super()._draw_weights(network, rng)
        shape = weights.context.shape
        if self.gating == "manual" and network.n_tasks and self.context_coefs_init is None:
            scale = 1.0 if self.context_init_scale is None else float(self.context_init_scale)
            return weights._replace(context=manual_context(*shape, scale))
        if network.gates == "learned":
            return weights._replace(gates=(np.zeros(shape),))
        if network.gates == "random":
            return weights._replace(gates=(random_gates(*shape, self.gate_share, rng),))
        return weights

    def _learn(self, job: Job, result: Result):
        super()._learn(job, result)
        for name in ("gates_", "gate_coefs_", "initial_gate_coefs_", "input_means_"):
            vars(self).pop(name, None)
        if self.center_inputs:
            cue = self._cue_share * job.spec.network.context_scale
            self.input_means_ = np.concatenate(
                [self._stimulus_means, cue[: job.spec.network.n_tasks]]
            )
        for gates in result.weights.gates:
            self.gates_ = gates
            if job.spec.network.gates == "learned":
                self.gate_coefs_, self.gates_ = gates, expit(gates)
                self.initial_gate_coefs_ = job.initial.gates[0].astype(gates.dtype)
        return self

    def _other_cures(self) -> str:
        rate = f", lower hebbian_rate={self.hebbian_rate}" if self.gating in HEBBIAN else ""
        return rate + super()._other_cures()

    def _encode(self, X):
        stimuli, task = super()._encode(X)
        return self._centered(stimuli) if hasattr(self, "input_means_") else stimuli, task

    def _network_spec(self, n_stimuli, n_tasks, n_outputs):
        network = super()._network_spec(n_stimuli, n_tasks, n_outputs)
        return network._replace(gates=self.gating if n_tasks and self.gating in GATES else None)

    def _network(self):
        network = super()._network()
        if network.n_tasks and hasattr(self, "input_means_"):
            return network._replace(cue_share=tuple(self._cue_share.tolist()))
        return network

    def _weights(self, which=""):
        weights = super()._weights(which)
        if hasattr(self, "gate_coefs_"):
            return weights._replace(gates=(getattr(self, f"{which}gate_coefs_"),))
        return weights._replace(gates=(self.gates_,)) if hasattr(self, "gates_") else weights
