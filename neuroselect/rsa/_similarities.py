"""Similarities of RDMs in bootstrap samples of conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from neuroselect.rsa._resampling import pair_weights

BLOCK_BYTES = 2**25
_ROUNDING = 1e-13


class WeightedSimilarities:
    """Cosine or Pearson correlation of RDMs, where conditions have counts.

    A pair of conditions counts as often as it is in the sample. All that these measures need are
    weighted sums over pairs of conditions, so that thousands of samples are one matrix product.
    """

    def __init__(self, models: NDArray, rdms: NDArray, comparison: str):
        self.centred = comparison == "corr"
        # Centring first leaves the correlation as it is, and its sums free of cancellation.
        self.models, self.rdms = (
            x - x.mean(axis=-1, keepdims=True) if self.centred else x for x in (models, rdms)
        )

    def blocks(
        self, counts: NDArray | None, *, among_rdms: bool
    ) -> Iterator[tuple[slice, NDArray, NDArray | None]]:
        """Yield samples, and similarities (n_samples, n_models, n_networks, n_rdms) in them.

        ``counts`` (n_samples, n_conditions): None for one sample of all conditions.
        ``among_rdms``: also those of the RDMs with each other (n_samples, n_rdms, n_rdms).
        """
        n_pairs = self.rdms.shape[-1]
        if counts is None:
            yield slice(0, 1), *self._of(np.ones((1, n_pairs)), among_rdms)
            return
        width = max(1, BLOCK_BYTES // (8 * n_pairs))
        for start in range(0, len(counts), width):
            block = slice(start, start + width)
            yield block, *self._of(pair_weights(counts[block]), among_rdms)

    def _of(self, weights, among_rdms):
        flat, rdms = self.models.reshape(-1, self.models.shape[-1]), self.rdms
        norms = [np.sqrt(self._inner(weights, x, x, _same(len(x)))) for x in (flat, rdms)]
        every = np.divmod(np.arange(len(flat) * len(rdms)), len(rdms))
        table = self._inner(weights, flat, rdms, every).reshape(len(weights), len(flat), -1)
        table = _ratio(table, norms[0][:, :, None] * norms[1][:, None])
        table = table.reshape(len(weights), *self.models.shape[:-1], -1)
        if not among_rdms:
            return table, None
        first, second = np.triu_indices(len(rdms))
        among = np.empty((len(weights), len(rdms), len(rdms)))
        among[:, first, second] = self._inner(weights, rdms, rdms, (first, second))
        among[:, second, first] = among[:, first, second]
        return table, _ratio(among, norms[1][:, :, None] * norms[1][:, None])

    def _inner(self, weights, left, right, chosen):
        """Weighted inner products of chosen RDMs, (n_samples, n_chosen)."""
        products = np.empty((len(weights), len(chosen[0])))
        width = max(1, BLOCK_BYTES // (8 * weights.shape[1]))
        for start in range(0, products.shape[1], width):
            a, b = (index[start : start + width] for index in chosen)
            products[:, start : start + width] = weights @ (left[a] * right[b]).T
        if self.centred:
            total = weights.sum(axis=1, keepdims=True)
            sums = [weights @ x.T for x in (left, right)]
            moved = sums[0][:, chosen[0]] * sums[1][:, chosen[1]] / total
            # What is left of a constant RDM is rounding.
            products -= moved
            products[abs(products) <= _ROUNDING * abs(moved)] = 0
        return products


class ResampledSimilarities:
    """Any comparison of RDMs: the RDMs of each sample of conditions are laid out and compared."""

    def __init__(self, models: NDArray, rdms: NDArray, comparison: str, options: dict):
        from neuroselect.rsa import compare_rdms

        self.models, self.rdms = models, rdms
        self.compare: Callable = lambda a, b: compare_rdms(a, b, method=comparison, **options)

    def blocks(self, counts: NDArray | None, *, among_rdms: bool = False):
        """Yield samples one by one, see `WeightedSimilarities.blocks`; nothing among RDMs."""
        samples = [None] if counts is None else counts
        for k, sample in enumerate(samples):
            models, rdms = (laid_out(x, sample) for x in (self.models, self.rdms))
            table = self.compare(models.reshape(-1, models.shape[-1]), rdms)
            yield slice(k, k + 1), table.reshape(1, *self.models.shape[:-1], -1), None


def laid_out(rdms: NDArray, counts: NDArray | None) -> NDArray:
    """RDMs of a sample of conditions, without the pairs of two copies of one condition."""
    if counts is None:
        return rdms
    first, second = np.triu_indices(len(counts), k=1)
    times = counts[first] * counts[second]
    return np.repeat(rdms, times, axis=-1)


def _ratio(products, norms):
    return np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)


def _same(n):
    return np.arange(n), np.arange(n)
