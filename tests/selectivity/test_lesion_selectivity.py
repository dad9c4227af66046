"""LesionSelectivity against units clamped one by one through the public methods."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC

from neuroselect import LesionSelectivity, MultiTaskMLP, MultiTaskMLPClassifier
from neuroselect.datasets import make_arithmetic_tasks, make_context_blobs
from neuroselect.selectivity import relative_importance, unit_importance

X, Y = make_context_blobs()
TASK = X[:, -1].astype(int)
SIDES = np.where(Y < 0, "left", "right")


def trained(kind="regressor", hidden=(9, 7, 8), **parameters):
    parameters = {"learning_rate_init": 0.02, "max_iter": 60, "random_state": 0, **parameters}
    if kind == "classifier":
        return MultiTaskMLPClassifier(hidden, **parameters).fit(X, SIDES), SIDES
    y = np.column_stack([Y, Y**2]) if kind == "two outputs" else Y
    return MultiTaskMLP(hidden, **parameters).fit(X, y), y


def trial_losses(net, output, y):
    if hasattr(net, "classes_"):
        return -np.log(output[np.arange(len(y)), np.searchsorted(net.classes_, y)])
    return 0.5 * ((output - y) ** 2).reshape(len(y), -1).sum(axis=1)


def clamped_one_by_one(net, y, layer, value):
    """Losses intact and with each unit clamped, through `activations` and `readout`."""
    H = net.activations(X, layer)
    value = np.broadcast_to(value, H.shape)
    lesioned = []
    for unit in range(H.shape[1]):
        clamped = H.copy()
        clamped[:, unit] = value[:, unit]
        lesioned.append(trial_losses(net, net.readout(clamped, X, layer), y))
    return trial_losses(net, net.readout(H, X, layer), y), np.array(lesioned)


# -- networks --------------------------------------------------------------------------


@pytest.mark.parametrize("context_layer", [0, 1, -1])
@pytest.mark.parametrize("kind", ["regressor", "two outputs", "classifier"])
@pytest.mark.parametrize("layer", [0, 1, 2, -1])
def test_importance_equals_units_clamped_one_by_one(kind, layer, context_layer):
    net, y = trained(kind, context_layer=context_layer)
    H = net.activations(X, layer)
    task_means = np.array([H[k == TASK].mean(axis=0) for k in (0, 1)])[TASK]
    for lesion_value, value in {"zero": 0, "mean": H.mean(axis=0), "task_mean": task_means}.items():
        slow = clamped_one_by_one(net, y, layer, value)
        for effect in ("squared", "increase"):
            fitted = LesionSelectivity(
                net, layer=layer, effect=effect, lesion_value=lesion_value, prefit=True
            ).fit(X, y)
            expected = unit_importance(*slow, TASK, effect=effect)
            assert np.abs(expected).max() > 1e-4
            np.testing.assert_allclose(fitted.importances_, expected, rtol=0, atol=1e-10)
            assert fitted.importances_.dtype == np.float64
            assert fitted.layer_ == layer % 3


@pytest.mark.parametrize("layer", [0, 1])
def test_taylor_equals_autograd(layer):
    net, y = trained(hidden=(9, 7))
    coefs = [torch.tensor(c) for c in net.coefs_]
    intercepts = [torch.tensor(b) for b in net.intercepts_]
    h = torch.tensor(net.activations(X, layer), requires_grad=True)
    activity = h
    for k in range(layer + 1, 3):
        activity = activity @ coefs[k] + intercepts[k]
        activity = torch.relu(activity) if k < 2 else activity
    loss = 0.5 * (activity[:, 0] - torch.tensor(y)) ** 2
    (gradient,) = torch.autograd.grad(loss.sum(), h)
    terms = (-h * gradient).detach().numpy()
    for effect, of_trials in {"squared": terms**2, "increase": terms}.items():
        fitted = LesionSelectivity(net, layer=layer, method="taylor", effect=effect, prefit=True)
        expected = [of_trials[k == TASK].mean(axis=0) for k in (0, 1)]
        np.testing.assert_allclose(fitted.fit(X, y).importances_.T, expected, rtol=0, atol=1e-12)


def test_taylor_is_the_limit_of_small_lesions():
    net, y = trained("classifier")
    H = net.activations(X)
    H_near = H * (1 - 1e-6)  # clamped to almost what it is
    intact, lesioned = clamped_one_by_one(net, y, -1, H_near)
    taylor = LesionSelectivity(net, method="taylor", effect="increase", prefit=True).fit(X, y)
    near = unit_importance(intact, lesioned, TASK, effect="increase") * 1e6
    np.testing.assert_allclose(taylor.importances_, near, rtol=1e-3, atol=1e-6)


def test_taylor_carries_the_residual_which_the_exact_lesion_does_not():
    """Linear output, residual e, effect d: (2ed)²/4 and (d² - 2ed)²/4."""
    net, y = trained(hidden=(9,))
    effect = net.activations(X) * net.coefs_[-1][:, 0]
    residual = (net.predict(X) - y)[:, None]
    for method, of_trials in {
        "taylor": (residual * effect) ** 2,
        "lesion": (effect**2 / 2 - residual * effect) ** 2,
    }.items():
        expected = [of_trials[k == TASK].mean(axis=0) for k in (0, 1)]
        fitted = LesionSelectivity(net, method=method, prefit=True).fit(X, y)
        np.testing.assert_allclose(fitted.importances_.T, expected, atol=1e-14)


def test_captum_measures_the_same_with_the_opposite_sign():
    captum = pytest.importorskip("captum.attr")
    net, y = trained(hidden=(9,), activation="tanh")

    class Losses(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = torch.nn.Tanh()

        def forward(self, z):
            h = self.hidden(z)
            output = h @ torch.tensor(net.coefs_[1]) + torch.tensor(net.intercepts_[1])
            return 0.5 * (output[:, 0] - torch.tensor(y)) ** 2

    module = Losses()
    z = np.arctanh(net.activations(X))
    ablation = captum.LayerFeatureAblation(module, module.hidden)
    # Intact minus lesioned: a useful unit is negative there, positive here.
    intact_minus_lesioned = ablation.attribute(torch.tensor(z)).numpy()
    fitted = LesionSelectivity(net, effect="increase", prefit=True).fit(X, y)
    expected = [-intact_minus_lesioned[k == TASK].mean(axis=0) for k in (0, 1)]
    np.testing.assert_allclose(fitted.importances_.T, expected, rtol=0, atol=1e-10)


def test_float32_networks():
    data = X.astype(np.float32)
    net = MultiTaskMLP((9, 7), max_iter=60, random_state=0).fit(data, Y.astype(np.float32))
    single = LesionSelectivity(net, prefit=True).fit(data, Y)
    double = LesionSelectivity(net, prefit=True).fit(data.astype(np.float64), Y)
    assert single.importances_.dtype == np.float64
    np.testing.assert_allclose(single.importances_, double.importances_, rtol=1e-4, atol=1e-9)
    assert single.transform(data).dtype == np.float32


def test_fits_a_clone_and_leaves_the_network_alone():
    net = MultiTaskMLP((9,), max_iter=20, random_state=0)
    fitted = LesionSelectivity(net).fit(X, Y)
    assert not hasattr(net, "coefs_")
    prefit = LesionSelectivity(net.fit(X, Y), prefit=True).fit(X, Y)
    np.testing.assert_array_equal(fitted.importances_, prefit.importances_)
    assert fitted.estimator is net
    assert prefit.estimator_ is not net


def test_tasks_have_the_names_of_the_task_column():
    frame = pd.DataFrame(X[:, :-1], columns=[f"pixel{k}" for k in range(25)])
    frame.insert(4, "garden", np.array(["north", "south"])[TASK])
    net = MultiTaskMLP((9,), task_column="garden", max_iter=20, random_state=0)
    named = LesionSelectivity(net).fit(frame, Y)
    assert named.tasks_.tolist() == ["north", "south"]
    assert named.task_pairs_ == [("north", "south")]
    assert named.feature_names_in_.tolist() == list(frame.columns)
    assert set(named.unit_labels_) <= {"north", "south", "mixed", "silent"}
    coded = LesionSelectivity(clone(net).set_params(task_column=-1)).fit(X, Y)
    np.testing.assert_allclose(named.importances_, coded.importances_, atol=1e-12)


def test_trials_can_be_grouped_otherwise_than_the_network_groups_them():
    net, y = trained()
    groups = np.arange(50) % 3
    fitted = LesionSelectivity(net, prefit=True).fit(X, y, task=groups)
    expected = unit_importance(*clamped_one_by_one(net, y, -1, 0), groups)
    np.testing.assert_allclose(fitted.importances_, expected, atol=1e-10)
    assert fitted.relative_importance_.shape == (8, 3)
    by_column = LesionSelectivity(net, prefit=True).fit(X, y, task=-1)
    by_default = LesionSelectivity(net, prefit=True).fit(X, y)
    np.testing.assert_array_equal(by_column.importances_, by_default.importances_)


def test_one_task_where_tasks_are_named():
    net, y = trained()
    one = X[TASK == 1], y[TASK == 1]
    with pytest.raises(ValueError, match="belong to one task, 1, but relative importance"):
        LesionSelectivity(net, prefit=True).fit(*one)
    decoder = LinearRegression()
    with pytest.raises(ValueError, match=r"belong to one task, 'A'.*task=None"):
        LesionSelectivity(decoder).fit(*one, task=["A"] * len(one[1]))
    alone = LesionSelectivity(decoder).fit(*one)
    assert alone.relative_importance_.shape == (26, 0)
    assert alone.tasks_.tolist() == [0]


def test_stimulus_columns_of_a_network():
    net, y = trained()
    fitted = LesionSelectivity(net, layer="input", prefit=True).fit(X, y)
    assert fitted.importances_.shape == (25, 2)
    assert fitted.layer_ == "input"
    assert fitted.unit_names_[[0, -1]].tolist() == ["x0", "x24"]
    without = X.copy()
    without[:, 7] = 0
    change = trial_losses(net, net.predict(without), y) - trial_losses(net, net.predict(X), y)
    expected = [(change[k == TASK] ** 2).mean() for k in (0, 1)]
    np.testing.assert_allclose(fitted.importances_[7], expected, atol=1e-12)
    np.testing.assert_array_equal(fitted.transform(X), X[:, :-1])


def test_stimulus_columns_of_a_network_with_named_tasks():
    frame = pd.DataFrame(X[:, :-1], columns=[f"pixel{k}" for k in range(25)])
    frame.insert(4, "garden", np.array(["north", "south"])[TASK])
    net = MultiTaskMLP((9,), task_column="garden", max_iter=20, random_state=0)
    named = LesionSelectivity(net, layer="input").fit(frame, Y)
    coded = LesionSelectivity(clone(net).set_params(task_column=-1), layer="input").fit(X, Y)
    assert named.unit_names_.tolist() == [f"pixel{k}" for k in range(25)]
    np.testing.assert_allclose(named.importances_, coded.importances_, atol=1e-12)
    np.testing.assert_array_equal(named.transform(frame), X[:, :-1])


def test_normalisation_and_pruning_reach_the_relative_importance():
    net, y = trained()
    for parameters in [{"normalize": "layer"}, {"threshold": 0}, {"threshold": 0.8}]:
        fitted = LesionSelectivity(net, prefit=True, **parameters).fit(X, y)
        expected = relative_importance(fitted.importances_, **parameters)
        np.testing.assert_array_equal(fitted.relative_importance_, expected)


# -- theorems --------------------------------------------------------------------------


def with_weights(net, coefs, intercepts, context):
    changed = pickle.loads(pickle.dumps(net))
    changed.coefs_, changed.intercepts_, changed.context_coefs_ = coefs, intercepts, context
    return changed


def importances(net, data=X, y=Y, **parameters):
    return LesionSelectivity(net, prefit=True, **parameters).fit(data, y).importances_


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31 - 1), st.sampled_from(["lesion", "taylor"]))
def test_theorems(seed, method):
    rng = np.random.default_rng(seed)
    # Two hidden layers, analysed at the first one; no intercept may clip the outgoing side.
    net = MultiTaskMLP((8, 5), bias_init=0.1, max_iter=3, random_state=seed).fit(X, Y)
    of_net = importances(net, layer=0, method=method)
    w, b, c = net.coefs_, net.intercepts_, net.context_coefs_

    silent = w[0].copy(), b[0].copy(), c.copy()
    silent[0][:, 2], silent[1][2], silent[2][:, 2] = 0, -1, 0
    dead = with_weights(net, [silent[0], *w[1:]], [silent[1], *b[1:]], silent[2])
    assert (importances(dead, layer=0, method=method)[2] == 0).all()

    order = rng.permutation(8)
    permuted = with_weights(
        net, [w[0][:, order], w[1][order], w[2]], [b[0][order], *b[1:]], c[:, order]
    )
    np.testing.assert_allclose(
        importances(permuted, layer=0, method=method), of_net[order], rtol=1e-9, atol=1e-15
    )

    scale = np.exp(rng.normal(size=8))  # of a ReLU unit, undone on its way out
    rescaled = with_weights(
        net,
        [w[0] * scale, w[1] / scale[:, None], w[2]],
        [b[0] * scale, *b[1:]],
        c * scale,
    )
    np.testing.assert_allclose(
        importances(rescaled, layer=0, method=method), of_net, rtol=1e-9, atol=1e-15
    )

    twice = importances(net, np.vstack([X, X]), np.concatenate([Y, Y]), layer=0, method=method)
    np.testing.assert_allclose(twice, of_net, rtol=1e-9, atol=1e-15)


# -- other estimators ------------------------------------------------------------------


@pytest.fixture
def recording(rng):
    rates = rng.gamma(2, size=(60, 5))
    task = np.repeat(["colour", "motion"], 30)
    choice = np.where(task == "colour", rates[:, 0] - rates[:, 1], rates[:, 1] - rates[:, 2])
    return rates, task, choice + 0.1 * rng.normal(size=60)


@pytest.mark.parametrize("lesion_value", ["zero", "mean", "task_mean"])
@pytest.mark.parametrize(
    "estimator",
    [
        Ridge(),
        make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()),
        GridSearchCV(Ridge(), {"alpha": [0.1, 1]}),
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(5, random_state=0),
    ],
    ids=lambda e: type(e).__name__,
)
@pytest.mark.parametrize("block_bytes", [2**26, 1])
def test_columns_of_any_estimator(recording, estimator, lesion_value, block_bytes, monkeypatch):
    monkeypatch.setattr("neuroselect.selectivity._lesions.BLOCK_BYTES", block_bytes)
    rates, task, y = recording
    classifies = sklearn.base.is_classifier(estimator)
    y = np.where(y < 0, "left", "right") if classifies else y
    fitted = LesionSelectivity(estimator, lesion_value=lesion_value).fit(rates, y, task=task)
    inner = clone(estimator).fit(rates, y)

    def losses(data):
        if not classifies:
            return 0.5 * (inner.predict(data) - y) ** 2
        p = inner.predict_proba(data)[np.arange(60), (y == "right").astype(int)]
        return -np.log(np.maximum(p, np.finfo(float).eps))

    lesioned = []
    for unit in range(5):
        data = rates.copy()
        data[:, unit] = {
            "zero": 0,
            "mean": rates[:, unit].mean(),
            "task_mean": [rates[task == k, unit].mean() for k in task],
        }[lesion_value]
        lesioned.append(losses(data))
    expected = unit_importance(losses(rates), lesioned, task)
    np.testing.assert_allclose(fitted.importances_, expected, rtol=1e-9, atol=1e-12)
    assert fitted.tasks_.tolist() == ["colour", "motion"]
    assert fitted.unit_names_.tolist() == ["x0", "x1", "x2", "x3", "x4"]


def test_mean_loss_of_a_classifier_is_the_log_loss(recording):
    rates, _, y = recording
    y = np.where(y < 0, "left", "right")
    forest = RandomForestClassifier(5, max_depth=2, random_state=0).fit(rates, y)
    fitted = LesionSelectivity(forest, effect="increase", prefit=True).fit(rates, y)
    intact = log_loss(y, forest.predict_proba(rates))
    lesioned = log_loss(y, forest.predict_proba(rates * [1, 0, 1, 1, 1]))
    np.testing.assert_allclose(fitted.importances_[1], lesioned - intact, atol=1e-12)


def test_decoder_of_several_outputs(recording):
    rates, task, y = recording
    targets = np.column_stack([y, rates[:, 3]])
    both = LesionSelectivity(LinearRegression(), effect="increase").fit(rates, targets, task=task)
    alone = [
        LesionSelectivity(LinearRegression(), effect="increase").fit(rates, t, task=task)
        for t in targets.T
    ]
    summed = sum(each.importances_ for each in alone)
    np.testing.assert_allclose(both.importances_, summed, atol=1e-12)


def test_task_in_a_column_is_seen_but_not_lesioned(recording):
    rates, task, y = recording
    codes = (task == "motion").astype(float)
    X_with_task = np.column_stack([rates[:, :2], codes, rates[:, 2:]])
    estimator = make_pipeline(PolynomialFeatures(2), Ridge())
    fitted = LesionSelectivity(estimator).fit(X_with_task, y, task=2)
    assert fitted.tasks_.tolist() == [0, 1]
    assert fitted.importances_.shape == (5, 2)
    assert fitted.unit_names_.tolist() == ["x0", "x1", "x3", "x4", "x5"]
    np.testing.assert_array_equal(fitted.transform(X_with_task), rates)
    all_columns = LesionSelectivity(estimator).fit(X_with_task, y, task=codes)
    np.testing.assert_allclose(
        fitted.importances_, all_columns.importances_[[0, 1, 3, 4, 5]], atol=1e-12
    )


@pytest.mark.parametrize("dtype", [object, "category"])
def test_dataframes_stay_dataframes(recording, dtype):
    rates, task, y = recording
    names = [f"cell{k}" for k in range(5)]
    frame = pd.DataFrame(rates, columns=names, index=np.arange(60)[::-1])
    frame.insert(2, "context", pd.Series(task, index=frame.index, dtype=dtype))
    before = frame.copy()
    encode = ColumnTransformer([("task", OneHotEncoder(), ["context"])], remainder=StandardScaler())
    estimator = make_pipeline(encode, PolynomialFeatures(2), Ridge())
    fitted = LesionSelectivity(estimator).fit(frame, y, task="context")
    assert fitted.unit_names_.tolist() == names
    assert fitted.estimator_.feature_names_in_.tolist() == list(frame.columns)
    pd.testing.assert_frame_equal(frame, before)

    inner = clone(estimator).fit(frame, y)
    lesioned = [0.5 * (inner.predict(frame.assign(**{name: 0})) - y) ** 2 for name in names]
    expected = unit_importance(0.5 * (inner.predict(frame) - y) ** 2, lesioned, task)
    np.testing.assert_allclose(fitted.importances_, expected, atol=1e-12)
    np.testing.assert_array_equal(fitted.transform(frame), rates)


def test_without_tasks_there_is_importance_but_nothing_to_compare(recording):
    rates, _, y = recording
    fitted = LesionSelectivity(Ridge()).fit(rates, y)
    assert fitted.importances_.shape == (5, 1)
    assert (fitted.tasks_.tolist(), fitted.task_pairs_) == ([0], [])
    assert fitted.relative_importance_.shape == (5, 0)
    assert fitted.unit_labels_[0] == "0"
    assert list(fitted.to_frame()) == ["unit", "layer", "label", "importance_0"]
    for select in ("mixed", "selective"):
        with pytest.raises(ValueError, match=f"select='{select}' compares tasks.*task=..."):
            LesionSelectivity(Ridge(), select=select).fit(rates, y)


# -- what comes out --------------------------------------------------------------------


def test_selection(recording):
    X_arith, y = make_arithmetic_tasks(random_state=0)
    net = MultiTaskMLP((20, 20), learning_rate_init=0.01, max_iter=20, random_state=0)
    fitted = LesionSelectivity(net.fit(X_arith, y), prefit=True, layer=0).fit(X_arith, y)
    labels = fitted.unit_labels_
    H = net.activations(X_arith, 0)
    expected = {
        "all": np.ones(20, dtype=bool),
        "mixed": labels == "mixed",
        "selective": np.isin(labels, ["0", "1"]),
        "0": labels == "0",
        1: labels == "1",
    }
    for select, mask in expected.items():
        fitted.set_params(select=select)
        np.testing.assert_array_equal(fitted.get_support(), mask)
        np.testing.assert_array_equal(fitted.get_support(indices=True), np.flatnonzero(mask))
        names = [f"unit{k}" for k in np.flatnonzero(mask)]
        assert fitted.get_feature_names_out().tolist() == names
        if mask.any():
            np.testing.assert_array_equal(fitted.transform(X_arith), H[:, mask])


def test_a_selection_of_nobody_warns(recording):
    rates, task, y = recording
    twins = LesionSelectivity(Ridge(), select="mixed", threshold=1e9).fit(rates, y, task=task)
    with pytest.warns(UserWarning, match="select='mixed' keeps no units"):
        assert twins.transform(rates).shape == (60, 0)


def test_table(recording):
    rates, task, y = recording
    fitted = LesionSelectivity(Ridge()).fit(rates, y, task=task)
    table = fitted.to_frame()
    assert list(table) == [
        "unit",
        "layer",
        "label",
        "importance_colour",
        "importance_motion",
        "relative_importance_colour_motion",
    ]
    assert table["unit"].tolist() == ["x0", "x1", "x2", "x3", "x4"]
    assert set(table["layer"]) == {"input"}
    np.testing.assert_array_equal(table["label"], fitted.unit_labels_)
    np.testing.assert_array_equal(table["importance_motion"], fitted.importances_[:, 1])
    np.testing.assert_array_equal(table.iloc[:, 5], fitted.relative_importance_[:, 0])
    net, y = trained()
    assert LesionSelectivity(net, prefit=True).fit(X, y).to_frame()["layer"].unique() == [2]


def test_works_with_the_rest_of_scikit_learn(recording):
    rates, task, y = recording
    net = MultiTaskMLP((9,), max_iter=5, random_state=0)
    lesions = LesionSelectivity(net, select="all")
    search = GridSearchCV(
        make_pipeline(lesions, Ridge()),
        {"lesionselectivity__estimator__init_scale": [0.1, 1.0]},
        cv=KFold(2, shuffle=True, random_state=0),
        error_score="raise",
    ).fit(X, Y)
    assert search.best_estimator_[0].importances_.shape == (9, 2)
    pipeline = make_pipeline(LesionSelectivity(Ridge()), Ridge())
    pipeline.fit(rates, y, lesionselectivity__task=task)
    assert pipeline[0].tasks_.tolist() == ["colour", "motion"]
    named = LesionSelectivity(net).set_output(transform="pandas").fit(X, Y).transform(X)
    assert list(named) == [f"unit{k}" for k in range(9)]
    again = pickle.loads(pickle.dumps(pipeline[0]))
    np.testing.assert_array_equal(again.transform(rates), pipeline[0].transform(rates))


def test_metadata_routing_brings_the_task(recording):
    rates, task, y = recording
    with sklearn.config_context(enable_metadata_routing=True):
        lesions = LesionSelectivity(Ridge()).set_fit_request(task=True)
        pipeline = make_pipeline(lesions, Ridge()).fit(rates, y, task=task)
    assert pipeline[0].tasks_.tolist() == ["colour", "motion"]


# -- bad input -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "fit", "error", "message"),
    [
        ({"layer": 3}, {}, ValueError, "layer=3 does not exist.*from -3 to 2"),
        ({"layer": "output"}, {}, ValueError, "'layer' parameter of LesionSelectivity must be"),
        ({"method": "shapley"}, {}, ValueError, "'method' parameter of LesionSelectivity must be"),
        ({"cutoff": 1.0}, {}, ValueError, "'cutoff' parameter of LesionSelectivity must be"),
        (
            {"layer": "input", "method": "taylor"},
            {},
            ValueError,
            "method='taylor' needs the gradients of a network's hidden layer.*layer='input'",
        ),
        ({"select": "both"}, {}, ValueError, r"\['all', 'selective', 'mixed', 0, 1\], got 'both'"),
        ({}, {"X": np.where(X.max() == X, np.nan, X)}, ValueError, "Input X contains NaN"),
        ({}, {"y": Y[:-1]}, ValueError, "y must have one target for each of the 50 trials.*49"),
        ({}, {"y": np.stack([Y, Y], 1)}, ValueError, r"1 output\(s\) as in the network's fit.*2"),
        ({}, {"y": None}, ValueError, "requires y to be passed"),
        ({}, {"task": TASK[:-1]}, ValueError, r"task must have shape .* \(50,\).*\(49,\)"),
        ({}, {"task": "garden"}, ValueError, "task='garden' is not a column of X.*DataFrame"),
        ({}, {"task": 26}, ValueError, "task=26 is not a column of X, which has 26"),
        ({}, {"task": np.arange(50) / 7}, ValueError, "task holds .* looks continuous"),
        ({}, {"task": ["all", "b"] * 25}, ValueError, "A task cannot be called 'all'"),
    ],
)
def test_networks_refuse(parameters, fit, error, message):
    net, y = trained()
    with pytest.raises(error, match=message):
        LesionSelectivity(net, prefit=True, **parameters).fit(**{"X": X, "y": y, **fit})


def test_classifiers_refuse_unknown_classes():
    net, y = trained("classifier")
    for estimator, data in [(net, X), (LogisticRegression().fit(X, y), X)]:
        with pytest.raises(ValueError, match=r"not know: \['centre'\].*\['left', 'right'\]"):
            LesionSelectivity(estimator, prefit=True).fit(data, np.where(Y == 0, "centre", y))
    numbered = LogisticRegression().fit(X, Y < 0)
    with pytest.raises(ValueError, match="not know"):
        LesionSelectivity(numbered, prefit=True).fit(X, y)


class NoPredict(sklearn.base.RegressorMixin, sklearn.base.BaseEstimator):
    def fit(self, X, y):
        return self


@pytest.mark.parametrize(
    ("estimator", "parameters", "error", "message"),
    [
        (StandardScaler(), {}, TypeError, "estimator must be a network, a regressor.*Standard"),
        (NoPredict(), {}, TypeError, "a regressor with predict or.*got NoPredict"),
        (SVC(), {}, TypeError, "must have predict_proba.*SVC has none.*CalibratedClassifierCV"),
        (object(), {}, ValueError, "'estimator' parameter of LesionSelectivity .*'fit'"),
        (Ridge(), {"method": "taylor"}, ValueError, "needs the gradients.*got Ridge"),
        (Ridge(), {"layer": 0}, ValueError, "layer=0 does not exist: Ridge has no hidden layers"),
        (Ridge(), {"prefit": True}, NotFittedError, "prefit=True needs a fitted.*Ridge is not"),
    ],
)
def test_estimators_without_what_it_takes(recording, estimator, parameters, error, message):
    rates, task, y = recording
    with pytest.raises(error, match=message):
        LesionSelectivity(estimator, **parameters).fit(rates, y, task=task)


def test_columns_refuse(recording):
    rates, task, y = recording
    fitted = Ridge().fit(rates, y)
    lesions = LesionSelectivity(fitted, prefit=True)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        lesions.fit(np.where(rates == rates.max(), np.nan, rates), y)
    with pytest.raises(ValueError, match=r"y must have 1 output\(s\).*got 2"):
        lesions.fit(rates, np.column_stack([y, y]))
    frame = pd.DataFrame(rates, columns=list("abcde")).assign(task=task)
    with pytest.raises(ValueError, match="task='context' is not a column of X"):
        LesionSelectivity(Ridge()).fit(frame[list("abcde")], y, task="context")
    with pytest.raises(
        ValueError, match=r"columns \['task'\] of X do not hold numbers.*task=\.\.\."
    ):
        LesionSelectivity(fitted, prefit=True).fit(frame, y)
    with pytest.raises(ValueError, match="infinity"):
        LesionSelectivity(Ridge().fit(frame[["a"]], y), prefit=True).fit(
            frame[["a"]].replace(rates[0, 0], np.inf), y
        )
    with pytest.raises(ValueError, match="at least one column beside the task"):
        LesionSelectivity(Ridge()).fit((task == "motion")[:, None].astype(float), y, task=0)
    with pytest.raises(NotFittedError):
        LesionSelectivity(Ridge()).to_frame()


def test_classifiers_of_several_outputs_are_refused(recording):
    rates, _, y = recording
    several = RandomForestClassifier(2, random_state=0).fit(rates, np.column_stack([y < 0, y > 1]))
    with pytest.raises(ValueError, match="classifiers of several outputs are not supported"):
        LesionSelectivity(several, prefit=True).fit(rates, np.column_stack([y < 0, y > 1]))


def test_losses_that_are_not_finite_are_refused():
    net, y = trained()
    net.coefs_[-1] = net.coefs_[-1] * np.inf
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="must be finite"):
        LesionSelectivity(net, prefit=True).fit(X, y)
