"""fit_many gives what the loop gives."""

import platform

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from sklearn.base import clone
from sklearn.linear_model import Ridge

from neuroselect import MultiTaskMLP, MultiTaskMLPClassifier, fit_many
from neuroselect.datasets import make_arithmetic_tasks, make_context_blobs

BLOBS = make_context_blobs()
MKL = torch.backends.mkl.is_available() and platform.machine().lower() in ("x86_64", "amd64")


def parameters_of(net):
    parts = [*net.coefs_, *net.intercepts_, net.context_coefs_, net.loss_curve_]
    return np.concatenate([np.ravel(p) for p in parts])


def assert_same(fitted, expected, atol=1e-10):
    assert len(fitted) == len(expected)
    for a, b in zip(fitted, expected, strict=True):
        assert type(a) is type(b)
        assert repr(a.get_params()) == repr(b.get_params())
        np.testing.assert_allclose(parameters_of(a), parameters_of(b), rtol=0, atol=atol)
        learned = {k for k in vars(b) if k.endswith("_")}
        assert learned == {k for k in vars(a) if k.endswith("_")}


def looped(estimators, X, y, indices=None):
    indices = indices or [slice(None)] * len(estimators)
    return [clone(e).fit(X[i], y[i]) for e, i in zip(estimators, indices, strict=True)]


def mixture():
    """Architectures, solvers, seeds, learning rates and weight decays side by side."""
    wide = {"solver": "sgd", "reduction": "sum", "learning_rate_init": 0.002, "max_iter": 60}
    return [
        MultiTaskMLP((20,), random_state=0, max_iter=30),
        MultiTaskMLP((20,), random_state=1, max_iter=30, learning_rate_init=0.01),
        MultiTaskMLP((20,), random_state=1, max_iter=30, alpha=0.1),
        MultiTaskMLP((30,), random_state=2, **wide),
        MultiTaskMLP((30,), random_state=3, **{**wide, "learning_rate_init": 0.003}),
        MultiTaskMLP((30,), random_state=4, init_scale=0.01, **wide),
        MultiTaskMLP((30,), random_state=4, context_scale=0.1, **wide),
        MultiTaskMLP((7, 6), random_state=5, context_layer=-1, batch_size=8, max_iter=5),
        MultiTaskMLP((7, 6), random_state=6, context_layer=-1, batch_size=8, max_iter=5),
        MultiTaskMLP((7, 6), random_state=7, activation="tanh", batch_size=8, max_iter=5),
        MultiTaskMLP((7,), random_state=8, solver="sgd", momentum=0.9, max_iter=10),
        MultiTaskMLP((7,), random_state=8, output_activation="logistic", max_iter=10),
    ]


@pytest.mark.parametrize("chunk_bytes", ["auto", 1, 300_000])
def test_equals_the_loop(chunk_bytes):
    estimators = mixture()
    fitted = fit_many(estimators, *BLOBS, chunk_bytes=chunk_bytes)
    assert_same(fitted, looped(estimators, *BLOBS))
    assert not any(hasattr(e, "coefs_") for e in estimators)


def test_equals_the_loop_with_rows_of_their_own(seed):
    rng = np.random.default_rng(seed)
    estimators = mixture()
    sets = [np.sort(rng.permutation(50)[: 30 + k // 4]) for k in range(len(estimators))]
    sets[1] = sets[0]
    mask = np.zeros(50, dtype=bool)
    mask[sets[2]] = True
    fitted = fit_many(estimators, *BLOBS, indices=[*sets[:2], mask, *sets[3:]])
    assert_same(fitted, looped(estimators, *BLOBS, sets))


def test_rows_of_none_are_all_rows():
    estimators = mixture()[:2]
    fitted = fit_many(estimators, *BLOBS, indices=[None, np.arange(40)])
    assert_same(fitted, looped(estimators, *BLOBS, [np.arange(50), np.arange(40)]))


def test_classifiers_and_regressors_together():
    X, y = BLOBS
    labels = np.where(y < 0, -1, 1)
    estimators = [
        cls((9,), random_state=k, max_iter=20)
        for cls in (MultiTaskMLP, MultiTaskMLPClassifier)
        for k in range(3)
    ]
    assert_same(fit_many(estimators, X, labels), looped(estimators, X, labels))


def test_several_outputs_and_data_frames():
    X, y = BLOBS
    frame = pd.DataFrame(X[:, :-1], columns=[f"p{k}" for k in range(25)])
    frame["task"] = np.where(X[:, -1] == 0, "north", "south")
    Y = np.column_stack([y, -y])
    estimators = [MultiTaskMLP((5,), task_column="task", random_state=k) for k in range(3)]
    fitted = fit_many(estimators, frame, Y, indices=[np.arange(40)] * 3)
    assert_same(fitted, [clone(e).fit(frame[:40], Y[:40]) for e in estimators])
    assert fitted[2].feature_names_in_.tolist() == frame.columns.tolist()


@settings(deadline=None, max_examples=15)
@given(
    picks=st.lists(st.integers(0, 11), min_size=1, max_size=8),
    chunk_bytes=st.sampled_from(["auto", 1, 100_000]),
)
def test_whatever_the_company(picks, chunk_bytes):
    estimators = mixture()
    fitted = fit_many([estimators[k] for k in picks], *BLOBS, chunk_bytes=chunk_bytes)
    assert_same(fitted, [ALONE[k] for k in picks])


ALONE = looped(mixture(), *BLOBS)


@pytest.mark.skipif(not MKL, reason="kernels other than MKL's may round by position")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("hidden", [(100,), (33,), (5,)])
def test_bit_by_bit_in_any_company(hidden, solver, dtype):
    X, y = BLOBS[0].astype(dtype), BLOBS[1]
    settings = {"solver": solver, "max_iter": 40, "learning_rate_init": 0.01}
    estimators = [MultiTaskMLP(hidden, random_state=k, **settings) for k in range(8)]
    alone = looped(estimators, X, y)
    for n in (2, 3, 8):
        assert_same(fit_many(estimators[:n], X, y), alone[:n], atol=0)


@pytest.mark.skipif(not MKL, reason="kernels other than MKL's may round by position")
def test_a_chaotic_network_is_the_same_in_any_company():
    # At this step size the network of seed 0 amplifies a difference of 1e-14 in its initial
    # weights until the loss differs in the first digit: only bitwise equality survives.
    X, y = BLOBS
    settings = {
        "init": "normal",
        "init_scale": 0.01,
        "output_init_scale": 0.01,
        "context_scale": 1 / np.sqrt(50),
        "bias_init": 0.1,
        "reduction": "sum",
        "solver": "sgd",
        "learning_rate_init": 0.005,
        "batch_size": None,
        "max_iter": 1000,
    }
    estimators = [MultiTaskMLP(random_state=k, **settings) for k in range(4)]
    alone = looped(estimators[:1], X, y)[0]
    nudged = clone(alone).set_params(coefs_init=[c * (1 + 1e-14) for c in alone.initial_coefs_])
    assert abs(nudged.fit(X, y).loss_curve_ - alone.loss_curve_).max() > 1e-3
    assert_same(fit_many(estimators, X, y)[:1], [alone], atol=0)


def test_processes_do_not_change_results():
    estimators = mixture()
    X, y = BLOBS[0].astype(np.float32), BLOBS[1]
    one = fit_many(estimators, X, y)
    assert_same(fit_many(estimators, X, y, n_jobs=2), one, atol=0)
    with parallel_config(n_jobs=2):
        assert_same(fit_many(estimators, X, y), one, atol=0)


def test_own_draws_of_the_data_through_indices():
    draws = [make_arithmetic_tasks(60, random_state=k) for k in range(3)]
    X, y = np.vstack([d[0] for d in draws]), np.concatenate([d[1] for d in draws])
    estimators = [MultiTaskMLP((6,), batch_size=10, max_iter=3, random_state=k) for k in range(3)]
    rows = [np.arange(60) + 60 * k for k in range(3)]
    expected = [clone(e).fit(*d) for e, d in zip(estimators, draws, strict=True)]
    assert_same(fit_many(estimators, X, y, indices=rows), expected)


def test_no_estimators():
    assert fit_many([], *BLOBS) == []


def test_progress_bar(capsys):
    estimators = mixture()[:2]
    fit_many(estimators, *BLOBS)
    assert capsys.readouterr().err == ""
    fit_many(estimators, *BLOBS, verbose=1)
    assert "2 networks: 100%" in capsys.readouterr().err


def test_inputs_are_not_changed():
    X, y = (a.copy() for a in BLOBS)
    fit_many(mixture()[:4], X, y)
    np.testing.assert_array_equal(X, BLOBS[0])
    np.testing.assert_array_equal(y, BLOBS[1])


# -- errors ----------------------------------------------------------------------------


def test_not_a_network():
    with pytest.raises(TypeError, match=r"estimators\[1\] is Ridge\(\)"):
        fit_many([MultiTaskMLP(), Ridge()], *BLOBS)


def test_bad_parameter_of_one_network():
    with pytest.raises(ValueError, match=r"estimators\[1\]: The 'init_scale' parameter"):
        fit_many([MultiTaskMLP(), MultiTaskMLP(init_scale=-1.0)], *BLOBS)


def test_wrong_number_of_row_sets():
    with pytest.raises(ValueError, match="one set of rows per estimator: got 1 for 2"):
        fit_many(mixture()[:2], *BLOBS, indices=[[0, 1]])


def test_rows_that_are_not_rows():
    with pytest.raises(ValueError, match=r"row numbers or booleans, got an array of shape \(2,\)"):
        fit_many(mixture()[:1], *BLOBS, indices=[[0.5, 1.0]])
    with pytest.raises(ValueError, match=r"of shape \(1, 2\)"):
        fit_many(mixture()[:1], *BLOBS, indices=[[[0, 1]]])


def test_diverged_networks_are_listed():
    steep = {"activation": "identity", "solver": "sgd", "random_state": 0}
    estimators = [
        MultiTaskMLP((9,), max_iter=50),
        MultiTaskMLP((9,), init_scale=30, learning_rate_init=10, **steep),
        MultiTaskMLP((9,), init_scale=0.1, learning_rate_init=0.01, **steep),
    ]
    message = r"1 of 3 networks diverged, at positions \[1\].*learning_rate_init=10"
    with pytest.raises(ValueError, match=message):
        fit_many(estimators, *BLOBS)
