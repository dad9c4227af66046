"""The folder of a sweep: whose it is, what lies in it, and what it was made with."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import platform
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

MANIFEST, CONFIG, CHECKPOINT = "sweep.json", "config.toml", "checkpoint"
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "pandas")
EXTRAS = {"parquet": "pyarrow", "safetensors": "safetensors"}
IDENTITY = ("task", "estimator", "grid", "seeds", "test")  # sections that networks depend on


def installed_versions(output: Mapping[str, Any]) -> dict[str, str]:
    """Versions of all that the results depend on."""
    from neuroselect import __version__

    formats = [EXTRAS[format] for format in output.values() if format in EXTRAS]
    packages = {name: version(name) for name in (*PACKAGES, *formats)}
    return {"neuroselect": __version__, "python": platform.python_version(), **packages}


def version_differences(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What differs between the versions of two runs, in words."""
    return [
        f"{name} {then[name]} (this is {now[name]})"
        for name in then
        if name in now and then[name] != now[name]
    ]


def check_extras(output: Mapping[str, Any]) -> None:
    """Raise an ImportError that names the extra, if a format needs a package that is missing."""
    for key, format in output.items():
        package = EXTRAS.get(format)
        if package and importlib.util.find_spec(package) is None:
            raise ImportError(
                f"output.{key} = {format!r} needs the package {package}:"
                f' pip install "neuroselect[{format}]".'
            )


class SweepFolder:
    """The output folder of one sweep.

    Parameters
    ----------
    path : Path
        Made if it is not there.
    identity : dict
        What the networks depend on: sections of the configuration and the data's fingerprint.
    versions : dict
        Versions of all that the results depend on.

    Raises
    ------
    ValueError
        If the folder holds another sweep, or other files.
    """

    def __init__(self, path: Path, identity: dict[str, Any], versions: dict[str, str]):
        self.path = path
        self.identity = identity
        self.sweep = _sha(json.dumps(identity, sort_keys=True).encode())
        self.versions = versions
        self.found: dict[str, Any] = {}
        names = {p.name for p in path.iterdir()} if path.is_dir() else set()
        if MANIFEST in names:
            self.found = read_manifest(path)
            self._check_same()
        elif any(not name.startswith(".") for name in names):
            raise ValueError(
                f"output={str(path)!r} holds files, but no {MANIFEST} of a sweep. Name an empty"
                " folder, or one that is not there yet."
            )

    def kept(self, name: str) -> Path | None:
        """Path of a file of an earlier run, None if it is not there as it was written."""
        path, sha = self.path / name, self.found.get("files", {}).get(name)
        if sha is None or not path.is_file() or _sha(path.read_bytes()) != sha:
            return None
        return path

    def begin(self, manifest: dict[str, Any], config: str) -> None:
        """Say whose the folder is, before the first network is trained."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(
                f"Cannot write to the folder output={str(self.path)!r}: {error.strerror or error}."
                " Choose one that can be written to."
            ) from error
        for part in self.path.glob(".*.tmp"):  # of a run that was killed
            part.unlink(missing_ok=True)
        files = self.found.get("files", {})
        self._write(MANIFEST, self._manifest(manifest, files, finished=False))
        self._write(CONFIG, config.encode("utf-8"))

    def finish(self, manifest: dict[str, Any], files: Mapping[str, bytes]) -> None:
        """Write all files, then say that all is there; the checkpoint has served its time."""
        for name, data in files.items():
            self._write(name, data)
        hashes = {name: _sha(data) for name, data in files.items()}
        for name in self.found.get("files", {}).keys() - hashes.keys():
            (self.path / name).unlink(missing_ok=True)  # of analyses no longer asked for
        self._write(MANIFEST, self._manifest(manifest, hashes, finished=True))
        shutil.rmtree(self.path / CHECKPOINT, ignore_errors=True)

    def _manifest(self, manifest, files, *, finished):
        head = {"format": 1, "sweep": self.sweep, "finished": finished, "identity": self.identity}
        whole = {**head, "versions": self.versions, **manifest, "files": dict(files)}
        return json.dumps(whole, indent=1, ensure_ascii=False).encode("utf-8")

    def _write(self, name: str, data: bytes) -> None:
        from neuroselect.networks._checkpoint import write_whole

        write_whole(self.path / name, data)

    def _check_same(self) -> None:
        head = f"output={str(self.path)!r} holds another sweep"
        advice = "Name another folder, or delete this one."
        if self.found["sweep"] != self.sweep:
            then = self.found["identity"]
            parts = [k for k in {**then, **self.identity} if then.get(k) != self.identity.get(k)]
            names = " and ".join(", ".join(f"[{k}]" for k in parts).rsplit(", ", 1))
            raise ValueError(f"{head}: it differs in {names}. {advice}")
        differences = version_differences(self.found["versions"], self.versions)
        if differences:
            raise ValueError(f"{head}: it was started with {', '.join(differences)}. {advice}")


def read_manifest(path: Path) -> dict[str, Any]:
    """Read the manifest of a sweep's folder."""
    file = path / MANIFEST
    if not file.is_file():
        raise FileNotFoundError(f"{str(path)!r} is not the folder of a sweep: no {MANIFEST} in it.")
    try:
        manifest = json.loads(file.read_bytes())
        {key: manifest[key] for key in ("sweep", "identity", "versions", "files", "finished")}
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{str(file)!r} is not the manifest of a sweep.") from error
    return manifest


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
