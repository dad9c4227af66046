"""Rich and lazy learning of two tasks (Flesch et al. 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import check_random_state

from neuroselect.datasets import make_context_blobs
from neuroselect.studies._study import Study

if TYPE_CHECKING:
    import pandas as pd

INIT_SCALES = (0.01, 0.1, 0.2, 0.3, 0.4, 1.0, 2.0, 3.0)
CONTEXT_INIT_SCALES = (0.5, 0.5, 0.5, 0.5, 0.5, 0.8, 1.35, 1.5)


def blobs():
    """Return the 50 conditions of the blobs task, one trial each."""
    return make_context_blobs(return_X_y=False)


def networks(n_networks: int, max_iter: int, seed: int, device: str) -> tuple[list, pd.DataFrame]:
    """Return the unfitted networks of the sweep, and the grid that describes them.

    Every network has a seed of its own. They are drawn network by network, so that the
    first networks of a longer sweep are those of a shorter one.
    """
    import pandas as pd

    from neuroselect.networks import MultiTaskMLP

    shape = (n_networks, len(INIT_SCALES))
    seeds = check_random_state(seed).randint(np.iinfo(np.int32).max, size=shape)
    grid = pd.DataFrame(
        [
            (init_scale, context_init_scale, network, int(seeds[network, k]))
            for k, (init_scale, context_init_scale) in enumerate(
                zip(INIT_SCALES, CONTEXT_INIT_SCALES, strict=True)
            )
            for network in range(n_networks)
        ],
        columns=["init_scale", "context_init_scale", "network", "random_state"],
    )
    estimators = [
        MultiTaskMLP(
            (100,),
            context_scale=1 / np.sqrt(50),
            init="normal",
            init_scale=row.init_scale,
            context_init_scale=row.context_init_scale,
            output_init_scale=0.01,
            bias_init=0.1,
            reduction="sum",
            solver="sgd",
            learning_rate_init=0.005,
            batch_size=None,
            max_iter=max_iter,
            random_state=int(row.random_state),
            device=device,
        )
        for row in grid.itertuples()
    ]
    return estimators, grid


RICH_LAZY = Study(
    name="rich-lazy",
    title="Rich and lazy learning of two tasks",
    question=(
        "One network learns two tasks about the same images. Do its hidden units specialise for"
        " one task each, or do they serve both? And does the population keep the tasks apart?"
        " The answer depends on how large the weights are before training: from small weights"
        " a network must build its representation for the tasks (the rich regime), from large"
        " ones it can read the tasks out of what it started with (the lazy regime)."
    ),
    design=(
        "Every image shows a blob whose position varies on two features, with five levels each. In"
        " task A the network has to report its vertical position (leafiness), in task B its"
        " horizontal one (branchiness); a cue says which. The 25 images in both tasks are the 50"
        " conditions. The networks have one hidden layer of 100 rectified linear units and are"
        " trained by full-batch gradient descent on the summed squared error. They differ"
        " in the standard deviation of their initial stimulus weights, the scale, and in the seed"
        " they were drawn from; from scale 1 on, the initial weights of the cue grow along."
    ),
    source=(
        "Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), Orthogonal representations for"
        " robust context-dependent task performance in brains and neural networks, Neuron 110,"
        " 1258–1270"
    ),
    doi="10.1016/j.neuron.2022.01.005",
    tasks=blobs,
    features=("leafiness", "branchiness"),
    estimators=networks,
    quick={"n_networks": 3, "max_iter": 2000},
    recording="mante-monkey-a",
)
