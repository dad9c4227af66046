"""What each dissimilarity makes of patterns before and after the products of differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroselect.rsa._checks import constant_rows

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


class Metric(NamedTuple):
    """A dissimilarity, as the product of differences of two forms of the patterns.

    `forms` takes patterns (..., n_channels) and the prior, and returns left and right, the same
    array twice where the product is symmetric. `finish` takes the products and the number of
    channels.
    """

    forms: Callable[[NDArray, Prior], Pair]
    finish: Callable[[NDArray, int], NDArray]
    takes_noise: bool = False
    takes_runs: bool = False
    undefined: tuple[Callable[[NDArray], NDArray], str] | None = None


class Prior(NamedTuple):
    """A prior of rates: `weight` further observations of the rate `rate`."""

    rate: float
    weight: float


def _as_they_are(points: NDArray, prior: Prior) -> Pair:
    return points, points


def _unit(points: NDArray, prior: Prior) -> Pair:
    points = points / np.linalg.norm(points, axis=-1, keepdims=True)
    return points, points


def _centred_unit(points: NDArray, prior: Prior) -> Pair:
    return _unit(points - points.mean(axis=-1, keepdims=True), prior)


def rates_and_logs(points: NDArray, prior: Prior) -> Pair:
    """Rates drawn towards the prior, and their logarithms."""
    rates = (points + prior.rate * prior.weight) / (1 + prior.weight)
    return rates, np.log(rates)


def _root(products: NDArray, n_channels: int) -> NDArray:
    return np.sqrt(products, out=products)


def _unchanged(products: NDArray, n_channels: int) -> NDArray:
    return products


def _half(products: NDArray, n_channels: int) -> NDArray:
    products /= 2
    return products


def _per_channel(products: NDArray, n_channels: int) -> NDArray:
    products /= n_channels
    return products


_CONSTANT = (constant_rows, "constant")
_ZERO = (lambda points: ~points.any(axis=-1), "zero")

METRICS = {
    "euclidean": Metric(_as_they_are, _root),
    "sqeuclidean": Metric(_as_they_are, _unchanged),
    "correlation": Metric(_centred_unit, _half, undefined=_CONSTANT),
    "cosine": Metric(_unit, _half, undefined=_ZERO),
    "mahalanobis": Metric(_as_they_are, _root, takes_noise=True),
    "crossnobis": Metric(_as_they_are, _per_channel, takes_noise=True, takes_runs=True),
    "poisson": Metric(rates_and_logs, _per_channel),
    "poisson_cv": Metric(rates_and_logs, _per_channel, takes_runs=True),
}
