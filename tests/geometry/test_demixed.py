"""Demixed PCA: marginalizations, the regression of reduced rank, planted components, bad input."""

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from neuroselect.geometry import DemixedPCA, subspace_angle
from neuroselect.geometry._marginalize import marginalizations, marginalize
from neuroselect.recordings import condition_patterns, make_container

FACTORS = ["stimulus", "choice"]
CELLS = pd.DataFrame(list(itertools.product(range(3), range(2))), columns=FACTORS)


def planted(rng, n_trials=15, n_times=5, n_units=30, noise=1.0):
    """Trials with orthogonal axes of time, stimulus, choice and their interaction."""
    axes = 6 * np.linalg.qr(rng.normal(size=(n_units, 4)))[0].T
    time = np.linspace(-1, 1, n_times)
    stimulus, choice = CELLS["stimulus"].to_numpy() - 1.0, 2.0 * CELLS["choice"].to_numpy() - 1
    courses = np.stack(
        [
            np.ones(6)[:, None] * time,
            stimulus[:, None] * (1 + time / 2),
            choice[:, None] * np.abs(time),
            0.5 * (stimulus * choice)[:, None] * np.ones(n_times),
        ],
        axis=-1,
    )
    means = courses @ axes  # conditions, times, units
    activity = np.repeat(means, n_trials, axis=0)
    activity = activity + noise * rng.normal(size=activity.shape) + 5.0
    trials = CELLS.loc[np.repeat(np.arange(6), n_trials)].reset_index(drop=True)
    return activity, trials, axes, means


def test_marginalizations_by_hand(rng):
    means = rng.normal(size=(3, 2, 4, 7))
    means -= means.mean(axis=(0, 1, 2))
    groups = marginalizations(["s", "c"], timed=True, join_time=True)
    assert list(groups) == ["time", "s", "c", "s:c"]
    parts = marginalize(means, list(groups.values()))
    time = means.mean(axis=(0, 1))
    s, c = means.mean(axis=1) - time, means.mean(axis=0) - time
    by_hand = [time[None, None], s[:, None], c[None], means - time - s[:, None] - c]
    for part, expected in zip(parts, by_hand, strict=True):
        np.testing.assert_allclose(part, np.broadcast_to(expected, means.shape), atol=1e-12)
    apart = marginalizations(["s", "c"], timed=True, join_time=False)
    assert list(apart) == ["time", "s", "c", "s:c", "s:time", "c:time", "s:c:time"]
    more = marginalize(means, list(apart.values()))
    np.testing.assert_allclose(more[1] + more[4], parts[1], atol=1e-12)
    for each in (parts, more):
        np.testing.assert_allclose(each.sum(axis=0), means, atol=1e-12)
        flat = each.reshape(len(each), -1)
        np.testing.assert_allclose(flat @ flat.T, np.diag((flat**2).sum(axis=1)), atol=1e-9)


def test_recovers_planted_components(rng):
    activity, trials, axes, _ = planted(rng)
    demixed = DemixedPCA(n_components=1).fit(activity, trials)
    assert demixed.marginalizations_ == ["time", "stimulus", "choice", "stimulus:choice"]
    assert demixed.component_names_ == [f"{name}_0" for name in demixed.marginalizations_]
    for encoder, axis in zip(demixed.encoders_, axes, strict=True):
        assert subspace_angle(encoder, axis) < 15
    assert demixed.component_shares_.diagonal().min() > 0.9
    components = demixed.transform(activity)
    assert components.shape == (90, 5, 4)
    stimulus = components[:, :, 1].mean(axis=1)
    assert abs(np.corrcoef(stimulus, trials["stimulus"])[0, 1]) > 0.9
    assert abs(np.corrcoef(stimulus, trials["choice"])[0, 1]) < 0.3


def test_is_pca_of_the_marginalizations_without_noise(rng):
    """Where units are at least as many as means, so that every pattern can be decoded."""
    activity = rng.normal(size=(6, 5, 40))
    demixed = DemixedPCA(n_components=2, noise=None).fit(activity, CELLS)
    groups = marginalizations(FACTORS, timed=True, join_time=True)
    centred = (activity - activity.mean(axis=(0, 1))).reshape(3, 2, 5, 40)
    parts = marginalize(centred, list(groups.values())).reshape(4, 30, 40)
    for k, part in enumerate(parts):
        pca = PCA(2, svd_solver="full").fit(part)
        own = demixed.encoders_[2 * k : 2 * k + 2]
        np.testing.assert_allclose(abs(own @ pca.components_.T), np.eye(2), atol=1e-6)
        total = (centred**2).sum()
        expected = pca.singular_values_**2 / total
        explained = demixed.explained_variance_ratio_[2 * k : 2 * k + 2]
        np.testing.assert_allclose(explained, expected, rtol=1e-6)
    np.testing.assert_allclose(demixed.component_shares_.max(axis=1), 1, rtol=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 0.05])
def test_equals_a_regression_of_reduced_rank_on_single_trials(rng, alpha):
    """Least squares on all trials, augmented by the penalty, and the SVD of what it predicts."""
    activity, trials, _, _ = planted(rng, n_trials=8, n_times=3, n_units=6, noise=4.0)
    demixed = DemixedPCA(n_components=1, alpha=alpha).fit(activity, trials)
    means = condition_patterns(
        make_container(activity, trials, time=np.arange(3) * 10.0), FACTORS
    ).patterns
    centred = (means - means.mean(axis=(0, 1))).reshape(3, 2, 3, 6)
    groups = marginalizations(FACTORS, timed=True, join_time=True)
    parts = marginalize(centred, list(groups.values())).reshape(4, 6, 3, 6)
    # Deviations of trials, in such units that 8 of them have the unbiased variance of 7.
    deviations = (activity - np.repeat(means, 8, axis=0)) * np.sqrt(8 / 7)
    X = (np.repeat(centred.reshape(6, 3, 6), 8, axis=0) + deviations).reshape(-1, 6)
    power = (centred**2).sum() / 18
    X = np.vstack([X, np.sqrt(len(X) * alpha * power) * np.eye(6)])
    for k, part in enumerate(parts):
        Y = np.vstack([np.repeat(part, 8, axis=0).reshape(-1, 6), np.zeros((6, 6))])
        B = np.linalg.lstsq(X, Y, rcond=None)[0]
        axis = np.linalg.svd(X @ B, full_matrices=False)[2][0]
        expected = np.outer(B @ axis, axis)
        ours = np.outer(demixed.decoders_[k], demixed.encoders_[k])
        np.testing.assert_allclose(ours, expected, atol=1e-8)


def test_bookkeeping_of_variance(rng):
    activity, trials, _, _ = planted(rng, noise=3.0)
    demixed = DemixedPCA(n_components=3, alpha=1e-4).fit(activity, trials)
    assert demixed.marginal_variance_ratio_.sum() == pytest.approx(1)
    np.testing.assert_allclose(demixed.component_shares_.sum(axis=1), 1)
    means = condition_patterns(
        make_container(activity, trials, time=np.arange(5) * 10.0), FACTORS
    ).patterns
    X = (means - means.mean(axis=(0, 1))).reshape(-1, 30)
    np.testing.assert_allclose(demixed.mean_, means.mean(axis=(0, 1)))
    for encoder, decoder, share in zip(
        demixed.encoders_, demixed.decoders_, demixed.explained_variance_ratio_, strict=True
    ):
        left = ((X - np.outer(X @ decoder, encoder)) ** 2).sum() / (X**2).sum()
        assert share == pytest.approx(1 - left)


def test_units_not_recorded_together(rng):
    activity, trials, axes, _ = planted(rng, n_trials=20)
    unit, row = (axis.ravel() for axis in np.indices((30, 120)))
    table = trials.loc[row].assign(unit=unit)
    cells = make_container(activity[row, :, unit], table, time=np.arange(5) * 50.0)
    apart = DemixedPCA(n_components=1).fit(cells)
    together = DemixedPCA(n_components=1, noise="diagonal").fit(activity, trials)
    np.testing.assert_allclose(apart.decoders_, together.decoders_)
    for encoder, axis in zip(apart.encoders_, axes, strict=True):
        assert subspace_angle(encoder, axis) < 15
    rows = DemixedPCA(n_components=1).fit(activity[row, :, unit], table)
    np.testing.assert_allclose(rows.decoders_, apart.decoders_)


def test_components_do_not_exceed_the_dimensions(rng):
    activity, trials, _, _ = planted(rng, n_times=1)
    demixed = DemixedPCA(n_components=5).fit(activity[:, 0], trials)
    assert demixed.marginalizations_ == ["stimulus", "choice", "stimulus:choice"]
    of = [name.rsplit("_", 1)[0] for name in demixed.component_names_]
    counts = [of.count(name) for name in demixed.marginalizations_]
    assert counts == [2, 1, 2]
    names = demixed.get_feature_names_out()
    assert list(names) == demixed.component_names_
    one = DemixedPCA(n_components=1, factors="choice").fit(activity[:, 0], trials)
    assert one.marginalizations_ == ["choice"]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda a, t: (a, t.assign(choice=1)), {}, r"at least 2 levels, got one of \['choice'\]"),
        (
            lambda a, t: (a[:75], t[:75]),
            {},
            "All combinations of.*6 of them, but only 5",
        ),
        (lambda a, t: (a * np.nan, t), {}, "NaN"),
        (lambda a, t: (a, t), {"factors": ["cue"]}, "factors must name columns of the trials"),
        (lambda a, t: (a, None), {}, "requires y to be passed"),
        (lambda a, t: (a[:, 0], t["choice"].to_numpy()), {"factors": FACTORS}, "y must be a table"),
        (lambda a, t: (a, t), {"alpha": -1.0}, "alpha"),
    ],
)
def test_bad_input(rng, change, options, message):
    activity, trials, _, _ = planted(rng)
    with pytest.raises(ValueError, match=message):
        DemixedPCA(**options).fit(*change(activity, trials))
