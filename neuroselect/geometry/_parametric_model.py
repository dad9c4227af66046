"""The parametric model of two task planes, in a form that is linear in a few functions.

Points of the first task are (p x, q y, 0); those of the second are (r x, s y), turned by phi,
at height k. Parameters are kept in the order (p, q, r, s, k, phi). Every squared distance is a
fixed row of nine features times nine functions of the parameters, so that the distances of
many parameter sets are one matrix product.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

N_PARAMETERS = 6
_FIRST, _SECOND = np.triu_indices(9)
_UNPACK = np.zeros((9, 9), dtype=np.intp)
_UNPACK[_FIRST, _SECOND] = _UNPACK[_SECOND, _FIRST] = np.arange(len(_FIRST))
# Squared distances below this share of the largest are 0 to a derivative: their quotients
# would be rounding.
_NOTHING = 1e-11
_NEVER = 1e300


class Pairs(NamedTuple):
    """Pairs of conditions, grouped by equal features: they are at equal distance for good."""

    features: NDArray[np.float64]  # (n_groups, 9)
    products: NDArray[np.float64]  # (n_groups, 45), of any two features
    counts: NDArray[np.float64]  # (n_groups,)
    group: NDArray[np.intp]  # (n_pairs,)

    def mean(self, rdms: NDArray) -> NDArray[np.float64]:
        """Mean of the pairs of each group: (n_systems, n_pairs) to (n_systems, n_groups)."""
        n_systems, n_groups = len(rdms), len(self.counts)
        bins = self.group + n_groups * np.arange(n_systems)[:, np.newaxis]
        sums = np.bincount(bins.ravel(), rdms.ravel(), n_systems * n_groups)
        return sums.reshape(n_systems, n_groups) / self.counts


def make_pairs(levels: NDArray, task: NDArray) -> Pairs:
    """Features of all pairs; `levels` (n_conditions, 2) are x and y, `task` is 0 or 1."""
    features = _pair_features(levels, task)
    scale = abs(features).max()
    _, first, group, counts = np.unique(
        (features / scale).round(12),
        axis=0,
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    features = features[first]
    products = features[:, _FIRST] * features[:, _SECOND]
    return Pairs(features, products, counts.astype(np.float64), group.ravel())


def _pair_features(levels, task):
    i, j = np.triu_indices(len(levels), k=1)
    i, j = np.where(task[i] > task[j], (j, i), (i, j))  # the first task first
    squared = (levels[i] - levels[j]) ** 2
    across = task[i] != task[j]
    features = np.zeros((len(i), 9))
    for code in (0, 1):
        within = ~across & (task[i] == code)
        features[within, 2 * code : 2 * code + 2] = squared[within]
    (x, y), (u, v) = levels[i[across]].T, levels[j[across]].T
    features[across] = np.column_stack(
        [x**2, y**2, u**2, v**2, np.ones_like(x), -2 * x * u, -2 * x * v, 2 * y * u, -2 * y * v]
    )
    return features


def functions_of(theta: NDArray) -> NDArray[np.float64]:
    """Return the nine functions that multiply the features: (n, 6) to (n, 9)."""
    p, q, r, s, k, phi = theta.T
    cos, sin = np.cos(phi), np.sin(phi)
    return np.column_stack(
        [p * p, q * q, r * r, s * s, k * k, p * r * cos, p * s * sin, q * r * sin, q * s * cos]
    )


def derivatives_of(theta: NDArray) -> NDArray[np.float64]:
    """Return the derivatives of the nine functions: (n, 6) to (n, 6, 9)."""
    p, q, r, s, _, phi = theta.T
    cos, sin = np.cos(phi), np.sin(phi)
    d = np.zeros((len(theta), N_PARAMETERS, 9))
    for parameter in range(5):
        d[:, parameter, parameter] = 2 * theta[:, parameter]
    d[:, 0, 5], d[:, 0, 6] = r * cos, s * sin
    d[:, 1, 7], d[:, 1, 8] = r * sin, s * cos
    d[:, 2, 5], d[:, 2, 7] = p * cos, q * sin
    d[:, 3, 6], d[:, 3, 8] = p * sin, q * cos
    d[:, 5, 5], d[:, 5, 6] = -p * r * sin, p * s * cos
    d[:, 5, 7], d[:, 5, 8] = q * r * cos, -q * s * sin
    return d


class Fit:
    """Rescaled model distances at n parameter sets, and how far they are from the data.

    `targets` (n, n_groups) are rescaled data. ``ends`` fixes which groups count as the largest
    and the smallest distance, each (n,): the loss is smooth only as long as they stay. With
    ``offset`` the smallest distance is subtracted before the division by the range.
    """

    def __init__(self, theta, pairs: Pairs, targets, *, offset: bool, ends=None):
        self.theta, self.pairs, self.offset, self.ends = theta, pairs, offset, ends
        self.flat = False
        self.distances = np.sqrt(np.maximum(functions_of(theta) @ pairs.features.T, 0))
        bottom, span = self._scale(targets)
        self.span = span[:, np.newaxis]
        self.rescaled = self.distances - bottom[:, np.newaxis]
        self.rescaled /= self.span
        residuals = self.rescaled - targets
        self.weighted = residuals * pairs.counts
        loss = np.einsum("ng,ng->n", self.weighted, residuals)
        # Equal distances have no range to be divided by: no solution, whatever the data.
        self.loss = np.where(self.flat, _NEVER, loss)

    def gradient(self) -> NDArray[np.float64]:
        """Return half the gradient of the loss, (n, 6)."""
        inner = self._sums(self.weighted * self._inverse)
        total = self.weighted.sum(axis=1, keepdims=True)
        moment = np.einsum("ng,ng->n", self.weighted, self.rescaled)[:, np.newaxis]
        low, range_ = self._slopes
        return (inner - total * low - moment * range_) / self.span

    def curvature(self) -> NDArray[np.float64]:
        """Return J'J of the residuals' Jacobian J, (n, 6, 6).

        J is never formed: with w the weights of squared features, J'J of the distances is
        D (F' w F) D', D the derivatives of the functions.
        """
        counts, u = self.pairs.counts, self.rescaled
        weights = (self._counted * self._inverse) @ self.pairs.products
        total = self._derivatives @ weights[:, _UNPACK] @ self._derivatives.transpose(0, 2, 1)
        low, range_ = self._slopes
        ones, moments = self._moments
        first = (u @ counts)[:, None, None]
        second = np.einsum("ng,ng,g->n", u, u, counts)[:, None, None]
        total -= _twice(ones, low) + _twice(moments, range_) - first * _twice(low, range_)
        total += counts.sum() * _outer(low, low) + second * _outer(range_, range_)
        return total / self.span[..., np.newaxis] ** 2

    def _scale(self, targets):
        """Return what is subtracted from distances, and what they are divided by, each (n,)."""
        if self.ends is None:
            self.ends = self.distances.argmax(axis=1), self.distances.argmin(axis=1)
        rows = np.arange(len(self.theta))
        top, bottom = (self.distances[rows, end] for end in self.ends)
        bottom = bottom if self.offset else np.zeros_like(top)
        self.flat = top <= bottom
        return bottom, np.where(self.flat, 1.0, top - bottom)

    @cached_property
    def _derivatives(self):
        return derivatives_of(self.theta)

    @cached_property
    def _inverse(self):
        """Half of the inverse distances, (n, n_groups)."""
        least = np.sqrt(_NOTHING) * self.distances.max(axis=1, keepdims=True)
        inverse = 0.5 / np.maximum(self.distances, least + np.finfo(float).tiny)
        nothing = self.distances <= least
        if nothing.any():
            inverse[nothing] = 0
        return inverse

    @cached_property
    def _counted(self):
        return self.pairs.counts * self._inverse

    def _sums(self, coefficients):
        """Sum over groups of coefficients times the gradients of squared distances, (n, 6)."""
        inner = coefficients @ self.pairs.features
        return np.matmul(self._derivatives, inner[..., np.newaxis])[..., 0]

    @cached_property
    def _moments(self):
        """Sums of the gradients of distances, and of these times the rescaled distances."""
        return self._sums(self._counted), self._sums(self._counted * self.rescaled)

    @cached_property
    def _slopes(self):
        """Gradients of the smallest distance (0 without offset) and of the range, (n, 6)."""
        rows = np.arange(len(self.theta))
        high, low = (
            np.einsum("nkf,nf->nk", self._derivatives, self.pairs.features[end])
            * self._inverse[rows, end, np.newaxis]
            for end in self.ends
        )
        low = low if self.offset else np.zeros_like(low)
        return low, high - low


class SmoothFit(Fit):
    """The same with the scale, and with ``offset`` the origin, of least squares instead.

    It has no kinks, and its minimum is close to that of `Fit`: a place to start from.
    """

    def _scale(self, targets):
        counts, m = self.pairs.counts, self.distances
        n, md = counts.sum(), np.einsum("ng,ng->n", m * counts, targets)
        m1, m2, d1 = m @ counts, (m * m) @ counts, targets @ counts
        if not self.offset:
            n, m1, d1 = 1.0, np.zeros_like(m1), np.zeros_like(d1)
        slope = (n * md - m1 * d1) / np.maximum(n * m2 - m1**2, np.finfo(float).tiny)
        slope = np.clip(slope, 1e-6, 1e6)  # only models that rise with the data are of use
        return (m1 * slope - d1) / (n * slope), 1 / slope

    @cached_property
    def _slopes(self):
        """Coefficients that keep the residuals' change free of a change of scale and origin."""
        counts, u = self.pairs.counts, self.rescaled
        ones, moments = self._moments
        u1, u2 = (u @ counts)[:, np.newaxis], ((u * u) @ counts)[:, np.newaxis]
        if not self.offset:
            return np.zeros_like(moments), moments / u2
        n = counts.sum()
        range_ = (n * moments - u1 * ones) / np.maximum(n * u2 - u1**2, np.finfo(float).tiny)
        return (ones - u1 * range_) / n, range_


def _outer(a, b):
    return a[:, :, np.newaxis] * b[:, np.newaxis, :]


def _twice(a, b):
    product = _outer(a, b)
    return product + product.transpose(0, 2, 1)
