"""Sweeps from a file: the files hold what the functions give by hand, whatever interrupts."""

import copy
import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from neuroselect import (
    LesionSelectivity,
    MultiTaskCNNClassifier,
    MultiTaskMLP,
    RDMRegression,
    RDMTransformer,
    fit_many,
    model_rdms,
    participation_ratio,
    unit_classes,
)
from neuroselect.curricula import Blocked
from neuroselect.datasets import make_arithmetic_tasks, make_context_blobs, make_digit_tasks
from neuroselect.networks import _checkpoint, _fit_many
from neuroselect.regime import regime_table
from neuroselect.studies import load_sweep, read_sweep_config, run_sweep
from neuroselect.studies._sweep_config import to_toml

CONFIG = {
    "title": "A small sweep",
    "task": {"name": "context_blobs"},
    "estimator": {"name": "MultiTaskMLP", "learning_rate_init": 0.02, "max_iter": 30},
    "grid": {
        "hidden_layer_sizes": [[5], [4, 6]],
        "curriculum": ["interleaved", {"name": "blocked", "order": [1, 0]}],
    },
    "seeds": {"n": 2, "first": 1},
    "analyses": {
        "loss_curves": {"every": 7},
        "units": {"normalize": "layer"},
        "geometry": True,
        "regime": True,
    },
}
# One stack for each setting.
STACKED = {
    **CONFIG,
    "grid": {"hidden_layer_sizes": [[3], [4], [5], [6]]},
    "analyses": {"units": True},
}
ARRAYS = ("loss_curve_", "context_coefs_", "initial_context_coefs_", "tasks_")
LISTS = ("coefs_", "intercepts_", "initial_coefs_", "initial_intercepts_")


def contents(folder):
    """Bytes of all files, the manifest without what it says about the run itself."""
    files = {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}
    manifest = json.loads(files.pop("sweep.json"))
    manifest.pop("run")
    return files, manifest


def assert_same_networks(some, others):
    assert len(some) == len(others)
    for a, b in zip(some, others, strict=True):
        assert type(a) is type(b)
        assert vars(a).keys() == vars(b).keys()
        assert repr(a) == repr(b)
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
            assert getattr(a, name).dtype == getattr(b, name).dtype
        for name in LISTS:
            assert type(getattr(a, name)) is list
            for p, q in zip(getattr(a, name), getattr(b, name), strict=True):
                np.testing.assert_array_equal(p, q)
                assert p.dtype == q.dtype


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep") / "out"
    run_sweep(CONFIG, folder)
    return folder


@pytest.fixture(scope="module")
def networks():
    X, y = make_context_blobs()
    settings = {"learning_rate_init": 0.02, "max_iter": 30}
    estimators = [
        MultiTaskMLP(hidden, curriculum=curriculum, random_state=seed, **settings)
        for hidden in ([5], [4, 6])
        for curriculum in ("interleaved", Blocked(order=(1, 0)))
        for seed in (1, 2)
    ]
    return fit_many(estimators, X, y)


# -- the numbers -----------------------------------------------------------------------


def test_networks_are_those_of_fit_many(folder, networks):
    assert_same_networks(load_sweep(folder).estimators, networks)
    assert_same_networks(run_sweep(CONFIG).estimators, networks)


def test_table_of_networks(folder, networks):
    X, y = make_context_blobs()
    table = load_sweep(folder).networks
    scores = np.array([network.score_by_task(X, y) for network in networks])
    expected = pd.DataFrame(
        {
            "network": range(8),
            "hidden_layer_sizes": ["[5]"] * 4 + ["[4, 6]"] * 4,
            "curriculum": (["interleaved"] * 2 + ["blocked(order=[1, 0])"] * 2) * 2,
            "seed": [1, 2] * 4,
            "diverged": False,
            "score": [network.score(X, y) for network in networks],
            "score_A": scores[:, 0],
            "score_B": scores[:, 1],
            "final_loss": [network.loss_curve_[-1] for network in networks],
        }
    )
    assert_frame_equal(table, expected, check_exact=True)


def test_loss_curves(folder, networks):
    table = load_sweep(folder).tables["loss_curves"]
    assert table.columns.tolist() == ["network", "pass", "loss"]
    for k, rows in table.groupby("network"):
        assert rows["pass"].tolist() == [1, 8, 15, 22, 29, 30]
        np.testing.assert_array_equal(rows["loss"], networks[k].loss_curve_[rows["pass"] - 1])


def test_units(folder, networks):
    blobs = make_context_blobs(return_X_y=False)
    table = load_sweep(folder).tables["units"]
    assert len(table) == 4 * 5 + 4 * 6
    names = np.array(["A", "B"])[blobs.conditions["task"]]
    for k, rows in table.groupby("network"):
        lesions = LesionSelectivity(networks[k], prefit=True, normalize="layer")
        lesions.fit(blobs.data, blobs.target)
        assert rows["unit"].tolist() == lesions.unit_names_.tolist()
        assert (rows["layer"] == lesions.layer_).all()
        np.testing.assert_array_equal(rows[["importance_A", "importance_B"]], lesions.importances_)
        relative = rows[["relative_importance_A_B"]]
        np.testing.assert_array_equal(relative, lesions.relative_importance_)
        labels = pd.Series(lesions.unit_labels_).replace({"0": "A", "1": "B"})
        assert rows["label"].tolist() == labels.tolist()
        classes = unit_classes(networks[k].activations(blobs.data), names)
        assert rows["activity_class"].tolist() == classes.tolist()


def test_geometry(folder, networks):
    blobs = make_context_blobs(return_X_y=False)
    table = load_sweep(folder).tables["geometry"]
    models = model_rdms(blobs.conditions, ["leafiness", "branchiness"], "task")
    regression = RDMRegression(dict(zip(["grid", "orthogonal", "parallel"], models, strict=True)))
    for k, network in enumerate(networks):
        activity = network.activations(blobs.data)
        betas = regression.fit_transform(RDMTransformer().fit_transform(activity[np.newaxis]))
        np.testing.assert_allclose(
            table.loc[k, ["beta_grid", "beta_orthogonal", "beta_parallel", "r2"]].astype(float),
            [*betas[0], regression.r2_[0]],
            atol=1e-12,
        )
        assert table.loc[k, "participation_ratio"] == participation_ratio(activity)


def test_geometry_takes_means_over_trials():
    task = {"name": "context_blobs", "n_repeats": 3, "noise": 0.1, "n_levels": 3}
    config = CONFIG | {"task": task, "grid": {"init_scale": [1.0]}, "seeds": {"n": 1}}
    models = ["grid", "leafiness"]
    config["analyses"] = {"geometry": {"models": models, "context_offset": 1.0}}
    sweep = run_sweep(config)
    blobs = make_context_blobs(n_repeats=3, noise=0.1, n_levels=3, random_state=0, return_X_y=False)
    activity = sweep.estimators[0].activations(blobs.data)
    patterns = activity.reshape(3, 18, -1).mean(axis=0)  # repeats are the slow index
    conditions = blobs.conditions[:18]
    rdms = model_rdms(
        conditions, ["leafiness", "branchiness"], "task", models=models, context_offset=1.0
    )
    regression = RDMRegression(rdms)
    betas = regression.fit_transform(RDMTransformer().fit_transform(patterns[np.newaxis]))[0]
    row = sweep.tables["geometry"].iloc[0]
    np.testing.assert_allclose([row["beta_grid"], row["beta_leafiness"]], betas, atol=1e-12)


def test_regime(folder, networks):
    X, _ = make_context_blobs()
    table = load_sweep(folder).tables["regime"]
    expected = regime_table(networks, X).reset_index()
    assert_frame_equal(table, expected, check_exact=True)


def test_a_task_without_two_features_has_dimensions_only():
    config = CONFIG | {
        "task": {"name": "arithmetic_tasks", "n_trials": 40},
        "grid": {"activation": ["relu", "tanh"]},
        "test": {"size": 0.25},
        "analyses": {"geometry": {"layer": 0}, "units": True, "regime": False},
    }
    sweep = run_sweep(config)
    assert sweep.tables.keys() == {"geometry", "units"}
    assert list(sweep.tables["geometry"]) == ["network", "participation_ratio"]
    units = sweep.tables["units"]
    assert {"importance_add", "importance_multiply"} <= set(units)
    active = units.groupby("network")["activity_class"].count() > 0
    assert active.tolist() == [True, True, False, False]  # not for tanh
    X, y = make_arithmetic_tasks(40, random_state=0)
    rows = np.sort(np.random.RandomState(0).permutation(40)[10:])  # scikit-learn's ShuffleSplit
    rest = np.setdiff1d(np.arange(40), rows)
    network = sweep.estimators[3]
    row = sweep.networks.loc[3]
    assert row["score"] == network.score(X[rows], y[rows])
    assert row["test_score"] == network.score(X[rest], y[rest])
    by_task = network.score_by_task(X[rest], y[rest])
    assert row[["test_score_add", "test_score_multiply"]].tolist() == by_task.tolist()
    assert network.loss_curve_.shape == (30,)


def test_history(tmp_path):
    config = copy.deepcopy(STACKED) | {"analyses": {"history": True}}
    config["estimator"] |= {"record": ["task_losses", "weight_norms"], "record_every": [0, 9, 30]}
    sweep = run_sweep(config, tmp_path)
    table = sweep.tables["history"]
    assert table["pass"].tolist() == [0, 9, 30] * 8
    for k, rows in table.groupby("network"):
        recorded = sweep.estimators[k].history_
        np.testing.assert_array_equal(rows[["task_loss_A", "task_loss_B"]], recorded.task_losses)
        names = ["weight_norm_0", "weight_norm_1", "weight_norm_context"]
        np.testing.assert_array_equal(rows[names], recorded.weight_norms)
    for a, b in zip(load_sweep(tmp_path).estimators, sweep.estimators, strict=True):
        assert type(a.history_) is type(b.history_)
        assert_frame_equal(a.history_.to_frame(), b.history_.to_frame())


@pytest.mark.parametrize("weights", ["npz", "safetensors"])
def test_convolutional_networks(tmp_path, weights):
    config = {
        "task": {"name": "digit_tasks", "n_trials": 80},
        "estimator": {"name": "MultiTaskCNNClassifier", "max_iter": 2},
        "grid": {"conv_channels": [[2], [2, 3]], "image_shape": [[8, 8]]},
        "seeds": {"n": 2},
        "analyses": {"units": True, "geometry": True},
        "output": {"weights": weights},
    }
    sweep = run_sweep(config, tmp_path)
    X, y = make_digit_tasks(n_trials=80, random_state=0)
    estimators = [
        MultiTaskCNNClassifier(image_shape=[8, 8], conv_channels=c, max_iter=2, random_state=seed)
        for c in ([2], [2, 3])
        for seed in range(2)
    ]
    expected = fit_many(estimators, X, y)
    loaded = load_sweep(tmp_path)
    for networks in (sweep.estimators, loaded.estimators):
        for a, b in zip(networks, expected, strict=True):
            np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))
    assert sweep.networks["score_prime"].tolist() == [
        network.score_by_task(X, y)[2] for network in expected
    ]
    assert {"importance_parity", "label", "activity_class"} <= set(sweep.tables["units"])
    with pytest.raises(ValueError, match=r"analyses\.regime: .*must be a multi-layer perceptron"):
        run_sweep(config | {"analyses": {"regime": True}})


def test_columns_hold_either_numbers_or_text(tmp_path):
    config = copy.deepcopy(STACKED)
    config["grid"] |= {"batch_size": [10, "auto", "none"], "init_scale": [1, 0.5]}
    run_sweep(config | {"output": {"format": "parquet"}}, tmp_path / "a")
    run_sweep(config, tmp_path / "b")
    tables = [load_sweep(tmp_path / name).networks for name in "ab"]
    assert tables[0]["batch_size"].unique().tolist() == ["10", "auto", "none"]
    assert tables[0]["init_scale"].unique().tolist() == [1.0, 0.5]
    assert_frame_equal(*tables, check_dtype=False)


def test_all_networks_may_diverge(tmp_path):
    config = copy.deepcopy(CONFIG)
    config["estimator"] |= {"solver": "sgd", "learning_rate_init": 1e6, "activation": "identity"}
    for format in ("csv", "parquet"):
        with pytest.warns(UserWarning, match="8 of 8 networks diverged"):
            run_sweep(config | {"output": {"format": format}}, tmp_path / format)
        sweep = load_sweep(tmp_path / format)
        assert sweep.networks["diverged"].all()
        assert sweep.estimators == [None] * 8
        assert [len(table) for table in sweep.tables.values()] == [0] * 4


def test_diverged_networks_are_left_out(tmp_path):
    config = copy.deepcopy(CONFIG)
    config["estimator"] |= {"solver": "sgd", "activation": "identity", "max_iter": 60}
    config["grid"] = {"learning_rate_init": [0.001, 1e6]}
    del config["estimator"]["learning_rate_init"]
    with pytest.warns(UserWarning, match="2 of 4 networks diverged: their scores are empty"):
        sweep = run_sweep(config, tmp_path / "out")
    with pytest.warns(UserWarning, match="2 of 4 networks diverged"):  # read back
        run_sweep(config, tmp_path / "out")
    for result in (sweep, load_sweep(tmp_path / "out")):
        assert result.networks["diverged"].tolist() == [False, False, True, True]
        assert result.networks["score"].isna().tolist() == [False, False, True, True]
        assert [e is None for e in result.estimators] == [False, False, True, True]
        assert set(result.tables["units"]["network"]) == {0, 1}


# -- the files -------------------------------------------------------------------------


def test_files(folder):
    files, manifest = contents(folder)
    tables = {f"{name}.csv" for name in ("networks", *CONFIG["analyses"])}
    assert files.keys() == tables | {"weights.npz", "config.toml"}
    assert manifest["files"].keys() == tables | {"weights.npz"}
    assert manifest["finished"] is True
    assert manifest["versions"]["numpy"] == np.__version__
    assert not (folder / "checkpoint").exists()
    sweep = load_sweep(folder)
    assert sweep.manifest["n_networks"] == 8
    recorded = sweep.config.settings.pop("recorded")
    assert sweep.config.settings == CONFIG
    assert recorded["versions"] == manifest["versions"]
    with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["network_0003/coefs_0"], sweep.estimators[3].coefs_[0])
    assert load_sweep(folder, estimators=False).estimators is None


def test_two_runs_are_identical_whatever_the_number_of_processes(folder, tmp_path):
    run_sweep(CONFIG, tmp_path / "two", n_jobs=2)
    assert contents(tmp_path / "two") == contents(folder)


def test_the_written_configuration_gives_the_same(folder, tmp_path):
    run_sweep(folder / "config.toml", tmp_path / "again")
    assert contents(tmp_path / "again") == contents(folder)


def test_the_text_of_the_configuration_is_kept(tmp_path):
    text = f"# Why we do this.\n{to_toml(STACKED)}"
    (tmp_path / "sweep.toml").write_text(text, encoding="utf-8")
    run_sweep(tmp_path / "sweep.toml", tmp_path / "one")
    run_sweep(tmp_path / "one" / "config.toml", tmp_path / "two")
    kept = (tmp_path / "one" / "config.toml").read_text(encoding="utf-8")
    assert kept.startswith(text)
    assert (tmp_path / "two" / "config.toml").read_text(encoding="utf-8") == kept


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("weights", ["npz", "safetensors"])
def test_weights_round_trip(tmp_path, weights, dtype):
    task = {"name": "digit_tasks", "n_trials": 60, "dtype": dtype}
    estimator = {"name": "MultiTaskMLPClassifier", "max_iter": 3, "task_column": -1}
    config = STACKED | {"task": task, "estimator": estimator}
    sweep = run_sweep(config | {"output": {"weights": weights}}, tmp_path)
    loaded = load_sweep(tmp_path)
    assert_same_networks(loaded.estimators, sweep.estimators)
    X = np.random.default_rng(0).normal(size=(9, 64)).astype(dtype)
    X = np.column_stack([X, np.arange(9, dtype=dtype) % 4])
    for a, b in zip(loaded.estimators, sweep.estimators, strict=True):
        np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))
        np.testing.assert_array_equal(a.predict(X), b.predict(X))
        assert a.coefs_[0].dtype == dtype
        # Nothing is missing that training needs to go on.
        again = np.zeros(9, dtype=int)
        pairs = zip(a.partial_fit(X, again).coefs_, b.partial_fit(X, again).coefs_, strict=True)
        for one, other in pairs:
            np.testing.assert_array_equal(one, other)


def test_names_of_tasks_and_columns_round_trip(tmp_path):
    X, y = make_context_blobs()
    frame = pd.DataFrame(X[:, :25], columns=[f"pixel{k}" for k in range(25)])
    frame.assign(task=np.where(X[:, -1] == 0, "é", "b"), y=y).to_csv(
        tmp_path / "t.csv", index=False
    )
    config = STACKED | {"task": {"data": str(tmp_path / "t.csv")}}
    sweep = run_sweep(config, tmp_path / "out")
    loaded = load_sweep(tmp_path / "out")
    assert_same_networks(loaded.estimators, sweep.estimators)
    for name in ("tasks_", "feature_names_in_"):
        for a, b in zip(loaded.estimators, sweep.estimators, strict=True):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
            assert getattr(a, name).dtype == getattr(b, name).dtype
    assert {"score_b", "score_é"} <= set(loaded.networks)
    assert_frame_equal(loaded.tables["units"], sweep.tables["units"])


def test_parquet_holds_the_same(folder, tmp_path):
    run_sweep(CONFIG | {"output": {"format": "parquet", "weights": False}}, tmp_path / "a")
    run_sweep(CONFIG | {"output": {"format": "parquet", "weights": False}}, tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    expected, loaded = load_sweep(folder), load_sweep(tmp_path / "a")
    assert loaded.estimators is None
    assert_frame_equal(loaded.networks, expected.networks)
    for name, table in expected.tables.items():
        assert_frame_equal(loaded.tables[name], table, check_dtype=False)


def test_data_are_found_from_the_written_configuration(tmp_path):
    X, y = make_context_blobs()
    np.savez(tmp_path / "trials.npz", X=X, y=y)
    config = tmp_path / "sweep.toml"
    config.write_text(to_toml(STACKED | {"task": {"data": "trials.npz"}}), encoding="utf-8")
    run_sweep(config, tmp_path / "one")
    run_sweep(tmp_path / "one" / "config.toml", tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    np.savez(tmp_path / "trials.npz", X=X, y=y + 1)
    with pytest.warns(UserWarning, match="trials are not those that the results recorded"):
        run_sweep(tmp_path / "one" / "config.toml")
    with pytest.raises(ValueError, match=r"holds another sweep: it differs in \[data\]\. Name"):
        run_sweep(config, tmp_path / "one")


def test_other_versions_are_told(folder, tmp_path):
    text = (folder / "config.toml").read_text(encoding="utf-8")
    old = text.replace(f'numpy = "{np.__version__}"', 'numpy = "1.26.0"')
    (tmp_path / "old.toml").write_text(old, encoding="utf-8")
    message = rf"made with numpy 1\.26\.0 \(this is {np.__version__}\): numbers may differ"
    with pytest.warns(UserWarning, match=message):
        run_sweep(tmp_path / "old.toml", tmp_path / "out")
    assert contents(tmp_path / "out") == contents(folder)  # with the versions that ran


# -- the folder ------------------------------------------------------------------------


@pytest.fixture
def trained(monkeypatch):
    """Numbers of networks of the stacks that are trained."""
    stacks = []

    def counted(jobs, on_pass=None, original=_fit_many.train):
        stacks.append(len(jobs))
        return original(jobs, on_pass)

    monkeypatch.setattr(_fit_many, "train", counted)
    return stacks


def test_other_analyses_need_no_new_training(tmp_path, trained):
    run_sweep(STACKED, tmp_path)
    assert trained == [2, 2, 2, 2]
    config = STACKED | {"analyses": {"regime": True}}
    run_sweep(config, tmp_path)
    assert trained == [2, 2, 2, 2]
    files, _ = contents(tmp_path)
    assert files.keys() == {"config.toml", "networks.csv", "regime.csv", "weights.npz"}
    run_sweep(config, tmp_path / "fresh")
    assert contents(tmp_path) == contents(tmp_path / "fresh")


def test_damaged_weights_are_trained_again(tmp_path, trained):
    run_sweep(STACKED, tmp_path)
    expected = contents(tmp_path)
    data = bytearray((tmp_path / "weights.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "weights.npz").write_bytes(data)
    run_sweep(STACKED, tmp_path)
    assert len(trained) == 8
    assert contents(tmp_path) == expected


@pytest.mark.parametrize(
    ("changes", "sections"),
    [
        ({"seeds": {"n": 3}}, r"\[seeds\]"),
        ({"grid": {"hidden_layer_sizes": [[3]]}}, r"\[grid\]"),
        ({"test": {"size": 0.5}}, r"\[test\]"),
        (
            {"task": {"name": "arithmetic_tasks"}, "estimator": {"name": "MultiTaskMLP"}},
            r"\[task\], \[estimator\] and \[data\]",
        ),
    ],
)
def test_another_sweep_is_refused(tmp_path, changes, sections):
    run_sweep(STACKED, tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=rf"holds another sweep: it differs in {sections}\. Name"):
        run_sweep(STACKED | changes, tmp_path)
    assert contents(tmp_path) == before


def test_other_versions_of_a_folder_are_refused(tmp_path):
    run_sweep(STACKED, tmp_path)
    manifest = json.loads((tmp_path / "sweep.json").read_bytes())
    manifest["versions"]["torch"] = "1.0"
    (tmp_path / "sweep.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r"another sweep: it was started with torch 1\.0 \(this"):
        run_sweep(STACKED, tmp_path)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"holds files, but no sweep\.json of a sweep\. Name an"):
        run_sweep(STACKED, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(FileNotFoundError, match=r"is not the folder of a sweep: no sweep\.json"):
        load_sweep(tmp_path)
    (tmp_path / "sweep.json").write_text("[]")
    with pytest.raises(ValueError, match=r"sweep\.json' is not the manifest of a sweep"):
        run_sweep(STACKED, tmp_path)
    with pytest.raises(OSError, match=r"Cannot write to the folder output='.*notes\.txt/out'"):
        run_sweep(STACKED, tmp_path / "notes.txt" / "out")


# -- interruptions ---------------------------------------------------------------------

KILLED = """
    import sys, time
    sys.path.insert(0, {tests!r})
    from neuroselect.networks import _fit_many
    from neuroselect.studies import run_sweep
    from test_sweep_run import STACKED

    train = _fit_many.train

    def slowly(jobs, on_pass=None):
        time.sleep(0.3)
        return train(jobs, on_pass)

    _fit_many.train = slowly
    run_sweep(STACKED, {folder!r})
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL is POSIX")
def test_killed_and_started_again(tmp_path, trained):
    folder = tmp_path / "killed"
    code = textwrap.dedent(KILLED).format(tests=str(Path(__file__).parent), folder=str(folder))
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if list(folder.glob("checkpoint/*.npz")):
                break
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    n_kept = len(list(folder.glob("checkpoint/*.npz")))
    assert 1 <= n_kept < 4
    with pytest.raises(ValueError, match=r"is not finished\. Run it again with the same config"):
        load_sweep(folder)
    with pytest.raises(ValueError, match=r"holds another sweep: it differs in \[seeds\]"):
        run_sweep(STACKED | {"seeds": {"n": 5}}, folder)
    run_sweep(STACKED, folder)
    assert len(trained) == 4 - n_kept
    run_sweep(STACKED, tmp_path / "whole")
    assert contents(folder) == contents(tmp_path / "whole")


@pytest.mark.parametrize("name", ["chunk", "units.csv", "weights.npz", "sweep.json"])
def test_full_disk_keeps_what_is_there(tmp_path, monkeypatch, trained, name):
    original, seen = os.replace, []

    def full(source, target):
        if name in Path(target).name:
            seen.append(target)
            if len(seen) == 2 or name in ("units.csv", "weights.npz"):
                raise OSError(errno.ENOSPC, "No space left on device")
        return original(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(_checkpoint.os, "replace", full)
        with pytest.raises(OSError, match="Finished networks are kept: put this right and run ag"):
            run_sweep(STACKED, tmp_path / "full")
    n_trained = len(trained)
    assert n_trained == {"chunk": 2}.get(name, 4)
    run_sweep(STACKED, tmp_path / "full")
    assert len(trained) == {"chunk": 5}.get(name, 4)
    run_sweep(STACKED, tmp_path / "whole")
    assert contents(tmp_path / "full") == contents(tmp_path / "whole")
    assert not list((tmp_path / "full").glob(".*.tmp"))


def test_stages_and_bars_are_shown(capsys):
    stages = []
    run_sweep(STACKED, verbose=1, on_stage=stages.append)
    assert stages == ["Training 8 networks", "Measuring 8 networks"]
    err = capsys.readouterr().err
    assert "8 networks: 100%" in err
    assert "Measuring: 100%" in err


def test_inputs_are_not_changed():
    config = copy.deepcopy(CONFIG)
    read_sweep_config(config)
    run_sweep(config)
    assert config == CONFIG
