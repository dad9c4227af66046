"""Two arithmetic tasks in six experiments (George 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch, check_random_state

from neuroselect.curricula import Replay, Resampled
from neuroselect.datasets import make_arithmetic_tasks
from neuroselect.studies._arithmetic_measures import measure_arithmetic
from neuroselect.studies._study import Study

if TYPE_CHECKING:
    import pandas as pd

N_HIDDEN, N_TRAIN, N_TEST, BATCH = 4, 1000, 100, 10


@dataclass(frozen=True)
class Experiment:
    """What an experiment changes; the defaults are those of experiment 2.1."""

    operations: tuple[str, str] = ("add", "multiply")
    fraction: float = 0.5  # of the training trials, in the first task
    width: int = 100
    context_layer: int = 0
    replay: bool = False


SIMILAR = ("add", "add1.5")
EXPERIMENTS = {
    "2.1 dissimilar": Experiment(),
    "2.2 similar": Experiment(SIMILAR),
    "2.3 constrained": Experiment(width=5),
    "2.4 late context": Experiment(context_layer=N_HIDDEN - 1),
    "2.5 replay": Experiment(replay=True),
    "2.5 replay, similar": Experiment(SIMILAR, replay=True),
    "2.6 biased, 0.2": Experiment(SIMILAR, fraction=0.2),
    "2.6 biased, 0.5": Experiment(SIMILAR, fraction=0.5),
    "2.6 biased, 0.8": Experiment(SIMILAR, fraction=0.8),
}


def networks(n_networks: int, max_iter: int, seed: int, device: str) -> tuple[list, pd.DataFrame]:
    """Return the unfitted networks of all experiments, and the grid that describes them.

    Every network has a seed of its own, and another one for its data. They are drawn network by
    network, so that the first networks of a longer study are those of a shorter one.

    Parameters
    ----------
    n_networks : int
        Networks in each experiment.
    max_iter : int
        Epochs: passes over all training trials; with replay, over those of each task.
    seed : int
        From it the seeds are drawn.
    device : str
        Where to train.

    Returns
    -------
    networks : list of MultiTaskMLP
    grid : DataFrame, one row per network
        `condition` (the experiment), `network`, `first_task`, `second_task`, `fraction`,
        `width`, `cue_layer` (counted from 1), `curriculum`, `passes`, `random_state` and
        `data_state`.
    """
    import pandas as pd

    shape = (n_networks, len(EXPERIMENTS), 2)
    seeds = check_random_state(seed).randint(np.iinfo(np.int32).max, size=shape)
    estimators, rows = [], []
    for k, (name, experiment) in enumerate(EXPERIMENTS.items()):
        for network in range(n_networks):
            random_state, data_state = seeds[network, k].tolist()
            made = _network(experiment, max_iter, random_state, device)
            estimators.append(made)
            rows.append(
                {
                    "condition": name,
                    "network": network,
                    "first_task": experiment.operations[0],
                    "second_task": experiment.operations[1],
                    "fraction": experiment.fraction,
                    "width": experiment.width,
                    "cue_layer": experiment.context_layer + 1,
                    "curriculum": str(made.curriculum),
                    "passes": made.max_iter,
                    "random_state": random_state,
                    "data_state": data_state,
                }
            )
    return estimators, pd.DataFrame(rows)


def _network(experiment, max_iter, random_state, device):
    from neuroselect.networks import MultiTaskMLP

    return MultiTaskMLP(
        (experiment.width,) * N_HIDDEN,
        context_layer=experiment.context_layer,
        output_activation="relu",
        init="torch",
        learning_rate_init=1e-3,
        batch_size=BATCH,
        max_iter=2 * max_iter if experiment.replay else max_iter,
        curriculum=Replay(every=10, resampled=True) if experiment.replay else Resampled(),
        random_state=random_state,
        device=device,
    )


def arithmetic_trials(grid: pd.DataFrame) -> Bunch:
    """Draw the trials of every network.

    Parameters
    ----------
    grid : DataFrame, one row per network
        With `first_task`, `second_task`, `fraction` and `data_state`.

    Returns
    -------
    trials : Bunch
        `data` (n_networks * 1,200, 3), float32, and `target`; `train` (n_networks, 1,000) and
        `test` (n_networks, 200), the rows of each network. The test has 100 trials of each
        task, whatever the fraction in training.
    """
    X, y = [], []
    for row in grid.itertuples():
        random_state = check_random_state(row.data_state)
        operations = (row.first_task, row.second_task)
        for n_trials, fraction in ((N_TRAIN, row.fraction), (2 * N_TEST, None)):
            drawn = make_arithmetic_tasks(
                n_trials, operations=operations, fraction=fraction, random_state=random_state
            )
            X.append(drawn[0])
            y.append(drawn[1])
    own = np.arange(N_TRAIN + 2 * N_TEST)
    rows = own + len(own) * np.arange(len(grid))[:, None]
    return Bunch(
        data=np.concatenate(X).astype(np.float32),
        target=np.concatenate(y).astype(np.float32),
        train=rows[:, :N_TRAIN],
        test=rows[:, N_TRAIN:],
    )


ARITHMETIC = Study(
    name="arithmetic",
    title="Two arithmetic tasks: which units serve one, which both",
    question=(
        "One network learns to do two things with two numbers. When do its hidden units serve one"
        " task each, and when both? Do similar tasks share units, does a narrow network, one that"
        " hears late which task is on, one that learns the tasks one after the other, or one that"
        " sees more of one task? And would the answers be the same if the importance of a unit"
        " had been measured in another way?"
    ),
    design=(
        "Two numbers are drawn from [0, 1]; a cue says whether to add them (task add), or to"
        " multiply them (multiply, a dissimilar task) or to add one and a half times the second"
        " (add1.5, a similar one). The networks have four hidden layers of 100 rectified linear"
        " units (5 in the constrained experiment) and a rectified output; weights have PyTorch's"
        " usual distribution, biases are zero. Each network has 1,000 training trials and 100"
        " test trials of each task of its own, and is trained by Adam, step size 0.001, for ten"
        " epochs of 100 steps, each on 10 trials drawn afresh. With replay, 10 epochs of 50"
        " steps on the first task are followed by as many on the second, where every tenth step"
        " is on the first. The loss is half the squared error: Adam hardly minds the factor, and"
        " relative importance does not. All errors and importances are of the test"
        " trials, and only of networks that learned, with a mean absolute error below 0.05 in"
        " both tasks; the others are counted."
    ),
    source="T. George (2020), What makes neurons picky?, experiments 2.1 to 2.6",
    url="https://github.com/TomGeorge1234/WhatMakesNeuronsPicky",
    tasks=arithmetic_trials,
    estimators=networks,
    measure=measure_arithmetic,
    n_networks=30,
    max_iter=10,
    quick={"n_networks": 4},
    recording=None,
    own_trials=True,
)
