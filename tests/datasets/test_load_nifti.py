"""NIfTI series: voxels, labels, runs, cleaning, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score

from neuroselect.datasets import fetch_haxby_slice, load_nifti
from neuroselect.recordings import select

nibabel = pytest.importorskip("nibabel")

AFFINE = np.array([[-3.0, 0, 0, 10], [0, 3, 0, -20], [0, 0, 4, 5], [0, 0, 0, 1]])
LABELS = {"label": np.resize(["face", "house"], 12), "run": np.repeat([0, 1], 6)}


def save(path, values, affine=AFFINE):
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return path


@pytest.fixture
def series(rng, tmp_path):
    values = rng.normal(size=(4, 3, 2, 12)).astype(np.float32)
    mask = rng.random((4, 3, 2)) > 0.4
    mask[0, 0, 0] = True
    return values, mask, save(tmp_path / "bold.nii.gz", values)


@pytest.mark.parametrize("as_file", [False, True])
def test_voxels(series, tmp_path, as_file):
    values, mask, path = series
    given_mask = save(tmp_path / "mask.nii", mask.astype(np.uint8)) if as_file else mask
    recording = load_nifti(path, mask=given_mask, labels=LABELS, detrend=False, standardize=False)
    i, j, k = recording.units[["i", "j", "k"]].to_numpy().T
    np.testing.assert_array_equal(recording.data, values[i, j, k].T)
    places = nibabel.affines.apply_affine(AFFINE, np.column_stack([i, j, k]))
    np.testing.assert_allclose(recording.units[["x", "y", "z"]], places)
    np.testing.assert_array_equal(recording.affine, AFFINE)
    back = np.zeros(mask.shape)
    back[recording.mask] = recording.data[3]
    np.testing.assert_array_equal(back, np.where(mask, values[..., 3], 0))
    assert recording.trials["volume"].tolist() == [*range(6), *range(6)]


def test_no_mask_and_no_labels(series):
    values, _, path = series
    recording = load_nifti(path, standardize=False, detrend=False)
    assert recording.data.shape == (12, 24)
    assert recording.trials["run"].tolist() == [0] * 12
    np.testing.assert_array_equal(recording.data, values.reshape(24, 12).T)


def test_cleaning_against_least_squares(series):
    _, mask, path = series
    raw = load_nifti(path, mask=mask, labels=LABELS, detrend=False, standardize=False).data
    data = load_nifti(path, mask=mask, labels=LABELS).data
    line = np.column_stack([np.ones(6), np.arange(6)])
    for rows in (slice(0, 6), slice(6, 12)):
        left = raw[rows] - line @ np.linalg.lstsq(line, raw[rows], rcond=None)[0]
        np.testing.assert_allclose(data[rows], left / left.std(axis=0, ddof=1), atol=1e-10)
        np.testing.assert_allclose(data[rows].mean(axis=0), 0, atol=1e-12)
    scaled = load_nifti(path, mask=mask, labels=LABELS, detrend=False).data
    np.testing.assert_allclose(scaled[:6], (raw[:6] - raw[:6].mean(0)) / raw[:6].std(0, ddof=1))


def test_a_run_does_not_change_another(series, tmp_path):
    values, mask, path = series
    changed = values.copy()
    changed[..., :6] *= 100
    other = save(tmp_path / "other.nii", changed)
    one, two = (load_nifti(p, mask=mask, labels=LABELS).data for p in (path, other))
    np.testing.assert_array_equal(one[6:], two[6:])


def test_constant_voxels_are_zero(tmp_path, rng):
    values = rng.normal(size=(2, 1, 1, 12))
    values[0] = 1e6 + 0.1
    data = load_nifti(save(tmp_path / "a.nii", values), labels=LABELS).data
    assert (data[:, 0] == 0).all()
    assert data[:, 1].std() > 0.5


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("words.txt", "\n".join(f"{a} {b}" for a, b in zip(*LABELS.values(), strict=True))),
        (
            "named.txt",
            "\n".join(["label run", *(f"{a} {b}" for a, b in zip(*LABELS.values(), strict=True))]),
        ),
        ("table.csv", pd.DataFrame(LABELS).to_csv(index=False)),
        ("table.tsv", pd.DataFrame(LABELS).to_csv(index=False, sep="\t")),
    ],
)
def test_label_files(series, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    recording = load_nifti(series[2], labels=tmp_path / name)
    assert recording.trials["label"].tolist() == LABELS["label"].tolist()
    assert recording.trials["run"].tolist() == LABELS["run"].tolist()


def test_runs(series):
    by_array = load_nifti(series[2], labels=LABELS["label"], runs=LABELS["run"])
    by_column = load_nifti(series[2], labels={"block": LABELS["run"]}, runs="block")
    np.testing.assert_array_equal(by_array.data, by_column.data)
    assert by_column.trials.columns.tolist() == ["block", "run", "volume"]


def test_haxby(data_folder):
    folder = data_folder / "haxby2001"
    recording = load_nifti(
        folder / "bold.nii.gz",
        mask=folder / "mask.nii.gz",
        labels=folder / "attributes_literal.txt",
    )
    haxby = fetch_haxby_slice(data_home=data_folder, download_if_missing=False)
    pd.testing.assert_frame_equal(recording.units, haxby.units)
    assert recording.trials["label"].tolist() == haxby.trials["category"].tolist()
    signal = pytest.importorskip("nilearn.signal")
    expected = signal.clean(
        haxby.data, runs=haxby.trials["run"].to_numpy(), standardize="zscore_sample"
    )
    np.testing.assert_allclose(recording.data, expected, atol=1e-9)


def test_decoding_across_runs_of_haxby(data_folder):
    folder = data_folder / "haxby2001"
    recording = load_nifti(
        folder / "bold.nii.gz",
        mask=folder / "mask.nii.gz",
        labels=folder / "attributes_literal.txt",
    )
    recording = select(recording, trials="label in ['face', 'house']")
    scores = cross_val_score(
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
        recording.data,
        recording.trials["label"],
        groups=recording.trials["run"],
        cv=LeaveOneGroupOut(),
    )
    assert scores.mean() > 0.8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": ["face"] * 11}, "labels must have one row per volume of .*, 12, got 11"),
        ({"labels": [["face"]]}, r"labels must have shape \(n_volumes,\)"),
        ({"labels": {"volume": range(12)}}, "must not have a column 'volume'"),
        ({"runs": "session"}, r"runs must be a column of labels, \[\], or an array, got 'session'"),
        ({"runs": [0, 1]}, r"one entry per volume of .*, 12, got \(2,\)"),
        ({"runs": [0, 1] * 6}, "in one piece each, got 2 in 12 pieces"),
        ({"runs": [0] * 11 + [1]}, "at least 3 volumes to be detrended or scaled, got 1"),
        ({"mask": np.ones((4, 3, 3))}, r"mask must have the shape \(4, 3, 2\).*got \(4, 3, 3\)"),
        ({"mask": np.zeros((4, 3, 2))}, "keep at least one voxel, got none"),
        ({"mask": np.full((4, 3, 2), np.nan)}, "mask must be finite"),
    ],
)
def test_refused(series, options, message):
    with pytest.raises(ValueError, match=message):
        load_nifti(series[2], **options)


def test_refused_files(series, tmp_path):
    values, mask, path = series
    moved = save(tmp_path / "moved.nii", mask.astype(np.uint8), AFFINE + np.eye(4, k=3))
    with pytest.raises(ValueError, match=r"moved\.nii must lie in the space of .*up to 1 mm"):
        load_nifti(path, mask=moved)
    with pytest.raises(ValueError, match="must be a series of volumes"):
        load_nifti(moved)
    content = bytearray(save(tmp_path / "nowhere.nii", values).read_bytes())
    content[280:284] = np.float32(np.nan).tobytes()  # srow_x of the header
    (tmp_path / "nowhere.nii").write_bytes(content)
    with pytest.raises(ValueError, match="must have a finite affine"):
        load_nifti(tmp_path / "nowhere.nii")
    values[1, 1, 1, 1] = np.nan
    with pytest.raises(ValueError, match="must be finite in all voxels of the mask, got 1"):
        load_nifti(save(tmp_path / "nan.nii", values))
    (tmp_path / "cut.nii.gz").write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"cut\.nii\.gz cannot be read as a NIfTI image"):
        load_nifti(tmp_path / "cut.nii.gz")
    (tmp_path / "bold.dat").write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match=r"compressed by gzip: its name must end in \.nii\.gz"):
        load_nifti(tmp_path / "bold.dat")
    (tmp_path / "text.nii").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="must be a NIfTI image, but by its content it is a table"):
        load_nifti(tmp_path / "text.nii")
    (tmp_path / "packed.nii.gz").write_bytes(b"\x1f\x8b" + b"\0" * 20)
    with pytest.raises(ValueError, match="compressed by gzip, and no NIfTI image"):
        load_nifti(tmp_path / "packed.nii.gz")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rest 0\n" * 11, "one row per volume of .*, 12, got 11"),
        ("rest 0\n" * 13, "one row per volume of .*, 12, got 13"),
        ("rest 0\nrest\n", r"as many words in each line, got \[1, 2\]"),
        ("rest 0 3\n" * 12, "one or two words per line"),
    ],
)
def test_bad_label_files(series, tmp_path, text, message):
    (tmp_path / "labels.txt").write_text(text)
    with pytest.raises(ValueError, match=message):
        load_nifti(series[2], labels=tmp_path / "labels.txt")


@settings(max_examples=50, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_damaged_bytes_raise_nothing_else(tmp_path_factory, name, data):
    path = tmp_path_factory.getbasetemp() / f"fuzz_{name}"
    content = bytearray(save(path, np.ones((2, 2, 2, 4), np.int16)).read_bytes())
    places = st.integers(0, min(len(content), 400) - 1)
    for at, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
        content[at] = byte
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        recording = load_nifti(path)
    except (OSError, ValueError):
        return
    assert len(recording.data) == len(recording.trials)
