"""Similarities of RDMs in bootstrap samples of conditions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from neuroselect.rsa._checks import constant_rows
from neuroselect.rsa._compare import compare_rdms
from neuroselect.rsa._resampling import pair_weights

BLOCK_BYTES = 2**25
_ROUNDING = 1e-13
WEIGHTED = ("cosine", "corr")
WHITENED = ("cosine_cov", "corr_cov")


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

    def __init__(self, models: NDArray, rdms: NDArray, comparison: str, sigma_k=None):
        self.models, self.rdms, self.comparison = models, rdms, comparison
        self.sigma_k = None if sigma_k is None else np.asarray(sigma_k)

    def blocks(self, counts: NDArray | None, *, among_rdms: bool = False):
        """Yield samples one by one, see `WeightedSimilarities.blocks`; nothing among RDMs."""
        for k, sample in enumerate([None] if counts is None else counts):
            models, rdms = (self.laid_out(x, sample) for x in (self.models, self.rdms))
            table = self.compare(models.reshape(-1, models.shape[-1]), rdms, sample)
            yield slice(k, k + 1), table.reshape(1, *self.models.shape[:-1], -1), None

    def laid_out(self, rdms: NDArray, counts: NDArray | None) -> NDArray:
        """RDMs of a sample of conditions, with what the comparison takes for two copies of one."""
        if counts is None:
            return rdms
        drawn = np.repeat(np.arange(len(counts)), counts)
        first, second = np.triu_indices(len(drawn), k=1)
        copies = drawn[first] == drawn[second]
        pairs = pair_positions(len(counts))[drawn[first], drawn[second]]
        # Bures needs all pairs, and takes copies for what they are.
        return np.where(copies, 0.0 if self.comparison == "bures" else np.nan, rdms[..., pairs])

    def compare(self, left: NDArray, right: NDArray, counts: NDArray | None) -> NDArray:
        """Similarities (n_left, n_right) of RDMs laid out; 0 for those without any variance."""
        options = {"missing": "drop", "sigma_k": self._sigma_of(counts)}
        if counts is None:
            return compare_rdms(left, right, self.comparison, **options)
        varied = [~_flat(x) for x in (left, right)]
        table = np.zeros((len(left), len(right)))
        if varied[0].any() and varied[1].any():
            kept = (x[rows] for x, rows in zip((left, right), varied, strict=True))
            table[np.ix_(*varied)] = compare_rdms(*kept, self.comparison, **options)
        return table

    def _sigma_of(self, counts):
        if self.sigma_k is None or counts is None:
            return self.sigma_k
        drawn = np.repeat(np.arange(len(counts)), counts)
        return self.sigma_k[np.ix_(*[drawn] * self.sigma_k.ndim)]


def pair_positions(n: int) -> NDArray[np.int64]:
    """Where the condensed RDM has each pair of conditions, (n, n); 0 on the diagonal."""
    position = np.zeros((n, n), dtype=np.int64)
    first, second = np.triu_indices(n, k=1)
    position[first, second] = position[second, first] = np.arange(len(first))
    return position


def _flat(rdms):
    known = np.where(np.isnan(rdms), rdms[:, :1], rdms)
    known = np.where(np.isnan(known), np.nanmax(rdms, axis=1, keepdims=True), known)
    return constant_rows(known)


def _ratio(products, norms):
    return np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)


def _same(n):
    return np.arange(n), np.arange(n)
