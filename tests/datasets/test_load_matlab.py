"""MATLAB files: both layouts, all versions, and what is refused."""

import struct

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat
from scipy.io.matlab import MatlabObject
from scipy.sparse import csc_array

from neuroselect.datasets import fetch_park2025, load_matlab
from neuroselect.datasets._mat_variables import list_mat, read_mat

h5py = pytest.importorskip("h5py")

TIME = np.array([[0.0, 50.0, 100.0]])
USER_BLOCK = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"


def structs(values):
    """Return an array of structs, of which savemat would make a cell array otherwise."""
    array = np.empty((1, len(values)), dtype=[(key, object) for key in values[0]])
    for k, value in enumerate(values):
        array[0, k] = tuple(value[key] for key in values[0])
    return array


def cells_of(n_trials=(4, 2, 1), seed=0):
    rng = np.random.default_rng(seed)
    return [
        {
            "response": rng.poisson(5.0, size=(n, 3)).astype(float),
            "task_variable": {
                "look": rng.integers(0, 2, size=(n, 1)).astype(float),
                "level": rng.normal(size=(n, 1)),
            },
            "dimension": f"cell_{k}",
        }
        for k, n in enumerate(n_trials)
    ]


def save_old(path, variables):
    savemat(path, variables)


def save_new(path, variables):
    """Write version 7.3 as MATLAB does: transposed, structs as groups, cells as references."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            put(file, file, name, value)
    with open(path, "r+b") as stream:
        stream.write(USER_BLOCK)


def put(file, group, name, value):
    if isinstance(value, dict):
        item = group.create_group(name)
        for key, one in value.items():
            put(file, item, key, one)
        item.attrs["MATLAB_class"] = np.bytes_("struct")
    elif isinstance(value, str):
        item = group.create_dataset(name, data=np.array([[ord(c)] for c in value], np.uint16))
        item.attrs["MATLAB_class"] = np.bytes_("char")
    elif isinstance(value, np.ndarray) and value.dtype.names:
        item = group.create_group(name)
        for key in value.dtype.names:
            item.create_dataset(key, data=references(file, value[key]), dtype=h5py.ref_dtype)
        item.attrs["MATLAB_class"] = np.bytes_("struct")
    elif isinstance(value, np.ndarray) and value.dtype == object:
        item = group.create_dataset(name, data=references(file, value), dtype=h5py.ref_dtype)
        item.attrs["MATLAB_class"] = np.bytes_("cell")
    else:
        value = np.atleast_2d(value)
        kind = {"b": "logical", "f": "double", "c": "double"}.get(
            value.dtype.kind, str(value.dtype)
        )
        stored = value.astype(np.uint8) if kind == "logical" else value
        item = group.create_dataset(name, data=stored.T)
        item.attrs["MATLAB_class"] = np.bytes_(kind)


def references(file, values):
    refs = file.require_group("#refs#")
    out = np.empty(values.T.shape, dtype=object)
    for index in np.ndindex(out.shape):
        key = str(len(refs))
        put(file, refs, key, values.T[index])
        out[index] = refs[key].ref
    return out


@pytest.fixture(params=["version 5", "version 7.3"])
def save(request):
    return {"version 5": save_old, "version 7.3": save_new}[request.param]


def test_units_one_after_another(save, tmp_path):
    cells = cells_of()
    save(tmp_path / "a.mat", {"data": {"unit": structs(cells), "time": TIME}})
    recording = load_matlab(tmp_path / "a.mat", bin_width=50, time_at="start")
    np.testing.assert_array_equal(
        recording.data, np.concatenate([cell["response"] for cell in cells])
    )
    assert recording.time.tolist() == [25.0, 75.0, 125.0]
    assert recording.trials["unit"].tolist() == [0, 0, 0, 0, 1, 1, 2]
    assert recording.trials["trial"].tolist() == [0, 1, 2, 3, 0, 1, 0]
    for name, dtype in (("look", np.int64), ("level", np.float64)):
        expected = np.concatenate([cell["task_variable"][name].ravel() for cell in cells])
        np.testing.assert_array_equal(recording.trials[name], expected)
        assert recording.trials[name].dtype == dtype
    assert recording.units.to_dict("list") == {
        "unit": [0, 1, 2],
        "name": ["cell_0", "cell_1", "cell_2"],
        "n_trials": [4, 2, 1],
    }


@pytest.mark.parametrize("n_trials", [(1,), (1, 1)])
def test_one_trial(save, tmp_path, n_trials):
    save(tmp_path / "a.mat", {"data": {"unit": structs(cells_of(n_trials)), "time": TIME}})
    assert load_matlab(tmp_path / "a.mat").data.shape == (len(n_trials), 3)


def test_units_recorded_together(save, tmp_path, rng):
    response = rng.normal(size=(5, 3, 4))  # units x time x trials
    content = {"response": response, "task_variable": {"look": np.array([[0.0, 1, 1, 0]]).T}}
    content |= {"time": TIME, "dimension": np.array([[f"u{k}"] for k in range(5)], dtype=object)}
    save(tmp_path / "a.mat", {"session": content, "other": np.ones((2, 2))})
    recording = load_matlab(tmp_path / "a.mat")
    np.testing.assert_array_equal(recording.data, response.transpose(2, 1, 0))
    assert recording.units["name"].tolist() == ["u0", "u1", "u2", "u3", "u4"]
    assert recording.trials["look"].tolist() == [0, 1, 1, 0]


def test_plain_matrices(save, tmp_path, rng):
    rates = rng.normal(size=(5, 4, 3))  # units x trials x time
    variables = {
        "rates": rates,
        "seconds": TIME / 1000,
        "info": {"context": np.array([["a", "b", "b", "a"]], dtype=object)},
        "correct": np.array([[True, False, True, True]]),
        "depth": np.arange(5.0)[np.newaxis],
    }
    save(tmp_path / "a.mat", variables)
    recording = load_matlab(
        tmp_path / "a.mat",
        data="rates",
        trials={"context": "info.context", "right": "correct"},
        units="depth",
        time="seconds",
        axes=("units", "trials", "time"),
        time_unit="s",
    )
    np.testing.assert_array_equal(recording.data, rates.transpose(1, 2, 0))
    np.testing.assert_allclose(recording.time, [0, 50, 100])
    assert recording.trials["context"].tolist() == ["a", "b", "b", "a"]
    assert recording.trials["right"].dtype == bool
    assert recording.units["depth"].tolist() == [0, 1, 2, 3, 4]


def test_plain_matrix_in_long_form(save, tmp_path):
    variables = {"rates": np.array([[3.0], [5.0], [1.0]]), "unit": np.array([[7.0, 7.0, 2.0]])}
    save(tmp_path / "a.mat", variables)
    recording = load_matlab(tmp_path / "a.mat", data="rates", trials=["unit"])
    assert recording.data.tolist() == [3.0, 5.0, 1.0]
    assert recording.trials["unit"].tolist() == [1, 1, 0]
    assert recording.units["name"].tolist() == [2, 7]


@pytest.mark.parametrize("n_units", [1, 2])
def test_an_axis_of_length_one_that_matlab_drops(save, tmp_path, rng, n_units):
    rates = rng.normal(size=(4, 3, n_units))
    save(tmp_path / "a.mat", {"rates": rates.squeeze(), "time": TIME, "y": np.ones((4, 1))})
    recording = load_matlab(tmp_path / "a.mat", data="rates", trials="y", time="time")
    np.testing.assert_array_equal(recording.data, rates)


def test_both_versions_give_the_same(tmp_path, rng):
    content = {
        "number": rng.normal(size=(2, 3)),
        "flag": np.array([[True, False]]),
        "text": "colour",
        "cells": np.array([["a", "bc"]], dtype=object),
        "nested": {"many": structs([{"x": np.ones((1, 1))}, {"x": np.zeros((2, 1))}])},
        "short": np.array([[1, 2]], dtype=np.int16),
    }
    save_old(tmp_path / "old.mat", content)
    save_new(tmp_path / "new.mat", content)
    assert list_mat(tmp_path / "old.mat")["number"] == ((2, 3), "double")
    assert list_mat(tmp_path / "new.mat")["number"] == ((2, 3), "double")
    old, new = (read_mat(tmp_path / f"{name}.mat", list(content)) for name in ("old", "new"))
    for name in content:
        assert repr(old[name]) == repr(new[name])


def test_sparse_and_version_4(tmp_path):
    spikes = np.array([[0.0, 2.0], [1.0, 0.0], [0.0, 0.0]])
    savemat(tmp_path / "s.mat", {"spikes": csc_array(spikes), "y": [1, 2, 3]})
    savemat(tmp_path / "4.mat", {"spikes": spikes, "y": [1, 2, 3]}, format="4")
    for name in ("s.mat", "4.mat"):
        recording = load_matlab(tmp_path / name, data="spikes", trials="y")
        np.testing.assert_array_equal(recording.data, spikes)


def test_sparse_of_version_7_3(tmp_path):
    spikes = csc_array([[0.0, 2.0], [1.0, 0.0], [0.0, 0.0]])
    save_new(tmp_path / "a.mat", {"y": np.ones((3, 1))})
    with h5py.File(tmp_path / "a.mat", "r+") as file:
        group = file.create_group("spikes")
        group.attrs["MATLAB_class"] = np.bytes_("double")
        group.attrs["MATLAB_sparse"] = np.uint64(3)
        for name, part in (("data", "data"), ("ir", "indices"), ("jc", "indptr")):
            group[name] = getattr(spikes, part)
    recording = load_matlab(tmp_path / "a.mat", data="spikes", trials="y")
    np.testing.assert_array_equal(recording.data, spikes.toarray())


def test_park(data_folder):
    path = data_folder / "park2025/firingRates_late_delay.mat"
    recording = load_matlab(path, bin_width=50, time_at="start")
    park = fetch_park2025("late_delay", data_home=data_folder, download_if_missing=False)
    np.testing.assert_array_equal(recording.data, park.data)
    np.testing.assert_array_equal(recording.time + 500, park.time + 500)
    pd.testing.assert_frame_equal(recording.trials, park.trials.drop(columns="task"))
    pd.testing.assert_frame_equal(recording.units, park.units)


def spoil(cells, **changes):
    cells[1] = {**cells[1], **changes}
    return cells


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"response": np.ones((2, 5))}, r"unit\(2\).response must have shape \(n_trials, 3\)"),
        ({"response": np.ones((3, 3))}, r"one entry per trial of response, 3, got 2"),
        ({"task_variable": {"look": [0.0, 1.0]}}, r"same task variables.*unit\(2\) has \['look'\]"),
        ({"task_variable": 1.0}, "must be a struct of vectors"),
        ({"response": np.array([[np.ones(2), np.ones(3)]], object)}, "cells of 2 or 3 numbers"),
        ({"response": "spikes"}, "must be an array of real numbers, got str"),
    ],
)
def test_bad_units(tmp_path, changes, message):
    content = {"unit": np.array([spoil(cells_of(), **changes)], dtype=object), "time": TIME}
    savemat(tmp_path / "a.mat", {"data": content})
    with pytest.raises(ValueError, match=message):
        load_matlab(tmp_path / "a.mat")


def test_seconds_are_refused(save, tmp_path):
    save(tmp_path / "a.mat", {"data": {"unit": structs(cells_of()), "time": TIME / 1000}})
    with pytest.raises(ValueError, match=r"a\.mat: time must be in ms.*looks like seconds"):
        load_matlab(tmp_path / "a.mat")
    np.testing.assert_allclose(load_matlab(tmp_path / "a.mat", time_unit="s").time, [0, 50, 100])
    save(tmp_path / "b.mat", {"data": {"unit": structs(cells_of()), "time": TIME}})
    with pytest.raises(ValueError, match=r"makes steps of 50 s.*pass time_unit='ms'"):
        load_matlab(tmp_path / "b.mat", time_unit="s")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"must have one struct with time and unit\(n\).response.*got 0"),
        ({"data": "rates"}, "rates must be a struct with time and"),
        ({"data": "speed", "trials": "y"}, r"no variable 'speed', but \['cut', 'info', 'rates'"),
        ({"data": "rates", "trials": "info.z"}, r"no 'info.z': info is \['y'\]"),
        ({"data": "rates", "trials": "rates.z"}, r"no 'rates.z': rates is no struct"),
        ({"data": "rates", "trials": "cut"}, r"one entry per trial, 4 in rates.*got {'cut': 2}"),
        ({"data": "rates", "trials": "wide"}, r"one entry per trial, 4 in rates.*axes"),
        ({"data": "rates", "trials": "rates"}, r"rates must be a vector.*shape \(4, 3\)"),
        ({"data": "rates", "trials": "info", "axes": ("time", "units")}, "axes must be the names"),
        ({"data": "rates", "trials": ["info.y", "y"]}, "differ after the last dot"),
        ({"data": "rates", "trials": "info", "time": [1, 2]}, "must have one entry per entry"),
        ({"data": "rates", "trials": "info", "time_at": "start"}, "needs bin_width"),
        ({"data": "rates", "trials": "info", "time_at": "end"}, "'centre' or 'start'"),
        ({"data": "rates", "trials": "info", "time_unit": "h"}, "time_unit must be"),
        ({"trials": "info"}, "needs both data and trials"),
    ],
)
def test_wrong_names_and_lengths(tmp_path, options, message):
    variables = {"rates": np.arange(12.0).reshape(4, 3), "info": {"y": [1, 2, 3, 4]}}
    savemat(tmp_path / "a.mat", {**variables, "y": [1, 2, 3, 4], "cut": [1, 2], "wide": [1, 2, 3]})
    with pytest.raises(ValueError, match=message):
        load_matlab(tmp_path / "a.mat", **options)


def opaque(name, kind):
    """Return the bytes of an object of a newer class, as MATLAB writes it: tag, flags, names."""

    def element(code, payload):
        return struct.pack("<ii", code, len(payload)) + payload.ljust(
            -(-len(payload) // 8) * 8, b"\0"
        )

    inside = element(6, struct.pack("<ii", 17, 0))
    inside += b"".join(element(1, text) for text in (name, b"MCOS", kind))
    matrix = element(6, struct.pack("<ii", 13, 0)) + element(5, struct.pack("<ii", 1, 1))
    matrix += element(1, b"") + element(6, struct.pack("<i", 7))
    inside += element(14, matrix)
    return element(14, inside)


def test_objects_are_refused_by_name(tmp_path):
    thing = MatlabObject(np.array([[(1.0,)]], dtype=[("expr", object)]), "inline")
    savemat(tmp_path / "a.mat", {"f": thing, "s": {"f": thing}, "x": np.ones((2, 2)), "y": [1, 2]})
    with pytest.raises(ValueError, match=r"in f an object of the class 'object'"):
        load_matlab(tmp_path / "a.mat", data="f", trials="y")
    with pytest.raises(ValueError, match=r"in s\.f an object of the class 'inline'"):
        load_matlab(tmp_path / "a.mat", data="x", trials="s")
    assert load_matlab(tmp_path / "a.mat", data="x", trials="y").data.shape == (2, 2)


def test_opaque_objects_are_refused_by_name(tmp_path):
    savemat(tmp_path / "a.mat", {"x": np.ones((2, 2)), "y": [1, 2]})
    content = (tmp_path / "a.mat").read_bytes()
    (tmp_path / "a.mat").write_bytes(content + opaque(b"words", b"string"))
    assert load_matlab(tmp_path / "a.mat", data="x", trials="y").data.shape == (2, 2)
    with pytest.raises(ValueError, match="in words an object of the class 'string'"):
        load_matlab(tmp_path / "a.mat", data="x", trials="words")


@pytest.mark.parametrize("kind", ["function_handle", "table", "containers.Map"])
def test_objects_of_version_7_3_are_refused_by_name(tmp_path, kind):
    save_new(tmp_path / "a.mat", {"x": np.ones((2, 2)), "f": np.ones((1, 6))})
    with h5py.File(tmp_path / "a.mat", "r+") as file:
        file["f"].attrs["MATLAB_class"] = np.bytes_(kind)
    with pytest.raises(ValueError, match=f"in f an object of the class '{kind}'"):
        load_matlab(tmp_path / "a.mat", data="x", trials="f")


def test_two_variables_of_one_name(tmp_path):
    savemat(tmp_path / "a.mat", {"x": np.ones((2, 2)), "y": [1, 2]})
    content = (tmp_path / "a.mat").read_bytes()
    (tmp_path / "a.mat").write_bytes(content + content[128:])
    with pytest.raises(ValueError, match="two variables of one name"):
        load_matlab(tmp_path / "a.mat", data="x", trials="y")


def test_complex_numbers_are_refused(save, tmp_path):
    save(tmp_path / "a.mat", {"x": np.ones((2, 2)) * 1j, "y": np.ones((1, 2))})
    with pytest.raises(ValueError, match=r"holds complex numbers|real numbers, got .* complex128"):
        load_matlab(tmp_path / "a.mat", data="x", trials="y")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a,b\n1,2\n", "must be a MATLAB file.*by its content it is a table as text. load_table"),
        (b"\x80\x04\x95\x00", "is a pickle, which is never loaded"),
        (b"PK\x03\x04zip", "is a zip archive"),
        (bytes(range(200)), "of no known format"),
    ],
)
def test_other_files(tmp_path, content, message):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_matlab(tmp_path / "a.mat")
    with pytest.raises(FileNotFoundError):
        load_matlab(tmp_path / "none.mat")
    with pytest.raises(ValueError, match="must be a file, got a folder"):
        load_matlab(tmp_path)


def test_truncated_files(save, tmp_path):
    save(tmp_path / "a.mat", {"data": {"unit": structs(cells_of()), "time": TIME}})
    content = (tmp_path / "a.mat").read_bytes()
    for share in (0.3, 0.6, 0.95):
        (tmp_path / "cut.mat").write_bytes(content[: int(share * len(content))])
        with pytest.raises(ValueError, match=r"cut.mat"):
            load_matlab(tmp_path / "cut.mat")


def test_damage_on_which_scipy_crashes(tmp_path):
    savemat(tmp_path / "a.mat", {"data": {"unit": structs(cells_of()), "time": TIME}})
    content = bytearray((tmp_path / "a.mat").read_bytes())
    content[content.index(b"cell_0") - 7] = 127  # the type of the element that holds the text
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged or incomplete .*an element of type 32528"):
        load_matlab(tmp_path / "a.mat")


def test_a_sparse_matrix_with_rows_outside(tmp_path):
    spikes = csc_array(([1.0], ([77], [1])), shape=(100, 2))
    savemat(tmp_path / "a.mat", {"x": spikes, "y": np.ones(100)})
    content = (tmp_path / "a.mat").read_bytes()
    assert content.count(struct.pack("<i", 77)) == 1
    (tmp_path / "a.mat").write_bytes(
        content.replace(struct.pack("<i", 77), struct.pack("<i", 10**6))
    )
    with pytest.raises(ValueError, match=r"a\.mat.*(indices|index)"):
        load_matlab(tmp_path / "a.mat", data="x", trials="y")


def test_compressed_files(tmp_path):
    variables = {"x": np.random.default_rng(0).normal(size=(200, 40)), "y": np.arange(200)}
    savemat(tmp_path / "a.mat", variables, do_compression=True)
    recording = load_matlab(tmp_path / "a.mat", data="x", trials="y")
    np.testing.assert_array_equal(recording.data, variables["x"])
    content = bytearray((tmp_path / "a.mat").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(ValueError, match="damaged or incomplete"):
        load_matlab(tmp_path / "a.mat", data="x", trials="y")


@pytest.mark.parametrize(("name", "n_examples"), [("old.mat", 100), ("new.mat", 12)])
def test_damaged_bytes_raise_nothing_else(tmp_path, name, n_examples):
    write = {"old.mat": save_old, "new.mat": save_new}[name]
    write(tmp_path / name, {"data": {"unit": structs(cells_of()), "time": TIME}})
    original = (tmp_path / name).read_bytes()
    places = st.integers(0, len(original) - 1)
    changes = st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)

    @settings(max_examples=n_examples, deadline=None)
    @given(changes, places)
    def check(changes, end):
        content = bytearray(original)
        for at, byte in changes:
            content[at] = byte
        (tmp_path / "fuzz.mat").write_bytes(content[: len(original) - end // 10])
        try:
            recording = load_matlab(tmp_path / "fuzz.mat")
        except (OSError, ValueError):
            return
        assert len(recording.data) == len(recording.trials)

    check()
