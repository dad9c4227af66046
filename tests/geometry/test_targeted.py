"""Targeted dimensionality reduction against its definition, unit by unit and bin by bin."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from neuroselect.datasets import fetch_park2025
from neuroselect.geometry import (
    TargetedDimensionalityReduction,
    axis_angle_test,
    subspace_angle,
)
from neuroselect.recordings import condition_patterns, make_container, select


def slow_axis(units, n_components):
    """From a list with (rates (n_trials, n_times), variable (n_trials,)) of each unit."""
    scores, means = [], []
    for rates, variable in units:
        root = np.sqrt(rates)
        z = (root - root.mean()) / root.std()
        bins = z.T
        slopes = [np.polyfit(variable, one, 1)[0] for one in bins]
        mean = np.stack([z[variable == value].mean(axis=0) for value in np.unique(variable)])
        means.append((mean - mean.mean()) / mean.std())
        scores.append(slopes)
    vectors = np.array(scores).T  # times, units
    flat = np.stack(means, axis=-1).reshape(-1, len(units))
    eigenvalues, axes = np.linalg.eigh(flat.T @ flat)
    kept = axes[:, np.argsort(eigenvalues)[::-1][:n_components]]
    return vectors, (vectors @ kept @ kept.T).mean(axis=0)


def session(rng, n_trials=60, n_times=4, n_units=7):
    direction = rng.permutation(np.tile([0, 1], n_trials // 2))
    gain = 3 * rng.normal(size=(n_times, n_units))
    rates = rng.poisson(8 + np.clip(direction[:, None, None] * gain, -7, None)).astype(float)
    return rates, direction


@pytest.mark.parametrize("n_components", [1, 3])
def test_equals_its_definition_in_both_forms(rng, n_components):
    rates, direction = session(rng)
    reduction = TargetedDimensionalityReduction("direction", n_components=n_components)
    together = reduction.fit(rates, {"direction": direction})
    units = [(rates[:, :, k], direction) for k in range(7)]
    vectors, axis = slow_axis(units, n_components)
    np.testing.assert_allclose(together.axis_, axis)
    np.testing.assert_allclose(together.regression_vectors_, vectors)
    np.testing.assert_allclose(together.axes_by_time_.mean(axis=0), axis)
    # The cells apart, some of them with fewer trials, rows in any order.
    units = [(r[k:], d[k:]) for k, (r, d) in enumerate(units)]
    data = np.concatenate([r for r, _ in units])
    unit = np.repeat(np.arange(7), [len(d) for _, d in units])
    trials = pd.DataFrame({"unit": unit, "direction": np.concatenate([d for _, d in units])})
    order = rng.permutation(len(data))
    apart = TargetedDimensionalityReduction("direction", n_components=n_components)
    apart.fit(data[order], trials.iloc[order])
    np.testing.assert_allclose(apart.axis_, slow_axis(units, n_components)[1])
    assert apart.axis_.shape == (7,)
    assert apart.components_.shape == (n_components, 7)
    recording = make_container(data, trials, time=10.0 * np.arange(4))
    again = TargetedDimensionalityReduction("direction", n_components=n_components).fit(recording)
    np.testing.assert_allclose(again.axis_, apart.axis_)


def test_without_time_and_with_names(rng):
    rates, direction = session(rng, n_times=1)
    named = np.where(direction == 1, "right", "left")
    numbers = TargetedDimensionalityReduction("direction").fit(rates[:, 0], direction)
    words = TargetedDimensionalityReduction("direction").fit(
        rates, pd.DataFrame({"direction": named})
    )
    np.testing.assert_allclose(words.axis_, numbers.axis_)
    assert list(words.conditions_["direction"]) == ["left", "right"]


def test_projections(rng):
    rates, direction = session(rng)
    reduction = TargetedDimensionalityReduction("direction", transform=None).fit(rates, direction)
    unit_axis = reduction.axis_ / np.linalg.norm(reduction.axis_)
    z = (rates - rates.mean(axis=(0, 1))) / rates.std(axis=(0, 1))
    projected = reduction.transform(rates)
    np.testing.assert_allclose(projected[..., 0], z @ unit_axis)
    np.testing.assert_allclose(reduction.projections_[1], projected[direction == 1, :, 0].mean(0))
    # With one component everything lies on it; the sign is that of the variable.
    assert np.mean(reduction.projections_[1] - reduction.projections_[0]) > 0


def test_transform_is_a_parameter_and_a_method(rng):
    rates, direction = session(rng, n_times=1)
    reduction = clone(TargetedDimensionalityReduction("direction", transform=None))
    assert reduction.get_params()["transform"] is None
    assert reduction.set_params(transform="sqrt").get_params()["transform"] == "sqrt"
    assert "transform=None" in repr(clone(reduction).set_params(transform=None))
    again = pickle.loads(pickle.dumps(reduction.fit(rates[:, 0], direction)))
    np.testing.assert_array_equal(again.transform(rates[:, 0]), reduction.transform(rates[:, 0]))
    root = TargetedDimensionalityReduction("direction", transform=None)
    np.testing.assert_allclose(root.fit(np.sqrt(rates[:, 0]), direction).axis_, again.axis_)
    with pytest.raises(ValueError, match="transform"):
        reduction.set_params(transform="log").fit(rates[:, 0], direction)


def test_several_variables_in_one_regression(rng):
    trials = pd.DataFrame({"side": rng.normal(size=200), "reward": rng.integers(0, 3, 200)})
    trials["side"] += 0.5 * trials["reward"]  # correlated
    trials["cue"] = rng.integers(0, 2, 200)
    axes = np.linalg.qr(rng.normal(size=(12, 2)))[0].T
    rates = trials[["side", "reward"]].to_numpy() @ axes + 0.1 * rng.normal(size=(200, 12))
    reduction = TargetedDimensionalityReduction(
        ["side", "reward"], conditions=["reward", "cue"], n_components=2, transform=None
    ).fit(rates, trials)
    assert reduction.axis_.shape == (2, 12)
    assert reduction.regression_vectors_.shape == (2, 1, 12)
    assert reduction.projections_.shape == (2, 6, 1)
    design = np.column_stack([np.ones(200), trials[["side", "reward"]]])
    z = (rates - rates.mean(axis=0)) / rates.std(axis=0)
    expected = np.linalg.lstsq(design, z, rcond=None)[0][1:]
    np.testing.assert_allclose(reduction.regression_vectors_[:, 0], expected)


def test_recovers_the_axes_of_two_tasks(rng):
    """Cells apart; the second task's axis is planted at a known angle."""
    n_units, n_trials = 80, 60
    first, other = np.linalg.qr(rng.normal(size=(n_units, 2)))[0].T
    unit, trial = (axis.ravel() for axis in np.indices((n_units, 2 * n_trials)))
    trials = pd.DataFrame({"unit": unit, "direction": trial % 2, "task": trial // n_trials})
    for degrees, low, high in [(0, 0, 25), (90, 75, 105), (180, 155, 180)]:
        second = np.cos(np.radians(degrees)) * first + np.sin(np.radians(degrees)) * other
        axis = np.stack([first, second])[trials["task"], unit] * 25
        signal = axis * (trials["direction"].to_numpy() - 0.5)
        rates = signal[:, None] + rng.normal(size=(len(trials), 3))
        cells = make_container(rates, trials, time=[0.0, 50.0, 100.0])
        options = {"transform": None, "n_permutations": 39, "random_state": 0}
        code = axis_angle_test(cells, "direction", "task", **options)
        task = axis_angle_test(cells, "direction", "task", permute="task", **options)
        assert low <= code.angle <= high
        assert code.angle == task.angle
        assert code.null.shape == (39,)
        assert (code.p_value < 0.05) == (degrees == 0)
        assert (task.p_value < 0.05) == (degrees > 0)


def test_two_fits_are_what_the_test_compares(rng):
    rates, direction = session(rng)
    task = rng.integers(0, 2, len(rates))
    recording = make_container(rates, {"direction": direction, "task": task}, time=np.arange(4) * 9)
    result = axis_angle_test(recording, "direction", "task", n_permutations=0)
    fits = [
        TargetedDimensionalityReduction("direction").fit(select(recording, trials=f"task == {k}"))
        for k in result.tasks
    ]
    np.testing.assert_allclose(result.axes, [fit.axis_ for fit in fits])
    assert result.angle == subspace_angle(*result.axes, directed=True)
    assert np.isnan(result.p_value)


def test_park(data_folder):
    """Memory axes of looking and not looking: alike early in the delay, apart late in it."""
    angles = {}
    for period in ("early_delay", "late_delay"):
        park = fetch_park2025(period, data_home=data_folder)
        both = axis_angle_test(park, "direction", "task", n_permutations=0)
        assert both.tasks == ["look", "no_look"]
        assert both.axes.shape == (2, 319)
        angles[period] = both.angle
    assert angles["early_delay"] < 45 < angles["late_delay"] < 90
    options = {"n_permutations": 19, "random_state": 0}
    code = axis_angle_test(park, "direction", "task", **options)
    assert code.p_value == 1 / 20  # closer than without a code
    task = axis_angle_test(park, "direction", "task", permute="task", **options)
    assert task.p_value == 1 / 20  # farther apart than noise explains
    reduction = TargetedDimensionalityReduction("direction")
    look = reduction.fit(select(park, trials="task == 'look'"))
    np.testing.assert_allclose(look.axis_, task.axes[0])
    # The cells prefer the direction called 1, by how it was chosen.
    assert np.mean(look.regression_vectors_ > 0) > 0.5
    means = condition_patterns(park, ["task", "direction"]).patterns
    assert look.transform(means).shape == (4, 10, 1)


RATES = np.arange(24.0).reshape(12, 2) % 7
SIDE = np.tile([0, 1], 6)


@pytest.mark.parametrize(
    ("X", "y", "options", "message"),
    [
        (RATES - 9, SIDE, {}, "Negative values in data.*Take transform=None"),
        (np.where(RATES == 3, np.nan, RATES), SIDE, {}, "NaN"),
        (RATES, SIDE * 0, {}, "variables must vary over the trials, and not depend"),
        (RATES, None, {}, "requires y to be passed"),
        (RATES[:1], SIDE[:1], {}, "X must have at least 2 trials, got n_samples=1"),
        (RATES, {"side": SIDE}, {}, r"variables must name columns of the trials, \['side'\]"),
        (RATES, SIDE, {"variables": ["a", "b"]}, r"y must be a table.*shape \(12,\) for"),
        (RATES, SIDE, {"variables": []}, "variables must name different columns"),
        (RATES, SIDE, {"n_components": 2}, "n_components must be at most 1, the dimensions of 2"),
        (RATES, np.resize(["a", "b", "c"], 12), {}, "numbers, or two values, got 3"),
        (RATES[:, 0], {"unit": [0] * 11 + [1], "direction": SIDE}, {}, "over the trials of unit 1"),
    ],
)  # fmt: skip
def test_bad_input(X, y, options, message):
    reduction = TargetedDimensionalityReduction(**{"variables": "direction", **options})
    with pytest.raises(ValueError, match=message):
        reduction.fit(X, y)


def test_bad_conditions_and_tasks():
    trials = {"unit": np.repeat([0, 1], 6), "side": SIDE, "cue": [0, 0, 1, 1, 0, 0] + [0] * 6}
    cells = make_container(RATES[:, 0], trials)
    by_cue = TargetedDimensionalityReduction("side", conditions=["cue"])
    with pytest.raises(ValueError, match="unit 1 has none of condition 1"):
        by_cue.fit(cells)
    three = make_container(RATES[:, 0], {**trials, "cue": [0, 1, 2] * 4})
    with pytest.raises(ValueError, match="has two values, 'cue' has 3"):
        axis_angle_test(three, "side", "cue")
    with pytest.raises(ValueError, match="task must name columns of the trials"):
        axis_angle_test(cells, "side", "rule")
