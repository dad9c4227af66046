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
    """A public file: its name below the data folder, its address and its SHA-256."""

    name: str
    url: str
    sha256: str


REGISTRY = {
    file.name: file
    for file in (
        RemoteFile(
            name="flesch2022/paper_mante_monkeyA_rdms.mat",
            url=f"{GITHUB}/summerfieldlab/Flesch_etal_Neuron/"
            "8067ef1684f99260578ec3afdd7c519df8c0f48b/"
            "Analysis/AllFigures/data/paper_mante_monkeyA_rdms.mat",
            sha256="b19be6b13a40a2589c08756ec3202c4914f7b176299d0fdb813a0e753dd9af5f",
        ),
        RemoteFile(
            name="mnist/t10k-images-idx3-ubyte.gz",
            url=f"{GITHUB}/TomGeorge1234/WhatMakesNeuronsPicky/"
            "3759a79b7ed45dbf3451c2f1ed036e3b04343c25/mnistdata/MNIST/raw/t10k-images-idx3-ubyte.gz",
            sha256="8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        RemoteFile(
            name="mnist/t10k-labels-idx1-ubyte.gz",
            url=f"{GITHUB}/TomGeorge1234/WhatMakesNeuronsPicky/"
            "3759a79b7ed45dbf3451c2f1ed036e3b04343c25/mnistdata/MNIST/raw/t10k-labels-idx1-ubyte.gz",
            sha256="f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
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
