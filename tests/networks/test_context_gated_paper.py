"""The settings of Flesch, Nagy, Saxe & Summerfield (2023), 20 networks each.

One task after the other, or both interleaved; one trial a step, reward as the loss.
"""

import numpy as np
import pytest

from neuroselect import ContextGatedRegressor, fit_many
from neuroselect.datasets import make_context_blobs

X, REWARD = make_context_blobs(normalize=False)  # the images as they are, of maximum 1
N_NETWORKS = 20
COMMON = {
    "init": "normal", "init_scale": 0.01, "output_init_scale": 0.1, "bias_init": 0.1,
    "loss": "expected_reward", "solver": "sgd", "batch_size": 1,
}  # fmt: skip
CENTRED = {"center_inputs": True, "curriculum": "blocked"}
SETTINGS = {
    "vanilla blocked": {
        "gating": "none", "context_scale": 4, "learning_rate_init": 0.03, "curriculum": "blocked",
    },
    "vanilla interleaved": {"gating": "none", "context_scale": 5, "learning_rate_init": 0.2},
    "sluggish interleaved": {
        "gating": "none", "context_scale": 5, "learning_rate_init": 0.2, "sluggishness": 0.02,
    },
    "oja blocked": {
        "gating": "oja", "context_scale": 1, "learning_rate_init": 0.03, "hebbian_rate": 0.05,
        **CENTRED,
    },
    "manual blocked": {
        "gating": "manual", "context_scale": 1, "learning_rate_init": 0.01, **CENTRED,
    },
}  # fmt: skip


class Outcome:
    """What the networks of one setting do after so many passes over each task."""

    def __init__(self, name, n_passes, seed):
        settings = SETTINGS[name]
        max_iter = n_passes * (2 if settings.get("curriculum") == "blocked" else 1)
        nets = fit_many(
            [
                ContextGatedRegressor(
                    max_iter=max_iter, record="task_scores",
                    record_every=[max_iter // 2, max_iter], random_state=seed + k,
                    **COMMON, **settings,
                )
                for k in range(N_NETWORKS)
            ],
            X, REWARD,
        )  # fmt: skip
        scores = np.array([net.history_.task_scores for net in nets])
        self.after_first, self.at_end = scores.mean(0)
        p = np.array([net.choice_probability(X) for net in nets])
        self.choices = p.reshape(N_NETWORKS, 2, 25)
        active = np.array([net.activations(X) for net in nets]).reshape(N_NETWORKS, 2, 25, -1) > 0
        active = active.any(2)
        self.n_specific = (active[:, 0] ^ active[:, 1]).sum(1).mean()


def accuracy_of(policy, task):
    """Accuracy in a task of choices by the sign of ``policy``; a tie is right half the time."""
    rows = (X[:, -1] == task) & (REWARD != 0)
    return np.mean(0.5 + 0.5 * np.sign(policy[rows]) * np.sign(REWARD[rows]))


@pytest.fixture(scope="module")
def long_training():
    return {name: Outcome(name, 200, seed=0) for name in SETTINGS}


@pytest.mark.slow
def test_without_gating_the_first_task_is_forgotten(long_training):
    outcome = long_training["vanilla blocked"]
    assert outcome.after_first[0] > 0.95
    assert outcome.at_end[1] > 0.95
    other = np.tile(REWARD[25:], 2)  # what the second task pays, in both
    assert abs(outcome.at_end[0] - accuracy_of(other, 0)) < 0.15
    assert outcome.n_specific < 10


@pytest.mark.slow
@pytest.mark.parametrize("name", ["oja blocked", "manual blocked"])
def test_gating_keeps_the_first_task(long_training, name):
    outcome = long_training[name]
    assert outcome.after_first[0] > 0.95
    assert outcome.at_end.min() > 0.98
    assert outcome.n_specific > 50


@pytest.mark.slow
def test_a_sluggish_task_signal_ends_in_one_diagonal_boundary(long_training):
    both = REWARD.reshape(2, 25).sum(0)
    diagonal = np.tile(both, 2)
    sluggish, switching = (long_training[f"{k} interleaved"] for k in ("sluggish", "vanilla"))
    for task in (0, 1):
        assert switching.at_end[task] > 0.98
        assert abs(sluggish.at_end[task] - accuracy_of(diagonal, task)) < 0.05
    # The same choices in both tasks, on the side that both rewards together ask for.
    change = [abs(o.choices[:, 0] - o.choices[:, 1]).mean() for o in (sluggish, switching)]
    assert change[0] < 0.1
    assert change[1] > 0.4
    chosen = np.sign(sluggish.choices - 0.5)[..., both != 0]
    assert (chosen == np.sign(both[both != 0])).mean() > 0.95


def test_eight_passes_are_enough_for_the_hebbian_rule(seed):
    vanilla, oja = (Outcome(f"{name} blocked", 8, seed=100 * seed) for name in ("vanilla", "oja"))
    assert min(vanilla.after_first[0], oja.after_first[0]) > 0.95
    assert vanilla.at_end[0] < 0.8
    assert oja.at_end.min() > 0.93
    assert vanilla.n_specific < 10 < 80 < oja.n_specific
