"""Lesions of sets of units against units clamped one set after the other."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import is_classifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    get_scorer,
    log_loss,
    make_scorer,
    max_error,
    mean_absolute_error,
    r2_score,
)

from neuroselect import (
    LesionSelectivity,
    MultiTaskCNNClassifier,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    fit_many,
)
from neuroselect.datasets import make_context_blobs
from neuroselect.selectivity import group_lesion_scores

X, Y = make_context_blobs()
TASK = X[:, -1].astype(int)
SIDES = np.where(Y < 0, "left", "right")


def trained(kind="regressor", hidden=(9, 7, 8), **parameters):
    parameters = {"learning_rate_init": 0.02, "max_iter": 60, "random_state": 0, **parameters}
    if kind == "classifier":
        return MultiTaskMLPClassifier(hidden, **parameters).fit(X, SIDES), SIDES
    y = np.column_stack([Y, Y**2]) if kind == "two outputs" else Y
    return MultiTaskMLP(hidden, **parameters).fit(X, y), y


def clamped(net, X, removed, layer, value=0.0):
    """What the network answers with units of one set clamped: the slow way."""
    H = net.activations(X, layer)
    mask = removed.reshape(1, -1, *[1] * (H.ndim - 2))
    output = net.readout(np.where(mask, value, H), X, layer)
    return net.classes_[output.argmax(-1)] if is_classifier(net) else output


def by_task(metric, y, predicted, task=TASK):
    return [metric(y[task == t], predicted[task == t]) for t in np.unique(task)]


def some_sets(rng, n_units, n_sets=12):
    return rng.random((n_sets, n_units)) < rng.random((n_sets, 1))


class TestNetworks:
    @pytest.mark.parametrize("kind", ["regressor", "two outputs", "classifier"])
    @pytest.mark.parametrize("layer", [0, 1, -1])
    @pytest.mark.parametrize("context_layer", [0, 1, -1])
    def test_equals_the_loop(self, kind, layer, context_layer, rng):
        net, y = trained(kind, context_layer=context_layer)
        sets = some_sets(rng, net.activations(X, layer).shape[1])
        metric = accuracy_score if kind == "classifier" else r2_score
        result = group_lesion_scores(net, X, y, sets, layer=layer)
        expected = [by_task(metric, y, clamped(net, X, s, layer)) for s in sets]
        assert_allclose(result.scores, expected, atol=1e-10)
        assert_allclose(result.intact_scores, net.score_by_task(X, y), atol=1e-12)
        assert_array_equal(result.tasks, net.tasks_)

    @pytest.mark.parametrize("lesion_value", ["mean", "task_mean"])
    @pytest.mark.parametrize("layer", [0, -1])
    def test_values_other_than_zero(self, lesion_value, layer, rng):
        net, y = trained(context_layer=1)
        H = net.activations(X, layer)
        value = H.mean(0)
        if lesion_value == "task_mean":
            value = np.array([H[t == TASK].mean(0) for t in (0, 1)])[TASK]
        sets = some_sets(rng, H.shape[1])
        result = group_lesion_scores(net, X, y, sets, layer=layer, lesion_value=lesion_value)
        expected = [by_task(r2_score, y, clamped(net, X, s, layer, value)) for s in sets]
        assert_allclose(result.scores, expected, atol=1e-10)

    def test_blocks_do_not_matter(self, monkeypatch, rng):
        from neuroselect._engine import _group_lesion

        net, y = trained()
        sets = some_sets(rng, 9, 40)
        whole = group_lesion_scores(net, X, y, sets, layer=0).scores
        monkeypatch.setitem(_group_lesion.BLOCK_VALUES, "cpu", 500)
        monkeypatch.setattr(_group_lesion, "MIN_SETS", 3)
        assert_allclose(group_lesion_scores(net, X, y, sets, layer=0).scores, whole, atol=1e-12)
        monkeypatch.setattr(_group_lesion, "WEIGHT_VALUES", 1)
        assert_allclose(group_lesion_scores(net, X, y, sets, layer=0).scores, whole, atol=1e-12)

    def test_float32(self, rng):
        single = X.astype(np.float32)
        net = MultiTaskMLP((20, 20), max_iter=30, random_state=0).fit(single, Y.astype(np.float32))
        sets = some_sets(rng, 20)
        result = group_lesion_scores(net, single, Y, sets, layer=0)
        expected = [by_task(r2_score, Y, clamped(net, single, s, 0)) for s in sets]
        assert result.scores.dtype == np.float64
        assert_allclose(result.scores, expected, rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("layer", [0, 1, 2])
    def test_channels_and_units_of_images(self, layer, rng):
        images = rng.normal(size=(70, 36))
        task = np.arange(70) % 2
        y = np.where(images[:, 0] > 0, "a", "b")
        seen = np.column_stack([images, task])
        net = MultiTaskCNNClassifier(
            (5,), image_shape=(6, 6), conv_channels=(4, 3), pool_size=1, max_iter=20,
            random_state=0,
        ).fit(seen, y)  # fmt: skip
        sets = some_sets(rng, net.activations(seen, layer).shape[1], 6)
        result = group_lesion_scores(net, seen, y, sets, layer=layer, scoring="neg_log_loss")
        for removed, scores in zip(sets, result.scores, strict=True):
            H = net.activations(seen, layer)
            H[:, removed] = 0
            p = net.readout(H, seen, layer)
            losses = [-log_loss(y[task == t], p[task == t], labels=["a", "b"]) for t in (0, 1)]
            assert_allclose(scores, losses, atol=1e-8)

    def test_list_of_networks(self, rng):
        y, nets = Y, fit_many([trained()[0].set_params(random_state=k) for k in range(3)], X, Y)
        sets = some_sets(rng, 8)
        result = group_lesion_scores(nets, X, y, sets)
        assert result.scores.shape == (3, 12, 2)
        assert result.intact_scores.shape == (3, 2)
        own = np.array([some_sets(rng, 8) for _ in nets])
        of_each = group_lesion_scores(nets, X, y, own)
        for k, net in enumerate(nets):
            alone = group_lesion_scores(net, X, y, sets).scores
            assert_allclose(result.scores[k], alone, rtol=1e-12, atol=1e-12)
            alone = group_lesion_scores(net, X, y, own[k]).scores
            assert_allclose(of_each.scores[k], alone, rtol=1e-12, atol=1e-12)

    def test_keep(self, rng):
        net, y = trained()
        sets = some_sets(rng, 8)
        kept = group_lesion_scores(net, X, y, sets, keep=True).scores
        assert_allclose(kept, group_lesion_scores(net, X, y, ~sets).scores)

    def test_one_set(self):
        net, y = trained()
        units = np.arange(8) < 4
        one = group_lesion_scores(net, X, y, units).scores
        assert one.shape == (2,)
        assert_array_equal(one, group_lesion_scores(net, X, y, units[None]).scores[0])

    def test_trials_of_one_task_and_other_codes(self, rng):
        net, y = trained()
        sets, rows = some_sets(rng, 8), TASK == 1
        result = group_lesion_scores(net, X[rows], y[rows], sets)
        assert_allclose(result.scores[:, 0], group_lesion_scores(net, X, y, sets).scores[:, 1])
        side = np.where(np.arange(len(X)) % 3, "high", "low")
        assert group_lesion_scores(net, X, y, sets, task=side).tasks.tolist() == ["high", "low"]

    def test_kinds_of_trials(self, rng):
        net, y = trained()
        sets = some_sets(rng, 8)
        kind = np.where(np.arange(len(X)) % 3, "congruent", "incongruent")
        result = group_lesion_scores(net, X, y, sets, subset=kind)
        assert result.scores.shape == (12, 2, 2)
        assert result.subsets.tolist() == ["congruent", "incongruent"]
        for k, name in enumerate(result.subsets):
            expected = [
                by_task(r2_score, y[kind == name], clamped(net, X, s, -1)[kind == name],
                        TASK[kind == name])
                for s in sets
            ]  # fmt: skip
            assert_allclose(result.scores[:, k], expected, atol=1e-10)
        lonely = group_lesion_scores(net, X, y, sets, subset=TASK)
        assert_array_equal(np.isnan(lonely.scores[0]), [[False, True], [True, False]])


class TestScoring:
    def test_increase_of_the_absolute_error(self, rng):
        net, y = trained("two outputs")
        sets = some_sets(rng, 8)
        before = np.array(by_task(mean_absolute_error, y, net.predict(X)))
        after = [by_task(mean_absolute_error, y, clamped(net, X, s, -1)) for s in sets]
        result = group_lesion_scores(net, X, y, sets, scoring="mae_increase")
        assert_allclose(result.scores, np.array(after) / before - 1, atol=1e-9)
        assert_array_equal(result.intact_scores, 0)

    def test_accuracy_of_a_regressor_is_that_of_signs(self, rng):
        net, y = trained()
        sets = some_sets(rng, 8)
        assert (y == 0).any()
        scores = group_lesion_scores(net, X, y, sets, scoring="accuracy").scores
        counted = y != 0
        for removed, score in zip(sets, scores, strict=True):
            right = (np.sign(clamped(net, X, removed, -1)) == np.sign(y))[counted]
            assert_allclose(score, [right[TASK[counted] == t].mean() for t in (0, 1)])

    @pytest.mark.parametrize("scoring", ["neg_mean_squared_error", make_scorer(max_error), "r2"])
    def test_scorers(self, scoring, rng):
        net, y = trained()
        sets = some_sets(rng, 8, 4)
        metric = get_scorer(scoring)
        sign, function = metric._sign, metric._score_func
        result = group_lesion_scores(net, X, y, sets, scoring=scoring)
        expected = [by_task(function, y, clamped(net, X, s, -1)) for s in sets]
        assert_allclose(result.scores, sign * np.array(expected), atol=1e-10)

    def test_scorer_of_probabilities(self, rng):
        net, y = trained("classifier")
        none, everything = np.zeros(8, bool), np.ones(8, bool)
        result = group_lesion_scores(net, X, y, [none, everything], scoring="roc_auc")
        assert_allclose(result.scores[0], result.intact_scores)
        p = net.predict_proba(X)
        losses = [-log_loss(y[t == TASK], p[t == TASK]) for t in (0, 1)]
        by_loss = group_lesion_scores(net, X, y, none, scoring="neg_log_loss")
        assert_allclose(by_loss.scores, losses)

    def test_constant_target(self):
        net = MultiTaskMLP((4,), max_iter=5, random_state=0).fit(X, Y)
        flat = np.where(TASK == 0, 1.0, Y)
        result = group_lesion_scores(net, X, flat, np.zeros((1, 4), bool))
        assert_allclose(result.scores[0], by_task(r2_score, flat, net.predict(X)))


class TestInputColumns:
    def test_any_estimator(self, rng):
        rates = rng.normal(size=(80, 5))
        task = np.repeat(["colour", "motion"], 40)
        choice = np.where(np.where(task == "colour", rates[:, 0], rates[:, 1]) > 0, "l", "r")
        for model in (LogisticRegression(), RandomForestClassifier(5, random_state=0)):
            model.fit(rates, choice)
            sets = some_sets(rng, 5)
            result = group_lesion_scores(model, rates, choice, sets, task=task)
            expected = [
                by_task(accuracy_score, choice, model.predict(np.where(s, 0, rates)), task)
                for s in sets
            ]
            assert_allclose(result.scores, expected)
            loss = group_lesion_scores(model, rates, choice, sets, task=task, scoring="roc_auc")
            assert loss.scores.shape == (12, 2)

    def test_data_frames_and_columns(self, rng):
        frame = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("abc"))
        frame.insert(1, "task", np.arange(40) % 2)
        y = frame["a"] + frame["b"] * frame["task"]
        model, before = Ridge().fit(frame, y), frame.copy()
        sets = some_sets(rng, 3)
        result = group_lesion_scores(model, frame, y, sets, task="task", lesion_value="mean")
        for removed, scores in zip(sets, result.scores, strict=True):
            other = frame.copy()
            for name in np.array(list("abc"))[removed]:
                other[name] = frame[name].mean()
            assert_allclose(
                scores, by_task(r2_score, y.to_numpy(), model.predict(other), frame["task"])
            )
        pd.testing.assert_frame_equal(frame, before)

    def test_stimulus_of_a_network(self, rng):
        net, y = trained()
        sets = some_sets(rng, 25)
        result = group_lesion_scores(net, X, y, sets, layer="input")
        for removed, scores in zip(sets, result.scores, strict=True):
            other = X.copy()
            other[:, :-1][:, removed] = 0
            assert_allclose(scores, net.score_by_task(other, y), atol=1e-12)


class TestTheorems:
    @settings(deadline=None, max_examples=15)
    @given(seed=st.integers(0, 2**31), layer=st.sampled_from([0, -1]))
    def test_silent_units_and_all_units(self, seed, layer):
        rng = np.random.default_rng(seed)
        net = MultiTaskMLP((6, 5), max_iter=3, random_state=seed % 1000).fit(X, Y)
        n_units = (6, 5)[layer]
        dead = rng.integers(n_units)
        net.coefs_[layer % 2][:, dead] = 0
        net.context_coefs_[:, dead if layer == 0 else 0] *= layer != 0
        net.intercepts_[layer % 2][dead] = -1
        sets = some_sets(rng, n_units)
        with_dead = sets | (np.arange(n_units) == dead)
        scores = group_lesion_scores(net, X, Y, sets, layer=layer).scores
        assert_allclose(
            group_lesion_scores(net, X, Y, with_dead, layer=layer).scores, scores, atol=1e-10
        )
        everything = group_lesion_scores(net, X, Y, np.ones(n_units, bool), layer=layer, keep=True)
        assert_allclose(everything.scores, net.score_by_task(X, Y), atol=1e-10)

    @settings(deadline=None, max_examples=15)
    @given(seed=st.integers(0, 2**31))
    def test_permuted_units(self, seed):
        rng = np.random.default_rng(seed)
        net, y = trained(max_iter=3)
        sets, order = some_sets(rng, 7), rng.permutation(7)
        before = group_lesion_scores(net, X, y, sets, layer=1).scores
        net.coefs_[1], net.intercepts_[1] = net.coefs_[1][:, order], net.intercepts_[1][order]
        net.coefs_[2] = net.coefs_[2][order]
        after = group_lesion_scores(net, X, y, sets[:, order], layer=1).scores
        assert_allclose(after, before, atol=1e-10)

    def test_single_units_agree_with_their_importance(self):
        net, y = trained()
        squared = group_lesion_scores(net, X, y, np.eye(8, dtype=bool),
                                      scoring="neg_mean_squared_error")  # fmt: skip
        increase = 0.5 * (squared.intact_scores - squared.scores)
        single = LesionSelectivity(net, prefit=True, effect="increase").fit(X, y)
        assert_allclose(increase, single.importances_, atol=1e-12)


class TestErrors:
    net = staticmethod(lambda: trained()[0])

    @pytest.mark.parametrize(
        ("units", "message"),
        [
            (np.zeros((3, 7), bool), r"units must have shape \(n_sets, n_units\).*n_units = 8"),
            (np.zeros((3, 8)), r"units must be boolean.*np\.isin"),
            ([0, 3], "units must be boolean"),
            (np.zeros((2, 3, 8), bool), "sets for several networks, but estimator is one"),
        ],
    )
    def test_sets(self, units, message):
        with pytest.raises(ValueError, match=message):
            group_lesion_scores(self.net(), X, Y, units)

    def test_layers(self):
        units = np.zeros(3, bool)
        with pytest.raises(ValueError, match="layer=3 does not exist: the network has 3 hidden"):
            group_lesion_scores(self.net(), X, Y, units, layer=3)
        with pytest.raises(ValueError, match="Ridge has no hidden layers"):
            group_lesion_scores(Ridge().fit(X, Y), X, Y, units, layer=0)
        with pytest.raises(ValueError, match="layer must be an integer or 'input', got 'last'"):
            group_lesion_scores(self.net(), X, Y, units, layer="last")

    @pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss"])
    def test_probabilities_of_a_regressor(self, scoring):
        with pytest.raises(ValueError, match=f"scoring='{scoring}' cannot.*such as 'r2'"):
            group_lesion_scores(self.net(), X, Y, np.zeros(8, bool), scoring=scoring)

    def test_other_arguments(self):
        net, units = self.net(), np.zeros(8, bool)
        with pytest.raises(ValueError, match="no_such_score"):
            group_lesion_scores(net, X, Y, units, scoring="no_such_score")
        with pytest.raises(ValueError, match=r"lesion_value must be one of.*'noise'"):
            group_lesion_scores(net, X, Y, units, lesion_value="noise")
        with pytest.raises(ValueError, match="y must have one target for each of the 50"):
            group_lesion_scores(net, X, Y[:9], units)
        with pytest.raises(ValueError, match=r"y must have 1 output\(s\)"):
            group_lesion_scores(net, X, np.column_stack([Y, Y]), units)
        with pytest.raises(ValueError, match="subset must have shape"):
            group_lesion_scores(net, X, Y, units, subset=[True])
        classifier, sides = trained("classifier")
        with pytest.raises(ValueError, match="compares numbers, but MultiTaskMLPClassifier"):
            group_lesion_scores(classifier, X, sides, units, scoring="mae_increase")
        with pytest.raises(ValueError, match="empty list"):
            group_lesion_scores([], X, Y, units)
        with pytest.raises(ValueError, match=r"sets for 2 networks.*there are 1"):
            group_lesion_scores([net], X, Y, np.zeros((2, 3, 8), bool))
