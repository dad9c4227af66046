"""HDF5 files with plain datasets."""

import numpy as np
import pytest

from neuroselect.datasets import load_hdf5

h5py = pytest.importorskip("h5py")


@pytest.fixture
def path(tmp_path, rng):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["session/rates"] = np.arange(24.0).reshape(4, 3, 2)  # trials, time, units
        file["session/task/context"] = ["a", "b", "b", "a"]
        file["session/task/level"] = [1.0, 2.0, 2.5, np.nan]
        file["session/task/nested/ignored"] = [1]
        table = np.array([(b"x", 1), (b"y", 2)], dtype=[("area", "S1"), ("depth", "i4")])
        file["session/cells"] = table
        file["ms"] = [0.0, 50.0, 100.0]
        file["flat"] = np.arange(4.0)
        file["cell"] = ["m1", "m1", "m0", "m1"]
        file["words"] = ["p", "q"]
    return tmp_path / "a.h5"


def test_groups_tables_and_vectors(path):
    recording = load_hdf5(
        path, data="session/rates", trials="session/task", units="session/cells", time="ms",
        bin_width=50,
    )  # fmt: skip
    np.testing.assert_array_equal(recording.data, np.arange(24.0).reshape(4, 3, 2))
    assert recording.trials["context"].tolist() == ["a", "b", "b", "a"]
    np.testing.assert_array_equal(recording.trials["level"], [1, 2, 2.5, np.nan])
    assert recording.units["area"].tolist() == ["x", "y"]
    assert recording.time.tolist() == [0, 50, 100]


def test_axes_and_long_form(path):
    turned = load_hdf5(
        path, data="session/rates", trials={"y": "words"}, time=[0, 10, 20],
        axes=("units", "time", "trials"),
    )  # fmt: skip
    assert turned.data.shape == (2, 3, 4)
    long = load_hdf5(path, data="flat", trials={"unit": "cell", "y": "session/task/context"})
    assert long.trials["unit"].tolist() == [1, 1, 0, 1]
    assert long.units["name"].tolist() == ["m0", "m1"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": "rates"}, r"has no 'rates', but \['cell', 'flat', 'ms', 'session', 'words'\]"),
        ({"data": "words"}, "words must be an array of real numbers"),
        ({"data": "session"}, "session must be an array of real numbers, got dict"),
        ({"trials": "words"}, "one entry per trial, 4 in session/rates"),
        ({"trials": "session/rates"}, "must be a vector"),
        ({"trials": []}, "trials must have at least one column"),
        ({"units": "cell"}, r"a\.h5: units must have one row per unit of data, got 4"),
        ({"time": [0, 0.05, 0.1]}, "looks like seconds"),
    ],
)
def test_refused(path, options, message):
    needed = {"data": "session/rates", "trials": "session/task", "time": "ms"}
    with pytest.raises(ValueError, match=message):
        load_hdf5(path, **{**needed, **options})


def test_damaged_file(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="cannot be read as an HDF5 file: it is damaged"):
        load_hdf5(path, data="flat", trials="cell")
