"""Which networks are closest to a recording, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from neuroselect.rsa import model_rdms
from neuroselect.studies._recording_files import scaled_levels
from neuroselect.utils._intervals import mean_interval

if TYPE_CHECKING:
    import pandas as pd

    from neuroselect.studies._recordings import Recording

    Design = tuple[pd.DataFrame, Sequence[str], str]  # conditions, features, task

BLOCK = 50  # resamples whose RDMs are in memory together


class Closest(NamedTuple):
    """Distances of networks from a recording.

    Attributes
    ----------
    equal_designs : bool
        Whether RDMs were compared (equal conditions), or else their betas on model RDMs.
    distances : ndarray of shape (n_networks,)
        1 - correlation of RDMs, or 1 - cosine between betas; from 0 to 2.
    table : DataFrame, one row per scale
        `init_scale`, `networks`, mean `distance`, half the width of its 95% t interval over
        networks, `distance_ci95`, and `share` of the resamples in which the scale is closest.
    scale, low, high : float
        The closest scale, and the 95% interval of it.
    n_bootstrap : int
        Number of resamples.
    """

    equal_designs: bool
    distances: NDArray[np.float64]
    table: pd.DataFrame
    scale: float
    low: float
    high: float
    n_bootstrap: int


def closest_scale(
    rdms: ArrayLike,
    init_scale: ArrayLike,
    design: Design,
    recording: Recording,
    *,
    n_bootstrap: int = 1000,
    random_state: int = 0,
) -> Closest:
    """Compare the geometry of networks with that of a recording.

    Squared Euclidean distances are compared, to which the noise of a recorded mean adds, in
    expectation, the same for all pairs of conditions with equally many trials. Where networks
    and recording have equal conditions, the measure is 1 - Pearson's correlation of the two
    RDMs. Otherwise both are regressed on the (squared) model RDMs grid, orthogonal and parallel,
    z-scored, and the measure is 1 - cosine of the angle between the betas. Neither depends on
    a constant that is added to all distances, or on their unit.

    Parameters
    ----------
    rdms : array-like of shape (n_networks, n_pairs)
        Euclidean RDMs of the networks.
    init_scale : array-like of shape (n_networks,)
        Scale of each network.
    design : tuple of (conditions, features, task)
        Of the networks.
    recording : Recording
        Its units and, within each scale, the networks are resampled with replacement.
        Conditions and trials are not.
    n_bootstrap : int, default=1000
        Number of resamples.
    random_state : int, default=0
        Seed of the resamples.

    Returns
    -------
    closest : Closest
        The scale of the smallest mean distance; its interval are percentiles of the scales that
        are closest in the resamples. Fewer different units are farther from everything, so that
        the distances themselves are larger in the resamples, at all scales alike.
    """
    import pandas as pd

    init_scale, random_state = np.asarray(init_scale), check_random_state(random_state)
    recorded = (recording.conditions, recording.features, recording.task)
    order = _matching(design, recorded)
    of_networks = of_recording = None
    if order is None:
        of_networks, of_recording = _beta_weights(design), _beta_weights(recorded)
    patterns = recording.data if order is None else recording.data[order]
    networks = _signature(np.asarray(rdms) ** 2, of_networks)
    weights = np.ones((1, patterns.shape[1]))
    distances = _distance(_signature(_squared(patterns, weights), of_recording), networks)[0]
    scales, group = np.unique(init_scale, return_inverse=True)
    means = np.bincount(group, distances) / np.bincount(group)
    resampled = _resample(
        patterns, networks, of_recording, group, len(scales), n_bootstrap, random_state
    )
    nearest = resampled.argmin(axis=1)
    table = pd.DataFrame({"init_scale": scales, "networks": np.bincount(group), "distance": means})
    intervals = [mean_interval(distances[group == k]) for k in range(len(scales))]
    table["distance_ci95"] = [float(high - low) / 2 for _, low, high in intervals]
    table["share"] = np.bincount(nearest, minlength=len(scales)) / n_bootstrap
    ends = np.percentile(nearest, [2.5, 97.5], method="inverted_cdf").astype(int)
    return Closest(
        order is not None, distances, table, float(scales[means.argmin()]),
        *scales[ends].tolist(), n_bootstrap,
    )  # fmt: skip


def _matching(design: Design, recorded: Design) -> NDArray[np.int64] | None:
    """Return the recorded conditions in the order of the networks', or None if they differ."""
    keys = []
    for conditions, features, task in (design, recorded):
        codes = np.unique(conditions[task], return_inverse=True)[1]
        columns = [codes, *(scaled_levels(conditions[name]) for name in features)]
        keys.append(np.column_stack(columns).round(6))
    if keys[0].shape != keys[1].shape:
        return None
    sort, sort_recorded = (np.lexsort(key.T) for key in keys)
    if not np.allclose(keys[0][sort], keys[1][sort_recorded]):
        return None
    return sort_recorded[np.argsort(sort)]


def _beta_weights(design: Design) -> NDArray[np.float64]:
    """Return W so that ``centred @ W`` are the betas on squared model RDMs, up to one factor."""
    models = model_rdms(*design) ** 2
    models -= models.mean(axis=1, keepdims=True)
    return np.linalg.pinv(models / models.std(axis=1, keepdims=True))


def _signature(
    squared: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return unit vectors of what is compared: centred RDMs, or their betas."""
    vectors = squared - squared.mean(axis=1, keepdims=True)
    vectors = vectors if weights is None else vectors @ weights
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)


def _distance(recorded: NDArray[np.float64], networks: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 - recorded @ networks.T


def _squared(patterns: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return squared distances (n_resamples, n_pairs) with each unit counted so many times."""
    centred = patterns - patterns.mean(axis=0)
    first, second = np.triu_indices(len(patterns), k=1)
    rows = []
    for weight in weights:
        gram = (centred * weight) @ centred.T
        size = gram.diagonal()
        rows.append(np.maximum(size[first] + size[second] - 2 * gram[first, second], 0))
    return np.array(rows)


def _resample(patterns, networks, of_recording, group, n_scales, n_bootstrap, random_state):
    """Return the mean distance at each scale in each resample, (n_bootstrap, n_scales)."""
    n_units, means = patterns.shape[1], []
    members = [np.flatnonzero(group == k) for k in range(n_scales)]
    for start in range(0, n_bootstrap, BLOCK):
        n = min(BLOCK, n_bootstrap - start)
        weights = random_state.multinomial(n_units, np.full(n_units, 1 / n_units), size=n)
        squared = _squared(patterns, weights.astype(np.float64))
        distances = _distance(_signature(squared, of_recording), networks)
        drawn = [m[random_state.randint(len(m), size=(n, len(m)))] for m in members]
        chosen = [np.take_along_axis(distances, d, axis=1).mean(axis=1) for d in drawn]
        means.append(np.column_stack(chosen))
    return np.concatenate(means)
