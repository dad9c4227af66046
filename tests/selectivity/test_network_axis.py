"""Networks of a list are worked on together; results are those of each alone."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.metrics import r2_score

from neuroselect import LesionSelectivity, MultiTaskMLP, MultiTaskMLPClassifier, fit_many
from neuroselect._engine import _group_lesion
from neuroselect.geometry import component_accuracy
from neuroselect.networks import ContextGatedRegressor, _stacked
from neuroselect.selectivity import (
    group_lesion_scores,
    lesion_curve,
    noise_curve,
    task_group_lesion,
)

RNG = np.random.default_rng(0)
STIMULI, TASK = RNG.random((40, 3)), RNG.permutation(np.arange(40) % 2)
X = np.column_stack([STIMULI, TASK])
Y = np.where(TASK == 0, STIMULI[:, 0] + STIMULI[:, 1], STIMULI[:, 0] - STIMULI[:, 2])
EQUAL = {"rtol": 1e-12, "atol": 1e-12}


class OwnActivity(MultiTaskMLP):
    """A subclass that the engine's stack knows nothing about."""

    def activations(self, X, layer=-1):
        """Half of what it would be."""
        return super().activations(X, layer) / 2


def regressors():
    """Two stacks of different shapes, in turns, and one that stands alone."""
    shapes = [{}, {"activation": "tanh", "context_layer": -1}, {"hidden_layer_sizes": (5, 8)}]
    base = MultiTaskMLP((6, 8), learning_rate_init=0.01, max_iter=40)
    return [clone(base).set_params(**shapes[k % 3], random_state=k) for k in range(7)]


@pytest.fixture(scope="module")
def nets():
    return [*fit_many(regressors(), X, Y), OwnActivity((6, 8), max_iter=5).fit(X, Y)]


def sets_of(rng, n_units=8, n_sets=9):
    return rng.random((n_sets, n_units)) < 0.5


def test_networks_of_one_shape_are_stacked(nets, monkeypatch):
    assert _stacked.alike(nets, len(X)) == [[0, 3, 6], [1, 4], [2, 5], [7]]
    monkeypatch.setattr(_stacked, "STACK_BYTES", 8 * len(X) * nets[0]._network().n_values * 2)
    assert _stacked.alike(nets, len(X)) == [[0, 3], [6], [1, 4], [2, 5], [7]]
    renamed = fit_many(regressors()[:1], np.column_stack([STIMULI, TASK + 1]), Y)
    assert _stacked.alike([nets[0], *renamed], len(X)) == [[0], [1]]


@pytest.mark.parametrize(
    ("scoring", "lesion_value"),
    [
        (None, "zero"),
        ("accuracy", "mean"),
        ("mae_increase", "task_mean"),
        ("neg_mean_squared_error", "zero"),
    ],
)
def test_group_lesions(nets, rng, scoring, lesion_value):
    sets = sets_of(rng)
    options = {"scoring": scoring, "lesion_value": lesion_value, "subset": X[:, 0] > 0.5}
    result = group_lesion_scores(nets, X, Y, sets, **options)
    for k, net in enumerate(nets):
        alone = group_lesion_scores(net, X, Y, sets, **options)
        assert_allclose(result.scores[k], alone.scores, **EQUAL)
        assert_allclose(result.intact_scores[k], alone.intact_scores, **EQUAL)


def test_deep_layers_small_blocks_and_float32(nets, rng, monkeypatch):
    same = [net for net in nets if net.hidden_layer_sizes == (6, 8)]
    own = np.array([sets_of(rng, 6) for _ in same])
    for dtype, options in ((np.float64, EQUAL), (np.float32, {"rtol": 1e-4, "atol": 1e-5})):
        result = group_lesion_scores(same, X.astype(dtype), Y, own, layer=0)
        for values in (2**19, 300):
            monkeypatch.setitem(_group_lesion.BLOCK_VALUES, "cpu", values)
            small = group_lesion_scores(same, X.astype(dtype), Y, own, layer=0)
            assert_allclose(small.scores, result.scores, **options)
        for k, net in enumerate(same):
            alone = group_lesion_scores(net, X.astype(dtype), Y, own[k], layer=0)
            assert_allclose(result.scores[k], alone.scores, **options)


def test_inputs_and_one_set(nets, rng):
    sets = sets_of(rng, 3)
    result = group_lesion_scores(nets, X, Y, sets, layer="input")
    one = group_lesion_scores(nets, X, Y, np.arange(8) < 4)
    assert one.scores.shape == (8, 2)
    for k, net in enumerate(nets):
        alone = group_lesion_scores(net, X, Y, sets, layer="input")
        assert_allclose(result.scores[k], alone.scores, **EQUAL)
        alone = group_lesion_scores(net, X, Y, np.arange(8) < 4)
        assert_allclose(one.scores[k], alone.scores, **EQUAL)


@pytest.mark.parametrize("order", ["random", "most"])
def test_lesion_curves_draw_one_after_the_other(nets, seed, order):
    options = {"shares": [0.0, 0.4, 1.0], "order": order, "n_repeats": 4}
    result = lesion_curve(nets, X, Y, random_state=seed, **options)
    random_state = np.random.RandomState(seed)
    for k, net in enumerate(nets):
        alone = lesion_curve(net, X, Y, random_state=random_state, **options)
        assert_allclose(result.scores[k], alone.scores, **EQUAL)
        assert_allclose(result.intact_scores[k], alone.intact_scores, **EQUAL)


@pytest.mark.parametrize("scoring", [None, "mae_increase", "neg_mean_absolute_error"])
def test_noise_curves(nets, seed, scoring):
    options = {"noise_std": [0.0, 0.3], "n_repeats": 2, "scoring": scoring}
    result = noise_curve(nets, X, Y, random_state=seed, **options)
    drawn = np.random.RandomState(seed).randint(np.iinfo(np.int32).max)
    for k, net in enumerate(nets):
        alone = noise_curve(net, X, Y, random_state=drawn, **options)
        assert_allclose(result.scores[k], alone.scores, **EQUAL)


@pytest.mark.parametrize("scoring", ["accuracy", "neg_mean_squared_error"])
def test_component_accuracy(nets, scoring):
    options = {"layer": 1, "n_components": [0, 1, 4, 8], "scoring": scoring}
    result = component_accuracy(nets, X, Y, **options)
    for k, net in enumerate(nets):
        alone = component_accuracy(net, X, Y, **options)
        assert_allclose(result.scores[k], alone.scores, atol=1e-10)
        assert_allclose(result.intact_scores[k], alone.intact_scores, **EQUAL)


def test_task_groups(nets):
    fitted = [LesionSelectivity(net, prefit=True).fit(X, Y) for net in nets]
    result = task_group_lesion(fitted, X, Y, nan="remove")
    for k, selectivity in enumerate(fitted):
        alone = task_group_lesion(selectivity, X, Y, nan="remove")
        assert_allclose(result.scores[k], alone.scores, **EQUAL)
        assert (result.n_units[k] == alone.n_units).all()
    wider = MultiTaskMLP((6, 9), max_iter=5).fit(X, Y)
    mixed = [*fitted[:2], LesionSelectivity(wider, prefit=True).fit(X, Y)]
    result = task_group_lesion(mixed, X, Y)
    assert_allclose(result.scores[2], task_group_lesion(mixed[2], X, Y).scores, **EQUAL)


def test_classifiers_of_a_frame(rng):
    frame = pd.DataFrame(STIMULI, columns=["a", "b", "c"]).assign(task=np.array(["x", "y"])[TASK])
    labels = np.where(Y > 0.5, "high", "low")
    base = MultiTaskMLPClassifier((8,), task_column="task", max_iter=20)
    nets = fit_many([clone(base).set_params(random_state=k) for k in range(3)], frame, labels)
    assert _stacked.alike(nets, len(frame)) == [[0, 1, 2]]
    sets, noise = sets_of(rng), {"n_repeats": 2, "random_state": 0}
    result = group_lesion_scores(nets, frame, labels, sets)
    noisy = noise_curve(nets, frame, labels, **noise)
    drawn = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    for k, net in enumerate(nets):
        alone = group_lesion_scores(net, frame, labels, sets)
        assert_allclose(result.scores[k], alone.scores, **EQUAL)
        alone = noise_curve(net, frame, labels, n_repeats=2, random_state=drawn)
        assert_allclose(noisy.scores[k], alone.scores, **EQUAL)


def test_wrong_number_of_outputs(nets):
    with pytest.raises(ValueError, match=r"y must have 1 output\(s\)"):
        group_lesion_scores(nets[:1] * 2, X, np.column_stack([Y, Y]), np.arange(8) < 4)


@pytest.mark.parametrize("gating", ["learned", "random"])
def test_gated_networks(rng, gating):
    base = ContextGatedRegressor((6, 7), gating=gating, context_layer=-1, max_iter=5)
    nets = fit_many([clone(base).set_params(random_state=k) for k in range(3)], X, Y)
    for layer, n_units in ((0, 6), (1, 7)):
        sets = sets_of(rng, n_units)
        result = group_lesion_scores(nets, X, Y, sets, layer=layer, scoring="r2")
        for k, net in enumerate(nets):
            H = net.activations(X, layer)
            clamped = net.readout(np.where(sets[:, np.newaxis], 0.0, H), X, layer)
            for task in (0, 1):
                expected = [r2_score(Y[task == TASK], each[task == TASK]) for each in clamped]
                assert_allclose(result.scores[k, :, task], expected, **EQUAL)
