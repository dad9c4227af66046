"""Files of any format: recognised by content, described, and loaded through one door."""

import datetime

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat
from scipy.io.matlab import MatlabObject

from neuroselect.cli import main
from neuroselect.datasets import (
    _file_format,
    fetch_park2025,
    inspect_recording,
    load_recording_file,
    load_table,
    save_nwb,
)
from neuroselect.datasets._walk_hdf5 import walk
from neuroselect.recordings import make_container

TABLE = pd.DataFrame(
    {
        "context": ["a", "b", "a", "b"],
        "day": 1,
        "cell_1": [1.5, 2.5, np.nan, 4.0],
    }
)


def write_nwb(path):
    pynwb = pytest.importorskip("pynwb")
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    file = pynwb.NWBFile("a test", "test", start)
    file.add_trial_column(name="context", description="rule")
    for k in range(4):
        file.add_trial(start_time=float(k), stop_time=k + 0.5, context="ab"[k % 2])
    for times in ([0.1, 1.1], []):
        file.add_unit(spike_times=times)
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)


def write_hdf5(path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["session/rates"] = np.ones((4, 3))
        file["y"] = [0, 1, 0, 1]


def write_nifti(path):
    nibabel = pytest.importorskip("nibabel")
    nibabel.save(nibabel.Nifti1Image(np.ones((2, 3, 1, 5)), np.eye(4)), path)


def write_parquet(path):
    pytest.importorskip("pyarrow")
    TABLE.to_parquet(path)


WRITERS = {
    "matlab": ("a.mat", lambda path: savemat(path, {"rates": np.ones((4, 3)), "y": [0, 1, 0, 1]})),
    "nwb": ("a.nwb", write_nwb),
    "hdf5": ("a.h5", write_hdf5),
    "nifti": ("a.nii.gz", write_nifti),
    "csv": ("a.csv", lambda path: TABLE.to_csv(path, index=False)),
    "parquet": ("a.parquet", write_parquet),
}
OPTIONS = {
    "matlab": {"data": "rates", "trials": "y"},
    "nwb": {"window": (0, 200), "bin_width": 100},
    "hdf5": {"data": "session/rates", "trials": "y"},
    "nifti": {},
    "csv": {"units": "cell_*"},
    "parquet": {"units": "cell_*"},
}


@pytest.fixture(params=list(WRITERS))
def file(request, tmp_path):
    name, write = WRITERS[request.param]
    write(tmp_path / name)
    return request.param, tmp_path / name


def test_one_door(file):
    found, path = file
    recording = load_recording_file(path, **OPTIONS[found])
    assert len(recording.trials) == (5 if found == "nifti" else 4)
    with pytest.raises(ValueError, match=r"has the options \[.*got \['speed'\]"):
        load_recording_file(path, speed=1)


def test_options_that_are_needed(tmp_path):
    write_hdf5(tmp_path / "a.h5")
    with pytest.raises(ValueError, match=r"load_hdf5 needs the options \['data', 'trials'\]"):
        load_recording_file(tmp_path / "a.h5")


def test_every_format_is_described(file):
    found, path = file
    description = inspect_recording(path)
    assert description.format == found
    assert len(description.variables) > 0
    assert description.needs
    assert str(path) in description.text
    assert description.reader in description.text


@pytest.mark.parametrize("suffix", [".mat", ".nwb", ".nii", ".csv", ".parquet", ".h5"])
def test_files_that_are_not_what_their_name_says(file, suffix):
    found, path = file
    wrong = path.with_name(f"wrong{suffix}")
    wrong.write_bytes(path.read_bytes())
    allowed = {"hdf5": [".h5"], "nwb": [".nwb", ".h5"], "matlab": [".mat"], "nifti": [".nii"]}
    if suffix in allowed.get(found, [f".{found}"]):
        if found != "nifti":
            assert inspect_recording(wrong).format == found
            return
        with pytest.raises(ValueError, match=r"compressed by gzip: its name must end in \.nii\.gz"):
            inspect_recording(wrong)
        return
    for function in (inspect_recording, load_recording_file):
        with pytest.raises(ValueError, match=r"not what its name says: by its content it is an? "):
            function(wrong)


@pytest.mark.parametrize(
    "script", ["import os; os.abort()", "import time; time.sleep(60)"], ids=["crash", "hang"]
)
def test_a_file_on_which_the_library_crashes(tmp_path, monkeypatch, script):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = [1.0]
    (tmp_path / "_walk_hdf5.py").write_text(script)
    monkeypatch.setattr(_file_format, "__file__", str(tmp_path / "_file_format.py"))
    monkeypatch.setattr(_file_format, "_WALK_SECONDS", 3)
    with pytest.raises(ValueError, match="the HDF5 library crashes or hangs on it"):
        load_recording_file(tmp_path / "a.h5", data="x", trials="x")


def test_the_walk_reads_what_there_is(tmp_path, capsys):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["group/text"] = ["a", "b"]
        file["group"].attrs["unit"] = "ms"
        file.create_dataset("large", shape=(600, 600), dtype="f8", chunks=(10, 10))
    walk(tmp_path / "a.h5")
    (tmp_path / "b.h5").write_bytes((tmp_path / "a.h5").read_bytes()[:900])
    with pytest.raises(OSError, match="truncated"):
        walk(tmp_path / "b.h5")


def test_columns_of_nwb(tmp_path):
    write_nwb(tmp_path / "a.nwb")
    description = inspect_recording(tmp_path / "a.nwb")
    kinds = dict(zip(description.columns["name"], description.columns["kind"], strict=True))
    assert kinds == {"start_time": "event", "stop_time": "event", "context": "factor"}
    assert "2 spikes, 1 units without any" in description.text
    assert "context: 2 value(s): a, b" in description.text
    assert "--align EVENT --window" in description.text


def test_columns_of_tables(tmp_path):
    TABLE.to_csv(tmp_path / "a.csv", index=False)
    columns = inspect_recording(tmp_path / "a.csv").columns.set_index("name")
    assert columns["kind"].to_dict() == {"context": "factor", "day": "constant", "cell_1": "other"}
    assert columns.loc["cell_1", "n_missing"] == 1


def test_a_saved_recording(tmp_path):
    pytest.importorskip("pynwb")
    recording = make_container(np.ones((4, 2)), {"y": [0, 1, 0, 1]})
    save_nwb(recording, tmp_path / "a.nwb")
    description = inspect_recording(tmp_path / "a.nwb")
    assert description.needs == ["--task COLUMN --factors COLUMN,COLUMN"]
    assert description.columns["values"].tolist() == [[0, 1]]


def test_the_toolbox_layout(data_folder):
    description = inspect_recording(data_folder / "park2025/firingRates_early_delay.mat")
    columns = description.columns.set_index("name")
    assert columns["kind"].to_dict() == {"look": "factor", "direction": "factor"}
    assert "units  319" in description.text
    park = fetch_park2025(data_home=data_folder, download_if_missing=False)
    assert f"trials  {len(park.trials)}" in description.text


def test_objects_and_times_in_seconds(tmp_path):
    thing = MatlabObject(np.array([[(1.0,)]], dtype=[("expr", object)]), "inline")
    unit = {"response": np.ones((4, 3)), "task_variable": {"y": [0, 1, 0, 1]}}
    data = {"unit": unit, "time": [0.0, 0.05, 0.1]}
    savemat(tmp_path / "a.mat", {"odd": {"f": thing}, "data": data})
    description = inspect_recording(tmp_path / "a.mat")
    assert description.needs == ["--task COLUMN --factors COLUMN,COLUMN", "time_unit='s'"]
    assert "odd.*" in description.variables["name"].tolist()
    assert "0 to 100 ms" in description.text


def test_structs_are_listed(data_folder):
    text = inspect_recording(data_folder / "flesch2022/paper_mante_monkeyA_rdms.mat").text
    assert "rdms_monkeyA.respmat  762 x 72  float64" in text
    assert "data and trials, names of variables" in text


def test_the_command(tmp_path, capsys):
    TABLE.to_csv(tmp_path / "a.csv", index=False)
    assert main(["inspect", str(tmp_path / "a.csv")]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{tmp_path / 'a.csv'}: a table as text, read by load_table")
    assert "context: 2 value(s): a, b" in out
    assert main(["inspect", str(tmp_path / "none.csv")]) == 2
    assert "No such file" in capsys.readouterr().err
    (tmp_path / "a.mat").write_text("a,b\n")
    assert main(["inspect", str(tmp_path / "a.mat")]) == 2
    assert "is not what its name says" in capsys.readouterr().err


def test_long_lists_are_cut(tmp_path):
    table = pd.DataFrame({f"c{k}": np.arange(4) % 2 for k in range(30)})
    table.to_csv(tmp_path / "a.csv", index=False)
    text = inspect_recording(tmp_path / "a.csv").text
    assert "and 10 more" in text
    assert load_table(tmp_path / "a.csv", units="c?").data.shape == (4, 10)
