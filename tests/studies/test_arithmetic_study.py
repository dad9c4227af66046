"""The arithmetic experiments: what is trained on what, and every number against a slow loop."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils import Bunch

from neuroselect.curricula import Replay, Resampled
from neuroselect.studies import get_study, run_study
from neuroselect.studies._arithmetic import EXPERIMENTS
from neuroselect.studies._arithmetic_measures import (
    ESTIMATORS,
    measure_arithmetic,
    summary,
)

STUDY = get_study("arithmetic")
WIDE, SIMILAR = (100,) * 4, ("add", "add1.5")
# experiment: tasks, share of the first, widths, layer of the cue (from 1), replay
PUBLISHED = {
    "2.1 dissimilar": (("add", "multiply"), 0.5, WIDE, 1, False),
    "2.2 similar": (SIMILAR, 0.5, WIDE, 1, False),
    "2.3 constrained": (("add", "multiply"), 0.5, (5,) * 4, 1, False),
    "2.4 late context": (("add", "multiply"), 0.5, WIDE, 4, False),
    "2.5 replay": (("add", "multiply"), 0.5, WIDE, 1, True),
    "2.5 replay, similar": (SIMILAR, 0.5, WIDE, 1, True),
    "2.6 biased, 0.2": (SIMILAR, 0.2, WIDE, 1, False),
    "2.6 biased, 0.5": (SIMILAR, 0.5, WIDE, 1, False),
    "2.6 biased, 0.8": (SIMILAR, 0.8, WIDE, 1, False),
}


@pytest.fixture(scope="module")
def result():
    """Two networks of each experiment, trained for three epochs, after which most have learned."""
    return run_study(STUDY, n_networks=2, max_iter=3)


@pytest.fixture(scope="module")
def learned(result):
    """Positions of wide networks that learned, the first ones of two experiments."""
    frame = result.measures[result.measures["learned"] & (result.measures["width"] == 100)]
    return frame.groupby("condition", sort=False).head(1).index[:2]


def own_test(result, k):
    rows = result.trials.test[k]
    return result.trials.data[rows].astype(float), result.trials.target[rows].astype(float)


def test_networks_are_the_published_ones(seed):
    networks, grid = STUDY.estimators(3, 10, seed, "cpu")
    assert list(EXPERIMENTS) == list(PUBLISHED) == grid["condition"].unique().tolist()
    assert (grid.groupby("condition").size() == 3).all()
    for network, row in zip(networks, grid.itertuples(), strict=True):
        tasks, share, widths, cue_layer, replay = PUBLISHED[row.condition]
        assert (row.first_task, row.second_task, row.fraction) == (*tasks, share)
        assert (row.width, row.cue_layer) == (widths[0], cue_layer)
        published = {
            "hidden_layer_sizes": widths,
            "context_layer": cue_layer - 1,
            "context_scale": 1.0,
            "activation": "relu",
            "output_activation": "relu",
            "init": "torch",
            "init_scale": 1.0,
            "bias_init": 0.0,
            "loss": "squared_error",
            "reduction": "mean",
            "alpha": 0.0,
            "solver": "adam",
            "learning_rate_init": 0.001,
            "batch_size": 10,
            "max_iter": 20 if replay else 10,
            "curriculum": Replay(10, resampled=True) if replay else Resampled(),
            "random_state": row.random_state,
        }
        assert published.items() <= network.get_params().items()


def test_every_network_has_seeds_of_its_own(seed):
    short, long = (STUDY.estimators(n, 10, seed, "cpu")[1] for n in (2, 5))
    assert long["random_state"].is_unique
    assert long["data_state"].is_unique
    shared = long[long["network"] < 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(short, shared)


@pytest.mark.parametrize("max_iter", [1, 3])
def test_steps_of_an_epoch(max_iter):
    """100 steps of 10 trials an epoch; with replay 50 a task, every tenth later on the first."""
    networks, grid = STUDY.estimators(1, max_iter, 0, "cpu")
    trials = STUDY.tasks(grid)
    for network, row, rows in zip(networks, grid.itertuples(), trials.train, strict=True):
        task = trials.data[rows, -1]
        passes = network.curriculum(
            task, batch_size=10, max_iter=network.max_iter, rng=np.random.default_rng(0)
        )
        steps = np.array([step for steps in passes for step in steps])
        assert steps.shape == (100 * max_iter, 10)
        assert all(len(set(step)) == 10 for step in steps)
        shown = task[steps]
        if row.condition.startswith("2.5"):
            assert (shown == shown[:, :1]).all()
            half, later = np.split(shown[:, 0], 2)
            assert (half == 0).all()
            assert_array_equal(np.flatnonzero(later == 0), np.arange(9, len(later), 10))
        else:
            assert np.unique(shown).tolist() == [0, 1]


def test_every_network_has_trials_of_its_own(seed):
    _, grid = STUDY.estimators(2, 1, seed, "cpu")
    trials = STUDY.tasks(grid)
    assert trials.data.dtype == trials.target.dtype == np.float32
    assert trials.train.shape == (18, 1000)
    assert trials.test.shape == (18, 200)
    rows = np.concatenate([trials.train.ravel(), trials.test.ravel()])
    assert_array_equal(np.sort(rows), np.arange(len(trials.data)))
    assert len(np.unique(trials.data[:, 0])) > 0.99 * len(trials.data)
    second = {"multiply": lambda a, b: a * b, "add1.5": lambda a, b: a + 1.5 * b}
    for row, train, test in zip(grid.itertuples(), trials.train, trials.test, strict=True):
        assert (trials.data[train, -1] == 0).sum() == round(1000 * row.fraction)
        assert (trials.data[test, -1] == 0).sum() == (trials.data[test, -1] == 1).sum() == 100
        for part in (train, test):
            a, b, task = trials.data[part].T
            expected = np.where(task == 0, a + b, second[row.second_task](a, b))
            assert_allclose(trials.target[part], expected, rtol=1e-5)
    again = STUDY.tasks(grid.iloc[[3]])
    assert_array_equal(again.data[again.train[0]], trials.data[trials.train[3]])


def test_each_network_is_trained_on_its_own_trials():
    networks, _ = STUDY.estimators(1, 1, 3, "cpu")
    result = run_study(STUDY, n_networks=1, max_iter=1, seed=3)
    trials = result.trials
    for k in (0, 2, 4):
        rows = trials.train[k]
        alone = networks[k].fit(trials.data[rows], trials.target[rows])
        for one, other in zip(alone.coefs_, result.networks[k].coefs_, strict=True):
            assert_allclose(other, one, atol=1e-4)


def test_trials_of_other_networks_are_refused():
    _, grid = STUDY.estimators(1, 1, 0, "cpu")
    with pytest.raises(ValueError, match="holds the rows of 9 networks, but the study has 18"):
        run_study(STUDY, trials=STUDY.tasks(grid), n_networks=2, max_iter=1)


def test_architecture_against_plain_numpy(result):
    """Four ReLU layers and a ReLU output; the cue enters the first or the last hidden layer."""
    for k in result.measures.groupby("condition").head(1).index:
        network, row = result.networks[k], result.measures.iloc[k]
        X, _ = own_test(result, k)
        cue = np.eye(2)[X[:, -1].astype(int)]
        H = X[:, :2]
        for layer, (W, b) in enumerate(zip(network.coefs_, network.intercepts_, strict=True), 1):
            z = H @ W.astype(float) + b
            if layer == row["cue_layer"]:
                z += cue @ network.context_coefs_.astype(float)
            H = np.maximum(z, 0)
        assert [len(W) for W in network.coefs_] == [2, *[row["width"]] * 4]
        assert_allclose(network.predict(X), H[:, 0], atol=1e-10)
        for layer, (W, b) in enumerate(
            zip(network.initial_coefs_, network.initial_intercepts_, strict=True), 1
        ):
            bound = 1 / np.sqrt(len(W) + 2 * (layer == row["cue_layer"]))
            assert abs(W).max() <= bound * (1 + 1e-6)
            assert len(W) < 100 or abs(W).max() > 0.8 * bound
            assert not b.any()


def test_errors_and_who_learned(result):
    for k, row in enumerate(result.measures.itertuples()):
        X, y = own_test(result, k)
        predicted = result.networks[k].predict(X)
        errors = [np.mean([abs(predicted[X[:, 2] == t] - y[X[:, 2] == t])]) for t in (0, 1)]
        assert_allclose([row.error_first, row.error_second], errors)
        assert row.learned == (max(errors) < 0.05)
        assert row.dead == (predicted == 0).all()
    assert 4 <= result.measures["learned"].sum() < 18
    kept = result.layers[["condition", "network"]].drop_duplicates()
    expected = result.measures.loc[result.measures["learned"], ["condition", "network"]]
    assert_array_equal(kept.to_numpy(), expected.to_numpy())


def loop_importances(network, X, y, layer):
    """All estimators by one forward pass for each unit; gradients by small lesions."""

    def losses(H, target):
        return 0.5 * (network.readout(H, X, layer) - target) ** 2

    H, output, task = network.activations(X, layer), network.predict(X), X[:, -1]
    importance = {name: np.zeros((H.shape[1], 2)) for name in ESTIMATORS}
    for unit in range(H.shape[1]):
        removed, less = H.copy(), H.copy()
        removed[:, unit] = 0
        less[:, unit] *= 1 - 1e-6
        lesioned = losses(removed, y) - losses(H, y)
        effects = {
            "exact lesion": lesioned**2,
            "Taylor": ((losses(less, y) - losses(H, y)) / 1e-6) ** 2,
            "signed increase": lesioned,
            "exact, no residual": losses(removed, output) ** 2,
        }
        for name, effect in effects.items():
            importance[name][unit] = [effect[task == t].mean() for t in (0, 1)]
    return importance


def loop_relative(importance, form):
    kept = importance.clip(min=0)
    if form == "layer":
        kept = kept / kept.sum(axis=0)
    if form != "raw":
        kept = np.where(kept < 0.1 * kept.mean(axis=0), 0, kept)
    with np.errstate(invalid="ignore"):
        return (kept[:, 0] - kept[:, 1]) / kept.sum(axis=1)


@pytest.mark.parametrize("layer", [1, 4])
def test_relative_importance_against_a_loop(result, learned, layer):
    for k in learned:
        row = result.measures.iloc[k]
        importance = loop_importances(result.networks[k], *own_test(result, k), layer - 1)
        for name in ESTIMATORS:
            for form in ("raw", "pruned", "layer"):
                values = result.units[row["condition"], layer, name, form][0]
                expected = loop_relative(importance[name], form)
                atol = 1e-3 if name == "Taylor" else 1e-8
                near = np.isclose(values, expected, atol=atol, equal_nan=True)
                # A unit at the very threshold may fall on either side of it.
                assert near.mean() >= (0.97 if name == "Taylor" else 1)


def test_layers_are_summarised(result):
    layers = result.layers
    assert set(layers["layer"]) == {1, 2, 3, 4}
    assert len(layers) == result.measures["learned"].sum() * 4 * len(ESTIMATORS) * 3
    assert_allclose(
        list(summary(np.array([1.0, -0.5, np.nan, np.nan])).values()), [0.5, 0.75, 0.25]
    )
    nothing = summary(np.full(3, np.nan))
    assert nothing["nan_share"] == 1
    assert np.isnan(nothing["mean_absolute"])
    for (condition, layer, name, form), values in list(result.units.items())[::7]:
        own = layers[
            (layers["condition"] == condition) & (layers["layer"] == layer)
            & (layers["estimator"] == name) & (layers["form"] == form)
        ]  # fmt: skip
        assert_allclose(own["nan_share"], np.isnan(values).mean(axis=1))
        assert_allclose(own["mean_absolute"], [np.nanmean(abs(v)) for v in values])


def test_lesion_test_against_a_loop(result, learned):
    k = learned[0]
    row, network = result.measures.iloc[k], result.networks[k]
    X, y = own_test(result, k)
    H = network.activations(X)
    own = result.lesions[
        (result.lesions["condition"] == row["condition"])
        & (result.lesions["network"] == row["network"])
    ]
    assert len(own) == 2 * 2 * 3
    for name in ("exact lesion", "Taylor"):
        relative = result.units[row["condition"], 4, name, "pruned"][0]
        groups = {
            "first": relative > 0.9, "second": relative < -0.9, "mixed": abs(relative) <= 0.9,
        }  # fmt: skip
        for line in own[own["estimator"] == name].itertuples():
            removed = groups[line.group]
            assert line.n_units == removed.sum()
            if line.nan == "remove":
                removed = removed | np.isnan(relative)
            lesioned = network.readout(np.where(removed, 0, H), X)
            for task, increase in ((0, line.increase_first), (1, line.increase_second)):
                mine = X[:, -1] == task
                intact = abs(network.predict(X) - y)[mine].mean()
                expected = (abs(lesioned - y)[mine].mean() - intact) / intact
                assert_allclose(increase, expected, rtol=1e-6, atol=1e-10)


def test_networks_that_did_not_learn_are_left_out_and_counted(result, learned):
    """A network whose output dies is in no number but the count."""
    k = learned[0]
    spoiled = deepcopy(result.networks[k])
    spoiled.coefs_[-1][:], spoiled.intercepts_[-1][:] = 0, -1
    grid = pd.concat([result.measures.iloc[[k]][["condition", "network"]]] * 3)
    grid["network"] = range(3)
    trials = Bunch(**result.trials | {"test": result.trials.test[[k] * 3]})
    networks = [spoiled, result.networks[k], spoiled]
    measured = measure_arithmetic(STUDY, networks, grid.reset_index(drop=True), trials, None, {})
    assert measured.measures["learned"].tolist() == [False, True, False]
    assert measured.measures["dead"].tolist() == [True, False, True]
    assert set(measured.layers["network"]) == set(measured.lesions["network"]) == {1}
    assert all(len(values) == 1 for values in measured.units.values())
    assert (measured.conclusions["verdict"] == "undecided").all()


def test_nothing_is_measured_if_no_network_learned(result):
    networks = [deepcopy(network) for network in result.networks]
    for network in networks:
        network.coefs_[-1][:], network.intercepts_[-1][:] = 0, -1
    grid = result.measures[["condition", "network"]]
    measured = measure_arithmetic(STUDY, networks, grid, result.trials, None, {})
    assert not measured.measures["learned"].any()
    assert measured.measures["dead"].all()
    assert not measured.units
    assert len(measured.layers) == len(measured.lesions) == len(measured.conclusions) == 0


def test_takes_neither_recording_nor_images():
    assert STUDY.recording is None
    assert STUDY.images is None
