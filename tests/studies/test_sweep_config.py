"""What a sweep's file may say, and what is said about one that is wrong."""

import copy
import json
import math
import string
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from neuroselect import datasets, networks
from neuroselect.consolidation import EWC, SynapticIntelligence
from neuroselect.curricula import Biased, Blocked
from neuroselect.studies import _sweep_folder as folder_module
from neuroselect.studies import plan_sweep, read_sweep_config, sweep_schema
from neuroselect.studies._sweep_config import to_toml, tomllib
from neuroselect.studies._sweep_grid import as_label
from neuroselect.studies._sweep_registry import TASKS, network_classes
from neuroselect.studies._sweep_schema import ANALYSES
from neuroselect.studies._sweep_tables import ANALYSES as TABLES

TINY = {
    "task": {"name": "context_blobs"},
    "estimator": {"name": "MultiTaskMLP", "hidden_layer_sizes": [4], "max_iter": 2},
    "seeds": {"n": 2},
}


def with_changes(changes):
    """TINY with values at dotted paths; a value of ``...`` removes the key."""
    config = copy.deepcopy(TINY)
    for path, value in changes.items():
        *sections, key = path.split(".")
        table = config
        for section in sections:
            table = table.setdefault(section, {})
        if value is ...:
            del table[key]
        else:
            table[key] = value
    return config


# -- what is right ---------------------------------------------------------------------


def test_every_network_and_generated_task_is_known():
    classes = {name for name in networks.__all__ if isinstance(getattr(networks, name), type)}
    assert set(network_classes()) == classes >= {"MultiTaskMLP", "MultiTaskMLPClassifier"}
    assert {f"make_{name}" for name in TASKS} == {
        name for name in datasets.__all__ if name.startswith("make_")
    }
    assert ANALYSES.keys() == TABLES.keys()


def test_settings_are_crossed_and_seeds_are_the_fast_index():
    plan = plan_sweep(
        with_changes(
            {
                "grid.scale": [
                    {"init_scale": 0.1, "context_init_scale": 0.5},
                    {"init_scale": 2.0},
                ],
                "grid.curriculum": ["interleaved", {"name": "blocked", "order": [1, 0]}],
                "grid.hidden_layer_sizes": [[3], [4, 5]],
                "estimator.hidden_layer_sizes": ...,
                "seeds": {"n": 2, "first": 7},
            }
        )
    )
    assert (plan.n_settings, plan.n_seeds, len(plan.estimators)) == (8, 2, 16)
    assert plan.grid["network"].tolist() == list(range(16))
    assert plan.grid["seed"].tolist() == [7, 8] * 8
    assert plan.grid["init_scale"].tolist() == [0.1] * 8 + [2.0] * 8
    assert plan.grid["context_init_scale"].tolist() == ["0.5"] * 8 + ["none"] * 8
    blocked = "blocked(order=[1, 0])"
    assert plan.grid["curriculum"].tolist() == (["interleaved"] * 4 + [blocked] * 4) * 2
    assert plan.grid["hidden_layer_sizes"].tolist() == (["[3]"] * 2 + ["[4, 5]"] * 2) * 4
    last = plan.estimators[-1]
    assert last.curriculum == Blocked(order=(1, 0))
    assert (last.init_scale, last.context_init_scale, last.random_state) == (2.0, None, 8)
    assert last.hidden_layer_sizes == [4, 5]


def test_objects_and_none_have_names():
    plan = plan_sweep(
        with_changes(
            {
                "estimator.curriculum": "blocked",
                "estimator.batch_size": "none",
                "grid.consolidation": [
                    "none",
                    "EWC",
                    {"name": "EWC.published", "strength": 5.0},
                    {"name": "SynapticIntelligence", "strength": 0.2},
                    {"name": "EWC", "n_samples": "none"},
                ],
                "estimator.reduction": "sum",
                "estimator.name": "MultiTaskMLPClassifier",
                "task": {"name": "arithmetic_tasks", "operations": ["add", "add2"], "n_trials": 8},
            }
        )
        | {"task": {"name": "digit_tasks", "n_trials": 40}, "seeds": {"values": [3]}}
        | {"estimator": {**TINY["estimator"], "name": "MultiTaskMLPClassifier"}}
        | {
            "estimator": {
                "name": "MultiTaskMLPClassifier",
                "hidden_layer_sizes": [4],
                "max_iter": 4,
                "curriculum": "blocked",
                "batch_size": "none",
            }
        }
    )
    found = [estimator.consolidation for estimator in plan.estimators]
    published = EWC.published(5.0)
    assert found == [None, EWC(), published, SynapticIntelligence(0.2), EWC(n_samples=None)]
    assert plan.estimators[0].batch_size is None
    assert plan.grid["consolidation"].tolist()[1:3] == ["EWC", "EWC.published(strength=5.0)"]
    biased = {"name": "biased", "probabilities": [0.2, 0.8]}
    plan = plan_sweep(with_changes({"estimator.curriculum": biased}))
    assert plan.estimators[0].curriculum == Biased([0.2, 0.8])


def test_labels_tell_values_apart():
    values = ["a", 1, 1.5, True, [1, 2], ["1", "2"], {"name": "x", "k": [1]}, {"name": "x"}, None]
    assert len({repr(as_label(value)) for value in values}) == len(values)


def test_generated_trials_follow_from_the_file():
    noisy = with_changes({"task.noise": 0.5})
    expected = datasets.make_context_blobs(noise=0.5, random_state=0)
    for _ in range(2):
        plan = plan_sweep(noisy)
        np.testing.assert_array_equal(plan.trials.X, expected[0])
        np.testing.assert_array_equal(plan.trials.y, expected[1])
    other = plan_sweep(with_changes({"task.noise": 0.5, "task.random_state": 1}))
    assert other.data_sha256 != plan.data_sha256
    single = plan_sweep(with_changes({"task.dtype": "float32"}))
    assert single.trials.X.dtype == np.float32


def test_held_out_groups_stay_together():
    changes = {"test": {"size": 0.25, "groups": "image"}}
    task = {"name": "digit_tasks", "n_trials": 200, "random_state": 3}
    estimator = {"name": "MultiTaskMLPClassifier", "hidden_layer_sizes": [4], "max_iter": 2}
    plan = plan_sweep(with_changes(changes) | {"task": task, "estimator": estimator})
    train, test = plan.trials.conditions["image"], plan.test.conditions["image"]
    assert not set(train) & set(test)
    assert len(train) + len(test) == 200 == len(plan.trials.y) + len(plan.test.y)
    assert len(set(test)) == math.ceil(0.25 * len(set(train) | set(test)))


def test_schema_is_valid_and_for_the_same_files(tmp_path):
    schema = json.loads(json.dumps(sweep_schema()))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(TINY)
    assert not Draft202012Validator(schema).is_valid({**TINY, "gird": {}})
    assert "init_scale" in schema["properties"]["estimator"]["properties"]


keys = st.text(string.ascii_letters + string.digits + '_- .é"', min_size=1, max_size=5)
values = st.recursive(
    st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.text(max_size=8).filter(lambda text: text.isprintable() or text == '\n\t\\"\x7f')
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text(string.ascii_lowercase, min_size=1, max_size=4),
        values,
        max_size=4,
    )
)
def test_toml_reads_back(config):
    assert tomllib.loads(to_toml(config)) == config


# -- what is wrong ---------------------------------------------------------------------

MESSAGES = [
    # sections and keys
    ({"sedes": {"n": 3}}, r"unknown section 'sedes'\. Did you mean 'seeds'\? Known: title, task"),
    ({"seeds": ...}, r"the section \[seeds\] is missing"),
    ({"task": ...}, r"the section \[task\] is missing"),
    ({"seeds": 3}, r"seeds: expected a table, got 3\."),
    ({"seeds.number": 3}, r"seeds: unknown key 'number'.*Known: n, first, values"),
    ({"output.formt": "csv"}, r"output: unknown key 'formt'\. Did you mean 'format'\?"),
    ({"title": 3}, r"title: expected a string, got 3"),
    ({"title": date(2026, 1, 1)}, r"title: expected a string, a finite number.*datetime\.date"),
    ({"estimator.init_scale": float("nan")}, r"estimator\.init_scale: expected .*finite.*got nan"),
    # seeds
    ({"seeds.n": 2.5}, r"seeds\.n: expected a whole number, got 2\.5"),
    ({"seeds.n": 3.0}, r"seeds\.n: expected a whole number, got 3\.0"),
    ({"seeds.n": True}, r"seeds\.n: expected a whole number, got True"),
    ({"seeds.n": "3"}, r"seeds\.n: expected a whole number, got '3'"),
    ({"seeds.n": 0}, r"seeds\.n: must be at least 1, got 0"),
    ({"seeds": {}}, r"seeds: give either n \(and first\), or values"),
    ({"seeds.values": [1]}, r"seeds: give either n \(and first\), or values"),
    ({"seeds": {"values": [1, 1.5]}}, r"seeds\.values\[1\]: expected a whole number, got 1\.5"),
    ({"seeds": {"values": [1, -1]}}, r"seeds\.values\[1\]: must be at least 0, got -1"),
    ({"seeds": {"values": [2**32]}}, r"seeds\.values\[0\]: must be at most 4294967295"),
    ({"seeds": {"values": []}}, r"seeds\.values: is empty"),
    ({"seeds": {"values": [1, 1]}}, r"seeds\.values: holds a seed twice: \[1, 1\]"),
    ({"seeds": {"values": [1], "first": 2}}, r"seeds\.first: goes with seeds\.n"),
    ({"seeds.first": 2**32 - 1}, r"seeds\.first: the last seed, first \+ n - 1, must be below 2\*"),
    # estimator
    ({"estimator.name": "MultiTaskMPL"}, r"estimator\.name: unknown name .* mean 'MultiTaskMLP'\?"),
    (
        {"estimator.solvr": "sgd"},
        r"estimator\.solvr: unknown parameter of MultiTaskMLP 'solvr'\. D",
    ),
    (
        {"estimator.solver": "sdg"},
        r"estimator\.solver: The 'solver' parameter of MultiTaskMLP must",
    ),
    (
        {"estimator.alpha": "high"},
        r"estimator\.alpha: The 'alpha' parameter of MultiTaskMLP must b",
    ),
    ({"estimator.random_state": 3}, r"estimator\.random_state: is set by the section \[seeds\]"),
    ({"estimator.verbose": 1}, r"estimator\.verbose: unknown parameter of MultiTaskMLP 'verbose'"),
    # grid
    ({"grid": {}}, r"grid: is empty, expected at least one entry\. Leave the section out"),
    ({"grid.init_scale": []}, r"grid\.init_scale: is empty, expected at least one entry\.$"),
    ({"grid.init_scale": 0.1}, r"grid\.init_scale: expected a list, got 0\.1"),
    ({"grid.init_scale": [1, 2, -1]}, r"grid\.init_scale\[2\]: The 'init_scale' parameter .*-1 in"),
    ({"grid.init_scal": [1, 2]}, r"grid\.init_scal\[0\]: unknown parameter .* mean 'init_scale'\?"),
    ({"grid.init_scale": [1, 2, 1]}, r"grid\.init_scale\[2\]: 1 is grid\.init_scale\[0\] again"),
    ({"grid.random_state": [1, 2]}, r"grid\.random_state\[0\]: is set by the section \[seeds\]"),
    ({"grid.max_iter": [1, 2]}, r"estimator\.max_iter: is swept by grid\.max_iter, too"),
    (
        {"grid.s": [{"max_iter": 1}, {"max_iter": 3}]},
        r"estimator\.max_iter: is swept by grid\.s, t",
    ),
    (
        {"grid.a": [{"alpha": 1.0, "init_scale": 2.0}], "grid.init_scale": [1.0]},
        r"grid\.init_scale: 'init_scale' is swept by grid\.a already",
    ),
    ({"grid.s": [{"alpa": 1.0}]}, r"grid\.s\[0\]\.alpa: unknown parameter .* mean 'alpha'\?"),
    ({"grid.s": [{"alpha": -1.0}]}, r"grid\.s\[0\]\.alpha: The 'alpha' parameter of MultiTaskMLP"),
    ({"grid.device": ["cpu", "cuda"]}, r"grid\.device: mixes the devices cpu, cuda\. A sweep trai"),
    (
        {"grid.where": [{"device": "cpu"}, {"device": "auto"}]},
        r"grid\.where: mixes the devices auto, cpu",
    ),
    # curricula and consolidation
    (
        {"grid.curriculum": ["bloked"]},
        r"grid\.curriculum\[0\]: unknown curriculum 'bloked'\. Did y",
    ),
    ({"estimator.curriculum": {"nam": 1}}, r"estimator\.curriculum: expected the name of a curric"),
    ({"estimator.curriculum": 3}, r"estimator\.curriculum: expected the name .* \{name = \"interl"),
    (
        {"grid.curriculum": ["blocked", {"name": "blocked", "ordr": [0]}]},
        r"grid\.curriculum\[1\]: unknown key 'ordr'\. Did you mean 'order'\?",
    ),
    (
        {"estimator.curriculum": {"name": "replay", "every": 1}},
        r"estimator\.curriculum: every must be an integer of at least 2",
    ),
    (
        {"grid.curriculum": ["interleaved", {"name": "blocked", "order": [0, 5]}]},
        r"setting 1 \(curriculum=blocked\(order=\[0, 5\]\)\): order names tasks that are not there",
    ),
    (
        {"estimator.curriculum": {"name": "blocked", "passes": 2}},
        r"setting 0 \(the one setting\): passes=2 makes 4 passes over 2 blocks, but max_iter=2",
    ),
    ({"grid.consolidation": ["EWK"]}, r"grid\.consolidation\[0\]: unknown consolidation 'EWK'\. D"),
    ({"estimator.consolidation": "EWC"}, r"setting 0 .*needs a curriculum that shows the tasks in"),
    # task
    ({"task": {}}, r"task: give either name, for a generated task, or data, for a file of trials"),
    ({"task.data": "x.csv"}, r"task: give either name, for a generated task, or data"),
    ({"task.name": "context_blob"}, r"task\.name: unknown name .*Did you mean 'context_blobs'\?"),
    ({"task.nois": 1.0}, r"task: unknown key 'nois'\. Did you mean 'noise'\?"),
    ({"task.noise": -1.0}, r"task: The 'noise' parameter of make_context_blobs must be"),
    ({"task.target": "y"}, r"task\.target: describes a file, and the task 'context_blobs' has non"),
    ({"task.return_X_y": True}, r"task\.return_X_y: is set by the sweep"),
    (
        {"task.dtype": "float16"},
        r"task\.dtype: unknown value 'float16'\..*Known: float64, float32",
    ),
    # test
    ({"test.size": 1.5}, r"test\.size: must be at most 1, got 1\.5"),
    ({"test.size": 0.999}, r"test\.size: .*resulting train set will be empty"),
    ({"test.groups": "imge"}, r"test\.groups: unknown column 'imge'.* Known: task, branchiness, l"),
    # analyses
    ({"analyses.unit": True}, r"analyses: unknown key 'unit'\. Did you mean 'units'\?"),
    ({"analyses.units": 3}, r"analyses\.units: expected true or false or a table, got 3"),
    (
        {"analyses.units": {"metod": 1}},
        r"analyses\.units: unknown key 'metod'\. Did you mean 'meth",
    ),
    (
        {"analyses.units": {"method": "x"}},
        r"analyses\.units: The 'method' parameter of LesionSelec",
    ),
    ({"analyses.units": {"layer": 2}}, r"analyses\.units: layer=2 does not exist"),
    ({"analyses.regime": {"layer": 2}}, r"analyses\.regime: layer=2 does not exist"),
    ({"analyses.geometry": {"features": ["a", "leafiness"]}}, r"analyses\.geometry: features: unk"),
    ({"analyses.geometry": {"models": ["gird"]}}, r"analyses\.geometry: Unknown model 'gird'"),
    ({"analyses.loss_curves": {"every": 0}}, r"analyses\.loss_curves\.every: must be at least 1, "),
    (
        {"analyses.regime": {"layer": "x"}},
        r"analyses\.regime\.layer: expected a whole number, got ",
    ),
    ({"analyses.geometry": {"models": []}}, r"analyses\.geometry\.models: is empty"),
    (
        {"analyses.geometry": {"features": "a"}},
        r"analyses\.geometry\.features: expected a list, got",
    ),
    ({"analyses.history": True}, r"analyses\.history: nothing is recorded\. Set estimator\.record"),
    # output
    ({"output.format": "tsv"}, r"output\.format: unknown value 'tsv'\..*Known: csv, parquet"),
    (
        {"output.weights": True},
        r"output\.weights: unknown value True\. Known: npz, safetensors, fals",
    ),
]


@pytest.mark.parametrize(("changes", "message"), MESSAGES, ids=lambda value: str(value)[:40])
def test_messages(changes, message):
    with pytest.raises(ValueError, match=message) as caught:
        plan_sweep(with_changes(changes))
    assert "\n" not in str(caught.value).strip()


def test_unavailable_device_is_told_before_training():
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    device = next(device for device, available in there.items() if not available)
    with pytest.raises(ValueError, match=rf"setting 0 .*device='{device}' is not available here"):
        plan_sweep(with_changes({"estimator.device": device}))


@pytest.mark.parametrize("format", ["parquet", "safetensors"])
def test_missing_extras_are_named(format, monkeypatch):
    monkeypatch.setattr(folder_module.importlib.util, "find_spec", lambda name: None)
    key = {"parquet": "format", "safetensors": "weights"}[format]
    message = rf"output\.{key} = '{format}' needs the package .*\"neuroselect\[{format}\]\""
    with pytest.raises(ImportError, match=message):
        plan_sweep(with_changes({f"output.{key}": format}))


# -- files -----------------------------------------------------------------------------


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_read_as_it_stands(tmp_path):
    path = write(tmp_path / "a.toml", to_toml(TINY))
    config = read_sweep_config(str(path))
    assert (config.settings, config.path, config.text) == (TINY, path, to_toml(TINY))
    settings = copy.deepcopy(TINY) | {"grid": {"init_scale": (1.0, np.float32(2.0))}}
    settings["estimator"] |= {"batch_size": None, "max_iter": np.int64(2)}
    plain = read_sweep_config(settings).settings
    assert plain["grid"] == {"init_scale": [1.0, 2.0]}
    assert plain["estimator"]["batch_size"] == "none"
    assert settings["estimator"]["batch_size"] is None


def test_wrong_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no configuration file '.*none\.toml'"):
        read_sweep_config(tmp_path / "none.toml")
    with pytest.raises(FileNotFoundError, match="There is no configuration file"):
        read_sweep_config(tmp_path)
    broken = write(tmp_path / "broken.toml", "[task]\nname = 'x'\nseeds 3\n")
    with pytest.raises(ValueError, match=r"broken\.toml: not valid TOML: .*line 3, column 7"):
        read_sweep_config(broken)
    (tmp_path / "latin.toml").write_bytes("title = 'é'".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.toml: not valid TOML: not encoded as UTF-8"):
        read_sweep_config(tmp_path / "latin.toml")
    wrong = write(tmp_path / "wrong.toml", to_toml({**TINY, "sede": {}}))
    with pytest.raises(ValueError, match=r"wrong\.toml: the configuration: unknown section 'sede'"):
        read_sweep_config(wrong)
    wrong = write(tmp_path / "late.toml", to_toml({**TINY, "grid": {"init_scale": [-1.0]}}))
    with pytest.raises(ValueError, match=r"late\.toml: grid\.init_scale\[0\]: The 'init_scale'"):
        plan_sweep(wrong)


# -- trials of one's own ---------------------------------------------------------------


@pytest.fixture
def frame():
    X, y = datasets.make_context_blobs()
    frame = pd.DataFrame(X[:, [6, 12, 18]], columns=["a", "b", "c"])
    frame["rule"] = np.where(X[:, -1] == 0, "leaf", "branch")
    return frame.assign(y=y, session=np.arange(50) // 10)


def own(path, **task):
    return with_changes({"task": {"data": str(path), **task}})


def test_csv_with_named_tasks(tmp_path, frame):
    frame.to_csv(tmp_path / "trials.csv", index=False)
    config = own("trials.csv", task_column="rule", conditions=["session"])
    config |= {"test": {"size": 0.2, "groups": "session"}}
    config["estimator"]["curriculum"] = {"name": "blocked", "order": ["leaf", "branch"]}
    plan = plan_sweep(write(tmp_path / "own.toml", to_toml(config)))
    pd.testing.assert_frame_equal(
        pd.concat([plan.trials.X, plan.test.X]).sort_values(
            ["rule", "a", "b", "c"], ignore_index=1
        ),
        frame[["a", "b", "c", "rule"]].sort_values(["rule", "a", "b", "c"], ignore_index=True),
    )
    assert plan.trials.conditions["session"].nunique() == 4
    assert plan.test.conditions["session"].nunique() == 1


def test_csv_with_numbers_for_tasks_or_without_tasks(tmp_path, frame):
    path = tmp_path / "trials.csv"
    frame.assign(task=(frame["rule"] == "branch") * 1, z=1.0).to_csv(path, index=False)
    plan = plan_sweep(own(path, conditions=["rule", "session"], target=["y", "z"]))
    np.testing.assert_array_equal(plan.trials.X[:, :3], frame[["a", "b", "c"]])
    np.testing.assert_array_equal(plan.trials.X[:, 3], frame["rule"] == "branch")
    np.testing.assert_array_equal(plan.trials.y, np.column_stack([frame["y"], np.ones(50)]))
    config = own(path, conditions=["rule", "session", "task", "z"], task_column="none")
    config["estimator"]["task_column"] = "none"
    plan = plan_sweep(config)
    assert plan.trials.X.shape == (50, 3)
    assert plan.estimators[0].task_column is None


def test_npz(tmp_path):
    X, y = datasets.make_context_blobs()
    np.savez(tmp_path / "trials.npz", X=X, y=y, level=np.arange(50))
    plan = plan_sweep(own(tmp_path / "trials.npz"))
    np.testing.assert_array_equal(plan.trials.X, X)
    assert plan.trials.conditions["level"].tolist() == list(range(50))


def test_wrong_trials(tmp_path, frame):
    csv, npz = tmp_path / "t.csv", tmp_path / "t.npz"
    frame.to_csv(csv, index=False)
    np.savez(npz, x=1)
    for config, message in [
        (own(csv), r"task\.task_column: unknown column of t\.csv 'task'.* Known: a, b, c, rule, y"),
        (own(csv, target="Y"), r"task\.target: unknown column of t\.csv 'Y'"),
        (
            own(csv, task_column="none"),
            r"task\.data: column 'rule' of t\.csv does not hold numbers",
        ),
        (own(csv, noise=1.0), r"task: unknown key 'noise'.*Known: data, dtype, target"),
        (own(npz), r"task\.data: t\.npz needs the arrays X and y, it holds x\."),
        (own(npz, target="y"), r"task\.target: is for CSV files; a \.npz file has the arrays X"),
        (own(tmp_path / "t.mat"), r"task\.data: there is no file '.*t\.mat'\. Paths are relative"),
    ]:
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            plan_sweep(config)
    write(tmp_path / "t.mat", "")
    with pytest.raises(
        ValueError, match=r"task\.data: expected a \.csv or \.npz file, got 't\.mat'"
    ):
        plan_sweep(own(tmp_path / "t.mat"))
    for content, message in [(b"", "cannot be read"), (b"PK\3\4", "cannot be read")]:
        npz.write_bytes(content)
        with pytest.raises(ValueError, match=rf"task\.data: t\.npz {message}"):
            plan_sweep(own(npz))
    np.savez(npz, X=np.zeros((3, 2)), y=np.zeros(4))
    with pytest.raises(ValueError, match=r"t\.npz needs numbers X of shape .*'X': 3, 'y': 4"):
        plan_sweep(own(npz))
    np.savez(npz, X=np.array([[None]]), y=np.zeros(1))
    with pytest.raises(ValueError, match=r"task\.data: t\.npz cannot be read: .*allow_pickle"):
        plan_sweep(own(npz))
    csv.write_text("")
    with pytest.raises(ValueError, match=r"task\.data: t\.csv is not a table"):
        plan_sweep(own(csv))
