import builtins
import gzip
import re

import numpy as np
import pytest
from scipy.signal import detrend
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score

from neuroselect.datasets import fetch_haxby_slice
from neuroselect.datasets._haxby import read_attributes, read_image

nibabel = pytest.importorskip("nibabel")


@pytest.fixture(scope="module")
def haxby(data_folder):
    return fetch_haxby_slice(data_home=data_folder, download_if_missing=False)


def test_shapes(haxby):
    assert haxby.data.shape == (1452, 530)
    assert haxby.data.dtype == np.float64
    assert haxby.data.flags.c_contiguous
    assert haxby.time is None
    assert list(haxby.trials.columns) == ["category", "run", "volume"]
    assert list(haxby.units.columns) == ["i", "j", "k", "x", "y", "z"]
    for text in ("10.1126/science.1063736", "licence", "1452", "530", "2.5 s"):
        assert text in haxby.DESCR


def test_voxels_are_where_units_says(haxby, data_folder):
    # Against the bytes of the file: Fortran order, behind a header of 352 bytes.
    raw = gzip.decompress((data_folder / "haxby2001/bold.nii.gz").read_bytes())[352:]
    image = np.frombuffer(raw, dtype="<i2").reshape((40, 20, 1, 1452), order="F")
    i, j, k = haxby.units[["i", "j", "k"]].to_numpy().T
    np.testing.assert_array_equal(haxby.data, image[i, j, k].T)
    assert haxby.mask.sum() == 530
    values = np.zeros(haxby.mask.shape)
    values[haxby.mask] = np.arange(530)
    np.testing.assert_array_equal(values[i, j, k], np.arange(530))


def test_places_of_voxels(haxby):
    from nibabel.affines import apply_affine

    voxels = haxby.units[["i", "j", "k"]].to_numpy()
    places = haxby.units[["x", "y", "z"]].to_numpy()
    np.testing.assert_allclose(places, apply_affine(haxby.affine, voxels))
    sizes = np.linalg.norm(haxby.affine[:3, :3], axis=0)
    np.testing.assert_allclose(sizes, [3.1, 3.75, 3.75], rtol=1e-6)


def test_design(haxby):
    trials = haxby.trials
    assert trials["category"].value_counts().to_dict() == {
        "rest": 588,
        **dict.fromkeys(
            ["bottle", "cat", "chair", "face", "house", "scissors", "scrambledpix", "shoe"], 108
        ),
    }
    assert trials.groupby("run").size().tolist() == [121] * 12
    block = (trials["category"] != trials["category"].shift()).cumsum()
    blocks = trials.groupby(block)["category"].agg(["first", "size"])
    assert set(blocks.loc[blocks["first"] != "rest", "size"]) == {9}
    assert len(blocks[blocks["first"] != "rest"]) == 12 * 8


def test_neighbours_in_the_table_are_neighbours_in_the_brain(haxby):
    # Would notice a mask in another axis order than the volumes: noise is spatially smooth.
    centred = haxby.data - haxby.data.mean(axis=0)
    correlation = np.corrcoef(centred.T)
    voxels = haxby.units[["i", "j"]].to_numpy()
    distance = np.abs(voxels[:, None] - voxels).sum(axis=-1)
    assert correlation[distance == 1].mean() > correlation[distance > 10].mean() + 0.1


def test_categories_are_decoded_across_runs(haxby, rng):
    trials, X = haxby.trials, haxby.data.copy()
    for rows in trials.groupby("run").indices.values():
        X[rows] = detrend(X[rows], axis=0) / X[rows].std(axis=0)
    shown = trials[trials["category"] != "rest"]
    blocks = shown.groupby(["run", "category"]).indices
    rows = shown.index.to_numpy()
    patterns = np.array([X[rows[block]].mean(axis=0) for block in blocks.values()])
    runs, categories = (np.array(column) for column in zip(*blocks, strict=True))
    permuted = np.concatenate([rng.permutation(categories[runs == run]) for run in range(12)])
    decoder = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")

    def accuracy(labels):
        return cross_val_score(decoder, patterns, labels, groups=runs, cv=LeaveOneGroupOut()).mean()

    assert accuracy(categories) > 0.85  # chance is 1/8
    assert accuracy(permuted) < 0.3


def write(folder, shape, dtype=np.float32, fill=1.0):
    path = folder / "a.nii.gz"
    nibabel.Nifti1Image(np.full(shape, fill, dtype), np.eye(4)).to_filename(path)
    return path


def test_read_image(tmp_path, rng):
    values, affine = rng.random((3, 4, 2)).astype(np.float32), np.diag([2.0, 3, 4, 1])
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_slope_inter(2, 5)
    image.to_filename(tmp_path / "a.nii.gz")
    found, found_affine = read_image(tmp_path / "a.nii.gz", (3, 4, 2))
    np.testing.assert_allclose(found, 2 * values + 5.0, rtol=1e-6)
    np.testing.assert_array_equal(found_affine, affine)


@pytest.mark.parametrize(
    ("shape", "fill", "match"),
    [
        ((3, 4), 1.0, r"finite values of shape \(3, 4, 2\), got shape \(3, 4\)"),
        ((3, 4, 2), np.nan, "finite values"),
    ],
)
def test_other_images(shape, fill, match, tmp_path):
    with pytest.raises(ValueError, match=match):
        read_image(write(tmp_path, shape, fill=fill), (3, 4, 2))


def test_damaged_image(tmp_path):
    path = write(tmp_path, (30, 40, 2))
    content = path.read_bytes()
    match = f"{re.escape(str(path))} cannot be read as a NIfTI-1 file"
    for damaged in (b"", b"hello", content[:50], content[:-20], gzip.compress(b"x" * 500)):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=match):
            read_image(path, (30, 40, 2))


def test_absent_image_is_not_called_malformed(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_image(tmp_path / "a.nii.gz", (3, 4, 2))


@pytest.mark.parametrize(
    "text", ["", "rest 0\n", "rest 0\n" * 1452, "rest\n" * 1452, "dog 0\n" + "rest 0\n" * 1451]
)
def test_other_attributes(text, tmp_path):
    path = tmp_path / "attributes.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match="does not have the expected layout: 1452 lines of a cat"):
        read_attributes(path)


def test_without_nibabel(tmp_path, monkeypatch):
    real_import = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "nibabel":
            raise ImportError("No module named 'nibabel'")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"needs nibabel. Install it with .*neuroselect\[fmri\]"):
        read_image(tmp_path / "a.nii.gz", (3, 4, 2))
