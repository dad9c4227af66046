"""Choices of humans after blocked and after interleaved training."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.datasets._fetch import REGISTRY, fetch_file
from neuroselect.datasets._mat_files import finite_array, read_variables
from neuroselect.utils._sklearn import validate_params

FILE = REGISTRY["flesch2023/human_choices.mat"]
GARDENS, N_LEVELS = ("north", "south"), 5
# Letters of the groups in the names of the variables, and numbers of subjects.
GROUPS = {"blocked": ("b", 48), "interleaved": ("i", 47)}

DESCR = """\
Choices of two groups of humans in Flesch, Nagy et al. (2023): accept or reject a tree, by the
rule of a garden, after blocked or after interleaved training

Trees have 5 levels of either of two features; in each garden one of them decides on the reward.
`blocked` (48 subjects, trained on one garden and then on the other) and `interleaved` (47
subjects, trained on both in alternation) hold the share of accept choices in the test that
followed: (n_subjects, 2, 5, 5), the north garden first, both axes in the frame in which the
reward of the relevant feature rises with its level, -2 to 2. The first axis of the grid is the
feature that is relevant in the north garden, the second that of the south garden. Every share is
a multiple of one quarter. The file holds no single trials.

The file is read from the authors' repository,
https://github.com/summerfieldlab/Flesch_Nagy_etal_HebbCL, whose code is under the MIT licence;
it does not say whether that covers the data. It is fetched from there and not redistributed.
Cite the paper, and the one that collected the choices:

Flesch, Nagy, Saxe & Summerfield (2023), PLOS Computational Biology 19, e1010808,
doi:10.1371/journal.pcbi.1010808
Flesch, Balaguer, Dekker, Nili & Summerfield (2018), PNAS 115, E10313-E10322,
doi:10.1073/pnas.1800755115
"""


@validate_params(
    {"data_home": [str, os.PathLike, None], "download_if_missing": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def fetch_flesch2023_choices(
    *, data_home: str | os.PathLike | None = None, download_if_missing: bool = True
) -> Bunch:
    """Load choices of humans who learned two rules in blocks, and of others who alternated.

    The choices are those that Flesch, Nagy et al. [1]_ compare with networks. The file (3 kB)
    is downloaded on first use; a copy in the data folder is used if its SHA-256 is right.

    Parameters
    ----------
    data_home : str, path-like or None, default=None
        Folder of the data files, see :func:`get_data_home`. None takes the environment
        variable ``NEUROSELECT_DATA``, or where that is unset, the platform's cache folder.
    download_if_missing : bool, default=True
        Whether to download the file if the folder does not have it.

    Returns
    -------
    choices : :class:`~sklearn.utils.Bunch`
        blocked : ndarray of shape (48, 2, 5, 5)
            Share of accept choices of each subject for each garden (north first) and level of
            the two features, after blocked training. Aligned frame: in the north garden the
            feature along the first axis of the grid is relevant, in the south garden the one
            along the second, and rewards rise with either.
        interleaved : ndarray of shape (47, 2, 5, 5)
            The same after interleaved training, of other subjects.
        levels : ndarray of shape (5,)
            -2, -1, 0, 1, 2: the levels along either axis of a matrix.
        task_names : list of str
            ``["north", "south"]``.
        DESCR : str
            Description, citations and the terms of use.

    Raises
    ------
    OSError
        If the file is missing and cannot, or must not, be downloaded.
    ValueError
        If the file in the data folder is not the published one.

    See Also
    --------
    fetch_flesch2022_choices : The same task in the scanner, with single trials.

    References
    ----------
    .. [1] Flesch, Nagy, Saxe & Summerfield (2023), PLOS Computational Biology 19, e1010808,
       :doi:`10.1371/journal.pcbi.1010808`

    Examples
    --------
    >>> from neuroselect.datasets import fetch_flesch2023_choices
    >>> choices = fetch_flesch2023_choices()  # doctest: +SKIP
    >>> choices.blocked.shape, choices.interleaved.shape  # doctest: +SKIP
    ((48, 2, 5, 5), (47, 2, 5, 5))
    """
    path = fetch_file(FILE, data_home=data_home, download_if_missing=download_if_missing)
    return Bunch(
        **read_groups(path),
        levels=np.arange(N_LEVELS) - 2.0,
        task_names=list(GARDENS),
        DESCR=DESCR,
    )


def read_groups(path: Path) -> dict[str, NDArray[np.float64]]:
    """Return the choice matrices (n_subjects, 2, 5, 5) of the groups."""
    names = {
        group: [f"cmat_{letter}_{garden}" for garden in GARDENS]
        for group, (letter, _) in GROUPS.items()
    }
    content = read_variables(path, tuple(name for pair in names.values() for name in pair))
    return {
        group: np.stack(
            [
                finite_array(path, name, content.get(name), (n_subjects, N_LEVELS, N_LEVELS))
                for name in names[group]
            ],
            axis=1,
        )
        for group, (_, n_subjects) in GROUPS.items()
    }
