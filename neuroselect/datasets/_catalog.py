"""The data sets that can be fetched: their names, their files, and which of them are there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neuroselect.datasets._fetch import REGISTRY, RemoteFile, fetch_file, get_data_home
from neuroselect.utils._sklearn import validate_params

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Dataset:
    """A data set: what it is, the function that loads it, and its files."""

    title: str
    fetcher: str
    files: tuple[RemoteFile, ...]


def _dataset(title: str, fetcher: str, folder: str, *names: str) -> Dataset:
    return Dataset(title, fetcher, tuple(REGISTRY[f"{folder}/{name}"] for name in names))


DATASETS = {
    "mante-monkey-a": _dataset(
        "762 prefrontal units of a macaque, motion or colour by context",
        "fetch_mante_monkey_a", "flesch2022", "paper_mante_monkeyA_rdms.mat",
    ),
    "park2025": _dataset(
        "319 prefrontal cells of macaques, two rules, single trials",
        "fetch_park2025", "park2025", "firingRates_early_delay.mat",
        "firingRates_late_delay.mat", "spikes_binary_directions_pref_null.mat",
    ),
    "flesch2022-choices": _dataset(
        "choices of 32 humans by two rules, single trials",
        "fetch_flesch2022_choices", "flesch2022", "RTandCP_scan_granada.mat",
        "RTandCP_training_granada.mat",
    ),
    "flesch2023-choices": _dataset(
        "choices of 95 humans after blocked or interleaved training",
        "fetch_flesch2023_choices", "flesch2023", "human_choices.mat",
    ),
    "haxby-slice": _dataset(
        "one slice of human fMRI, eight categories of objects, 12 runs",
        "fetch_haxby_slice", "haxby2001", "bold.nii.gz", "mask.nii.gz",
        "attributes_literal.txt",
    ),
    "92-images": _dataset(
        "RDMs of 92 images: human brains, models, judgements",
        "fetch_92_images", "kriegeskorte2008", "92_brainRDMs.mat", "92_modelRDMs.mat",
        "92_behavRDMs.mat",
    ),
    "mnist": _dataset(
        "10,000 handwritten digits, the test set",
        "fetch_mnist", "mnist", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz",
    ),
}  # fmt: skip


@validate_params({"data_home": [str, os.PathLike, None]}, prefer_skip_nested_validation=True)
def list_datasets(*, data_home: str | os.PathLike | None = None) -> pd.DataFrame:
    """List the data sets that can be fetched, and which of their files are there.

    Nothing is downloaded; files that are there are read to check their SHA-256.

    Parameters
    ----------
    data_home : str, path-like or None, default=None
        Folder of the data files, see :func:`get_data_home`.

    Returns
    -------
    files : DataFrame of shape (n_files, 7)
        One row per file: `dataset` (its name for :func:`fetch_files` and the command line),
        `title`, `fetcher` (the function of :mod:`neuroselect.datasets` that loads it), `file`
        (below the data folder), `n_bytes` (its published size), `state` ("there", "missing", or
        "damaged" where the SHA-256 is another) and `url`.

    See Also
    --------
    fetch_files : Download the files of a data set.

    Examples
    --------
    >>> from neuroselect.datasets import list_datasets
    >>> list_datasets(data_home="no/such/folder")["state"].unique().tolist()
    ['missing']
    """
    import pandas as pd

    folder = get_data_home(data_home)
    rows = [
        {
            "dataset": name,
            "title": dataset.title,
            "fetcher": dataset.fetcher,
            "file": file.name,
            "n_bytes": file.n_bytes,
            "state": _state(folder / file.name, file),
            "url": file.url,
        }
        for name, dataset in DATASETS.items()
        for file in dataset.files
    ]
    return pd.DataFrame(rows)


def _state(path: Path, file: RemoteFile) -> str:
    import pooch

    if not path.exists():
        return "missing"
    is_published = path.is_file() and pooch.file_hash(str(path), alg="sha256") == file.sha256
    return "there" if is_published else "damaged"


@validate_params(
    {
        "name": [str],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_files(
    name: str, *, data_home: str | os.PathLike | None = None, download_if_missing: bool = True
) -> list[Path]:
    """Download the files of a data set that are not there yet, and check all of them.

    The ``fetch_*`` functions do so by themselves; this is for a machine with a network that
    prepares the folder of one without.

    Parameters
    ----------
    name : str
        Name of the data set, see :func:`list_datasets`.
    data_home : str, path-like or None, default=None
        Folder of the data files, see :func:`get_data_home`.
    download_if_missing : bool, default=True
        Whether to download the files if the folder does not have them.

    Returns
    -------
    paths : list of pathlib.Path
        The files.

    Raises
    ------
    OSError
        If a file is missing and cannot, or must not, be downloaded.
    ValueError
        If there is no such data set, or a file is not the published one.

    See Also
    --------
    list_datasets : Names, sizes and what is there.

    Examples
    --------
    >>> from neuroselect.datasets import fetch_files
    >>> [path.name for path in fetch_files("flesch2023-choices")]  # doctest: +SKIP
    ['human_choices.mat']
    """
    if name not in DATASETS:
        known = ", ".join(map(repr, DATASETS))
        raise ValueError(f"Unknown data set {name!r}. The known data sets are: {known}.")
    return [
        fetch_file(file, data_home=data_home, download_if_missing=download_if_missing)
        for file in DATASETS[name].files
    ]
