import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neuroselect import MultiTaskMLP
from neuroselect.datasets import make_context_blobs, make_recording
from neuroselect.recordings import condition_patterns, make_container
from neuroselect.selectivity import (
    context_weight_correlation,
    d_prime,
    lifetime_sparseness,
    preferred_condition,
    unit_classes,
)

seeds = st.integers(0, 2**31)


@pytest.mark.parametrize(("n_active", "n"), [(1, 5), (2, 5), (5, 5), (3, 4)])
def test_sparseness_of_equal_responses_to_some_conditions(n_active, n):
    pattern = (np.arange(n) < n_active)[:, None] * 7.0
    # With k of n equal responses a = k / n.
    assert lifetime_sparseness(pattern)[0] == pytest.approx((1 - n_active / n) / (1 - 1 / n))
    assert np.isnan(lifetime_sparseness(pattern * 0)).all()


@given(seeds, st.floats(1e-6, 1e6))
@settings(max_examples=30, deadline=None)
def test_sparseness_properties(seed, scale):
    rng = np.random.default_rng(seed)
    patterns = rng.exponential(size=(6, 4))
    sparseness = lifetime_sparseness(patterns)
    ratio = patterns.mean(0) ** 2 / np.mean(patterns**2, axis=0)
    np.testing.assert_allclose(sparseness, (1 - ratio) * 6 / 5, atol=1e-12)
    np.testing.assert_allclose(lifetime_sparseness(patterns * scale), sparseness)
    order = rng.permutation(4)
    np.testing.assert_allclose(lifetime_sparseness(patterns[:, order]), sparseness[order])
    stacked = np.stack([patterns, patterns[::-1]])
    np.testing.assert_allclose(lifetime_sparseness(stacked), [sparseness, sparseness])


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_d_prime_is_the_t_statistic_of_equal_groups(seed):
    rng = np.random.default_rng(seed)
    activity = rng.normal(size=(20, 5))
    group = rng.permutation(np.repeat([0, 1], 10))
    t = stats.ttest_ind(activity[group == 1], activity[group == 0]).statistic
    found = d_prime(activity, group)
    np.testing.assert_allclose(found, t * np.sqrt(2 / 10), atol=1e-12)
    np.testing.assert_allclose(d_prime(activity, -group), -found)
    np.testing.assert_allclose(d_prime(activity * 3 - 5, group), found, atol=1e-9)
    np.testing.assert_allclose(d_prime(np.stack([activity] * 2), group), [found, found])


def test_d_prime_of_activity_that_does_not_vary():
    activity = np.full((6, 2), 0.1)
    activity[3:, 1] = 0.3
    found = d_prime(activity, [0, 0, 0, 1, 1, 1])
    assert np.isnan(found[0])
    assert np.isposinf(found[1])


def test_preferred_condition_is_the_largest_mean():
    rng = np.random.default_rng(0)
    activity, condition = rng.normal(size=(40, 6)), rng.permutation(np.repeat([2, 5, 7, 9], 10))
    means = [[activity[condition == c, i].mean() for c in (2, 5, 7, 9)] for i in range(6)]
    assert preferred_condition(activity, condition).tolist() == np.argmax(means, 1).tolist()
    assert preferred_condition(activity * 0 + 0.1, condition).tolist() == [-1] * 6


def test_correlation_of_context_weights():
    X, y = make_context_blobs()
    nets = [MultiTaskMLP((30,), max_iter=50, random_state=k).fit(X, y) for k in range(2)]
    activity = np.stack([net.activations(X) for net in nets])
    labels = unit_classes(activity, X[:, -1])
    table = context_weight_correlation(nets, labels)
    assert table.groupby("network")["n_units"].sum().tolist() == [60, 60]  # "all" and classes
    for _, row in table.iterrows():
        net = nets[row["network"]]
        members = labels[row["network"]] == row["label"]
        members |= row["label"] == "all"
        assert row["n_units"] == members.sum()
        for when, weights in (
            ("before", net.initial_context_coefs_),
            ("after", net.context_coefs_),
        ):
            if members.sum() < 3:
                assert np.isnan(row[when])
            else:
                r = stats.pearsonr(*weights[:, members]).statistic
                assert row[when] == pytest.approx(r)
    single = context_weight_correlation(nets[1], labels[1])
    again = table[table["network"] == 1]
    np.testing.assert_array_equal(single["after"], again["after"])


def test_errors():
    with pytest.raises(ValueError, match="patterns must hold responses of 0 or more"):
        lifetime_sparseness([[1.0], [-1.0]])
    with pytest.raises(ValueError, match="patterns must have shape"):
        lifetime_sparseness([1.0, 2.0])
    with pytest.raises(ValueError, match="group must hold two different values"):
        d_prime(np.ones((4, 1)), [0, 0, 0, 1])
    with pytest.raises(ValueError, match="condition is missing in 1"):
        preferred_condition(np.ones((2, 1)), ["a", None])
    with pytest.raises(ValueError, match="got none"):
        context_weight_correlation([], [])
    X, y = make_context_blobs()
    net = MultiTaskMLP((4,), max_iter=1, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"labels must hold the class .* \(1, 4\)"):
        context_weight_correlation(net, ["mixed"] * 3)


def both_forms(rng):
    """A recording with time, the same unit by unit, and its means over time."""
    together = make_recording(n_units=5, n_trials=60, time_course=[1.0, 3.0], random_state=0)
    together.data = np.abs(together.data)
    together.data[:, :, 4] = 0.1
    n_trials = len(together.trials)
    unit, trial = np.divmod(rng.permutation(5 * n_trials), n_trials)
    rows = together.trials.iloc[trial].assign(unit=unit)
    apart = make_container(together.data[trial, :, unit], rows, time=together.time)
    return together, apart, together.data.mean(axis=1)


def test_recordings_in_both_forms(rng):
    together, apart, activity = both_forms(rng)
    columns = ["task", "stimulus"]
    label = together.trials.groupby(columns).ngroup().to_numpy()
    patterns = condition_patterns(together, columns).patterns.mean(axis=1)
    for recording in (together, apart):
        np.testing.assert_allclose(
            d_prime(recording, "task"), d_prime(activity, together.trials["task"])
        )
        np.testing.assert_array_equal(
            preferred_condition(recording, columns), preferred_condition(activity, label)
        )
        found = lifetime_sparseness(recording, columns)
        np.testing.assert_allclose(found, lifetime_sparseness(patterns), atol=1e-12)
    assert np.isnan(d_prime(apart, "task")[4])
    assert preferred_condition(apart, columns)[4] == -1
    np.testing.assert_allclose(lifetime_sparseness(activity, label), found, atol=1e-12)


def test_recordings_are_refused(rng):
    together, apart, _ = both_forms(rng)
    for recording in (together, apart):
        with pytest.raises(ValueError, match="group must name a column of its trials among"):
            d_prime(recording, "reward")
        with pytest.raises(ValueError, match="condition must name the columns of its trials"):
            preferred_condition(recording, 3)
        with pytest.raises(ValueError, match="condition must name the columns of its trials"):
            lifetime_sparseness(recording)
    few = make_container(
        [1.0, 2.0, 3.0, 4.0, 5.0], {"unit": [0, 0, 0, 0, 1], "task": list("aabba")}
    )
    with pytest.raises(ValueError, match="two values for each unit, got 0 for unit 1"):
        d_prime(few, "task")
    with pytest.raises(ValueError, match="condition must hold the condition of each trial"):
        preferred_condition([[1.0], [2.0]], None)


@pytest.mark.parametrize("activity", [[object()], [np.zeros((4, 2)), np.zeros((4, 3))]])
def test_networks_of_several_widths_are_refused(activity):
    with pytest.raises(ValueError, match=r"activity must be numbers.*pass np.stack"):
        preferred_condition(activity, [0, 0, 1, 1])
