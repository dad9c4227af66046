"""Handwritten digits: MNIST, and the format of its files."""

import gzip
import os
import zlib
from http.client import HTTPException
from pathlib import Path
from textwrap import shorten

import numpy as np
from sklearn.utils import Bunch

from neuroselect.datasets._fetch import REGISTRY, fetch_file, get_data_home
from neuroselect.utils._sklearn import StrOptions, validate_params

IMAGES = REGISTRY["mnist/t10k-images-idx3-ubyte.gz"]
LABELS = REGISTRY["mnist/t10k-labels-idx1-ubyte.gz"]
IMAGE_SHAPE = (28, 28)
N_TRAIN, N_TEST = 60_000, 10_000
# How often each digit occurs in the two published sets.
TRAIN_COUNTS = (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
TEST_COUNTS = (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
UNSIGNED_BYTE = 8

DESCR = """\
MNIST: handwritten digits of Y. LeCun, C. Cortes and C. J. C. Burges

Images of 28 x 28 pixels: 60,000 for training and 10,000 for testing, written by different
people. `data` holds the published pixel values from 0 (background) to 255 (ink), flattened row
by row, `target` the digit that was written.

LeCun and Cortes hold the copyright; Keras' documentation of its copy gives the licence as
Creative Commons Attribution-ShareAlike 3.0. The test set is fetched from
https://github.com/TomGeorge1234/WhatMakesNeuronsPicky, the full set from OpenML
(https://www.openml.org/d/554); neither is redistributed with this package. Cite:

LeCun, Bottou, Bengio & Haffner (1998), "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86, 2278-2324, doi:10.1109/5.726791
"""


@validate_params(
    {
        "subset": [StrOptions({"test", "train", "all"})],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_mnist(
    *,
    subset: str = "test",
    data_home: str | os.PathLike | None = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
) -> tuple[np.ndarray, np.ndarray] | Bunch:
    """Load handwritten digits: MNIST's test set, or the full set through OpenML [1]_.

    The two files of the test set (1.7 MB) are downloaded on first use; copies in the data
    folder are used if their SHA-256 is right. The full set goes through
    :func:`sklearn.datasets.fetch_openml`, which checks and keeps its own copy in the folder.

    Parameters
    ----------
    subset : {"test", "train", "all"}, default="test"
        The 10,000 digits of the test set, the 60,000 of the training set, or both, the
        training set first.
    data_home : str, path-like or None, default=None
        Folder of the data files, see :func:`get_data_home`. None takes the environment
        variable ``NEUROSELECT_DATA``, or where that is unset, the platform's cache folder.
    download_if_missing : bool, default=True
        Whether to download the files if the folder does not have them. False is for the test
        set only: `fetch_openml` cannot be told not to download.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    mnist : :class:`~sklearn.utils.Bunch`
        data : ndarray of shape (n_images, 784)
            Pixel values as published, 0 (background) to 255 (ink), as float64; each image is
            flattened row by row.
        target : ndarray of shape (n_images,)
            The digits, 0 to 9, as int64.
        image_shape : tuple
            ``(28, 28)``: rows and columns of an image.
        DESCR : str
            Description, citation and the terms of use.
    (data, target) : tuple if ``return_X_y`` is True

    Raises
    ------
    OSError
        If the files are missing and cannot, or must not, be downloaded.
    ValueError
        If the files in the data folder, or those of OpenML, are not the published ones, or if
        `download_if_missing` is False for another subset than "test".

    See Also
    --------
    make_digit_tasks : Tasks on these digits, or on those that come with scikit-learn.

    References
    ----------
    .. [1] LeCun, Bottou, Bengio & Haffner (1998), Proceedings of the IEEE 86, 2278-2324,
       :doi:`10.1109/5.726791`

    Examples
    --------
    >>> from neuroselect.datasets import fetch_mnist
    >>> mnist = fetch_mnist()  # doctest: +SKIP
    >>> mnist.data.shape, mnist.target[:5]  # doctest: +SKIP
    ((10000, 784), array([7, 2, 1, 0, 4]))
    """
    if subset == "test":
        images, labels = (
            read_idx(
                fetch_file(file, data_home=data_home, download_if_missing=download_if_missing),
                shape,
            )
            for file, shape in ((IMAGES, (N_TEST, *IMAGE_SHAPE)), (LABELS, (N_TEST,)))
        )
        data, target = images.reshape(N_TEST, -1).astype(np.float64), labels.astype(np.int64)
    elif not download_if_missing:
        raise ValueError(
            f"download_if_missing=False needs subset='test', got subset={subset!r}: the full set"
            " comes through sklearn.datasets.fetch_openml, which uses the copy it keeps in the"
            " data folder but downloads where there is none. Pass download_if_missing=True."
        )
    else:
        data, target = fetch_full_mnist(get_data_home(data_home))
        rows = slice(N_TRAIN if subset == "train" else None)
        data, target = data[rows], target[rows]
    if return_X_y:
        return data, target
    return Bunch(data=data, target=target, image_shape=IMAGE_SHAPE, DESCR=DESCR)


def read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Return the array of unsigned bytes of the given shape that a gzipped IDX file holds.

    Raises
    ------
    ValueError
        If the file is damaged, or is not an IDX file of unsigned bytes of this shape.
    """
    with open(path, "rb") as stream:
        try:
            content = gzip.GzipFile(fileobj=stream).read()
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(
                f"{path} cannot be read as a gzip file ({type(error).__name__}: {error})."
                " Delete it to have it downloaded again."
            ) from error
    header = bytes([0, 0, UNSIGNED_BYTE, len(shape)]) + np.array(shape, dtype=">u4").tobytes()
    if content[: len(header)] != header:
        raise ValueError(
            f"{path} is not an IDX file of unsigned bytes of shape {shape}: it starts with"
            f" {content[: len(header)].hex() or 'nothing'}, expected {header.hex()} (the magic"
            " number, then the sizes)."
        )
    n_bytes = len(content) - len(header)
    if n_bytes != np.prod(shape):
        raise ValueError(
            f"{path} is truncated or has bytes to spare: it holds {n_bytes} values after its"
            f" header, expected {np.prod(shape)} for shape {shape}."
        )
    return np.frombuffer(content, dtype=np.uint8, offset=len(header)).reshape(shape)


def fetch_full_mnist(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels (70000, 784) and digits (70000,) of OpenML's copy, training set first."""
    from sklearn.datasets import fetch_openml

    try:
        mnist = fetch_openml("mnist_784", version=1, as_frame=False, data_home=str(folder))
    except (OSError, ValueError, EOFError, HTTPException) as error:
        raise OSError(
            "Could not fetch the data set mnist_784 from OpenML"
            f" ({type(error).__name__}: {shorten(str(error), 300)}). Run"
            " sklearn.datasets.fetch_openml('mnist_784', version=1, data_home=FOLDER) where there"
            f" is a network and copy FOLDER/openml into the folder {folder}, or take the test set"
            " with subset='test'."
        ) from error
    data = np.asarray(mnist.data, dtype=np.float64)
    target = np.asarray(mnist.target).astype(np.int64)
    shape = (N_TRAIN + N_TEST, np.prod(IMAGE_SHAPE))
    counts = [
        tuple(np.bincount(part, minlength=10).tolist())
        for part in (target[:N_TRAIN], target[N_TRAIN:])
    ]
    if data.shape != shape or counts != [TRAIN_COUNTS, TEST_COUNTS]:
        raise ValueError(
            f"mnist_784 from OpenML is not the published data set: expected images of shape {shape}"
            f" with {TRAIN_COUNTS} zeros, ones, ... for training and {TEST_COUNTS} for testing;"
            f" got images of shape {data.shape} and the counts {counts}."
            f" Delete {folder / 'openml'} to have it fetched again."
        )
    return data, target
