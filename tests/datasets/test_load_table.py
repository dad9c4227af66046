"""CSV and Parquet: wide and long tables, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroselect.datasets import load_table

WIDE = pd.DataFrame(
    {"context": ["none", "null", "none"], "cell_1": [1.5, np.nan, 0.1], "cell_2": [3, 1, 2]}
)


def write(table, path):
    if path.suffix == ".parquet":
        pytest.importorskip("pyarrow")
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.parquet"])
@pytest.mark.parametrize(
    "options",
    [
        {"units": "cell_*"},
        {"units": ["cell_1", "cell_2"], "trials": ["context"]},
        {"trials": ["context"]},
    ],
)
def test_wide(tmp_path, name, options):
    recording = load_table(write(WIDE, tmp_path / name), **options)
    np.testing.assert_array_equal(recording.data, WIDE[["cell_1", "cell_2"]])
    assert recording.trials["context"].tolist() == ["none", "null", "none"]
    assert list(recording.trials.columns) == ["context"]
    assert recording.units["name"].tolist() == ["cell_1", "cell_2"]


def test_numbers_are_exact(tmp_path, rng):
    values = rng.normal(size=(50, 2)) * 10.0 ** rng.integers(-30, 30, size=(50, 2))
    table = pd.DataFrame(values, columns=["u1", "u2"]).assign(y=np.arange(50))
    np.testing.assert_array_equal(
        load_table(write(table, tmp_path / "a.csv"), units="u*").data, values
    )


def long_table(rng, n_trials=3, n_times=4, n_units=2):
    """Return a cube (n_trials, n_times, n_units) and its shuffled long table."""
    data = rng.normal(size=(n_trials, n_times, n_units))
    trial, sample, unit = np.indices(data.shape).reshape(3, -1)
    table = pd.DataFrame(
        {
            "cell": np.array(["b", "a", "c"])[unit],
            "area": np.array(["PFC", "V1", "V4"])[unit],
            "trial": trial + 10,
            "context": np.array(["x", "y", "x"])[trial],
            "ms": sample * 10.0,
            "rate": data.ravel(),
        }
    )
    return data, table


LONG = {"value": "rate", "unit": "cell", "time": "ms", "units": "area"}


def test_long_simultaneous(tmp_path, rng):
    data, table = long_table(rng)
    path = write(table.sample(frac=1, random_state=1), tmp_path / "a.csv")
    recording = load_table(path, simultaneous=True, **LONG)
    order = np.argsort(recording.trials["trial"].to_numpy())
    by_name = np.argsort(recording.units["name"].to_numpy())[::-1]
    np.testing.assert_array_equal(recording.data[order][:, :, by_name], data)
    assert recording.trials["context"][order].tolist() == ["x", "y", "x"]
    assert recording.units["area"][by_name].tolist() == ["PFC", "V1"]
    assert recording.time.tolist() == [0, 10, 20, 30]


def test_long_apart(tmp_path, rng):
    data, table = long_table(rng)
    table = table[(table["cell"] == "b") | (table["trial"] < 12)]
    table.loc[(table["cell"] == "a"), "context"] = "z"
    path = write(table, tmp_path / "a.csv")
    recording = load_table(path, simultaneous=False, **LONG)
    assert recording.trials["unit"].tolist() == [0, 0, 0, 1, 1]
    assert recording.trials["trial"].tolist() == [10, 11, 12, 10, 11]
    assert recording.trials["context"].tolist() == ["x", "y", "x", "z", "z"]
    np.testing.assert_array_equal(recording.data[:3], data[:, :, 0])
    np.testing.assert_array_equal(recording.data[3:], data[:2, :, 1])
    assert recording.units["name"].tolist() == ["b", "a"]
    with pytest.raises(
        ValueError, match=r"must be the same in all rows of a trial.*simultaneous=F"
    ):
        load_table(path, simultaneous=True, missing="nan", **LONG)
    with pytest.raises(ValueError, match="simultaneous must be True if units"):
        load_table(path, **LONG)


def test_long_without_time(tmp_path, rng):
    data, table = long_table(rng, n_times=1)
    path = write(table.drop(columns="ms"), tmp_path / "a.csv")
    options = {"value": "rate", "unit": "cell", "units": "area"}
    np.testing.assert_array_equal(load_table(path, simultaneous=True, **options).data, data[:, 0])
    np.testing.assert_array_equal(
        load_table(path, simultaneous=False, **options).data, data[:, 0].T.ravel()
    )


def test_wide_with_time(tmp_path, rng):
    data, table = long_table(rng)
    wide = table.pivot(index=["trial", "context", "ms"], columns="cell", values="rate")
    path = write(wide.reset_index().sample(frac=1, random_state=2), tmp_path / "a.csv")
    recording = load_table(path, units=["b", "a"], time="ms")
    order = np.argsort(recording.trials["trial"].to_numpy())
    np.testing.assert_array_equal(recording.data[order], data)
    assert recording.trials["context"][order].tolist() == ["x", "y", "x"]


def test_trials_of_unequal_length(tmp_path, rng):
    data, table = long_table(rng)
    path = write(table[(table["trial"] != 11) | (table["ms"] < 20)], tmp_path / "a.csv")
    with pytest.raises(
        ValueError, match=r"row for each combination of .*24, got 20.*missing='nan'"
    ):
        load_table(path, simultaneous=True, **LONG)
    recording = load_table(path, simultaneous=True, missing="nan", **LONG)
    data[1, 2:] = np.nan
    np.testing.assert_array_equal(recording.data, data)


def test_one_trial(tmp_path):
    assert load_table(write(WIDE[:1], tmp_path / "a.csv"), units="cell_*").data.shape == (1, 2)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a,b\n1,2\n", {}, "which columns are units"),
        ("a,b\n1,2\n", {"units": "x*"}, "a column for each unit, got none"),
        ("a,b\n1,2\n", {"units": ["a", "c"]}, r"\['c'\] missing from \['a', 'b'\]"),
        ("a,b\n1,2\n", {"units": ["a"], "trials": ["a"]}, "one role only"),
        ("a,b\n1,2\n", {"units": "a", "missing": "drop"}, "missing must be 'raise' or 'nan'"),
        ("a,a\n1,2\n", {"units": "a"}, r"different names of columns, got \['a'\]"),
        ("a,\n1,2\n", {"units": "a"}, "a name for each column, got none for column 1"),
        ("a,b\n", {"units": "a"}, "at least one row"),
        ("a,b\n1,2\n3\n", {"units": "a"}, "2 entries in each row.*got 1 in line 3. Is it complete"),
        ("a,b\n1,2,3\n", {"units": "a"}, "2 entries in each row.*got 3 in line 2"),
        ("a,b\n1,x\nlate,y\n", {"units": "a"}, "'a' must hold numbers.*'late' in row 1"),
        ("t,a\n0.1,1\n0.2,2\n", {"value": "a", "time": "t"}, "simultaneous must be"),
    ],
)
def test_bad_tables(tmp_path, text, options, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        load_table(tmp_path / "a.csv", **options)


def test_bad_long_tables(tmp_path, rng):
    _, table = long_table(rng)
    write(pd.concat([table, table[:2]]), tmp_path / "twice.csv")
    with pytest.raises(ValueError, match=r"must have one row for each combination.*2 row"):
        load_table(tmp_path / "twice.csv", simultaneous=True, **LONG)
    write(table.assign(ms=table["ms"] / 1000), tmp_path / "seconds.csv")
    with pytest.raises(ValueError, match=r"seconds.csv: time must be in ms"):
        load_table(tmp_path / "seconds.csv", simultaneous=True, **LONG)
    write(table.assign(trial=[np.nan, *table["trial"][1:]]), tmp_path / "nameless.csv")
    with pytest.raises(ValueError, match="'trial' must have no missing values, got 1"):
        load_table(tmp_path / "nameless.csv", simultaneous=True, **LONG)
    write(table.assign(ms=[np.nan, *table["ms"][1:]]), tmp_path / "timeless.csv")
    with pytest.raises(ValueError, match="'ms' must hold finite times, got 1"):
        load_table(tmp_path / "timeless.csv", simultaneous=True, **LONG)
    write(table.assign(unit=1), tmp_path / "unit.csv")
    with pytest.raises(ValueError, match="have a column 'unit' already"):
        load_table(tmp_path / "unit.csv", simultaneous=False, **LONG)


def test_other_files(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"a,b\n\xff\xfe,2\n")
    with pytest.raises(ValueError, match="of no known format"):
        load_table(tmp_path / "a.csv", units="a")
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + b"\0" * 40)
    with pytest.raises(ValueError, match="cannot be read as a Parquet table: it is damaged"):
        load_table(tmp_path / "a.parquet", units="a")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_damaged_bytes_raise_nothing_else(tmp_path_factory, name, data):
    path = tmp_path_factory.getbasetemp() / f"fuzz_{name}"
    content = bytearray(write(WIDE, path).read_bytes())
    places = st.integers(0, len(content) - 1)
    for at, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
        content[at] = byte
    path.write_bytes(content[: data.draw(places) + 1])
    try:
        recording = load_table(path, units="cell_*")
    except (OSError, ValueError):
        return
    assert len(recording.data) == len(recording.trials)
