"""The digit tasks: what is trained on what, and every number against a slow loop."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits

from neuroselect import LesionSelectivity, MultiTaskCNNClassifier
from neuroselect.consolidation import EWC
from neuroselect.curricula import Blocked
from neuroselect.studies import get_study, load_recording, run_study
from neuroselect.studies._digit_measures import count_labels, forgetting
from neuroselect.studies._digits import CONDITIONS, digit_trials

NAMES = ["parity", "magnitude", "prime", "parity_subset"]
SMALL = {"n_networks": 2, "max_iter": 2}


@pytest.fixture(scope="module")
def trials():
    images = load_digits()
    return digit_trials((images.images[:300], images.target[:300]))


@pytest.fixture(scope="module")
def result(trials):
    return run_study(get_study("digits"), trials=trials, **SMALL)


def networks_of(condition, result):
    return np.flatnonzero((result.measures["condition"] == condition).to_numpy())


def test_no_image_of_the_test_is_trained_on():
    trials = digit_trials("digits")
    image = trials.conditions["image"].to_numpy()
    assert not set(image[trials.train]) & set(image[trials.test])
    assert len(set(image[trials.test])) == round(0.2 * 1797)
    assert_array_equal(trials.train, ~trials.test)
    assert set(trials.data[trials.test, -1]) == set(trials.data[trials.train, -1]) == {0, 1, 2, 3}
    assert trials.data.dtype == np.float32
    assert_array_equal(digit_trials("digits").test, trials.test)


def test_mnist_is_split_into_8000_and_2000(data_folder):
    trials = get_study("digits").tasks()
    image = trials.conditions["image"]
    assert (image[trials.train].nunique(), image[trials.test].nunique()) == (8000, 2000)
    assert trials.image_shape == (28, 28)


def test_networks_never_see_the_test_trials(trials, result):
    other = deepcopy(trials)
    other.data[trials.test, :-1] = 1 - other.data[trials.test, :-1]
    other.target[trials.test] = 1 - other.target[trials.test]
    again = run_study(get_study("digits"), trials=other, **SMALL)
    for one, two in zip(result.networks, again.networks, strict=True):
        assert_array_equal(one.coefs_[0], two.coefs_[0])
    assert not np.array_equal(result.measures["accuracy_parity"], again.measures["accuracy_parity"])


def test_networks_are_the_published_ones(seed):
    networks, grid = get_study("digits").estimators(3, 8, seed, "cpu")
    assert len(networks) == len(grid) == 4 * 3 * 4
    published = MultiTaskCNNClassifier().get_params()
    for network, row in zip(networks, grid.itertuples(), strict=True):
        own = {
            "max_iter": row.passes,
            "random_state": row.random_state,
            "curriculum": network.curriculum,
            "consolidation": network.consolidation,
        }
        assert network.get_params() == published | own
        if row.condition == "interleaved":
            assert (network.curriculum, row.passes) == ("interleaved", 2 * row.phase)
        else:
            assert network.curriculum == Blocked(range(row.phase), 8)
            assert row.passes == 8 * row.phase
        expected = CONDITIONS[row.condition][1] if row.phase > 1 else None
        assert network.consolidation == expected
    assert CONDITIONS["EWC as published"][1] == EWC.published()
    seeds = grid.groupby("network")["random_state"]
    assert (seeds.nunique() == 1).all()
    assert grid["random_state"].nunique() == 3


def test_a_longer_study_begins_with_the_shorter_one(seed):
    study = get_study("digits")
    short, long = (study.estimators(n, 2, seed, "cpu")[1] for n in (2, 5))
    shared = long[long["network"] < 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(short, shared)


@pytest.mark.parametrize("max_iter", [1, 2, 3, 8])
def test_interleaved_training_is_measured_in_quarters(max_iter):
    _, grid = get_study("digits").estimators(1, max_iter, 0, "cpu")
    passes = grid.loc[grid["condition"] == "interleaved", "passes"]
    assert passes.tolist() == [int(np.ceil(max_iter * q / 4)) for q in (1, 2, 3, 4)]


@pytest.mark.parametrize("condition", list(CONDITIONS))
def test_a_network_of_a_phase_is_the_final_one_at_that_pass(condition, trials):
    networks, grid = get_study("digits").estimators(1, 2, 5, "cpu")
    X, y = trials.data[trials.train], trials.target[trials.train]
    chosen = np.flatnonzero((grid["condition"] == condition).to_numpy())
    fitted = [networks[k].fit(X, y) for k in chosen]
    final = fitted[-1].loss_curve_
    for network in fitted[:-1]:
        assert_allclose(network.loss_curve_, final[: network.n_iter_], rtol=1e-4)


def test_accuracies_against_a_loop(trials, result):
    X, y = trials.data[trials.test], trials.target[trials.test]
    last = result.phases[result.phases["phase"] == 4].reset_index(drop=True)
    assert last["network"].tolist() == result.measures["network"].tolist() == [0, 1] * 4
    for k, network in enumerate(result.networks):
        right = network.predict(X) == y
        for task, name in enumerate(NAMES):
            expected = np.mean([r for r, x in zip(right, X, strict=True) if x[-1] == task])
            assert_allclose(result.measures[f"accuracy_{name}"][k], expected)
            assert_allclose(last[f"accuracy_{name}"][k], expected)


def test_conditions_share_their_first_phase(result):
    first = result.phases[(result.phases["phase"] == 1) & (result.phases["network"] == 0)]
    blocked = first[first["condition"] != "interleaved"].filter(like="accuracy").to_numpy()
    assert_allclose(blocked, np.tile(blocked[0], (3, 1)), atol=0.02)  # rounding: a trial or so


def test_forgetting_by_hand():
    scores = np.array([[0.9, 0.5], [0.6, 0.8]])
    phases = pd.DataFrame(
        [
            {"condition": c, "network": 0, "phase": p + 1, "accuracy_A": a, "accuracy_B": b}
            for c in ("sequential", "interleaved")
            for p, (a, b) in reversed(list(enumerate(scores)))
        ]
    )
    table = forgetting(phases, ["A", "B"])
    assert_allclose(table.iloc[0], [0.9, 0.8, 0.3, 0.0], atol=1e-12)
    assert table.iloc[1].isna().all()


def test_forgetting_of_the_run(result):
    phases = result.phases.set_index(["condition", "network", "phase"])
    for row in result.measures.to_dict("records"):
        for k, name in enumerate(NAMES):
            if row["condition"] == "interleaved":
                assert np.isnan(row[f"learned_{name}"])
                continue
            own = phases.loc[(row["condition"], row["network"], k + 1), f"accuracy_{name}"]
            assert row[f"learned_{name}"] == own
            assert_allclose(row[f"forgotten_{name}"], own - row[f"accuracy_{name}"])


def test_swayed_by_cue_against_a_loop(trials, result):
    X = trials.data[trials.test]
    network, row = result.networks[0], result.measures.iloc[0]
    for task, name in enumerate(NAMES):
        own = X[X[:, -1] == task]
        cued = np.column_stack([own[:, :-1], np.full(len(own), 3, dtype=X.dtype)])
        assert_allclose(
            row[f"swayed_{name}"], np.mean(network.predict(own) != network.predict(cued))
        )
    assert (result.measures["swayed_parity_subset"] == 0).all()


def test_importance_of_the_exact_lesion_against_a_loop(trials, result):
    X, y = trials.data[trials.test].astype(float), trials.target[trials.test]
    k = networks_of("sequential", result)[0]
    network = result.networks[k]

    def loss(H):
        return -np.log(network.readout(H, X)[np.arange(len(y)), y])  # the classes are 0 and 1

    H = network.activations(X)
    importance = np.empty((16, 4))
    for unit in range(16):
        lesioned = H.copy()
        lesioned[:, unit] = 0
        change = (loss(lesioned) - loss(H)) ** 2
        importance[unit] = [change[X[:, -1] == task].mean() for task in range(4)]
    importance[importance < 0.1 * importance.mean(axis=0)] = 0
    for pair, (a, b) in enumerate(result.task_pairs):
        first, second = importance[:, NAMES.index(a)], importance[:, NAMES.index(b)]
        with np.errstate(invalid="ignore"):
            expected = (first - second) / (first + second)
        assert_allclose(result.importance["lesion"][k, :, pair], expected, atol=1e-8)
    assert len(result.task_pairs) == 6
    assert result.importance["taylor"].shape == (8, 16, 6)


def test_units_are_counted(trials, result):
    X, y = trials.data[trials.test].astype(float), trials.target[trials.test]
    for k, (layer, prefix, n_units) in [(1, (-1, "units", 16)), (2, (1, "channels", 12))]:
        lesions = LesionSelectivity(result.networks[k], layer=layer, prefit=True).fit(X, y)
        row = result.measures.iloc[k]
        for task, name in zip(lesions.tasks_.astype(str), NAMES, strict=True):
            assert row[f"{prefix}_{name}"] == np.sum(lesions.unit_labels_ == task)
        assert row[f"{prefix}_mixed"] == np.sum(lesions.unit_labels_ == "mixed")
        counts = row[[f"{prefix}_silent", f"{prefix}_specific", f"{prefix}_mixed"]]
        assert counts.sum() == n_units
        active = [result.networks[k].activations(X)[X[:, -1] == t].mean(0) > 0 for t in range(4)]
        assert row["active_silent"] == np.sum(~np.any(active, axis=0))
        assert row["active_mixed"] == np.sum(np.sum(active, axis=0) > 1)


def test_count_labels_by_hand():
    labels = [np.array(["silent", "1.0", "mixed", "1.0"]), np.array(["0.0", "silent"])]
    table = count_labels(labels, ["A", "B"], "u")
    assert table.to_dict("records") == [
        {"u_silent": 1, "u_A": 0, "u_B": 2, "u_mixed": 1, "u_specific": 2},
        {"u_silent": 1, "u_A": 1, "u_B": 0, "u_mixed": 0, "u_specific": 1},
    ]


def test_same_seed_same_numbers(trials, result):
    again = run_study(get_study("digits"), trials=trials, **SMALL)
    pd.testing.assert_frame_equal(again.measures, result.measures)


def test_takes_no_recording(data_folder, trials):
    recording = load_recording("mante-monkey-a", data_home=data_folder)
    with pytest.raises(ValueError, match="The study 'digits' takes no recording, got recording="):
        run_study(get_study("digits"), trials=trials, recording=recording)
