"""Two rules for the same stimuli, blocked or interleaved, with and without gating (Flesch 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import Bunch, check_random_state

from neuroselect.datasets import make_context_blobs
from neuroselect.studies._continual_measures import measure_continual
from neuroselect.studies._study import Study

if TYPE_CHECKING:
    import pandas as pd

N_RECORDS = 40
SLUGGISHNESS = 0.02
CURRICULA = ("blocked", "interleaved")
OJA = {
    "gating": "oja", "context_scale": 1, "learning_rate_init": 0.03, "hebbian_rate": 0.05,
    "center_inputs": True,
}  # fmt: skip
# Settings of the paper, by kind of network; vanilla networks have others when interleaved.
KINDS: dict[str, dict[str, Any]] = {
    "vanilla": {"gating": "none"},
    "manual gate": {
        "gating": "manual", "context_scale": 1, "learning_rate_init": 0.01, "center_inputs": True,
    },
    "Oja": OJA,
    "sluggish": {"gating": "none", "sluggishness": SLUGGISHNESS},
    "sluggish Oja": OJA | {"sluggishness": SLUGGISHNESS},
}  # fmt: skip
BY_CURRICULUM = {
    "blocked": {"context_scale": 4, "learning_rate_init": 0.03},
    "interleaved": {"context_scale": 5, "learning_rate_init": 0.2},
}
COMMON = {
    "init": "normal", "init_scale": 0.01, "output_init_scale": 0.1, "bias_init": 0.1,
    "loss": "expected_reward", "solver": "sgd", "batch_size": 1, "record": "task_scores",
}  # fmt: skip


def rewarded_blobs() -> Bunch:
    """Return the blobs with their rewards; the images are not normalised."""
    return make_context_blobs(return_X_y=False, normalize=False)


def networks(n_networks: int, max_iter: int, seed: int, device: str) -> tuple[list, pd.DataFrame]:
    """Return the unfitted networks, and the grid that describes them.

    Network k has the same seed in all conditions, and is drawn before network k + 1.

    Parameters
    ----------
    n_networks : int
        Networks in each condition.
    max_iter : int
        Passes over the 25 trials of each task.
    seed : int
        From it the networks' seeds are drawn.
    device : str
        Where to train.

    Returns
    -------
    networks : list of ContextGatedRegressor
    grid : DataFrame, one row per network
        `condition`, `kind`, `curriculum`, `network`, `passes` and `random_state`.
    """
    import pandas as pd

    from neuroselect.networks import ContextGatedRegressor

    seeds = check_random_state(seed).randint(np.iinfo(np.int32).max, size=n_networks)
    rows, estimators = [], []
    for curriculum in CURRICULA:
        # A pass of blocked training has the trials of one task.
        passes = 2 * max_iter if curriculum == "blocked" else max_iter
        for kind, settings in KINDS.items():
            options = BY_CURRICULUM[curriculum] | settings
            for network, random_state in enumerate(seeds.tolist()):
                rows.append(
                    (f"{kind}, {curriculum}", kind, curriculum, network, passes, random_state)
                )
                estimators.append(
                    ContextGatedRegressor(
                        max_iter=passes,
                        curriculum=curriculum,
                        record_every=recorded_passes(passes),
                        random_state=random_state,
                        device=device,
                        **COMMON,
                        **options,
                    )
                )
    columns = ["condition", "kind", "curriculum", "network", "passes", "random_state"]
    return estimators, pd.DataFrame(rows, columns=columns)


def recorded_passes(passes: int) -> list[int]:
    """Passes after which scores are recorded: evenly, and at the middle and the end."""
    chosen = np.linspace(0, passes, N_RECORDS + 1).round().astype(int).tolist()
    return sorted({*chosen, passes // 2, passes})


CONTINUAL = Study(
    name="continual",
    title="Two rules for the same stimuli, one after the other or interleaved",
    question=(
        "A network learns two rules for the same stimuli: in one context one feature decides on"
        " the reward, in the other context another one. If it learns one rule after the other, does"
        " it forget the first? Does gating of its units by the context prevent that? Does a task"
        " signal that lags behind hurt where the rules alternate? And which of these networks"
        " choose as people do, who learn better in blocks than interleaved?"
    ),
    design=(
        "Stimuli are 25 images of a blob that differ in two features; accepting one is rewarded"
        " with −2 to 2, by one feature in the first context and by the other in the second. The"
        " networks have one layer of 100 rectified linear units and one output; a stimulus is"
        " accepted with probability sigmoid(output), and training descends minus the expected"
        " reward, one trial a step. Blocked: all passes over the first rule, then as many over the"
        " second. Interleaved: passes over both, in random order. Vanilla networks have nothing"
        " but the cue. With a manual gate, each context excites one half of the units and inhibits"
        " the other half from the start. With Oja, a Hebbian rule on the context weights follows"
        f" every step. Sluggish networks get a task signal that moves only {SLUGGISHNESS:.0%} of"
        " the way to the present task with every trial, in training. Step sizes and strengths of"
        " the cue are those published for vanilla, manual gate and Oja; sluggish networks have"
        " those of vanilla, or of Oja. Networks of the same number have the same seed in all"
        " conditions. The humans are two groups who learned such rules for pictures of trees, in"
        " blocks or interleaved, and were then tested on both."
    ),
    source="Flesch, Nagy, Saxe & Summerfield (2023), PLOS Computational Biology 19, e1010808",
    doi="10.1371/journal.pcbi.1010808",
    tasks=rewarded_blobs,
    estimators=networks,
    measure=measure_continual,
    n_networks=20,
    max_iter=200,
    quick={"n_networks": 4, "max_iter": 20},
    recording=None,
)
