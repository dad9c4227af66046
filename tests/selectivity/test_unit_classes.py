"""Silent, task-specific, mixed: classes of units by their activity."""

import numpy as np
import pandas as pd
import pytest

from neuroselect import MultiTaskMLP
from neuroselect.datasets import fetch_mante_monkey_a, make_context_blobs
from neuroselect.recordings import make_container
from neuroselect.selectivity import unit_classes


def slow_class(activity, task, tolerance):
    positive = [str(k) for k in np.unique(task) if activity[task == k].mean() > tolerance]
    return {0: "silent", 1: positive[0] if positive else None}.get(len(positive), "mixed")


@pytest.mark.parametrize("tolerance", [0.0, 0.2])
@pytest.mark.parametrize("n_tasks", [1, 2, 3])
def test_equals_the_loop(rng, tolerance, n_tasks):
    activity = np.maximum(rng.normal(size=(30, 40)) - 1.5, 0)
    task = np.arange(30) % n_tasks
    labels = unit_classes(activity, task, tolerance=tolerance)
    slow = [slow_class(unit, task, tolerance) for unit in activity.T]
    assert labels.tolist() == slow
    assert labels.dtype.kind == "U"


def test_dead_units_are_never_mixed(rng):
    X, y = make_context_blobs()
    net = MultiTaskMLP((30,), bias_init=-0.05, max_iter=5, random_state=0).fit(X, y)
    activity = net.activations(X)
    dead = ~activity.any(axis=0)
    assert 0 < dead.sum() < 30
    np.testing.assert_array_equal(unit_classes(activity, X[:, -1]) == "silent", dead)


def test_several_systems(rng):
    activity = np.maximum(rng.normal(size=(4, 10, 6)) - 1, 0)
    names = pd.Series(["north"] * 5 + ["south"] * 5)
    together = unit_classes(activity, names)
    assert together.shape == (4, 6)
    for system, labels in zip(activity, together, strict=True):
        np.testing.assert_array_equal(unit_classes(system, names), labels)


def test_tasks_are_named_as_integers_where_they_are():
    assert unit_classes([[1.0], [0.0]], [0.0, 1.0]).tolist() == ["0"]
    assert unit_classes([[1.0], [0.0]], [0.5, 1.5]).tolist() == ["0.5"]


def test_recorded_units_are_active_in_both_contexts(data_folder):
    recording = fetch_mante_monkey_a(data_home=data_folder)
    labels = unit_classes(recording.data, recording.conditions["context"])
    assert labels.shape == (762,)
    assert np.mean(labels == "mixed") > 0.9


@pytest.mark.parametrize(
    ("activity", "task", "tolerance", "message"),
    [
        ([1.0, 2.0], [0, 1], 0.0, r"activity must have shape .*got shape \(2,\)"),
        ([[1.0], [np.inf]], [0, 1], 0.0, "activity must be finite, got 1"),
        ([[1.0], [2.0]], [0], 0.0, r"task must have shape .* got shape \(1,\)"),
        ([[1.0], [2.0]], [0, 1], -0.1, "tolerance must be a number >= 0, got -0.1"),
        ([[1.0], [2.0]], [0, 1], np.nan, "tolerance must be a number >= 0, got nan"),
        ([[1.0], [2.0]], ["silent", "b"], 0.0, "A task cannot be called 'silent'"),
    ],
)
def test_refuses(activity, task, tolerance, message):
    with pytest.raises(ValueError, match=message):
        unit_classes(activity, task, tolerance=tolerance)


@pytest.mark.parametrize("times", [False, True])
def test_recordings_of_units_together_and_apart(rng, times):
    shape = (30, 5, 8) if times else (30, 8)
    activity = np.maximum(rng.normal(size=shape) - 1.5, 0)
    trials = pd.DataFrame({"rule": np.where(np.arange(30) % 2, "saccade", "reach")})
    together = make_container(activity, trials, time=np.arange(5) * 50.0 if times else None)
    mean = activity.mean(axis=1) if times else activity
    expected = unit_classes(mean, trials["rule"], tolerance=0.1)
    assert unit_classes(together, "rule", tolerance=0.1).tolist() == expected.tolist()
    rows = pd.concat([trials.assign(unit=k) for k in range(8)], ignore_index=True)
    long = np.concatenate([activity[..., k] for k in range(8)])
    apart = make_container(long, rows, time=np.arange(5) * 50.0 if times else None)
    assert unit_classes(apart, "rule", tolerance=0.1).tolist() == expected.tolist()
    with pytest.raises(ValueError, match="must name the column of its trials"):
        unit_classes(together, trials["rule"])
