"""Estimates of models and bounds of the noise ceiling, in bootstrap samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroselect.rsa._compare import compare_rdms
from neuroselect.rsa._evaluation_input import Evaluated
from neuroselect.rsa._noise_ceiling import (
    ceilings_by_pooling,
    ceilings_of_samples,
    matched,
    subject_shares,
)
from neuroselect.rsa._similarities import WEIGHTED, ResampledSimilarities, WeightedSimilarities


class Bootstrap:
    """Estimates of models and bounds of the noise ceiling, in samples of any factors."""

    def __init__(self, given: Evaluated, comparison: str, noise_ceiling: bool, sigma_k):
        self.given, self.noise_ceiling = given, noise_ceiling
        if comparison not in WEIGHTED:
            self.similarities = ResampledSimilarities(given.models, given.rdms, comparison, sigma_k)
            return
        # Raises where the comparison is undefined.
        compare_rdms(given.models.reshape(-1, given.models.shape[-1]), given.rdms, comparison)
        self.similarities = WeightedSimilarities(given.models, given.rdms, comparison)

    def estimates(self, counts: dict[str, NDArray], chosen: list[tuple[str, ...]]) -> list[NDArray]:
        """Estimates, then lower and upper bound, (n_samples, n_models + 2) for each of `chosen`.

        Those are the factors resampled; similarities in samples of conditions serve all that have
        conditions among them.
        """
        found: list = [None] * len(chosen)
        for drawn in (False, True):
            positions = [k for k, c in enumerate(chosen) if ("conditions" in c) == drawn]
            if positions:
                factors = [chosen[k] for k in positions]
                for k, values in zip(positions, self._of(counts, factors, drawn), strict=True):
                    found[k] = values
        return found

    def _of(self, counts, factors, drawn):
        width, n_samples = len(self.given.names), len(next(iter(counts.values()), [0]))
        shape = n_samples, width + 2 * self.noise_ceiling
        values = [np.empty(shape if chosen else (1, shape[1])) for chosen in factors]
        conditions = counts["conditions"] if drawn else None
        for block, table, among in self.similarities.blocks(
            conditions, among_rdms=self.noise_ceiling
        ):
            rows = block if drawn else slice(None)
            sample = conditions[block][0] if drawn else None
            for chosen, target in zip(factors, values, strict=True):
                members = {f: counts[f][rows] for f in ("networks", "subjects") if f in chosen}
                target[rows] = self._reduced(table, among, sample, **members)
        return values

    def _reduced(self, table, among, sample, networks=None, subjects=None):
        """Means over networks and subjects, and the ceilings, of samples of conditions."""
        sizes, groups = self.given.sizes, self.given.groups
        networks = np.ones((1, sizes["networks"])) if networks is None else networks
        subjects = np.ones((1, sizes["subjects"])) if subjects is None else subjects
        weight = subject_shares(subjects, groups)
        of_networks = np.einsum("nmks,ns->nmk", *matched(table, weight))
        of_models = np.einsum("nmk,nk->nm", *matched(of_networks, networks / sizes["networks"]))
        if not self.noise_ceiling:
            return of_models
        ceilings = np.transpose(self._ceilings(among, subjects, sample))
        return np.hstack(list(matched(of_models, ceilings)))

    def _ceilings(self, among, subjects, sample):
        groups = self.given.groups
        if among is None:
            return ceilings_by_pooling(self.similarities, sample, subjects, groups)
        return ceilings_of_samples(among, subjects, groups)
