"""Four digit tasks, trained interleaved or one after the other (George 2020)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch, check_random_state

from neuroselect.consolidation import EWC
from neuroselect.curricula import Blocked
from neuroselect.datasets import make_digit_tasks
from neuroselect.studies._digit_measures import measure_digits
from neuroselect.studies._study import Study

if TYPE_CHECKING:
    import pandas as pd

N_TASKS = 4
TEST_SHARE = 0.2
SPLIT_SEED = 0
# On images held out from training, the strengths 100 to 10,000 end with about the same accuracy:
# weaker ones forget more, stronger ones learn less. From 1,000 on, the first task is kept.
STRENGTH = 1000.0

# condition: (one task after the other, consolidation)
CONDITIONS = {
    "interleaved": (False, None),
    "sequential": (True, None),
    "EWC": (True, EWC(STRENGTH)),
    "EWC as published": (True, EWC.published()),
}


def digit_trials(images="mnist") -> Bunch:
    """Return the trials of the four tasks, those for training and those for the test marked.

    Parameters
    ----------
    images : {"mnist", "digits"}, tuple or Bunch, default="mnist"
        See :func:`~neuroselect.datasets.make_digit_tasks`.

    Returns
    -------
    trials : Bunch
        With `train` and `test`, booleans of shape (n_trials,): a fifth of the images, always
        the same, is for the test, in all tasks. `data` is float32.
    """
    trials = make_digit_tasks(images=images, random_state=SPLIT_SEED, return_X_y=False)
    shown = np.unique(trials.conditions["image"])
    n_test = round(TEST_SHARE * len(shown))
    held_out = check_random_state(SPLIT_SEED).permutation(shown)[:n_test]
    trials.test = np.isin(trials.conditions["image"], held_out)
    trials.train = ~trials.test
    trials.data = trials.data.astype(np.float32)
    return trials


def networks(n_networks: int, max_iter: int, seed: int, device: str) -> tuple[list, pd.DataFrame]:
    """Return the unfitted networks, and the grid that describes them.

    What a network can do after each phase of its training is measured on networks that end
    there: from the same seed, training is the same up to that pass. (In the first phase there is
    nothing yet to consolidate.) Network k has the same seed in all conditions, and is drawn
    before network k + 1.

    Parameters
    ----------
    n_networks : int
        Networks in each condition.
    max_iter : int
        Passes over the trials of each task.
    seed : int
        From it the networks' seeds are drawn.
    device : str
        Where to train.

    Returns
    -------
    networks : list of MultiTaskCNNClassifier
    grid : DataFrame, one row per network
        `condition`, `network`, `phase` (1 to 4: the tasks learned one after the other, or
        quarters of interleaved training, rounded up to whole passes), `passes` and
        `random_state`.
    """
    import pandas as pd

    from neuroselect.networks import MultiTaskCNNClassifier

    seeds = check_random_state(seed).randint(np.iinfo(np.int32).max, size=n_networks)
    rows, estimators = [], []
    for condition, (sequential, consolidation) in CONDITIONS.items():
        for network, random_state in enumerate(seeds.tolist()):
            for phase in range(1, N_TASKS + 1):
                passes = phase * max_iter if sequential else -(-phase * max_iter // N_TASKS)
                rows.append((condition, network, phase, passes, random_state))
                estimators.append(
                    MultiTaskCNNClassifier(
                        max_iter=passes,
                        curriculum=Blocked(range(phase), max_iter) if sequential else "interleaved",
                        consolidation=None if phase == 1 else consolidation,
                        random_state=random_state,
                        device=device,
                    )
                )
    columns = ["condition", "network", "phase", "passes", "random_state"]
    return estimators, pd.DataFrame(rows, columns=columns)


DIGITS = Study(
    name="digits",
    title="Four digit tasks, interleaved or one after the other",
    question=(
        "One network learns to tell four things about images of handwritten digits. If it learns"
        " them one after the other, does it forget the first ones? Does it keep them if the"
        " weights that they need are held back? And do its hidden units serve one task each, or"
        " several?"
    ),
    design=(
        "Every trial shows a digit, and a cue says what to tell about it: whether it is even or"
        " odd (task parity), below five or not (magnitude), a prime or not (prime), and again"
        " whether it is even or odd, for the digits 0, 4, 8 against 1, 3, 9 only (parity_subset)."
        " All tasks answer with the same two outputs. The networks have two convolutional layers"
        " (4 and 12 channels, each followed by pooling), 16 rectified linear units, which also"
        " get the cue, and two outputs. They are trained by Adam on the cross entropy, in batches"
        " of 64, with equally many passes over the trials of each task: all tasks mixed"
        " (interleaved); one task after the other (sequential); or one after the other with"
        " elastic weight consolidation, which holds back the weights that earlier tasks need, once"
        " with one anchor for each earlier task (EWC) and once in the variant published with these"
        " tasks. Networks of the same number have the same initial weights in all"
        " conditions. A fifth of the images is kept for the test, in all tasks: every accuracy"
        " and every importance below is of images that no network was trained on."
    ),
    source=(
        "T. George (2020), What makes neurons picky?, experiments 3.1 and 3.2; elastic weight"
        " consolidation after Kirkpatrick et al. (2017), PNAS 114, 3521–3526"
    ),
    url="https://github.com/TomGeorge1234/WhatMakesNeuronsPicky",
    tasks=digit_trials,
    estimators=networks,
    measure=measure_digits,
    n_networks=5,
    max_iter=8,
    quick={"n_networks": 3, "max_iter": 8, "images": "digits"},
    recording=None,
    images="mnist",
)
