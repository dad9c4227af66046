"""Is a model's similarity more than that of a model of other conditions?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroselect.rsa._similarities import (
    BLOCK_BYTES,
    WEIGHTED,
    ResampledSimilarities,
    pair_positions,
)


def permuted_estimates(
    models: NDArray,
    rdms: NDArray,
    share: NDArray,
    comparison: str,
    *,
    n_permutations: int,
    random_state: np.random.RandomState,
    sigma_k: NDArray | None,
) -> NDArray[np.float64]:
    """Mean similarities (n_permutations, n_models) of models with exchanged conditions.

    ``share`` (n_rdms,) is the weight of each RDM in the mean. All models and networks are
    permuted alike, and against all RDMs at once: what is exchangeable are conditions.
    """
    n_conditions = round((1 + np.sqrt(1 + 8 * rdms.shape[1])) / 2)
    if comparison in WEIGHTED:
        # Linear in either normalised RDM: the mean over networks and subjects comes first.
        models, rdms = (_normalised(x, comparison) for x in (models, rdms))
        models, target = models.mean(axis=1), share @ rdms

        def estimate(permuted):
            return permuted @ target
    else:
        similarities = ResampledSimilarities(models, rdms, comparison, sigma_k)

        def estimate(permuted):
            table = (
                similarities.compare(permuted.reshape(-1, permuted.shape[-1]), rdms, None) @ share
            )
            return table.reshape(permuted.shape[:-1]).mean(axis=-1)

    order = random_state.uniform(size=(n_permutations, n_conditions)).argsort(axis=1)
    return _in_blocks(estimate, models, order)


def _in_blocks(estimate, models, order):
    n_pairs = models.shape[-1]
    position = pair_positions(order.shape[1])
    first, second = np.triu_indices(order.shape[1], k=1)
    null = np.empty((len(order), len(models)))
    width = max(1, BLOCK_BYTES // (8 * n_pairs * max(1, models[0].size // n_pairs)))
    for start in range(0, len(order), width):
        moved = order[start : start + width]
        pairs = position[moved[:, first], moved[:, second]]
        for k, model in enumerate(models):
            null[start : start + width, k] = estimate(np.moveaxis(model[..., pairs], -2, 0))
    return null


def _normalised(rdms, comparison):
    if comparison == "corr":
        rdms = rdms - rdms.mean(axis=-1, keepdims=True)
    norms = np.linalg.norm(rdms, axis=-1, keepdims=True)
    return np.divide(rdms, norms, out=np.zeros_like(rdms), where=norms > 0)
