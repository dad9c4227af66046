"""Public data files: where they are, and how they get into the user's data folder."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

GITHUB = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class RemoteFile:
    """A public file: its name below the data folder, its address, its SHA-256 and its size."""

    name: str
    url: str
    sha256: str
    n_bytes: int = 0


# Repository, commit and folder that hold the files of a data set.
FLESCH_2022 = (
    "summerfieldlab/Flesch_etal_Neuron/8067ef1684f99260578ec3afdd7c519df8c0f48b/"
    "Analysis/AllFigures/data"
)
FLESCH_2023 = (
    "summerfieldlab/Flesch_Nagy_etal_HebbCL/b23abb9fb8aacb03cc7b51ad96d7fb97c18301b2/datasets"
)
PARK = "pjjeongjun/Orthogonal_Code/52402bf639b627551f2d81f3858a8bb6ad14fb7c"
HAXBY = "PyMVPA/PyMVPA/20f0335f98bbb59a0e11bc0b7a469edf8681a9a1/mvpa2/data"
IMAGES_92 = "rsagroup/rsatoolbox/f1f83cadb7243492a1aae7460466e0f0140b20ac/demos/92imageData"
MNIST = (
    "TomGeorge1234/WhatMakesNeuronsPicky/3759a79b7ed45dbf3451c2f1ed036e3b04343c25/"
    "mnistdata/MNIST/raw"
)

REGISTRY = {
    name: RemoteFile(name, f"{GITHUB}/{folder}/{name.split('/')[1]}", sha256, n_bytes)
    for name, folder, n_bytes, sha256 in (
        (
            "flesch2022/paper_mante_monkeyA_rdms.mat",
            FLESCH_2022,
            327_025,
            "b19be6b13a40a2589c08756ec3202c4914f7b176299d0fdb813a0e753dd9af5f",
        ),
        (
            "flesch2022/RTandCP_scan_granada.mat",
            FLESCH_2022,
            49_045,
            "9f964e684d5521263eb1e576eb852681727cb30e885c4af04dcdc2957ab563e3",
        ),
        (
            "flesch2022/RTandCP_training_granada.mat",
            FLESCH_2022,
            85_017,
            "4db8f1172585ed4f588f318f74f13976f14b8751510a3a7b7cfc669831784c14",
        ),
        (
            "flesch2023/human_choices.mat",
            FLESCH_2023,
            2_679,
            "7ca126673ca85fe37ca43f302e2df5ba268ff39f1eb04af53b9986846823e54b",
        ),
        (
            "haxby2001/attributes_literal.txt",
            HAXBY,
            12_026,
            "7769f235e93d3157ef7bd1102abfaf3bc058ad9ca28e89dc60b8e47f473207c3",
        ),
        (
            "haxby2001/bold.nii.gz",
            HAXBY,
            1_311_329,
            "cbbd4d07803caaa9f77381af24e790cf77058664a128bd514a4c1668eefb92d7",
        ),
        (
            "haxby2001/mask.nii.gz",
            HAXBY,
            197,
            "8d879d35aaeee3afddfb69a7e1b8dd2b3be446671452d7e841dc6588845f2877",
        ),
        (
            "kriegeskorte2008/92_behavRDMs.mat",
            IMAGES_92,
            982_719,
            "7a8e118c144c3840adeeeef6ea0706a0be2b3e80df719af15fbb56fc62562f5f",
        ),
        (
            "kriegeskorte2008/92_brainRDMs.mat",
            IMAGES_92,
            224_663,
            "1743f90a15e895798a94318649e80e1123a7e5943a1703fa1dd7c31ea5780b7c",
        ),
        (
            "kriegeskorte2008/92_modelRDMs.mat",
            IMAGES_92,
            333_004,
            "e1d2b58bb2f9508bc13da4c81b94d1ab07823b25ed30b9563bd9d6d730c2a00a",
        ),
        (
            "mnist/t10k-images-idx3-ubyte.gz",
            MNIST,
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        (
            "mnist/t10k-labels-idx1-ubyte.gz",
            MNIST,
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
        (
            "park2025/firingRates_early_delay.mat",
            f"{PARK}/Figure3/3A_principalAngle",
            328_678,
            "034d57722d53064060a95f43c85e7096a51c0456c71ad3b333c27c1a3f43d1ca",
        ),
        (
            "park2025/firingRates_late_delay.mat",
            f"{PARK}/Figure3/3A_principalAngle",
            323_922,
            "5409459dfd57d2b0d1043be649b480a8f0a0cf9afa7f31f804a67886d932c3de",
        ),
        (
            "park2025/spikes_binary_directions_pref_null.mat",
            f"{PARK}/Figure4/4CD_taskEffect",
            1_033_855,
            "fd060a96a1b5438b164c3139ea81e0238a4839f846214b816a28fbbc3e1a8f86",
        ),
    )
}


def get_data_home(data_home: str | os.PathLike | None = None) -> Path:
    """Return the folder in which the ``fetch_*`` functions look for and keep their files.

    The folder is not created, and need not be writable if the files are there.

    Parameters
    ----------
    data_home : str, path-like or None, default=None
        The folder, with ``~`` for the home folder. None takes the environment variable
        ``NEUROSELECT_DATA``, or where that is unset or empty, the platform's cache folder.

    Returns
    -------
    data_home : pathlib.Path
        The folder.

    Examples
    --------
    >>> from neuroselect.datasets import get_data_home
    >>> get_data_home("recordings").name
    'recordings'
    """
    chosen = os.environ.get("NEUROSELECT_DATA") or None if data_home is None else data_home
    if chosen is not None:
        return Path(chosen).expanduser()

    import pooch

    return Path(pooch.os_cache("neuroselect"))


def fetch_file(
    file: RemoteFile, *, data_home: str | os.PathLike | None, download_if_missing: bool
) -> Path:
    """Return the path of a verified copy of the file, downloading it where there is none.

    Raises
    ------
    ValueError
        If the copy in the data folder has another hash.
    FileNotFoundError
        If there is no copy and ``download_if_missing`` is False.
    OSError
        If the download fails.
    """
    import pooch

    path = get_data_home(data_home) / file.name
    if not path.exists():
        if not download_if_missing:
            raise FileNotFoundError(
                f"{path} does not exist and download_if_missing=False. {_remedy(file, path)}"
            )
        _download(file, path)
    found = pooch.file_hash(str(path), alg="sha256")
    if found != file.sha256:
        raise ValueError(
            f"{path} is not the expected file: its SHA-256 is {found}, expected {file.sha256}."
            " Delete it to have it downloaded again."
        )
    return path


def _download(file: RemoteFile, path: Path) -> None:
    """Download to a temporary file beside path, check it and rename it."""
    import pooch

    try:
        with _quiet(pooch.get_logger()):
            pooch.retrieve(
                file.url, known_hash=f"sha256:{file.sha256}", fname=path.name, path=path.parent
            )
    except (OSError, ValueError) as error:  # pooch: ValueError for a wrong hash
        raise OSError(
            f"Could not download {file.name} ({type(error).__name__}: {shorten(str(error), 300)})."
            f" {_remedy(file, path)}"
        ) from error


def _remedy(file: RemoteFile, path: Path) -> str:
    return f"Get {file.url} and put it into the folder {path.parent} as {path.name}."


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
