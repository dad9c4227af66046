"""MultiTaskMLP and MultiTaskMLPClassifier as a user meets them."""

import io
import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neuroselect import MultiTaskMLP, MultiTaskMLPClassifier
from neuroselect.datasets import make_arithmetic_tasks, make_context_blobs

BLOBS = make_context_blobs()


@pytest.fixture
def net():
    return MultiTaskMLP((12, 8), learning_rate_init=0.02, max_iter=50, random_state=0).fit(*BLOBS)


def as_frame(names=("north", "south")):
    X, y = BLOBS
    frame = pd.DataFrame(X[:, :-1], columns=[f"pixel{k}" for k in range(25)])
    frame.insert(3, "garden", [names[int(code)] for code in X[:, -1]])
    return frame, y


# -- shapes and attributes -------------------------------------------------------------


def test_learned_attributes(net):
    assert [c.shape for c in net.coefs_] == [(25, 12), (12, 8), (8, 1)]
    assert [c.shape for c in net.intercepts_] == [(12,), (8,), (1,)]
    assert net.context_coefs_.shape == (2, 12)
    assert [c.shape for c in net.initial_coefs_] == [c.shape for c in net.coefs_]
    assert net.initial_context_coefs_.shape == (2, 12)
    assert not np.array_equal(net.initial_coefs_[0], net.coefs_[0])
    assert net.tasks_.tolist() == [0, 1]
    assert net.loss_curve_.shape == (50,) == (net.n_iter_,)
    assert (net.n_layers_, net.n_outputs_, net.n_features_in_) == (4, 1, 26)
    assert net.device_ == "cpu"
    learned = [v for k, v in vars(net).items() if k.endswith("_")]
    assert not any(type(v).__module__.startswith("torch") for v in learned)


def test_context_layer_decides_which_units_see_the_cue():
    X, y = BLOBS
    other = X.copy()
    other[:, -1] = 1 - other[:, -1]
    early = MultiTaskMLP((6, 5), max_iter=5, random_state=0).fit(X, y)
    late = MultiTaskMLP((6, 5), context_layer=-1, max_iter=5, random_state=0).fit(X, y)
    assert late.context_coefs_.shape == (2, 5)
    assert not np.allclose(early.activations(X, 0), early.activations(other, 0))
    np.testing.assert_array_equal(late.activations(X, 0), late.activations(other, 0))
    assert not np.allclose(late.activations(X, 1), late.activations(other, 1))


@pytest.mark.parametrize("context_layer", [0, 1, -1])
def test_readout_of_the_activations_is_the_output(context_layer):
    X, y = BLOBS
    settings = {"context_layer": context_layer, "max_iter": 5, "random_state": 1}
    net = MultiTaskMLP((6, 5, 4), output_activation="tanh", **settings).fit(X, y)
    labels = np.where(y < 0, "left", "right")
    classifier = MultiTaskMLPClassifier((6, 5, 4), **settings).fit(X, labels)
    for layer in (0, 1, 2, -1):
        np.testing.assert_allclose(
            net.readout(net.activations(X, layer), X, layer), net.predict(X), atol=1e-14
        )
        np.testing.assert_allclose(
            classifier.readout(classifier.activations(X, layer), X, layer),
            classifier.predict_proba(X),
            atol=1e-14,
        )
    np.testing.assert_array_equal(net.transform(X), net.activations(X, -1))


def test_readout_carries_leading_axes(net):
    X, _ = BLOBS
    H = net.activations(X, 0)
    many = np.stack([H, 0 * H, 2 * H])[None]
    out = net.readout(many, X, 0)
    assert out.shape == (1, 3, 50)
    for k in range(3):
        np.testing.assert_allclose(out[0, k], net.readout(many[0, k], X, 0))


def test_activations_by_hand():
    X, y = BLOBS
    net = MultiTaskMLP((4,), context_scale=0.3, max_iter=3, random_state=0).fit(X, y)
    cue = 0.3 * np.eye(2)[X[:, -1].astype(int)]
    z = X[:, :-1] @ net.coefs_[0] + cue @ net.context_coefs_ + net.intercepts_[0]
    np.testing.assert_allclose(net.activations(X), np.maximum(z, 0), atol=1e-14)
    out = np.maximum(z, 0) @ net.coefs_[1] + net.intercepts_[1]
    np.testing.assert_allclose(net.predict(X), out[:, 0], atol=1e-14)


def test_large_inputs_go_in_blocks(net, monkeypatch):
    X, _ = BLOBS
    whole = net.predict(X), net.readout(net.activations(X, 0), X, 0)
    monkeypatch.setattr("neuroselect._engine._predict.BLOCK_BYTES", 3000)
    np.testing.assert_allclose(net.predict(X), whole[0], atol=1e-14)
    np.testing.assert_allclose(net.readout(net.activations(X, 0), X, 0), whole[1], atol=1e-14)


def test_several_outputs():
    X, y = BLOBS
    Y = np.column_stack([y, y**2])
    net = MultiTaskMLP((10,), max_iter=5, random_state=0).fit(X, Y)
    assert net.predict(X).shape == (50, 2)
    column = MultiTaskMLP((10,), max_iter=5, random_state=0).fit(X, y[:, None])
    flat = MultiTaskMLP((10,), max_iter=5, random_state=0).fit(X, y)
    assert column.predict(X).shape == (50, 1)
    np.testing.assert_array_equal(column.predict(X)[:, 0], flat.predict(X))


def test_loss_curve_of_minibatches_is_the_mean_over_the_pass():
    X, y = BLOBS
    frozen = {"learning_rate_init": 1e-12, "max_iter": 2, "random_state": 0}
    full = MultiTaskMLP((5,), batch_size=None, **frozen).fit(X, y)
    mini = MultiTaskMLP((5,), batch_size=8, **frozen).fit(X, y)
    np.testing.assert_allclose(mini.loss_curve_, full.loss_curve_, rtol=1e-9)
    total = MultiTaskMLP((5,), batch_size=8, reduction="sum", **frozen).fit(X, y)
    np.testing.assert_allclose(total.loss_curve_, full.loss_curve_ * 50 / 7, rtol=1e-9)


def test_batch_size_auto_and_beyond_the_data():
    X, y = BLOBS
    nets = [
        MultiTaskMLP((5,), batch_size=size, max_iter=5, random_state=0).fit(X, y)
        for size in ("auto", None, 50, 1000)
    ]
    for other in nets[1:]:
        np.testing.assert_array_equal(nets[0].coefs_[0], other.coefs_[0])


# -- what it learns --------------------------------------------------------------------


def test_learns_arithmetic_tasks():
    X, y = make_arithmetic_tasks(1000, random_state=0)
    net = MultiTaskMLP((50, 50), init="torch", batch_size=10, max_iter=10, random_state=0)
    net.fit(X, y)
    X_test, y_test = make_arithmetic_tasks(200, random_state=1)
    assert (net.score_by_task(X_test, y_test) > 0.95).all()


def test_classifier_with_different_labels_per_task():
    X, y = BLOBS
    task_b = X[:, -1] == 1
    labels = np.where(task_b, np.where(y < 0, "low", "high"), np.where(y < 0, "left", "right"))
    net = MultiTaskMLPClassifier((30,), learning_rate_init=0.02, random_state=0).fit(X, labels)
    assert net.classes_.tolist() == ["high", "left", "low", "right"]
    assert net.score(X, labels) > 0.95
    p = net.predict_proba(X)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-14)
    assert np.isin(net.predict(X[task_b]), ["high", "low"]).mean() > 0.95


def test_score_by_task_is_the_score_of_each_task(net):
    X, y = BLOBS
    expected = [r2_score(y[X[:, -1] == t], net.predict(X[X[:, -1] == t])) for t in (0, 1)]
    np.testing.assert_allclose(net.score_by_task(X, y), expected)
    one = net.score_by_task(X[:25], y[:25])
    assert one[0] == pytest.approx(expected[0])
    assert np.isnan(one[1])
    labels = (y > 0).astype(int)
    classifier = MultiTaskMLPClassifier((5,), max_iter=5, random_state=0).fit(X, labels)
    expected = [
        accuracy_score(labels[X[:, -1] == t], classifier.predict(X[X[:, -1] == t])) for t in (0, 1)
    ]
    np.testing.assert_allclose(classifier.score_by_task(X, labels), expected)


# -- data frames and task codes --------------------------------------------------------


def test_named_task_column_with_names_of_tasks():
    X, y = BLOBS
    frame, _ = as_frame()
    net = MultiTaskMLP((6,), task_column="garden", max_iter=20, random_state=0).fit(frame, y)
    plain = MultiTaskMLP((6,), max_iter=20, random_state=0).fit(X, y)
    assert net.tasks_.tolist() == ["north", "south"]
    assert net.feature_names_in_.tolist() == frame.columns.tolist()
    assert net.n_features_in_ == 26
    np.testing.assert_array_equal(net.predict(frame), plain.predict(X))
    np.testing.assert_array_equal(net.score_by_task(frame, y), plain.score_by_task(X, y))
    by_position = MultiTaskMLP((6,), task_column=3, max_iter=20, random_state=0).fit(frame, y)
    np.testing.assert_array_equal(by_position.predict(frame), plain.predict(X))


@pytest.mark.parametrize("dtype", ["category", "string", object])
def test_kinds_of_name_columns(dtype):
    frame, y = as_frame()
    frame["garden"] = frame["garden"].astype(dtype)
    net = MultiTaskMLP((6,), task_column="garden", max_iter=2, random_state=0).fit(frame, y)
    assert net.tasks_.tolist() == ["north", "south"]


def test_categories_of_numbers_stay_numbers():
    frame, y = as_frame(names=(3, 7))
    frame["garden"] = frame["garden"].astype("category")
    net = MultiTaskMLP((6,), task_column="garden", max_iter=2, random_state=0).fit(frame, y)
    assert net.tasks_.tolist() == [3, 7]


def test_names_of_tasks_in_an_object_array():
    frame, y = as_frame()
    net = MultiTaskMLP((6,), task_column=3, max_iter=2, random_state=0)
    net.fit(frame.to_numpy(dtype=object), y)
    assert net.tasks_.tolist() == ["north", "south"]


def test_one_task_without_a_task_column():
    X, y = BLOBS
    net = MultiTaskMLP((6,), task_column=None, max_iter=5, random_state=0).fit(X[:, :-1], y)
    assert net.tasks_.tolist() == [0]
    assert net.context_coefs_.shape == (0, 6)
    assert net.score_by_task(X[:, :-1], y).shape == (1,)


# -- scikit-learn ----------------------------------------------------------------------


def test_grid_search_over_init_scale_and_seed():
    X, y = BLOBS
    grid = {"init_scale": [0.01, 0.3, 3], "random_state": [0, 1]}
    search = GridSearchCV(MultiTaskMLP((10,), max_iter=20), grid).fit(X, y)
    assert len(search.cv_results_["params"]) == 6
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    again = cross_val_score(clone(search.best_estimator_), X, y).mean()
    assert again == pytest.approx(search.best_score_)


def test_pipeline_scales_stimuli_and_passes_the_task():
    frame, y = as_frame()
    pixels = [c for c in frame.columns if c != "garden"]
    columns = ColumnTransformer([("pixels", StandardScaler(), pixels)], remainder="passthrough")
    columns.set_output(transform="pandas")
    net = MultiTaskMLP(
        (20,), task_column="remainder__garden", learning_rate_init=0.02, random_state=0
    )
    pipe = make_pipeline(columns, net).fit(frame, y)
    assert pipe.score(frame, y) > 0.9
    X, _ = BLOBS
    columns = ColumnTransformer(
        [("pixels", StandardScaler(), list(range(25)))], remainder="passthrough"
    )
    net = MultiTaskMLP((20,), learning_rate_init=0.02, random_state=0)
    assert make_pipeline(columns, net).fit(X, y).score(X, y) > 0.9


def test_network_inside_a_pipeline_and_set_output(net):
    X, y = BLOBS
    pipe = make_pipeline(clone(net), LinearRegression()).fit(X, y)
    assert pipe.score(X, y) > 0.9
    frame = clone(net).set_output(transform="pandas").fit(X, y).transform(X)
    assert frame.columns.tolist() == [f"multitaskmlp{k}" for k in range(8)]
    np.testing.assert_array_equal(frame.to_numpy(), net.transform(X))


def test_clone_keeps_parameters_and_drops_the_fit(net):
    given = clone(net).set_params(
        coefs_init=net.initial_coefs_, context_coefs_init=np.ones((2, 12))
    )
    copy = clone(given)
    assert not hasattr(copy, "coefs_")
    np.testing.assert_array_equal(copy.coefs_init[0], net.initial_coefs_[0])
    copy.fit(*BLOBS)
    np.testing.assert_array_equal(copy.initial_coefs_[0], net.initial_coefs_[0])
    np.testing.assert_array_equal(copy.initial_context_coefs_, 1)


@pytest.mark.parametrize("names", [(0, 1), ("north", "south")])
def test_pickle_and_skops_round_trips(names):
    frame, y = as_frame(names)
    settings = {"task_column": "garden", "max_iter": 3, "random_state": 0}
    for net in (
        MultiTaskMLP((5,), record="task_losses", **settings).fit(frame, y),
        MultiTaskMLPClassifier((5,), **settings).fit(frame, np.where(y < 0, "l", "r")),
    ):
        expected = net.predict(frame)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(net)).predict(frame), expected)
        data = io.BytesIO(skops.io.dumps(net)).getvalue()
        unknown = skops.io.get_untrusted_types(data=data)
        assert unknown == [f"neuroselect.networks._multitask_mlp.{type(net).__name__}"]
        back = skops.io.loads(data, trusted=unknown)
        np.testing.assert_array_equal(back.predict(frame), expected)
        target = y if isinstance(net, MultiTaskMLP) else np.where(y < 0, "l", "r")
        more = [fitted.partial_fit(frame, target).coefs_[0] for fitted in (back, net)]
        np.testing.assert_array_equal(*more)


def test_same_seed_same_network_other_seed_other_network():
    X, y = BLOBS
    fits = [
        MultiTaskMLP((5,), batch_size=9, max_iter=3, random_state=k).fit(X, y) for k in (0, 0, 1)
    ]
    np.testing.assert_array_equal(fits[0].coefs_[0], fits[1].coefs_[0])
    assert not np.allclose(fits[0].coefs_[0], fits[2].coefs_[0])


def test_inputs_are_not_changed(net):
    X, y = (a.copy() for a in BLOBS)
    clone(net).fit(X, y).predict(X)
    np.testing.assert_array_equal(X, BLOBS[0])
    np.testing.assert_array_equal(y, BLOBS[1])


def test_given_weights_replace_drawn_ones_and_none_keeps_the_draw():
    X, y = BLOBS
    base = MultiTaskMLP((4, 3), max_iter=1, random_state=0).fit(X, y)
    fixed = np.full((4, 3), 0.5)
    net = MultiTaskMLP(
        (4, 3),
        coefs_init=[None, fixed, None],
        intercepts_init=[np.ones(4), None, None],
        max_iter=1,
        random_state=0,
    ).fit(X, y)
    np.testing.assert_array_equal(net.initial_coefs_[0], base.initial_coefs_[0])
    np.testing.assert_array_equal(net.initial_coefs_[1], fixed)
    np.testing.assert_array_equal(net.initial_intercepts_[0], 1)


def test_scales_of_layers():
    X, y = BLOBS
    settings = {"init": "normal", "max_iter": 1, "random_state": 0}
    unit = MultiTaskMLP((4, 3), **settings).fit(X, y)
    net = MultiTaskMLP(
        (4, 3), init_scale=[2, 3, 4], context_init_scale=5, output_init_scale=6, **settings
    ).fit(X, y)
    for factor, a, b in zip((2, 3, 6), net.initial_coefs_, unit.initial_coefs_, strict=True):
        np.testing.assert_allclose(a, factor * b)
    np.testing.assert_allclose(net.initial_context_coefs_, 5 * unit.initial_context_coefs_)
    follows = MultiTaskMLP((4, 3), context_layer=1, init_scale=[2, 3, 4], **settings).fit(X, y)
    base = MultiTaskMLP((4, 3), context_layer=1, **settings).fit(X, y)
    np.testing.assert_allclose(follows.initial_context_coefs_, 3 * base.initial_context_coefs_)


def test_init_rank_limits_hidden_to_hidden_weights():
    X, y = BLOBS
    full = MultiTaskMLP((20, 15), max_iter=1, random_state=0).fit(X, y)
    low = MultiTaskMLP((20, 15), init_rank=2, max_iter=1, random_state=0).fit(X, y)
    assert np.linalg.matrix_rank(low.initial_coefs_[1]) == 2
    norm = np.linalg.norm(full.initial_coefs_[1])
    assert np.linalg.norm(low.initial_coefs_[1]) == pytest.approx(norm)
    np.testing.assert_array_equal(low.initial_coefs_[0], full.initial_coefs_[0])


def test_verbose_shows_a_bar_and_default_does_not(capsys):
    X, y = BLOBS
    MultiTaskMLP((4,), max_iter=2, random_state=0).fit(X, y)
    assert capsys.readouterr().err == ""
    MultiTaskMLP((4,), max_iter=2, random_state=0, verbose=1).fit(X, y)
    assert "pass" in capsys.readouterr().err


# -- errors ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden_layer_sizes": ()}, "at least one hidden layer"),
        ({"hidden_layer_sizes": (4, 0)}, r"at least one unit.*got \(4, 0\)"),
        ({"context_layer": 2}, "context_layer=2 does not exist: the network has 1 hidden"),
        ({"init_scale": -1.0}, "'init_scale' parameter of MultiTaskMLP must be"),
        ({"init_scale": [1.0, -1.0]}, "init_scale must be one number >= 0, or 2 of them"),
        ({"init_scale": [1.0]}, "init_scale must be one number >= 0, or 2 of them"),
        ({"context_init_scale": -1.0}, "'context_init_scale' parameter"),
        ({"output_init_scale": -0.1}, "'output_init_scale' parameter"),
        ({"coefs_init": [np.ones((25, 4))]}, "coefs_init must hold 2 arrays"),
        ({"coefs_init": [np.ones((4, 25)), None]}, r"coefs_init\[0\] must have shape \(25, 4\)"),
        ({"intercepts_init": [np.ones(3), None]}, r"intercepts_init\[0\] must have shape \(4,\)"),
        ({"context_coefs_init": np.ones((3, 4))}, r"must have shape \(2, 4\), got \(3, 4\)"),
        ({"coefs_init": [np.full((25, 4), np.nan), None]}, "holds NaN or infinite"),
        ({"curriculum": "mixed up"}, "'curriculum' parameter"),
        ({"solver": "lbfgs"}, "'solver' parameter"),
        ({"learning_rate_init": 0}, "'learning_rate_init' parameter"),
        ({"max_iter": 0}, "'max_iter' parameter"),
        ({"task_column": 26}, "task_column=26 does not exist: X has 26 columns"),
        ({"task_column": "garden"}, "is a name, but X has no column names"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        MultiTaskMLP(**{"hidden_layer_sizes": (4,), **parameters}).fit(*BLOBS)


def test_name_that_is_not_a_column():
    frame, y = as_frame()
    with pytest.raises(ValueError, match=r"task_column='rule' is not a column of X.*garden"):
        MultiTaskMLP(task_column="rule").fit(frame, y)


def test_context_coefs_without_a_task_column():
    X, y = BLOBS
    net = MultiTaskMLP((4,), task_column=None, context_coefs_init=np.ones((2, 4)))
    with pytest.raises(ValueError, match="context_coefs_init needs a task column"):
        net.fit(X, y)


def test_continuous_task_column_names_the_remedy():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"looks continuous.*task_column=None"):
        MultiTaskMLP().fit(rng.normal(size=(40, 3)), rng.normal(size=40))


def test_unseen_task_codes(net):
    X, _ = BLOBS
    other = X.copy()
    other[3, -1] = 2
    with pytest.raises(ValueError, match=r"not there in fit: 2.*Known tasks: \[0, 1\]"):
        net.predict(other)
    frame, y = as_frame()
    named = MultiTaskMLP((4,), task_column="garden", max_iter=1).fit(frame, y)
    with pytest.raises(ValueError, match=r"'east'.*Known tasks: \['north', 'south'\]"):
        named.predict(frame.replace({"garden": {"north": "east"}}))
    with pytest.raises(ValueError, match=r"Known tasks: \['north', 'south'\]"):
        named.predict(frame.replace({"garden": {"north": 0, "south": 1}}).infer_objects())


def test_missing_task_column_and_missing_task(net):
    X, y = BLOBS
    with pytest.raises(ValueError, match="X has 25 features, but MultiTaskMLP is expecting 26"):
        net.predict(X[:, :-1])
    frame, y = as_frame()
    frame.loc[4, "garden"] = None
    with pytest.raises(ValueError, match="has 1 missing values"):
        MultiTaskMLP(task_column="garden").fit(frame, y)


def test_nan_and_wrong_lengths(net):
    X, y = BLOBS
    bad = X.copy()
    bad[0, 0] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        MultiTaskMLP().fit(bad, y)
    with pytest.raises(ValueError, match="contains NaN"):
        net.predict(bad)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        MultiTaskMLP().fit(X, y[:-1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        net.score_by_task(X, y[:-1])
    with pytest.raises(ValueError, match="Found array with dim 3"):
        MultiTaskMLP().fit(X, y.reshape(50, 1, 1))


def test_layers_that_do_not_exist(net):
    X, _ = BLOBS
    for call in (
        lambda: net.activations(X, layer=2),
        lambda: net.readout(np.ones((50, 8)), X, layer=-3),
    ):
        with pytest.raises(ValueError, match=r"does not exist: the network has 2 hidden layer"):
            call()
    with pytest.raises(TypeError, match=r"layer must be an integer, got 'last'"):
        net.activations(X, layer="last")


def test_readout_of_the_wrong_shape(net):
    X, _ = BLOBS
    with pytest.raises(ValueError, match=r"n_units\) = \(..., 50, 8\) for hidden layer 1"):
        net.readout(np.ones((50, 12)), X)
    with pytest.raises(ValueError, match=r"got \(40, 8\)"):
        net.readout(np.ones((40, 8)), X)
    with pytest.raises(ValueError, match="contains NaN"):
        net.readout(np.full((50, 8), np.nan), X)


def test_divergence_says_what_causes_it():
    X, y = BLOBS
    steep = {"activation": "identity", "init_scale": 30, "learning_rate_init": 10}
    net = MultiTaskMLP((50,), solver="sgd", random_state=0, **steep)
    with pytest.raises(ValueError, match=r"not finite.*learning_rate_init=10 or init_scale=30"):
        net.fit(X, y)
    assert not hasattr(net, "coefs_")


def test_devices_that_are_not_here(monkeypatch):
    X, y = BLOBS
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    with pytest.raises(ValueError, match=r"device='cuda' is not available here.*\['cpu'\]"):
        MultiTaskMLP(device="cuda").fit(X, y)
    assert MultiTaskMLP((3,), device="auto", max_iter=1).fit(X, y).device_ == "cpu"
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    with pytest.raises(ValueError, match="float32 only"):
        MultiTaskMLP(device="mps").fit(X, y)
