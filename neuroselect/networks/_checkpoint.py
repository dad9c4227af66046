"""Keep the finished part of a sweep in a folder, so that a run goes on where the last one ended."""

from __future__ import annotations

import errno
import io
import json
import os
import platform
import shutil
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import numpy as np
import torch

from neuroselect import __version__
from neuroselect._engine._spec import Job, Result
from neuroselect.networks._result_arrays import packed, result_bytes, unpacked
from neuroselect.utils._digest import digest

MANIFEST = "manifest.json"
TEMPORARY = ".*.tmp"
MANY = 10  # positions listed in a message


class Checkpoint:
    """Results of a sweep, one file for each stack of networks that trained together.

    Parameters
    ----------
    folder : str or path-like
        Made if it is not there. A manifest says which sweep the folder belongs to.
    jobs : list of Job
        The sweep's networks.
    chunks : list of list of int
        Positions of the networks of each stack.

    Raises
    ------
    ValueError
        If the folder belongs to another sweep, or holds other files.
    OSError
        If it cannot be written to, or the disk has no room for what is still to come.
    """

    def __init__(self, folder: str | os.PathLike, jobs: list[Job], chunks: list[list[int]]):
        self.folder = Path(folder).expanduser()
        self._stacks = [[jobs[k] for k in chunk] for chunk in chunks]
        manifest = _describe(jobs, chunks)
        self._sweep = manifest["sha256"]
        with _explained(self.folder, "checkpoint must be a folder that can be written to"):
            self.folder.mkdir(parents=True, exist_ok=True)
            names = {path.name for path in self.folder.iterdir()}
        if MANIFEST in names:
            _check_same(self.folder / MANIFEST, manifest)
        elif any(not name.startswith(".") for name in names):
            raise ValueError(
                f"checkpoint={str(self.folder)!r} holds files, but no {MANIFEST} of a sweep. Pass"
                " an empty folder, or one that is not there yet."
            )
        if MANIFEST not in names or not all(map(self._has, range(len(chunks)))):
            self._prepare(manifest)

    def load(self, chunk: int) -> list[Result] | None:
        """Results of a stack; None if they are not there, or damaged."""
        try:
            data = self._path(chunk).read_bytes()
        except FileNotFoundError:
            return None
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                arrays = dict(archive)
            intact = arrays.pop("sha256").item() == self._seal(chunk, arrays)
        except Exception:  # a damaged archive can raise anything; the stack is trained again
            return None
        return unpacked(arrays) if intact else None

    def save(self, chunk: int, results: list[Result]) -> None:
        """Write the results of a stack, all or nothing."""
        arrays = packed(results)
        buffer = io.BytesIO()
        np.savez(buffer, **arrays, sha256=np.array(self._seal(chunk, arrays)))
        write_whole(self._path(chunk), buffer.getvalue())

    def _path(self, chunk: int) -> Path:
        return self.folder / f"chunk-{chunk:05d}-{digest((self._sweep, chunk))[:16]}.npz"

    def _has(self, chunk: int) -> bool:
        return self._path(chunk).exists()

    def _seal(self, chunk: int, arrays: dict[str, np.ndarray]) -> str:
        """Tie the numbers to their sweep and to their place in it."""
        return digest((self._sweep, chunk, arrays))

    def _prepare(self, manifest: dict) -> None:
        """Write the manifest, which shows that the folder can be written to; look for room."""
        for path in self.folder.glob(TEMPORARY):  # of a run that was killed
            path.unlink(missing_ok=True)
        write_whole(self.folder / MANIFEST, json.dumps(manifest, indent=1).encode())
        missing = [s for k, s in enumerate(self._stacks) if not self._has(k)]
        needed = sum(result_bytes(job) for stack in missing for job in stack)
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise OSError(
                errno.ENOSPC,
                f"The networks still to be trained take {needed / 2**20:.0f} MiB of checkpoint, and"
                f" the disk has {free / 2**20:.0f} MiB left. Make room, or pass a folder elsewhere",
                str(self.folder),
            )


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that under its name there is all of it, or what was there before."""
    advice = "Finished networks are kept: put this right and run again to go on. Failed to write"
    with _explained(path, advice):
        part = path.with_name(f".{path.name}-{uuid4().hex}.tmp")
        try:
            with open(part, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def _explained(path: Path, message: str):
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, f"{message} ({error.strerror})", str(path)) from error


# -- which sweep it is -----------------------------------------------------------------


def _describe(jobs: list[Job], chunks: list[list[int]]) -> dict:
    """Everything that determines the results, as a manifest."""
    trials = {id(job.trials): job.trials for job in jobs}
    trials = {key: digest(value) for key, value in trials.items()}
    manifest = {
        "versions": {
            "neuroselect": __version__,
            "numpy": np.__version__,
            "torch": str(torch.__version__),
            "python": ".".join(platform.python_version_tuple()[:2]),  # code of own curricula
        },
        "n_networks": len(jobs),
        "data": digest([trials[id(job.trials)] for job in jobs]),
        "networks": [digest(job._replace(trials=None))[:32] for job in jobs],
        "stacks": digest(chunks),
    }
    return {"sha256": digest(manifest), **manifest}


def _check_same(path: Path, manifest: dict) -> None:
    """Refuse the manifest of another sweep."""
    try:
        found = json.loads(path.read_bytes())
        differences = [] if found == manifest else _differences(found, manifest)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{str(path)!r} is not the manifest of a sweep. Pass another folder as checkpoint, or"
            " delete this one."
        ) from error
    if differences:
        raise ValueError(
            f"checkpoint={str(path.parent)!r} holds another sweep: {'; '.join(differences)}. To go"
            " on with it, pass what it was started with; otherwise pass another folder, or delete"
            " this one."
        )


def _differences(found: dict, manifest: dict) -> list[str]:
    """What differs, in words; where data differ, networks may differ as a consequence."""
    then, now = found["versions"], manifest["versions"]
    parts = [
        f"it was started with {name} {then.get(name)}, this is {version}"
        for name, version in now.items()
        if then.get(name) != version
    ]
    if found["n_networks"] != manifest["n_networks"]:
        return [*parts, f"it has {found['n_networks']} networks, got {manifest['n_networks']}"]
    if found["data"] != manifest["data"]:
        parts.append("its data are not these (X, y or indices)")
    elif found["networks"] != manifest["networks"]:
        pairs = zip(found["networks"], manifest["networks"], strict=True)
        differing = [k for k, (a, b) in enumerate(pairs) if a != b]
        shown = ", ".join(map(str, differing[:MANY])) + ", ..." * (len(differing) > MANY)
        parts.append(
            f"{len(differing)} of its networks are not these (parameters, seed or initial weights;"
            f" positions {shown})"
        )
    elif found["stacks"] != manifest["stacks"]:
        parts.append("its networks were stacked by another chunk_bytes")
    return parts or ["its manifest was changed"]
