"""Importance, relative importance and labels as functions of arrays."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neuroselect.selectivity import (
    many_task_index,
    relative_importance,
    unit_importance,
    unit_labels,
)

FINITE = st.floats(0, 1e6, allow_subnormal=False)
IMPORTANCES = st.tuples(st.integers(1, 8), st.integers(2, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=FINITE)
)


# -- unit_importance -------------------------------------------------------------------


@pytest.mark.parametrize("effect", ["squared", "increase"])
def test_unit_importance_equals_the_loop(rng, effect):
    intact, lesioned = rng.normal(size=30), rng.normal(size=(4, 30))
    task = rng.integers(3, size=30)
    slow = np.zeros((4, 3))
    for i in range(4):
        for k in range(3):
            changes = [lesioned[i, z] - intact[z] for z in range(30) if task[z] == k]
            slow[i, k] = np.mean([c**2 if effect == "squared" else c for c in changes])
    fast = unit_importance(intact, lesioned, task, effect=effect)
    np.testing.assert_allclose(fast, slow, rtol=1e-12, atol=1e-14)
    names = np.array(["c", "a", "b"])[task]
    by_name = unit_importance(intact, lesioned, names, effect=effect)
    np.testing.assert_allclose(by_name, slow[:, [1, 2, 0]], rtol=1e-12, atol=1e-14)


def test_unit_importance_of_several_systems(rng):
    intact, lesioned = rng.normal(size=(3, 20)), rng.normal(size=(3, 4, 20))
    task = np.arange(20) % 2
    together = unit_importance(intact, lesioned, task)
    assert together.shape == (3, 4, 2)
    for k in range(3):
        np.testing.assert_allclose(together[k], unit_importance(intact[k], lesioned[k], task))


@pytest.mark.parametrize(
    ("intact", "lesioned", "task", "effect", "message"),
    [
        ([1.0, 2.0], [[1.0, 2.0]], [0, 1], "cubed", "effect must be one of .*'increase'.*'cubed'"),
        ([1.0, 2.0], [[1.0, 2.0, 3.0]], [0, 1], "squared", r"shapes \(2,\) and \(1, 3\)"),
        ([1.0, 2.0], [1.0, 2.0], [0, 1], "squared", r"shapes \(2,\) and \(2,\)"),
        ([], [[]], [], "squared", r"shapes \(0,\) and \(1, 0\)"),
        ([1.0, 2.0], [[1.0, 2.0]], [0, 1, 1], "squared", r"task must have shape .* \(3,\)"),
        ([1.0, np.nan], [[1.0, 2.0]], [0, 1], "squared", "intact must be finite, got 1"),
        ([1.0, 2.0], [[1.0, np.inf]], [0, 1], "squared", "lesioned must be finite, got 1"),
        ([1.0, 2.0], [[1.0, 2.0]], [0, np.nan], "squared", "task holds 1 missing values"),
        ([1.0, 2.0], [[1.0, 2.0]], ["a", None], "squared", "task holds 1 missing values"),
        (np.ones(5), np.ones((1, 5)), np.arange(5) / 7, "squared", "looks continuous"),
    ],
)
def test_unit_importance_refuses(intact, lesioned, task, effect, message):
    with pytest.raises(ValueError, match=message):
        unit_importance(intact, lesioned, task, effect=effect)


# -- relative_importance ---------------------------------------------------------------


def test_relative_importance_by_hand():
    importances = np.array([[4.0, 0.0, 1.0], [3.0, 1.0, 1.0], [0.0, 0.0, 0.0], [0.05, 5.0, 1.0]])
    expected = [[1.0, 0.6, -1.0], [0.5, 0.5, 0.0], [np.nan] * 3, [-1.0, -1.0, 4 / 6]]
    np.testing.assert_allclose(relative_importance(importances), expected)
    unpruned = relative_importance(importances, threshold=0)
    np.testing.assert_allclose(unpruned[3, 0], (0.05 - 5) / (0.05 + 5))
    # The tasks' means are 1.7625 and 1.5: at 0.8 of them unit 1 keeps 3, and loses 1 < 1.2.
    np.testing.assert_allclose(relative_importance(importances, threshold=0.8)[1, 0], 1)


def test_negative_importances_count_as_zero():
    relative = relative_importance([[-3.0, 1.0], [2.0, -1e-3], [-1.0, -1.0]], threshold=0)
    np.testing.assert_array_equal(relative, [[-1], [1], [np.nan]])


def test_layer_normalisation_removes_what_a_task_has_in_common(rng):
    importances = rng.gamma(1, size=(20, 3))
    factors = [1.0, 1e3, 1e-4]
    common = {"normalize": "layer", "threshold": 0.3}
    np.testing.assert_allclose(
        relative_importance(importances * factors, **common),
        relative_importance(importances, **common),
        atol=1e-12,
    )
    shares = importances / importances.sum(axis=0)
    np.testing.assert_allclose(
        relative_importance(importances, **common), relative_importance(shares, threshold=0.3)
    )
    dead = relative_importance([[0.0, 1.0], [0.0, 2.0]], normalize="layer")
    np.testing.assert_array_equal(dead, [[-1], [-1]])


@given(IMPORTANCES, st.sampled_from([0.0, 0.1, 1.0]), st.sampled_from([None, "layer"]))
def test_relative_importance_is_bounded_and_antisymmetric(importances, threshold, normalize):
    n_tasks = importances.shape[1]
    settings = {"threshold": threshold, "normalize": normalize}
    relative = relative_importance(importances, **settings)
    pairs = list(combinations(range(n_tasks), 2))
    assert relative.shape == (len(importances), len(pairs))
    assert np.all((np.abs(relative) <= 1) | np.isnan(relative))
    backwards = relative_importance(importances[:, ::-1], **settings)
    for column, (a, b) in enumerate(pairs):
        mirrored = pairs.index((n_tasks - 1 - b, n_tasks - 1 - a))
        np.testing.assert_array_equal(relative[:, column], -backwards[:, mirrored])


@given(IMPORTANCES, st.randoms(use_true_random=False))
def test_units_in_another_order_get_their_own_values(importances, random):
    # Whole numbers: their sums do not depend on the order, so nothing is pruned by rounding.
    importances = np.round(importances)
    order = list(range(len(importances)))
    random.shuffle(order)
    np.testing.assert_array_equal(
        relative_importance(importances)[order], relative_importance(importances[order])
    )
    np.testing.assert_array_equal(unit_labels(importances)[order], unit_labels(importances[order]))


@pytest.mark.parametrize(
    ("importances", "settings", "message"),
    [
        ([[1.0], [2.0]], {}, "at least two tasks: through the task column of X or through task="),
        ([1.0, 2.0], {}, r"shape \(n_units, n_tasks\).*got shape \(2,\)"),
        (np.empty((0, 2)), {}, r"at least one unit.*\(0, 2\)"),
        ([[1.0, np.nan]], {}, "importances must be finite, got 1"),
        ([[1.0, 2.0]], {"threshold": -1}, "threshold must be a number >= 0, got -1"),
        ([[1.0, 2.0]], {"normalize": "unit"}, "normalize must be 'layer' or None, got 'unit'"),
    ],
)
def test_relative_importance_refuses(importances, settings, message):
    with pytest.raises(ValueError, match=message):
        relative_importance(importances, **settings)


# -- unit_labels -----------------------------------------------------------------------


def test_labels_of_two_tasks():
    importances = [[1.0, 0.04], [1.0, 0.06], [0.04, 1.0], [0.0, 0.0], [1.0, 1.0]]
    labels = unit_labels(importances, tasks=["add", "multiply"], threshold=0)
    assert labels.tolist() == ["add", "mixed", "multiply", "silent", "mixed"]
    assert labels.dtype.kind == "U"
    assert unit_labels(importances, threshold=0, cutoff=0.0).tolist()[1] == "0"


def test_labels_of_several_tasks():
    importances = [[9.0, 0.0, 0.0], [9.0, 9.0, 0.0], [0.0, 0.0, 9.0], [0.0, 0.0, 0.0]]
    assert unit_labels(importances).tolist() == ["0", "mixed", "2", "silent"]


def test_labels_of_one_task():
    assert unit_labels([[2.0], [0.0], [0.01]], tasks=["go"]).tolist() == ["go", "silent", "silent"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cutoff": 1.0}, r"cutoff must be in \[0, 1\), got 1.0"),
        ({"tasks": ["a"]}, "name for each of the 2 columns of importances, got 1"),
        ({"tasks": ["a", "mixed"]}, "cannot be called 'mixed'.*Rename"),
    ],
)
def test_labels_refuse(settings, message):
    with pytest.raises(ValueError, match=message):
        unit_labels([[1.0, 2.0]], **settings)


@pytest.mark.parametrize("normalize", [None, "layer"])
def test_networks_on_the_first_axis(rng, normalize):
    importances = rng.exponential(size=(4, 9, 3)) ** 3
    importances[1, 2] = 0
    settings = {"normalize": normalize}
    relative = relative_importance(importances, **settings)
    tasks = ["a", "b", "c"]
    labels = unit_labels(importances, tasks=tasks, **settings)
    index = many_task_index(importances, **settings)
    for k, own in enumerate(importances):
        np.testing.assert_array_equal(relative[k], relative_importance(own, **settings))
        np.testing.assert_array_equal(
            labels[k], unit_labels(own, tasks=["a", "b", "c"], **settings)
        )
        np.testing.assert_array_equal(index[k], many_task_index(own, **settings))
