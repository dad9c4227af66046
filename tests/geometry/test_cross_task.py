"""Cross-task decoding: planted codes, a plain loop, and bad input."""

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeClassifier

from neuroselect.geometry import cross_task_decoding
from neuroselect.recordings import make_container

NAMES = ["task", "b", "l"]


def planted(rng, axes, offset=0.0, n_trials=8, n_units=30, levels=(-1, 1), noise=1.0):
    """Trials; `axes` maps (task, feature) to the number of an orthogonal axis."""
    basis = np.linalg.qr(rng.normal(size=(n_units, 5)))[0].T * 6
    rows = np.repeat(list(itertools.product(["A", "B"], levels, levels)), n_trials, axis=0)
    trials = pd.DataFrame(rows, columns=NAMES).astype({"b": float, "l": float})
    activity = np.outer(trials["task"] == "B", offset * basis[4])
    for (task, feature), axis in axes.items():
        signal = trials[feature] * (trials["task"] == task)
        activity = activity + np.outer(signal / max(levels), basis[axis])
    return activity + noise * rng.normal(size=activity.shape), trials


def decode(activity, trials, **options):
    options = {"n_permutations": 0, "n_resamples": 2, "random_state": 0, **options}
    return cross_task_decoding(activity, trials, ["b", "l"], "task", **options)


GRID = {("A", "b"): 0, ("A", "l"): 1, ("B", "b"): 0, ("B", "l"): 1}
ORTHOGONAL = {("A", "b"): 0, ("B", "l"): 1}
PARALLEL = {("A", "b"): 0, ("B", "l"): 0}


def test_geometries_are_told_apart(rng):
    # z-scores of units tilt orthogonal axes a little, less so of many units.
    chance = pytest.approx(0.5, abs=0.3)
    for levels in [(-1, 1), (-2, -1, 0, 1, 2)]:
        design = {"n_trials": 10 if len(levels) == 2 else 5, "levels": levels}
        of = {
            name: decode(*planted(rng, axes, n_units=100, **design)).role_scores
            for name, axes in (("grid", GRID), ("orthogonal", ORTHOGONAL), ("parallel", PARALLEL))
        }
        for name in of:
            assert of[name][0, 0, 0] > 0.9  # the relevant feature, within tasks
        assert of["grid"][0, 1, 1] > 0.9
        assert of["orthogonal"][0, 1, 1] == chance
        assert of["parallel"][1, 0, 0] > 0.9
        assert of["orthogonal"][1, 0, 0] == chance
        assert of["grid"][1, 0, 0] == chance  # other features, other axes
        assert of["grid"][1, 0, 1] > 0.9  # the same feature, relevant here, irrelevant there


def test_table_and_roles(rng):
    result = decode(*planted(rng, GRID), relevant={"A": "l", "B": "b"})
    table = result.to_frame()
    assert len(table) == 16
    row = table.query("train_task == 'A' and test_task == 'B' and train_feature == 'l'")
    assert list(row["test_role"]) == ["relevant", "irrelevant"]  # b, l in task B
    assert set(row["train_role"]) == {"relevant"}
    np.testing.assert_array_equal(row["score"], result.scores[0, 1, 1])
    across = table[table["train_task"] != table["test_task"]]
    means = across.groupby(["train_role", "test_role"])["score"].mean()
    assert result.role_scores[1, 0, 1] == pytest.approx(means["relevant", "irrelevant"])
    assert result.role_scores[1, 1, 1] == pytest.approx(means["irrelevant", "irrelevant"])


def test_offset_between_tasks(rng):
    """A main effect of task along the coding axis does not hide a shared code, unless asked to."""
    activity, trials = planted(rng, PARALLEL)
    direction = activity[trials["b"] > 0].mean(axis=0) - activity[trials["b"] < 0].mean(axis=0)
    activity = activity + 5 * np.outer(trials["task"] == "B", direction)
    own = decode(activity, trials).role_scores[1, 0, 0]
    other = decode(activity, trials, scale="train_task").role_scores[1, 0, 0]
    assert own > 0.9
    assert other < 0.7


def test_reversed_code_is_below_chance(rng):
    activity, trials = planted(rng, {("A", "b"): 0, ("B", "b"): 0})
    flipped = np.where((trials["task"] == "B").to_numpy(), -trials["b"], trials["b"])
    result = decode(activity, trials.assign(b=flipped), n_permutations=39, alternative="less")
    assert result.scores[0, 1, 0, 0] < 0.1
    assert result.p_values[0, 1, 0, 0] == 1 / 40
    assert result.p_values[0, 0, 0, 0] == 1.0


def test_p_values_of_planted_codes(rng):
    result = decode(*planted(rng, PARALLEL), n_permutations=39)
    assert result.null.shape == (39, 2, 2, 2, 2)
    assert result.role_p_values[1, 0, 0] == 1 / 40
    assert result.role_p_values[0, 0, 0] == 1 / 40
    assert abs(result.null.mean() - 0.5) < 0.03


def test_any_classifier_is_the_closed_form(rng):
    activity, trials = planted(rng, GRID, n_trials=5, n_units=6, noise=6.0)
    ours = decode(activity, trials, n_permutations=2)
    ridge = RidgeClassifier(alpha=6, class_weight="balanced")
    theirs = decode(activity, trials, n_permutations=2, estimator=ridge)
    np.testing.assert_allclose(theirs.scores, ours.scores)
    np.testing.assert_allclose(theirs.null, ours.null)


def test_units_not_recorded_together(rng):
    activity, trials = planted(rng, PARALLEL, n_trials=10)
    unit, row = (axis.ravel() for axis in np.indices(activity.T.shape))
    columns = {name: trials[name].to_numpy()[row] for name in NAMES}
    cells = make_container(activity.T.ravel(), {"unit": unit, **columns})
    result = cross_task_decoding(
        cells, NAMES, ["b", "l"], "task", n_permutations=20, random_state=0
    )
    assert result.role_scores[1, 0, 0] > 0.9
    assert result.role_p_values[1, 0, 0] == 1 / 21


def test_bad_input(rng):
    activity, trials = planted(rng, GRID, n_trials=2)
    kept = (trials["task"] == "B") | (trials["b"] > 0)
    named = pd.concat([trials.assign(b=np.resize(["x", "y", "z"], len(trials)))] * 6)
    many = np.tile(activity, (6, 1))
    for case, message in [
        ((activity, trials, ["b", "b"], "task"), "features must name"),
        ((activity, trials, ["b"], "task"), "features must name"),
        ((activity, trials, ["b", "l", "task"], "task"), "features must name two columns"),
        ((activity, trials, ["b", "l"], "rule"), r"three different columns .*got 'rule'"),
        ((activity[:8], trials[:8], ["b", "l"], "task"), "at least two tasks, got"),
        ((activity[kept], trials[kept], ["b", "l"], "task"), "'A' leaves a class of 'b' empty"),
        ((many, named, ["b", "l"], "task"), "numeric levels, or two values, got"),
    ]:
        with pytest.raises(ValueError, match=message):
            cross_task_decoding(*case)
    with pytest.raises(ValueError, match="n_splits=5 folds need"):
        decode(activity, trials)
    with pytest.raises(ValueError, match="relevant must map each of the tasks"):
        decode(activity, trials, relevant={"A": "b"}, n_splits=2)
