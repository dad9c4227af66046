"""What a file is, by its content."""

from __future__ import annotations

import codecs
import functools
import gzip
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuroselect.utils._optional import import_optional

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_WALK_SECONDS = 300
WORDS = {
    "matlab": "a MATLAB file (version 4 to 7.2)",
    "matlab-7.3": "a MATLAB file (version 7.3)",
    "nwb": "an NWB file",
    "hdf5": "an HDF5 file",
    "nifti": "a NIfTI image",
    "parquet": "a Parquet table",
    "csv": "a table as text",
}
READERS = {
    "matlab": "load_matlab",
    "matlab-7.3": "load_matlab",
    "nwb": "load_nwb",
    "hdf5": "load_hdf5",
    "nifti": "load_nifti",
    "parquet": "load_table",
    "csv": "load_table",
}
# Content that is recognised in order to say why it is not read.
REFUSED = (
    (b"\x80\x02", "a pickle, which is never loaded: unpickling runs code"),
    (b"\x80\x03", "a pickle, which is never loaded: unpickling runs code"),
    (b"\x80\x04", "a pickle, which is never loaded: unpickling runs code"),
    (b"\x80\x05", "a pickle, which is never loaded: unpickling runs code"),
    (b"PK\x03\x04", "a zip archive (.npz, .xlsx, .zip)"),
    (b"\x93NUMPY", "a NumPy array, which has no names of trials"),
    (b"\x1f\x8b", "compressed by gzip, and no NIfTI image"),
)
SUFFIXES = {
    ".mat": ("matlab", "matlab-7.3"),
    ".nwb": ("nwb",),
    ".h5": ("hdf5", "nwb", "matlab-7.3"),
    ".hdf5": ("hdf5", "nwb", "matlab-7.3"),
    ".nii": ("nifti",),
    ".nii.gz": ("nifti",),
    ".csv": ("csv",),
    ".tsv": ("csv",),
    ".txt": ("csv",),
    ".parquet": ("parquet",),
}


class FileContentError(ValueError):
    """What a file holds is not what its reader needs; other errors mean that it is damaged."""


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a reader makes of a damaged file into a ValueError that names it."""
    try:
        yield
    except (FileContentError, ImportError):
        raise
    except Exception as error:  # damaged files make readers raise almost anything
        raise FileContentError(
            f"{path} cannot be read as {kind}: it is damaged or incomplete"
            f" ({type(error).__name__}: {error})."
        ) from error


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the path in front of a ValueError about what is in it."""
    try:
        yield
    except FileContentError:
        raise
    except ValueError as error:
        raise FileContentError(f"{path}: {error}") from error


def file_format(path: str | os.PathLike) -> str:
    """Return "matlab", "matlab-7.3", "nwb", "hdf5", "nifti", "parquet" or "csv".

    Raises
    ------
    OSError
        If there is no such file, or it must not be read.
    ValueError
        If it is a folder, empty, damaged, or of no format that is read here.
    """
    path = Path(path)
    if path.is_dir():
        raise FileContentError(f"{path} must be a file, got a folder.")
    with open(path, "rb") as stream:
        head = stream.read(4096)
    if not head:
        raise FileContentError(f"{path} is empty.")
    if any(head[at : at + 8] == HDF5_SIGNATURE for at in (0, 512, 1024, 2048)):
        _survive_hdf5(path)
        return "matlab-7.3" if head.startswith(b"MATLAB") else _kind_of_hdf5(path)
    if _is_matlab_5(head):
        return "matlab"
    if _is_nifti(_gunzipped(path) if head.startswith(b"\x1f\x8b") else head):
        return "nifti"
    if head.startswith(b"PAR1"):
        return "parquet"
    if _is_matlab_4(head):
        return "matlab"
    for start, words in REFUSED:
        if head.startswith(start):
            raise FileContentError(f"{path} is {words}. {_readable()}")
    if _is_text(head):
        return "csv"
    raise FileContentError(f"{path} is of no known format. {_readable()}")


def require_format(path: str | os.PathLike, allowed: tuple[str, ...]) -> str:
    """Return the format of a file if it is one of those allowed."""
    found = file_format(path)
    if found not in allowed:
        wanted = " or ".join(WORDS[name] for name in allowed)
        raise FileContentError(
            f"{path} must be {wanted}, but by its content it is {WORDS[found]}."
            f" {READERS[found]} reads it."
        )
    return found


def check_suffix(path: str | os.PathLike, found: str) -> None:
    """Refuse a file whose name promises another format than its content has."""
    name = Path(path).name.lower()
    for suffix, formats in SUFFIXES.items():
        if name.endswith(suffix) and found not in formats:
            raise FileContentError(
                f"{path} is not what its name says: by its content it is {WORDS[found]}. Rename"
                f" it if that is right; {READERS[found]} reads it as it is."
            )


def _readable() -> str:
    return "Read are MATLAB, NWB, HDF5, NIfTI, Parquet and CSV files."


def _kind_of_hdf5(path: Path) -> str:
    h5py = import_optional("h5py", "hdf5", f"Reading {path.name}")
    with reading(path, WORDS["hdf5"]), h5py.File(path, "r") as file:
        return "nwb" if "nwb_version" in file.attrs else "hdf5"


def _survive_hdf5(path: Path) -> None:
    """Refuse a file on which the HDF5 library crashes, before it is opened in this process."""
    state = path.stat()
    if not _is_walked(str(path.resolve()), state.st_mtime_ns, state.st_size):
        raise FileContentError(
            f"{path} cannot be read as {WORDS['hdf5']}: it is damaged (the HDF5 library crashes or"
            " hangs on it)."
        )


@functools.lru_cache(maxsize=64)
def _is_walked(path: str, _modified: int, _size: int) -> bool:
    script = Path(__file__).with_name("_walk_hdf5.py")
    try:
        done = subprocess.run(
            [sys.executable, str(script), path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_WALK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    except OSError:  # no interpreter to start, as in some bundled programs
        return True
    return done.returncode in (0, 1)


def _gunzipped(path: Path) -> bytes:
    try:
        with gzip.open(path) as stream:
            return stream.read(600)
    except (OSError, EOFError, zlib.error):
        return b""


def _is_nifti(head: bytes) -> bool:
    if len(head) < 348:
        return False
    sizes = {struct.unpack(order + "i", head[:4])[0] for order in "<>"}
    return (348 in sizes and head[344:347] in (b"n+1", b"ni1")) or (
        540 in sizes and head[4:7] in (b"n+2", b"ni2")
    )


def is_matlab_5(path: Path) -> bool:
    """Whether a MATLAB file up to version 7.2 is not one of version 4."""
    with open(path, "rb") as stream:
        return _is_matlab_5(stream.read(128))


def _is_matlab_5(head: bytes) -> bool:
    return head[126:128] in (b"IM", b"MI") and 0 not in head[:4]


def _is_matlab_4(head: bytes) -> bool:
    """Whether the first 20 bytes are a plausible header of a matrix; text never is."""
    if len(head) < 20:
        return False
    for order in "<>":
        kind, n_rows, n_columns, imaginary, name_length = struct.unpack(order + "5i", head[:20])
        thousands, digits = divmod(kind, 1000)
        plausible = (
            0 <= thousands <= 4
            and (digits // 10) % 10 <= 5
            and digits // 100 == 0
            and digits % 10 <= 2
            and n_rows >= 0
            and n_columns >= 0
            and imaginary in (0, 1)
            and 1 < name_length <= 64
        )
        if plausible and head[19 + name_length : 20 + name_length] == b"\0":
            return True
    return False


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\r\n" for character in text)
