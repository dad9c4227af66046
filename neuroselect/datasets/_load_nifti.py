"""Recordings in NIfTI images: voxels are units, volumes are trials."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch

from neuroselect.datasets._file_format import (
    WORDS,
    FileContentError,
    naming,
    reading,
    require_format,
)
from neuroselect.datasets._labels import read_labels
from neuroselect.recordings import make_container
from neuroselect.utils._optional import import_optional

if TYPE_CHECKING:
    import pandas as pd

_SAME_PLACE = 1e-3  # mm


def load_nifti(
    path: str | os.PathLike,
    *,
    mask: str | os.PathLike | ArrayLike | None = None,
    labels: Any = None,
    runs: str | ArrayLike | None = None,
    detrend: bool = True,
    standardize: bool = True,
) -> Bunch:
    """Load a series of volumes from a NIfTI file: each volume is a trial, each voxel a unit.

    Parameters
    ----------
    path : str or path-like
        The series, ``.nii`` or ``.nii.gz``, of shape (x, y, z, n_volumes). Needs nibabel (extra
        ``fmri``).
    mask : str, path-like or array-like of shape (x, y, z), default=None
        Voxels to keep: an image in the same space, or an array; 0 is left out. None keeps all.
    labels : str, path-like, DataFrame, dict or array-like, default=None
        What was shown in each volume, one row per volume: a table (CSV with a row of names), or
        words separated by spaces without names, whose columns are `label` and `run`; or the
        table or labels themselves.
    runs : str or array-like of shape (n_volumes,), default=None
        Run of each volume: a column of `labels`, or the runs. None takes the column `run` if
        there is one, and else all volumes for one run.
    detrend : bool, default=True
        Whether to subtract a straight line from each voxel in each run.
    standardize : bool, default=True
        Whether to scale each voxel to mean 0 and standard deviation 1 (with n - 1) in each run,
        after `detrend`. A voxel that is constant in a run is 0 there.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        A container, see :func:`~neuroselect.recordings.make_container`: `data` of shape
        (n_volumes, n_voxels); `trials` with the columns of `labels`, `run` and `volume` (number
        within the run); `units` with the indices `i`, `j`, `k` of the voxel and its place `x`,
        `y`, `z` in mm; `mask` and `affine`, with which ``image[mask] = values`` puts values back.

    Raises
    ------
    ImportError
        If nibabel is not installed.
    OSError
        If there is no such file.
    ValueError
        If a file is damaged or of another format, the mask has another shape or lies elsewhere,
        labels or runs do not have one entry per volume, a run is in pieces or too short, or
        voxels are not finite.

    Notes
    -----
    Scaling uses all volumes of a run, but no labels, and no other run: with runs left out
    together nothing leaks from test to training.

    Examples
    --------
    >>> from neuroselect.datasets import load_nifti
    >>> recording = load_nifti(
    ...     "bold.nii.gz", mask="mask.nii.gz", labels="labels.txt"
    ... )  # doctest: +SKIP
    """
    path = Path(path)
    image = open_nifti(path)
    shape = tuple(int(n) for n in image.shape)
    if len(shape) != 4:
        raise FileContentError(
            f"{path} must be a series of volumes with the axes x, y, z and time, got shape {shape}."
        )
    affine = np.array(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all():
        raise FileContentError(f"{path} must have a finite affine, got {affine.tolist()}.")
    inside = _mask(path, mask, shape[:3], affine)
    trials = read_labels(path, labels, shape[3])
    trials, run = _runs(path, trials, runs)
    pieces = _pieces(path, run, 3 if detrend else 2 if standardize else 1)
    with reading(path, WORDS["nifti"]):
        data = np.asarray(np.asanyarray(image.dataobj)[inside].T, dtype=np.float64, order="C")
    if not np.isfinite(data).all():
        n_bad = int((~np.isfinite(data).all(axis=0)).sum())
        raise FileContentError(
            f"{path} must be finite in all voxels of the mask, got {n_bad} that are not. Leave them"
            " out of the mask."
        )
    if detrend or standardize:
        data = _cleaned(data, pieces, detrend, standardize)
    number = np.concatenate([np.arange(piece.stop - piece.start) for piece in pieces])
    trials.insert(len(trials.columns), "volume", number)
    with naming(path):
        return make_container(
            data, trials, units=_voxels(inside, affine), mask=inside, affine=affine
        )


def open_nifti(path: Path) -> Any:
    """Return an image whose values have not been read yet."""
    require_format(path, ("nifti",))
    nibabel = import_optional("nibabel", "fmri", f"Reading {path.name}")
    with open(path, "rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    suffixes = (".nii.gz", ".hdr.gz", ".img.gz") if packed else (".nii", ".hdr", ".img")
    if not path.name.lower().endswith(suffixes):
        raise FileContentError(
            f"{path} is a NIfTI image that is {'' if packed else 'not '}compressed by gzip: its"
            f" name must end in {suffixes[0]}."
        )
    with reading(path, WORDS["nifti"]):
        return nibabel.load(path)


def _mask(path: Path, mask: Any, shape: tuple[int, ...], affine: NDArray) -> NDArray[np.bool_]:
    if mask is None:
        return np.ones(shape, dtype=bool)
    name = "mask"
    if isinstance(mask, (str, os.PathLike)):
        name, image = str(mask), open_nifti(Path(mask))
        if tuple(image.shape[:3]) == shape and not np.allclose(
            image.affine, affine, atol=_SAME_PLACE
        ):
            raise FileContentError(
                f"{name} must lie in the space of {path}, but their affines differ by up to"
                f" {np.abs(image.affine - affine).max():.3g} mm. Resample the mask."
            )
        with reading(Path(mask), WORDS["nifti"]):
            mask = np.asanyarray(image.dataobj)
    values = np.asarray(mask)
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.shape != shape:
        raise FileContentError(
            f"{name} must have the shape {shape} of the volumes of {path}, got {values.shape}."
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise FileContentError(f"{name} must be finite, 0 outside and 1 inside.")
    if not values.any():
        raise FileContentError(f"{name} must keep at least one voxel, got none.")
    return values != 0


def _runs(path: Path, trials: pd.DataFrame, runs: Any) -> tuple[pd.DataFrame, NDArray]:
    if runs is None:
        runs = "run" if "run" in trials.columns else np.zeros(len(trials), dtype=np.int64)
    if isinstance(runs, str):
        if runs not in trials.columns:
            raise ValueError(
                f"runs must be a column of labels, {list(trials.columns)}, or an array, got"
                f" {runs!r}."
            )
        runs = trials[runs].to_numpy()
    runs = np.asarray(runs)
    if runs.shape != (len(trials),):
        raise ValueError(
            f"runs must have one entry per volume of {path}, {len(trials)}, got {runs.shape}."
        )
    if "volume" in trials.columns:
        raise ValueError("labels must not have a column 'volume', the number within the run.")
    return (trials if "run" in trials.columns else trials.assign(run=runs)), runs


def _pieces(path: Path, run: NDArray, least: int) -> list[slice]:
    """Return where each run is; a run must not be in several pieces."""
    starts = np.flatnonzero(np.concatenate([[True], run[1:] != run[:-1]]))
    if len(starts) != len(np.unique(run)):
        raise ValueError(
            f"runs must be in one piece each, got {len(np.unique(run))} in {len(starts)} pieces"
            f" of {path}. Are labels in the order of the volumes?"
        )
    stops = np.append(starts[1:], len(run))
    if (stops - starts).min() < least:
        raise ValueError(
            f"runs must have at least {least} volumes to be detrended or scaled, got"
            f" {(stops - starts).min()}."
        )
    return [slice(int(a), int(b)) for a, b in zip(starts, stops, strict=True)]


def _cleaned(
    data: NDArray[np.float64], pieces: list[slice], detrend: bool, standardize: bool
) -> NDArray[np.float64]:
    from scipy.signal import detrend as without_line

    for piece in pieces:
        size = np.abs(data[piece]).max(axis=0)
        run = without_line(data[piece], axis=0) if detrend else data[piece]
        if standardize:
            run = run - run.mean(axis=0)
            scale = run.std(axis=0, ddof=1)
            # What is left of a constant after rounding is no signal.
            constant = scale <= 1e-12 * size
            run = np.where(constant, 0.0, run / np.where(constant, 1.0, scale))
        data[piece] = run
    return data


def _voxels(mask: NDArray[np.bool_], affine: NDArray[np.float64]) -> dict[str, NDArray]:
    indices = np.argwhere(mask)
    places = indices @ affine[:3, :3].T + affine[:3, 3]
    return {**dict(zip("ijk", indices.T, strict=True)), **dict(zip("xyz", places.T, strict=True))}
