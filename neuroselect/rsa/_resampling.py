"""Which systems, subjects and conditions a bootstrap sample holds, and what they say together."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import prod

import numpy as np
from numpy.typing import NDArray

FACTORS = ("networks", "subjects", "conditions")


def fewest_distinct(factor: str, noise_ceiling: bool) -> int:
    """How many distinct members a sample must hold, to say anything.

    Of fewer conditions there is no RDM to compare; of one subject no one to leave out for the
    ceiling.
    """
    return 3 if factor == "conditions" else 1 + (noise_ceiling and factor == "subjects")


def draw_counts(
    n_members: int, n_samples: int, fewest: int, random_state: np.random.RandomState
) -> NDArray[np.int64]:
    """How often each member is in each bootstrap sample, (n_samples, n_members).

    Samples with less than ``fewest`` distinct members are drawn again.
    """
    counts = _counts(n_members, n_samples, random_state)
    while (few := np.count_nonzero(counts, axis=1) < fewest).any():
        counts[few] = _counts(n_members, int(few.sum()), random_state)
    return counts


def _counts(n_members, n_samples, random_state):
    drawn = random_state.randint(n_members, size=(n_samples, n_members))
    drawn += n_members * np.arange(n_samples)[:, None]
    return np.bincount(drawn.ravel(), minlength=n_samples * n_members).reshape(-1, n_members)


def pair_weights(counts: NDArray) -> NDArray[np.float64]:
    """Weight of each pair of conditions in samples of conditions, (n_samples, n_pairs).

    The product of both counts. Pairs of two copies of one condition have no part in it.
    """
    first, second = np.triu_indices(counts.shape[1], k=1)
    return (counts[:, first] * counts[:, second]).astype(np.float64)


def subsets(factors: tuple[str, ...]) -> list[tuple[str, ...]]:
    """All sets of factors but the empty one, in their order."""
    sizes = range(1, len(factors) + 1)
    return [subset for size in sizes for subset in combinations(factors, size)]


def generalized_variance(
    variances: Mapping[tuple[str, ...], NDArray], sizes: Mapping[str, int]
) -> NDArray[np.float64]:
    r"""Variance of a mean over crossed random factors, from bootstraps of all their subsets.

    Resampling several factors at once counts what they do together several times over: an
    interaction of two three times, of three seven times. With :math:`V_T` the variance when the
    factors T are resampled,

    .. math:: \sum_{R \neq \emptyset} (-1)^{|R| - 1} \prod_{f \in R} \frac{n_f}{n_f - 1}
              \sum_{\emptyset \neq T \subseteq R} (-1)^{|R| - |T|} V_T

    counts each component once. For two factors this is the corrected dual bootstrap of Schütt et
    al. (2023), :doi:`10.7554/eLife.82566`. The result is kept between the largest variance due
    to a single factor and that of resampling all.
    """
    factors = max(variances, key=len)
    total, single = 0.0, 0.0
    for chosen in subsets(factors):
        inner = sum((-1) ** (len(chosen) - len(t)) * variances[t] for t in subsets(chosen))
        corrected = prod(sizes[f] / (sizes[f] - 1) for f in chosen) * inner
        total = total + (-1) ** (len(chosen) - 1) * corrected
        if len(chosen) == 1:
            single = np.maximum(single, corrected)
    if len(factors) == 1:
        return np.asarray(total)
    return np.minimum(np.maximum(total, single), np.maximum(variances[factors], single))
