"""MultiTaskCNNClassifier as a user meets it."""

import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from neuroselect import BatchedGridSearchCV, MultiTaskCNNClassifier, fit_many
from neuroselect.consolidation import EWC, SynapticIntelligence
from neuroselect.datasets import make_digit_tasks

DIGITS = make_digit_tasks(n_trials=160, random_state=0)
QUICK = {"max_iter": 2, "batch_size": 50}


def images(shape, n_trials=40, seed=0):
    """Noise with two tasks on its mean: is it above 0, is its first row?"""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(size=(n_trials, np.prod(shape)))
    task = np.arange(n_trials) % 2
    seen = np.where(task, pixels[:, : shape[1]].mean(1), pixels.mean(1))
    X = np.column_stack([pixels, task])
    return X, np.where(seen > 0, "bright", "dark")


def parameters_of(net):
    parts = [*net.conv_coefs_, *net.conv_intercepts_, *net.coefs_, *net.intercepts_]
    return np.concatenate([np.ravel(p) for p in [*parts, net.context_coefs_, net.loss_curve_]])


@pytest.fixture(scope="module")
def net():
    return MultiTaskCNNClassifier((7, 5), random_state=0, **QUICK).fit(*DIGITS)


# -- architecture ----------------------------------------------------------------------


def test_default_is_the_published_network():
    X, y = images((28, 28), n_trials=8)
    net = MultiTaskCNNClassifier(max_iter=1, random_state=0).fit(X, y)
    assert [c.shape for c in net.conv_coefs_] == [(4, 1, 3, 3), (12, 4, 3, 3)]
    assert [c.shape for c in net.conv_intercepts_] == [(4,), (12,)]
    assert [c.shape for c in net.coefs_] == [(300, 16), (16, 2)]
    assert net.context_coefs_.shape == (2, 16)
    assert (net.n_layers_, net.n_outputs_, net.n_features_in_) == (5, 2, 785)
    assert [net.activations(X, k).shape for k in range(3)] == [
        (8, 4, 13, 13),
        (8, 12, 5, 5),
        (8, 16),
    ]


def test_learned_attributes(net):
    assert [c.shape for c in net.conv_coefs_] == [(4, 1, 3, 3), (12, 4, 3, 3)]
    assert [c.shape for c in net.coefs_] == [(48, 7), (7, 5), (5, 2)]
    for name in ("conv_coefs_", "conv_intercepts_", "coefs_", "intercepts_"):
        before, after = getattr(net, f"initial_{name}"), getattr(net, name)
        assert [a.shape for a in before] == [a.shape for a in after]
        assert all(np.abs(a - b).max() > 0 for a, b in zip(before, after, strict=True))
    learned = [v for k, v in vars(net).items() if k.endswith("_")]
    assert not any(type(v).__module__.startswith("torch") for v in learned)


@pytest.mark.parametrize(
    ("settings", "maps"),
    [
        ({"conv_channels": (4,)}, [(4, 3, 4)]),
        ({}, [(4, 4, 5), (12, 2, 2)]),
        ({"padding": "same"}, [(4, 4, 5), (12, 2, 2)]),
        ({"padding": "same", "pool_size": 1}, [(4, 9, 11), (12, 9, 11)]),
        ({"padding": "valid", "pool_size": 1}, [(4, 7, 9), (12, 5, 7)]),
        ({"padding": 3, "kernel_size": 2, "conv_channels": 6}, [(6, 7, 8)]),
        ({"conv_channels": (2, 2, 2)}, [(2, 4, 5), (2, 2, 2), (2, 1, 1)]),
        ({"kernel_size": 1, "pool_size": 3}, [(4, 3, 3), (12, 1, 1)]),
    ],
)
def test_padding_and_pooling(settings, maps):
    X, y = images((9, 11))
    net = MultiTaskCNNClassifier(image_shape=(9, 11), max_iter=1, random_state=0, **settings)
    net.fit(X, y)
    assert [net.activations(X, k).shape for k in range(len(maps))] == [(40, *m) for m in maps]


@pytest.mark.parametrize("shape", [(6, -1), (-1, 7), (6, 7, -1), (-1, 7, 1)])
def test_one_number_of_the_shape_may_be_left_open(shape):
    X, y = images((6, 7))
    known = MultiTaskCNNClassifier(image_shape=(6, 7), random_state=0, **QUICK).fit(X, y)
    net = clone(known).set_params(image_shape=shape).fit(X, y)
    np.testing.assert_array_equal(parameters_of(net), parameters_of(known))


# -- what it computes ------------------------------------------------------------------


class TorchNetwork(torch.nn.Module):
    """The same network as one writes it in torch, with the weights of ``net`` at its start."""

    def __init__(self, net, image):
        super().__init__()
        self.image = image
        self.layers = torch.nn.ParameterList()
        names = ("conv_coefs_", "conv_intercepts_", "coefs_", "intercepts_")
        for name in names:
            arrays = getattr(net, f"initial_{name}")
            setattr(self, name, torch.nn.ParameterList(map(torch.tensor, arrays)))
        self.context = torch.nn.Parameter(torch.tensor(net.initial_context_coefs_))
        self.same = net.padding == "same"

    def forward(self, X):
        height, width, n_channels = self.image
        h = X[:, :-1].reshape(len(X), height, width, n_channels).permute(0, 3, 1, 2)
        for coefs, intercepts in zip(self.conv_coefs_, self.conv_intercepts_, strict=True):
            h = torch.nn.functional.conv2d(h, coefs, intercepts, padding=int(self.same))
            h = torch.nn.functional.max_pool2d(torch.relu(h), 2)
        h = h.flatten(1) @ self.coefs_[0] + self.intercepts_[0] + self.context[X[:, -1].long()]
        return torch.relu(h) @ self.coefs_[1] + self.intercepts_[1]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_training_equals_torch(padding, solver):
    X, y = images((12, 10, 2))
    settings = {"image_shape": (12, 10, 2), "padding": padding, "learning_rate_init": 0.01}
    net = MultiTaskCNNClassifier(
        solver=solver, batch_size=None, max_iter=20, alpha=0.1, random_state=0, **settings
    ).fit(X, y)
    module = TorchNetwork(net, (12, 10, 2))
    weights = [*module.conv_coefs_, *module.coefs_, module.context]
    rest = [*module.conv_intercepts_, *module.intercepts_]
    groups = [{"params": weights, "weight_decay": 0.1}, {"params": rest}]
    optimizer = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[solver](groups, lr=0.01)
    losses, stimuli, target = [], torch.tensor(X), torch.tensor((y == "dark").astype(int))
    for _ in range(20):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(module(stimuli), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    np.testing.assert_allclose(net.loss_curve_, losses, rtol=1e-9)
    p = torch.softmax(module(stimuli), 1).detach().numpy()
    np.testing.assert_allclose(net.predict_proba(X), p, rtol=1e-9)
    for got, want in zip(net.conv_coefs_, module.conv_coefs_, strict=True):
        np.testing.assert_allclose(got, want.detach().numpy(), atol=1e-11)


@pytest.mark.parametrize("context_layer", [0, 1])
def test_readout_of_the_activations_is_the_output(context_layer, monkeypatch):
    X, y = images((9, 11))
    net = MultiTaskCNNClassifier(
        (6, 5), image_shape=(9, 11), context_layer=context_layer, random_state=0, **QUICK
    ).fit(X, y)
    for _ in range(2):
        p = net.predict_proba(X)
        for layer in (0, 1, 2, 3, -1):
            got = net.readout(net.activations(X, layer), X, layer)
            np.testing.assert_allclose(got, p, atol=1e-14)
        np.testing.assert_array_equal(net.transform(X), net.activations(X, 3))
        # and once more in blocks of a few trials
        monkeypatch.setattr("neuroselect._engine._predict.BLOCK_BYTES", 100_000)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_readout_carries_leading_axes(net, layer):
    X, _ = DIGITS
    H = net.activations(X, layer)
    many = np.stack([H, 0 * H, 2 * H])[None]
    out = net.readout(many, X, layer)
    assert out.shape == (1, 3, len(X), 2)
    for k in range(3):
        np.testing.assert_allclose(out[0, k], net.readout(many[0, k], X, layer), atol=1e-14)


def test_maps_by_hand():
    X, y = images((5, 6))
    net = MultiTaskCNNClassifier(
        image_shape=(5, 6), conv_channels=(3,), max_iter=2, random_state=0
    ).fit(X, y)
    image, kernels = X[0, :-1].reshape(5, 6), net.conv_coefs_[0][:, 0]
    for c in range(3):
        for row in range(1):
            for column in range(2):
                values = [
                    (image[i : i + 3, j : j + 3] * kernels[c]).sum()
                    for i in (2 * row, 2 * row + 1)
                    for j in (2 * column, 2 * column + 1)
                ]
                expected = max(0, max(values) + net.conv_intercepts_[0][c])
                got = net.activations(X, 0)[0, c, row, column]
                assert got == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_learns_digit_tasks(padding):
    X, y = make_digit_tasks(random_state=0)
    net = MultiTaskCNNClassifier(padding="same", learning_rate_init=0.01, random_state=0).fit(
        X.astype("float32"), y
    )
    assert (net.score_by_task(X, y) > 0.9).all()


# -- company ---------------------------------------------------------------------------


def mixture():
    return [
        MultiTaskCNNClassifier(random_state=0, **QUICK),
        MultiTaskCNNClassifier(random_state=1, alpha=0.1, **QUICK),
        MultiTaskCNNClassifier(random_state=2, learning_rate_init=0.01, **QUICK),
        MultiTaskCNNClassifier(random_state=3, image_shape=(4, 16), **QUICK),
        MultiTaskCNNClassifier((5, 4), random_state=4, padding=2, context_layer=1, **QUICK),
        MultiTaskCNNClassifier(random_state=5, batch_size=None, max_iter=2),
        MultiTaskCNNClassifier(random_state=6, batch_size=None, max_iter=2),
        MultiTaskCNNClassifier(random_state=7, solver="sgd", momentum=0.9, **QUICK),
        MultiTaskCNNClassifier(random_state=8, solver="sgd", momentum=0.9, **QUICK),
        MultiTaskCNNClassifier(random_state=9, curriculum="blocked", max_iter=4),
        MultiTaskCNNClassifier(random_state=10, curriculum="replay", max_iter=4),
        *(
            MultiTaskCNNClassifier(
                (5, 4), random_state=k, curriculum="blocked", consolidation=EWC(), max_iter=4
            )
            for k in (11, 12)
        ),
        MultiTaskCNNClassifier(
            random_state=10, curriculum="blocked", consolidation=SynapticIntelligence(), max_iter=4
        ),
    ]


@pytest.mark.parametrize("chunk_bytes", ["auto", 1, 10**8])
def test_fit_many_equals_the_loop(chunk_bytes):
    estimators = mixture()
    fitted = fit_many(estimators, *DIGITS, chunk_bytes=chunk_bytes)
    for got, estimator in zip(fitted, estimators, strict=True):
        alone = clone(estimator).fit(*DIGITS)
        np.testing.assert_allclose(parameters_of(got), parameters_of(alone), rtol=0, atol=1e-9)
        assert set(vars(got)) == set(vars(alone))


def test_fit_many_with_rows_of_their_own_and_a_checkpoint(tmp_path):
    X, y = DIGITS
    rows = [np.arange(100), np.arange(20, 120), np.arange(100)]
    estimators = [MultiTaskCNNClassifier(random_state=k, **QUICK) for k in range(3)]
    fitted = fit_many(estimators, X, y, indices=rows, checkpoint=tmp_path)
    again = fit_many(estimators, X, y, indices=rows, checkpoint=tmp_path)
    for got, kept, estimator, own in zip(fitted, again, estimators, rows, strict=True):
        np.testing.assert_array_equal(parameters_of(got), parameters_of(kept))
        alone = clone(estimator).fit(X[own], y[own])
        np.testing.assert_allclose(parameters_of(got), parameters_of(alone), rtol=0, atol=1e-9)


def test_processes_give_the_same():
    X, y = DIGITS[0].astype("float32"), DIGITS[1]
    estimators = [MultiTaskCNNClassifier(random_state=k, **QUICK) for k in range(4)]
    one = fit_many(estimators, X, y, chunk_bytes=10**6)
    two = fit_many(estimators, X, y, chunk_bytes=10**6, n_jobs=2)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(parameters_of(a), parameters_of(b))


def test_grid_searches_agree():
    net = MultiTaskCNNClassifier(random_state=0, **QUICK)
    grid = {"conv_channels": [(2, 3), (3,)], "alpha": [0.0, 0.1]}
    plain = GridSearchCV(net, grid, cv=2).fit(*DIGITS)
    batched = BatchedGridSearchCV(net, grid, cv=2).fit(*DIGITS)
    assert batched.cv_results_["params"] == plain.cv_results_["params"]
    for name in ("mean_test_score", "split0_test_score", "rank_test_score"):
        np.testing.assert_allclose(batched.cv_results_[name], plain.cv_results_[name])


def test_in_a_pipeline_and_with_named_tasks():
    X, y = DIGITS
    frame = pd.DataFrame(X[:, :-1], columns=[f"p{k}" for k in range(64)])
    frame.insert(
        0, "rule", np.array(["parity", "magnitude", "prime", "subset"])[X[:, -1].astype(int)]
    )
    net = MultiTaskCNNClassifier(task_column="rule", random_state=0, **QUICK)
    pipeline = make_pipeline(FunctionTransformer(), net).fit(frame, y)
    assert pipeline[-1].tasks_.tolist() == ["magnitude", "parity", "prime", "subset"]
    assert pipeline.score(frame, y) > 0.3
    assert pipeline.transform(frame).shape == (len(y), 16)


def test_sample_weight_is_repetition():
    X, y = DIGITS
    weight = np.random.default_rng(0).integers(1, 3, size=len(y))
    net = MultiTaskCNNClassifier(batch_size=None, max_iter=5, random_state=0)
    weighted = clone(net).fit(X, y, sample_weight=weight)
    repeated = clone(net).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(parameters_of(weighted), parameters_of(repeated), atol=1e-9)


def test_float32_and_persistence(net):
    X, y = DIGITS
    single = clone(net).fit(X.astype("float32"), y)
    assert all(c.dtype == np.float32 for c in single.conv_coefs_ + single.initial_conv_coefs_)
    np.testing.assert_allclose(single.conv_coefs_[0], net.conv_coefs_[0], atol=1e-3)
    dumped = skops.io.dumps(net)
    unknown = skops.io.get_untrusted_types(data=dumped)
    for copy in (pickle.loads(pickle.dumps(net)), skops.io.loads(dumped, trusted=unknown)):
        np.testing.assert_array_equal(copy.predict_proba(X), net.predict_proba(X))


def test_given_weights_replace_the_draw():
    X, y = images((5, 6))
    kernels = np.arange(18.0).reshape(2, 1, 3, 3)
    net = MultiTaskCNNClassifier(
        image_shape=(5, 6), conv_channels=(2, 3), padding="same", max_iter=1, random_state=0,
        conv_coefs_init=[kernels, None], conv_intercepts_init=[[1.0, 2.0], None],
    )  # fmt: skip
    free = clone(net).set_params(conv_coefs_init=None, conv_intercepts_init=None).fit(X, y)
    net.fit(X, y)
    np.testing.assert_array_equal(net.initial_conv_coefs_[0], kernels)
    np.testing.assert_array_equal(net.initial_conv_intercepts_[0], [1, 2])
    np.testing.assert_array_equal(net.initial_conv_coefs_[1], free.initial_conv_coefs_[1])
    np.testing.assert_array_equal(net.initial_coefs_[0], free.initial_coefs_[0])


# -- what does not fit -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "99 stimulus columns are no square number. Pass image_shape"),
        ({"image_shape": (9, 12)}, r"\(9, 12\) does not fit X, which holds 99 stimulus columns"),
        ({"image_shape": (9, 11, 2)}, "does not fit X, which holds 99"),
        ({"image_shape": (10, -1)}, "does not fit X, which holds 99"),
        ({"image_shape": (-1, -1)}, r"got \(-1, -1\)"),
        ({"image_shape": (99,)}, r"image_shape must be \(height, width\)"),
        ({"image_shape": (9.0, 11)}, "numbers of pixels"),
        ({"image_shape": (0, 11)}, "numbers of pixels"),
        ({"conv_channels": ()}, r"conv_channels must hold .* at least one layer"),
        ({"conv_channels": (4, 0)}, r"got \(4, 0\)"),
        ({"padding": "same", "kernel_size": 2}, "needs an odd kernel_size, got 2"),
        (
            {"padding": "valid", "conv_channels": (2, 2, 2)},
            "9 x 11 pixels are too small: convolutional layer 1 gets 3 x 4 pixels",
        ),
        ({"pool_size": 12}, "layer 0 gets 9 x 11 pixels, and with kernel_size=3"),
        ({"kernel_size": 4, "conv_channels": (2, 2)}, "it leaves none. Use fewer layers"),
        ({"conv_coefs_init": [None]}, "conv_coefs_init must hold 2 arrays"),
        ({"conv_intercepts_init": [[1.0], None]}, r"conv_intercepts_init\[0\] must have shape"),
        ({"init_scale": (1.0, 1.0)}, "4 of them"),
        ({"context_layer": 1}, "context_layer=1 does not exist: the network has 1 hidden"),
    ],
)
def test_bad_settings(settings, message):
    X, y = images((9, 11))
    shape = {} if not settings else {"image_shape": (9, 11)}
    net = MultiTaskCNNClassifier(**{**shape, **settings})
    with pytest.raises(ValueError, match=message):
        net.fit(X, y)


def test_wrong_maps_and_layers(net):
    X, _ = DIGITS
    with pytest.raises(ValueError, match=r"\(..., n_trials, n_channels, height, width\) = "):
        net.readout(net.activations(X, 0)[:, :2], X, 0)
    with pytest.raises(ValueError, match=r"\(..., n_trials, n_units\) = "):
        net.readout(net.activations(X, 0), X, 2)
    with pytest.raises(ValueError, match="layer=4 does not exist: the network has 4 hidden"):
        net.activations(X, 4)


def test_images_of_another_size_at_predict_time(net):
    with pytest.raises(ValueError, match=r"has 50 features, but .* is expecting 65"):
        net.predict(np.zeros((4, 50)))


def test_diverged():
    X, y = DIGITS
    settings = {"activation": "identity", "solver": "sgd", "learning_rate_init": 1e9}
    with pytest.raises(ValueError, match="weights that are not finite"):
        MultiTaskCNNClassifier(random_state=0, **settings, **QUICK).fit(X, y)


# -- recording -------------------------------------------------------------------------


def test_records_convolutional_layers_first():
    X, y = DIGITS
    names = ("task_losses", "task_scores", "weight_norms", "weight_distances", "activations")
    net = MultiTaskCNNClassifier(record=names, random_state=0, **QUICK).fit(X, y)
    history, weights = net.history_, [*net.conv_coefs_, *net.coefs_, net.context_coefs_]
    initial = [*net.initial_conv_coefs_, *net.initial_coefs_, net.initial_context_coefs_]
    assert history.layers == ["0", "1", "2", "3", "context"]
    norms = [np.linalg.norm(w) for w in weights]
    np.testing.assert_allclose(history.weight_norms[-1], norms)
    distances = [np.linalg.norm(a - b) for a, b in zip(weights, initial, strict=True)]
    np.testing.assert_allclose(history.weight_distances[-1], distances)
    np.testing.assert_allclose(history.activations[-1], net.activations(X), atol=1e-14)
    np.testing.assert_allclose(history.task_scores[-1], net.score_by_task(X, y))
    (stacked, _) = fit_many([net, clone(net).set_params(random_state=1)], X, y)
    np.testing.assert_allclose(stacked.history_.task_losses, history.task_losses, atol=1e-9)
