"""One slice of human fMRI while eight categories of objects were viewed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.datasets._fetch import REGISTRY, fetch_file
from neuroselect.recordings import make_container
from neuroselect.utils._sklearn import validate_params

if TYPE_CHECKING:
    import pandas as pd

BOLD = REGISTRY["haxby2001/bold.nii.gz"]
MASK = REGISTRY["haxby2001/mask.nii.gz"]
ATTRIBUTES = REGISTRY["haxby2001/attributes_literal.txt"]
GRID, N_VOLUMES, N_RUNS = (40, 20, 1), 1452, 12
CATEGORIES = frozenset(
    ("rest", "bottle", "cat", "chair", "face", "house", "scissors", "scrambledpix", "shoe")
)

DESCR = """\
One slice of fMRI of one subject of Haxby et al. (2001), who viewed objects of eight categories

1452 volumes in 12 runs of 121, one every 2.5 s, of a single slice through ventral temporal
cortex, 40 x 20 voxels of 3.1 x 3.75 x 3.75 mm, of which 530 lie in the mask. `data`
(1452, 530) holds the signal as in the file: raw, in units of the scanner. Detrend and scale it
within each run before use.

`trials`, one row per volume: `category` ("rest" for 588 volumes; 108 each of "bottle", "cat",
"chair", "face", "house", "scissors", "scrambledpix" (scrambled pictures) and "shoe"), `run` (0 to
11, as in the file) and `volume` (0 to 120, the number within the run). In every run each category
was shown in one block of 9 volumes. `units`, one row per voxel: `i`, `j`, `k` (its indices in the
image, from 0) and `x`, `y`, `z` (mm, by the affine of the header; the slice was cut out of a
volume, so that z says nothing about the brain). `mask` (40, 20, 1) and `affine` (4, 4) put
results back: `image[mask] = values` has the voxels in the order of `units`.

The files come with PyMVPA, https://github.com/PyMVPA/PyMVPA, whose page on the full data set
names the authors of the paper as holders of the copyright and Creative Commons
Attribution-Share Alike 3.0 as the licence. They are fetched from there and not redistributed.
Cite:

Haxby, Gobbini, Furey, Ishai, Schouten & Pietrini (2001), Science 293, 2425-2430,
doi:10.1126/science.1063736
"""


@validate_params(
    {"data_home": [str, os.PathLike, None], "download_if_missing": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def fetch_haxby_slice(
    *, data_home: str | os.PathLike | None = None, download_if_missing: bool = True
) -> Bunch:
    """Load one slice of human ventral temporal fMRI: eight categories of objects, twelve runs.

    The slice is of one subject of Haxby et al. [1]_. The three files (1.3 MB) are downloaded on
    first use; copies in the data folder are used if their SHA-256 is right. Reading them needs
    nibabel, which the extra ``fmri`` of this package installs.

    Parameters
    ----------
    data_home : str, path-like or None, default=None
        Folder of the data files, see :func:`get_data_home`. None takes the environment
        variable ``NEUROSELECT_DATA``, or where that is unset, the platform's cache folder.
    download_if_missing : bool, default=True
        Whether to download the files if the folder does not have them.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        A container of trials, see :func:`~neuroselect.recordings.make_container`:

        data : ndarray of shape (1452, 530)
            Raw signal of each volume in each voxel of the mask, in units of the scanner.
        trials : DataFrame of shape (1452, 3)
            `category` (eight categories and "rest"), `run` (0 to 11) and `volume` (0 to 120,
            within the run; one every 2.5 s) of each volume.
        units : DataFrame of shape (530, 6)
            `i`, `j`, `k`, the indices of the voxel in the image, and `x`, `y`, `z` in mm.
        time, bin_width : None
            There is no time axis: each volume is a trial.
        mask : ndarray of bool of shape (40, 20, 1)
            The voxels of `data`: ``image[mask] = values`` puts values back into an image.
        affine : ndarray of shape (4, 4)
            From indices of voxels to mm.
        DESCR : str
            Description, citation and the terms of use.

    Raises
    ------
    ImportError
        If nibabel is not installed.
    OSError
        If a file is missing and cannot, or must not, be downloaded.
    ValueError
        If a file in the data folder is not the published one.

    References
    ----------
    .. [1] Haxby, Gobbini, Furey, Ishai, Schouten & Pietrini (2001), Science 293, 2425-2430,
       :doi:`10.1126/science.1063736`

    Examples
    --------
    >>> from neuroselect.datasets import fetch_haxby_slice
    >>> haxby = fetch_haxby_slice()  # doctest: +SKIP
    >>> haxby.data.shape, haxby.trials["run"].nunique()  # doctest: +SKIP
    ((1452, 530), 12)
    """
    import pandas as pd

    bold_path, mask_path, attributes_path = (
        fetch_file(file, data_home=data_home, download_if_missing=download_if_missing)
        for file in (BOLD, MASK, ATTRIBUTES)
    )
    bold, affine = read_image(bold_path, (*GRID, N_VOLUMES))
    mask, mask_affine = read_image(mask_path, GRID)
    if not np.array_equal(affine, mask_affine):
        raise ValueError(f"{mask_path} is not in the space of {bold_path}: their affines differ.")
    mask = mask != 0
    voxels = np.argwhere(mask)
    places = voxels @ affine[:3, :3].T + affine[:3, 3]
    units = pd.DataFrame(
        {**dict(zip("ijk", voxels.T, strict=True)), **dict(zip("xyz", places.T, strict=True))}
    )
    return make_container(
        np.ascontiguousarray(bold[mask].T),
        read_attributes(attributes_path),
        units=units,
        mask=mask,
        affine=affine,
        DESCR=DESCR,
    )


def read_image(path: Path, shape: tuple[int, ...]) -> tuple[NDArray, NDArray]:
    """Return the values (scaled as the header says, float64) and the affine of a NIfTI file."""
    try:
        import nibabel
    except ImportError as error:
        raise ImportError(
            f"Reading {path.name} needs nibabel. Install it with pip install 'neuroselect[fmri]'."
        ) from error

    with open(path, "rb"):  # a path that does not exist is no damaged file
        pass
    try:
        image = nibabel.Nifti1Image.from_filename(path)
        found = image.shape
        values = image.get_fdata(dtype=np.float64, caching="unchanged") if found == shape else None
        affine = np.array(image.affine, dtype=np.float64)
    except Exception as error:  # a damaged file makes the reader raise almost anything
        raise ValueError(
            f"{path} cannot be read as a NIfTI-1 file ({type(error).__name__}: {error})."
            " Delete it to have it downloaded again."
        ) from error
    if values is None or not np.isfinite(values).all():
        raise ValueError(
            f"{path} is not the expected image: it must hold finite values of shape {shape}, got"
            f" shape {found}."
        )
    return values, affine


def read_attributes(path: Path) -> pd.DataFrame:
    """Return category, run and number within the run of each volume."""
    import pandas as pd

    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    expected = [str(run) for run in np.repeat(np.arange(N_RUNS), N_VOLUMES // N_RUNS)]
    if [line[1:] for line in lines] != [[run] for run in expected] or (
        not {line[0] for line in lines} <= CATEGORIES
    ):
        raise ValueError(
            f"{path} does not have the expected layout: {N_VOLUMES} lines of a category"
            f" ({', '.join(sorted(CATEGORIES))}) and a run, 0 to {N_RUNS - 1} in order."
        )
    return pd.DataFrame(
        {
            "category": [line[0] for line in lines],
            "run": np.repeat(np.arange(N_RUNS), N_VOLUMES // N_RUNS),
            "volume": np.tile(np.arange(N_VOLUMES // N_RUNS), N_RUNS),
        }
    )
