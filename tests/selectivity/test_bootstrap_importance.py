"""Intervals of importance against SciPy's bootstrap and against the truth."""

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from neuroselect import LesionSelectivity, MultiTaskMLP, fit_many
from neuroselect.datasets import make_context_blobs
from neuroselect.selectivity import bootstrap_importance

X, Y = make_context_blobs()


def known_decoder(rng, n_trials=240, n_units=200):
    """Each unit has weight 1; rates are twice as large in the second half, task 1."""
    task = np.repeat([0, 1], n_trials // 2)
    rates = rng.normal(size=(n_trials, n_units)) * (1 + task[:, None])
    y = rates.sum(axis=1) + rng.normal(size=n_trials)
    model = LinearRegression().fit(rates, y)
    model.coef_, model.intercept_ = np.ones(n_units), 0.0
    return LesionSelectivity(model, effect="increase", prefit=True), rates, y, task


def test_intervals_hold_the_truth_as_often_as_they_say(rng):
    lesions, rates, y, task = known_decoder(rng)
    lesions.fit(rates, y, task=task)
    result = bootstrap_importance(lesions, rates, y, task=task, random_state=0)
    np.testing.assert_allclose(result.importances, lesions.importances_)
    np.testing.assert_allclose(result.relative_importance, lesions.relative_importance_)
    low, high = np.moveaxis(result.importance_intervals, -1, 0)
    covered = (low <= [0.5, 2.0]) & (high >= [0.5, 2.0])  # half the variance of the rate
    assert 0.85 < covered.mean() < 0.99
    low, high = np.moveaxis(result.relative_intervals, -1, 0)
    assert np.mean((low <= -0.6) & (high >= -0.6)) > 0.85
    assert np.all(result.silent_share == 0)
    narrow = bootstrap_importance(
        lesions, rates, y, task=task, confidence_level=0.5, random_state=0
    )
    low, high = np.moveaxis(narrow.importance_intervals, -1, 0)
    assert 0.3 < np.mean((low <= [0.5, 2.0]) & (high >= [0.5, 2.0])) < 0.65


def test_intervals_are_those_of_scipy(rng):
    lesions, rates, y, task = known_decoder(rng, n_units=3)
    lesions.fit(rates, y, task=task)
    result = bootstrap_importance(lesions, rates, y, task=task, n_resamples=4000, random_state=0)
    residual = rates.sum(axis=1) - y
    change = 0.5 * (np.square(residual[:, None] - rates) - np.square(residual)[:, None])
    for k in (0, 1):
        scipys = bootstrap(
            (change[task == k],), np.mean, axis=0, method="percentile", n_resamples=4000, rng=rng
        )
        ends = np.stack(scipys.confidence_interval, axis=-1)
        spread = scipys.standard_error[:, None]
        assert np.all(np.abs(result.importance_intervals[:, k] - ends) < 0.25 * spread)


def test_held_out_trials_and_silent_units():
    net = MultiTaskMLP((8,), max_iter=60, random_state=0).fit(X, Y)
    net.coefs_[-1][2] = 0
    lesions = LesionSelectivity(net, prefit=True).fit(X[::2], Y[::2])
    before = dict(vars(lesions))
    result = bootstrap_importance(lesions, X[1::2], Y[1::2], n_resamples=50, random_state=0)
    assert vars(lesions).keys() == before.keys()
    assert all(vars(lesions)[name] is value for name, value in before.items())
    expected = LesionSelectivity(net, prefit=True).fit(X[1::2], Y[1::2]).importances_
    np.testing.assert_allclose(result.importances, expected)
    np.testing.assert_array_equal(result.importance_intervals[2], 0)
    assert result.silent_share[2] == 1
    assert np.isnan(result.relative_intervals[2]).all()
    again = bootstrap_importance(lesions, X[1::2], Y[1::2], n_resamples=50, random_state=0)
    np.testing.assert_array_equal(again.relative_intervals, result.relative_intervals)


def test_refused():
    net = MultiTaskMLP((8,), max_iter=20, random_state=0).fit(X, Y)
    lesions = LesionSelectivity(net, prefit=True)
    with pytest.raises(NotFittedError):
        bootstrap_importance(lesions, X, Y)
    lesions.fit(X, Y)
    with pytest.raises(ValueError, match=r"of the tasks \[0, 1\] that fit has seen.*got \[1\]"):
        bootstrap_importance(lesions, X[X[:, -1] == 1], Y[X[:, -1] == 1])
    with pytest.raises(ValueError, match="'confidence_level' parameter"):
        bootstrap_importance(lesions, X, Y, confidence_level=95)
    with pytest.raises(ValueError, match=r"effects on single trials.*got 'r2'"):
        bootstrap_importance(lesions.set_params(effect="r2").fit(X, Y), X, Y)


def test_lists_of_networks():
    nets = fit_many([MultiTaskMLP((8,), max_iter=60, random_state=k) for k in range(3)], X, Y)
    lesions = [LesionSelectivity(net, prefit=True).fit(X, Y) for net in nets]
    result = bootstrap_importance(lesions, X, Y, n_resamples=20, random_state=0)
    random_state = np.random.RandomState(0)
    for k, each in enumerate(lesions):
        alone = bootstrap_importance(each, X, Y, n_resamples=20, random_state=random_state)
        np.testing.assert_array_equal(result.relative_intervals[k], alone.relative_intervals)
        np.testing.assert_array_equal(result.importances[k], alone.importances)
    assert result.tasks.tolist() == [0, 1]
    other = LesionSelectivity(MultiTaskMLP((5,), max_iter=2)).fit(X, Y)
    for wrong in ([], [lesions[0], other]):
        with pytest.raises(ValueError, match="equally many units and the same tasks, got"):
            bootstrap_importance(wrong, X, Y)
