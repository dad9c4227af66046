"""Scores instead of losses, resampled activity, many tasks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, log_loss, r2_score, roc_auc_score
from sklearn.svm import SVC

from neuroselect import LesionSelectivity, MultiTaskCNNClassifier, MultiTaskMLP
from neuroselect.datasets import make_context_blobs
from neuroselect.networks import MultiTaskMLPClassifier
from neuroselect.selectivity import many_task_index, unit_importance

X, Y = make_context_blobs()
TASK = X[:, -1].astype(int)
SIDES = np.where(Y < 0, "left", "right")
FAST = {"learning_rate_init": 0.02, "max_iter": 60, "random_state": 0}


def drops(score, intact, lesioned, task=TASK):
    """``score`` (output, rows) of the outputs intact and with each unit lesioned."""
    rows = [np.flatnonzero(task == k) for k in np.unique(task)]
    return np.array([[score(intact[r], r) - score(out[r], r) for r in rows] for out in lesioned])


def lesioned_outputs(net, layer, value=0.0):
    H = net.activations(X, layer)
    value = np.broadcast_to(value, H.shape)
    outputs = []
    for unit in range(H.shape[1]):
        clamped = H.copy()
        clamped[:, unit] = value[:, unit]
        outputs.append(net.readout(clamped, X, layer))
    return net.readout(H, X, layer), outputs


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize(
    ("effect", "max_iter"), [("accuracy", 60), ("roc_auc", 8), ("neg_log_loss", 60)]
)
def test_scores_of_a_classifier(layer, effect, max_iter):
    net = MultiTaskMLPClassifier((6, 5), **{**FAST, "max_iter": max_iter}).fit(X, SIDES)

    def score(p, rows):
        if effect == "accuracy":
            return accuracy_score(SIDES[rows], net.classes_[p.argmax(axis=1)])
        if effect == "roc_auc":
            return roc_auc_score(SIDES[rows], p[:, 1])
        return -log_loss(SIDES[rows], p)

    fitted = LesionSelectivity(net, layer=layer, effect=effect, prefit=True).fit(X, SIDES)
    expected = drops(score, *lesioned_outputs(net, layer))
    np.testing.assert_allclose(fitted.importances_, expected, atol=1e-10)
    assert np.abs(expected).max() > 0.01


@pytest.mark.parametrize("lesion_value", ["mean", "task_mean"])
def test_scores_of_a_regressor(lesion_value):
    net = MultiTaskMLP((6, 5), **FAST).fit(X, Y)
    H = net.activations(X, 0)
    value = H.mean(axis=0)
    if lesion_value == "task_mean":
        value = np.array([H[k == TASK].mean(axis=0) for k in (0, 1)])[TASK]
    expected = drops(lambda out, r: r2_score(Y[r], out), *lesioned_outputs(net, 0, value))
    for effect in ("r2", lambda net, X, y: net.score(X, y)):
        fitted = LesionSelectivity(
            net, layer=0, effect=effect, lesion_value=lesion_value, prefit=True
        )
        np.testing.assert_allclose(fitted.fit(X, Y).importances_, expected, atol=1e-10)


def test_scores_of_channels(rng):
    images = np.column_stack([rng.normal(size=(40, 36)), np.arange(40) % 2])
    y = (images[:, :36].mean(axis=1) > 0).astype(int)
    net = MultiTaskCNNClassifier(
        (6,), image_shape=(6, 6), conv_channels=(3,), kernel_size=3, max_iter=5, random_state=0
    ).fit(images, y)
    fitted = LesionSelectivity(net, layer=0, effect="neg_log_loss", prefit=True).fit(images, y)
    maps = net.activations(images, 0)
    for unit in range(3):
        clamped = maps.copy()
        clamped[:, unit] = 0
        p = net.readout(clamped, images, 0)
        for k in (0, 1):
            rows = np.arange(40) % 2 == k
            intact = log_loss(y[rows], net.predict_proba(images)[rows], labels=[0, 1])
            lesioned = log_loss(y[rows], p[rows], labels=[0, 1])
            np.testing.assert_allclose(fitted.importances_[unit, k], lesioned - intact, atol=1e-10)


@pytest.mark.parametrize("estimator", [LogisticRegression(), SVC()], ids=lambda e: type(e).__name__)
def test_scores_of_any_estimator(rng, estimator):
    rates, task = rng.normal(size=(80, 4)), np.repeat(["a", "b"], 40)
    y = np.where(rates[:, 0] + rates[:, 1] > 0, "go", "stop")
    fitted = LesionSelectivity(estimator, effect="accuracy").fit(rates, y, task=task)
    inner = type(estimator)().fit(rates, y)
    lesioned = [inner.predict(rates * (np.arange(4) != unit)) for unit in range(4)]
    expected = drops(lambda out, r: np.mean(out == y[r]), inner.predict(rates), lesioned, task)
    np.testing.assert_allclose(fitted.importances_, expected, atol=1e-12)
    assert expected[:2].min() > 0.05


def test_a_network_lesioned_at_its_input_is_scored_as_any_estimator():
    net = MultiTaskMLP((6,), **FAST).fit(X, Y)
    fitted = LesionSelectivity(net, layer="input", effect="r2", prefit=True).fit(X, Y)
    without = X.copy()
    without[:, 7] = 0
    outputs = net.predict(X), [net.predict(without)]
    expected = drops(lambda out, r: r2_score(Y[r], out), *outputs)
    np.testing.assert_allclose(fitted.importances_[[7]], expected, atol=1e-12)


# -- resampled activity ----------------------------------------------------------------


def test_resampling_is_the_mean_over_the_other_trials(rng):
    rates, task = rng.normal(size=(12, 3)), np.repeat([0, 1], 6)
    y = rates @ [1.0, 0.5, 0.0] + 0.1 * rng.normal(size=12)
    model = Ridge().fit(rates, y)
    intact = 0.5 * (model.predict(rates) - y) ** 2
    others = []
    for shift in range(1, 12):
        lesioned = []
        for unit in range(3):
            changed = rates.copy()
            changed[:, unit] = np.roll(rates[:, unit], -shift)
            lesioned.append(0.5 * (model.predict(changed) - y) ** 2)
        others.append(unit_importance(intact, lesioned, task, effect="increase"))
    fitted = LesionSelectivity(
        model, lesion_value="resample", effect="increase", n_draws=500, prefit=True, random_state=0
    ).fit(rates, y, task=task)
    error = np.std(others, axis=0) / np.sqrt(500) * np.sqrt(12)  # trials draw independently
    assert np.all(np.abs(fitted.importances_ - np.mean(others, axis=0)) <= 5 * error + 1e-12)


def test_two_trials_take_each_others_activity():
    net = MultiTaskMLP((6,), **FAST).fit(X, Y)
    two = [0, 49]
    swapped = net.activations(X[two])[::-1]
    H, lesioned = net.activations(X[two]), []
    for unit in range(6):
        clamped = H.copy()
        clamped[:, unit] = swapped[:, unit]
        lesioned.append(0.5 * (net.readout(clamped, X[two]) - Y[two]) ** 2)
    expected = unit_importance(0.5 * (net.predict(X[two]) - Y[two]) ** 2, lesioned, TASK[two])
    fitted = LesionSelectivity(net, lesion_value="resample", prefit=True).fit(X[two], Y[two])
    np.testing.assert_allclose(fitted.importances_, expected, atol=1e-12)


def test_resampled_scores_are_those_of_permuted_columns(rng):
    rates = rng.normal(size=(60, 3))
    y = rates @ [1.0, 0.5, 0.0] + 0.1 * rng.normal(size=60)
    model = Ridge().fit(rates, y)
    fitted = LesionSelectivity(
        model, lesion_value="resample", effect="r2", n_draws=100, prefit=True, random_state=0
    )
    ours = fitted.fit(rates, y).importances_[:, 0]
    theirs = permutation_importance(model, rates, y, n_repeats=100, random_state=0)
    np.testing.assert_allclose(ours, theirs.importances_mean, rtol=0.15, atol=0.03)


# -- many tasks ------------------------------------------------------------------------

IMPORTANCES = arrays(
    float, st.tuples(st.integers(1, 5), st.integers(2, 6)), elements=st.floats(0, 1e6)
)


@given(IMPORTANCES, st.sampled_from([0.0, 0.1]), st.sampled_from([None, "layer"]))
def test_index_is_bounded_and_does_not_know_the_order_of_tasks(importances, threshold, normalize):
    settings = {"threshold": threshold, "normalize": normalize}
    index = many_task_index(importances, **settings)
    assert index.shape == importances.shape[:1]
    assert np.all(((index >= 0) & (index <= 1)) | np.isnan(index))
    backwards = many_task_index(importances[:, ::-1], **settings)
    np.testing.assert_allclose(index, backwards, atol=1e-12)


def test_index_is_the_relative_entropy(rng):
    importances = rng.gamma(1, size=(7, 5))
    expected = entropy(importances, axis=1, base=5)
    np.testing.assert_allclose(many_task_index(importances, threshold=0), expected)
    assert many_task_index([[1.0, 1.0, 0.0, 0.0]])[0] == pytest.approx(0.5)
    assert many_task_index([[1e-320, 1e-320]], threshold=0)[0] == pytest.approx(1)
    with pytest.raises(ValueError, match="importances has one column, for one task"):
        many_task_index([[1.0]])


def test_index_of_a_fit():
    net = MultiTaskMLP((6, 5), **FAST).fit(X, Y)
    groups = np.arange(50) % 3
    fitted = LesionSelectivity(net, normalize="layer", prefit=True).fit(X, Y, task=groups)
    expected = many_task_index(fitted.importances_, normalize="layer")
    np.testing.assert_array_equal(fitted.task_index_, expected)
    assert np.isnan(LesionSelectivity(Ridge()).fit(X, Y).task_index_).all()


# -- bad input -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"effect": "neg_log_loss"}, "effect='neg_log_loss' cannot score.*regressor with predict"),
        ({"effect": "average_precision"}, "cannot score the trials of a task"),
        ({"effect": "accuracy"}, "effect='accuracy' cannot score the trials of a task"),
        ({"effect": "acuracy"}, "'effect' parameter of LesionSelectivity must be"),
        ({"effect": lambda *_: np.nan}, "must give one finite number for the trials of each task"),
        ({"effect": lambda e, X, y: e.score(X[:3], y[:3])}, "the very trials that it was given"),
        ({"effect": "r2", "method": "taylor"}, "estimates losses, not scores, got effect='r2'"),
        ({"effect": "r2", "n_permutations": 9}, "needs effects on single trials, which scorers"),
        ({"lesion_value": "noise"}, "'lesion_value' parameter of LesionSelectivity must be"),
        ({"n_draws": 0}, "'n_draws' parameter of LesionSelectivity must be"),
    ],
)
def test_variants_refuse(parameters, message):
    net = MultiTaskMLP((6,), **FAST).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        LesionSelectivity(net, prefit=True, **parameters).fit(X, Y)


def test_one_trial_has_no_other():
    net = MultiTaskMLP((6,), task_column=None, **FAST).fit(X, Y)
    with pytest.raises(ValueError, match="activity in other trials, but there is one trial"):
        LesionSelectivity(net, lesion_value="resample", prefit=True).fit(X[:1], Y[:1])
