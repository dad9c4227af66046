import contextlib
import gzip
import itertools
import re
import struct
import urllib.error
from http.client import IncompleteRead

import numpy as np
import pytest
import sklearn.datasets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils import Bunch

from neuroselect.datasets import fetch_mnist
from neuroselect.datasets._mnist import TEST_COUNTS, TRAIN_COUNTS, read_idx


@pytest.fixture(scope="module")
def mnist(data_folder):
    return fetch_mnist(data_home=data_folder, download_if_missing=False)


def idx(array, kind=8):
    """Write an IDX file's bytes value by value."""
    content = bytes([0, 0, kind, array.ndim])
    for size in array.shape:
        content += struct.pack(">I", size)
    for value in array.flat:
        content += struct.pack("B", value)
    return content


def store(folder, content, compress=True):
    path = folder / "a-ubyte.gz"
    path.write_bytes(gzip.compress(content) if compress else content)
    return path


def test_shapes(mnist):
    assert mnist.data.shape == (10_000, 784)
    assert mnist.data.dtype == np.float64
    assert mnist.data.flags.c_contiguous
    assert mnist.target.shape == (10_000,)
    assert mnist.target.dtype == np.int64
    assert mnist.image_shape == (28, 28)
    for text in ("LeCun, C. Cortes and C. J. C. Burges", "10.1109/5.726791", "licence"):
        assert text in mnist.DESCR


def test_known_facts_of_the_test_set(mnist):
    assert mnist.data.min() == 0
    assert mnist.data.max() == 255
    np.testing.assert_array_equal(mnist.data, mnist.data.round())
    assert mnist.data.mean() / 255 == pytest.approx(0.1325, abs=5e-5)
    np.testing.assert_array_equal(mnist.target[:10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9])
    np.testing.assert_array_equal(np.bincount(mnist.target), TEST_COUNTS)


def test_pixels_are_rows_of_the_image(mnist):
    # A one is a vertical stroke: it fills few columns and many rows.
    ones = mnist.data[mnist.target == 1].reshape(-1, *mnist.image_shape) > 127
    n_rows, n_columns = ones.any(axis=2).sum(axis=1), ones.any(axis=1).sum(axis=1)
    assert n_rows.mean() > 1.8 * n_columns.mean()


def test_labels_belong_to_the_images(mnist):
    train, test = slice(2000), slice(9000, None)
    decoder = KNeighborsClassifier(3).fit(mnist.data[train], mnist.target[train])
    assert decoder.score(mnist.data[test], mnist.target[test]) > 0.85
    assert decoder.score(mnist.data[test], np.roll(mnist.target[test], 1)) < 0.15


def test_arrays_instead_of_a_bunch(data_folder, mnist):
    data, target = fetch_mnist(data_home=str(data_folder), return_X_y=True)
    np.testing.assert_array_equal(data, mnist.data)
    np.testing.assert_array_equal(target, mnist.target)
    data[:] = 0
    target[:] = 0
    assert mnist.data.any()
    assert mnist.target.any()


def test_environment_variable(data_folder, mnist, monkeypatch):
    monkeypatch.setenv("NEUROSELECT_DATA", str(data_folder))
    np.testing.assert_array_equal(fetch_mnist().target, mnist.target)


def test_missing_file(tmp_path):
    match = r"t10k-images-idx3-ubyte.gz does not exist.*Get https://raw.*TomGeorge1234"
    with pytest.raises(FileNotFoundError, match=match):
        fetch_mnist(data_home=tmp_path, download_if_missing=False)


def test_another_file_under_the_name(tmp_path):
    path = tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz"
    path.parent.mkdir()
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match="is not the expected file: its SHA-256"):
        fetch_mnist(data_home=tmp_path)


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4)])
def test_read_idx(shape, rng, tmp_path):
    array = rng.integers(0, 256, shape, dtype=np.uint8)
    read = read_idx(store(tmp_path, idx(array)), shape)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)


ARRAY = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "starts with nothing, expected 00000802"),
        (b"\0\0", "starts with 0000, expected 00000802"),
        (idx(ARRAY, kind=9), "starts with 000009020000000300000004, expected 00000802"),
        (idx(ARRAY.ravel()), "starts with 00000801"),
        (idx(ARRAY.T), "starts with 000008020000000400000003, expected 000008020000000300000004"),
        (b"<!DOCTYPE html><html>", "starts with 3c21"),
        (idx(ARRAY)[:-1], "truncated or has bytes to spare: it holds 11 values.* expected 12"),
        (idx(ARRAY)[:12], "truncated or has bytes to spare: it holds 0 values"),
        (idx(ARRAY) + b"\0", "truncated or has bytes to spare: it holds 13 values"),
    ],
)
def test_not_the_expected_idx_file(content, match, tmp_path):
    with pytest.raises(ValueError, match=match):
        read_idx(store(tmp_path, content), ARRAY.shape)


@pytest.mark.parametrize(
    "content",
    [
        b"hello",
        idx(ARRAY),
        gzip.compress(idx(ARRAY))[:-9],
        gzip.compress(idx(ARRAY))[:12],
        gzip.compress(idx(ARRAY))[:10] + b"\xff" * 30,
        gzip.compress(idx(ARRAY))[:-8] + b"\0" * 8,
    ],
)
def test_not_a_gzip_file(content, tmp_path):
    path = store(tmp_path, content, compress=False)
    match = f"{re.escape(str(path))} cannot be read as a gzip file .* Delete it"
    with pytest.raises(ValueError, match=match):
        read_idx(path, ARRAY.shape)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_damaged_files_never_pass_for_others(data, tmp_path):
    content = bytearray(gzip.compress(idx(ARRAY)))
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] = data.draw(st.integers(0, 255))
    path = store(tmp_path, bytes(content), compress=False)
    with contextlib.suppress(ValueError):
        np.testing.assert_array_equal(read_idx(path, ARRAY.shape), ARRAY)


def test_absent_path_is_not_called_malformed(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "a.gz", (3,))


@pytest.fixture
def openml(monkeypatch):
    """An OpenML whose images hold their own number, without the memory that they would take."""
    counts = zip(itertools.cycle(range(10)), (*TRAIN_COUNTS, *TEST_COUNTS), strict=False)
    target = np.concatenate([np.full(n, str(digit), dtype=object) for digit, n in counts])
    number = np.arange(70_000.0)[:, None]
    copy = Bunch(data=np.broadcast_to(number, (70_000, 784)), target=target)
    calls = []

    def fetch_openml(name, **kwargs):
        calls.append({"name": name, **kwargs})
        return copy

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch_openml)
    return copy, calls


@pytest.mark.parametrize(("subset", "n_images"), [("train", 60_000), ("all", 70_000)])
def test_full_set(subset, n_images, openml, tmp_path):
    copy, calls = openml
    mnist = fetch_mnist(subset=subset, data_home=tmp_path)
    assert mnist.data.shape == (n_images, 784)
    assert mnist.data.dtype == np.float64
    assert mnist.target.dtype == np.int64
    np.testing.assert_array_equal(mnist.data[:, 0], np.arange(n_images))
    assert mnist.target.tolist() == [int(text) for text in copy.target[:n_images]]
    assert mnist.image_shape == (28, 28)
    assert calls == [
        {"name": "mnist_784", "version": 1, "as_frame": False, "data_home": str(tmp_path)}
    ]


def test_test_set_does_not_go_through_openml(openml, mnist, data_folder):
    _, calls = openml
    fetch_mnist(data_home=data_folder)
    assert calls == []


def test_openml_in_another_order(openml):
    copy, _ = openml
    copy.target = copy.target[::-1]
    with pytest.raises(ValueError, match="mnist_784 from OpenML is not the published data set"):
        fetch_mnist(subset="train")


def test_openml_with_other_images(openml, tmp_path):
    copy, _ = openml
    copy.data = copy.data[:, :64]
    match = rf"got images of shape \(70000, 64\).*Delete {re.escape(str(tmp_path / 'openml'))}"
    with pytest.raises(ValueError, match=match):
        fetch_mnist(subset="all", data_home=tmp_path)


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("no route to host"),
        urllib.error.HTTPError("https://openml.org", 503, "down", None, None),
        TimeoutError("too slow"),
        IncompleteRead(b""),
        EOFError("ended before"),
        ValueError("md5 checksum of local file does not match"),
    ],
)
def test_openml_cannot_be_reached(error, monkeypatch, tmp_path):
    def fetch_openml(*args, **kwargs):
        raise error

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch_openml)
    match = (
        rf"Could not fetch the data set mnist_784 from OpenML \({type(error).__name__}: .*"
        rf"copy FOLDER/openml into the folder {re.escape(str(tmp_path))}, or .*subset='test'"
    )
    with pytest.raises(OSError, match=match) as caught:
        fetch_mnist(subset="all", data_home=tmp_path)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("subset", ["train", "all"])
def test_full_set_may_download(subset, openml):
    with pytest.raises(ValueError, match=f"needs subset='test', got subset='{subset}'"):
        fetch_mnist(subset=subset, download_if_missing=False)
    assert openml[1] == []


@pytest.mark.parametrize(
    "kwargs",
    [{"subset": "validation"}, {"data_home": 3}, {"download_if_missing": 1.0}, {"return_X_y": 2}],
)
def test_bad_parameters(kwargs):
    (name,) = kwargs
    with pytest.raises(ValueError, match=f"The {name!r} parameter of fetch_mnist must be"):
        fetch_mnist(**kwargs)
