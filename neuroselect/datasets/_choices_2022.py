"""Choices of humans who learned two rules for the same trees."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.datasets._fetch import REGISTRY, fetch_file
from neuroselect.datasets._mat_files import (
    finite_array,
    read_variables,
    struct_field,
    whole_numbers,
)
from neuroselect.utils._sklearn import StrOptions, validate_params

if TYPE_CHECKING:
    import pandas as pd

FILES = {
    "scan": REGISTRY["flesch2022/RTandCP_scan_granada.mat"],
    "training": REGISTRY["flesch2022/RTandCP_training_granada.mat"],
}
GARDENS, N_LEVELS = ("north", "south"), 5
LEVELS = np.arange(N_LEVELS) - 2.0
# Numbers of the subjects as published; two of them have no training data.
SUBJECTS = {"scan": tuple(range(1, 33))}
SUBJECTS["training"] = tuple(number for number in SUBJECTS["scan"] if number not in (19, 28))
# Trials per garden and subject of each part of the phase.
PARTS = {"scan": (300,), "training": (25, 100, 450)}
N_RUNS = 6
# Codes of the assignment of rewards: is leafiness, is branchiness turned round?
TURNED = {1: (False, False), 2: (True, True), 3: (True, False), 4: (False, True)}
# Columns of the single trials in the file, and of the table made of them.
FIELDS = ["shown_leafiness", "shown_branchiness", "choice", "reward", "irrelevant_reward"]
COLUMNS = [
    "subject", "task", "garden", "part", "run", "trial", "leafiness", "branchiness", "choice",
    "reward", "irrelevant_reward", "shown_leafiness", "shown_branchiness",
]  # fmt: skip

DESCR = """\
Choices of the humans of Flesch et al. (2022): accept or reject a tree, by the rule of a garden

Each tree has one of 5 levels of leafiness and one of 5 of branchiness. In the north garden only
its leafiness decides on the reward of planting it, in the south garden only its branchiness. The
rewards of the five levels are -50, -25, 0, 25 and 50, in a direction that differs between
subjects. Everything here is in the *aligned frame*: both features are turned for each subject so
that the reward of the relevant one rises with its level, -2, -1, 0, 1, 2.

`choice_matrices` (n_subjects, 2, 5, 5) holds the share of accept choices: north, then south; rows
are leafiness, columns branchiness. So the share rises along the first axis of the grid in the
north garden, along the second in the south garden. Phase "scan": 32 subjects in the scanner,
gardens interleaved, 12 trials per cell. Phase "training": the day before, 30 subjects (the
numbers 19 and 28 have no data), in three parts: 1, a short training (1 trial per cell); 2, a
first test (4); 3, the main training (18), by which `choice_matrices` are made.

`trials`, one row per trial: `subject` (1 to 32, as published), `task` (0 north, 1 south),
`garden`, `part` (1 to 3, 1 in the scanner), `run` (1 to 6 in the scanner, else 0), `trial`
(number among the trials of that subject, garden and part, from 0; how the gardens alternated is
not in the file), `leafiness` and `branchiness` (-2 to 2, aligned), `choice` (1 accept, 0 reject),
`reward` (of accepting), `irrelevant_reward` (what the other garden would have given), and
`shown_leafiness` and `shown_branchiness` (1 to 5: the tree on the screen, not aligned).
`subjects`: `subject` and `code`, the assignment of rewards: 1 as shown, 2 both features turned
round, 3 leafiness turned round, 4 branchiness turned round.

The files are read from the authors' repository,
https://github.com/summerfieldlab/Flesch_etal_Neuron, which states no licence: they are fetched
from there and not redistributed. Cite:

Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), Neuron 110, 1258-1270,
doi:10.1016/j.neuron.2022.01.005
"""


@validate_params(
    {
        "phase": [StrOptions(set(FILES))],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_flesch2022_choices(
    phase: str = "scan",
    *,
    data_home: str | os.PathLike | None = None,
    download_if_missing: bool = True,
) -> Bunch:
    """Load choices of 32 humans on trees of 25 kinds, by the rule of either of two gardens.

    The choices are those of Flesch et al. [1]_. The file (0.1 MB) is downloaded on first use;
    a copy in the data folder is used if its SHA-256 is right.

    Parameters
    ----------
    phase : {"scan", "training"}, default="scan"
        The session in the scanner (32 subjects, 600 trials each), or the training on the day
        before (30 subjects, 1150 trials each in three parts).
    data_home : str, path-like or None, default=None
        Folder of the data files, see :func:`get_data_home`. None takes the environment
        variable ``NEUROSELECT_DATA``, or where that is unset, the platform's cache folder.
    download_if_missing : bool, default=True
        Whether to download the file if the folder does not have it.

    Returns
    -------
    choices : :class:`~sklearn.utils.Bunch`
        choice_matrices : ndarray of shape (n_subjects, 2, 5, 5)
            Share of accept choices for each garden (north first), leafiness and branchiness,
            in the aligned frame: leafiness is relevant in the north, branchiness in the south,
            and rewards rise with either. For "training" those of the third part.
        trials : DataFrame of shape (n_trials, 13)
            One row per trial: `subject`, `task`, `garden`, `part`, `run`, `trial`,
            `leafiness`, `branchiness`, `choice`, `reward`, `irrelevant_reward`,
            `shown_leafiness`, `shown_branchiness`; `DESCR` explains each.
        subjects : DataFrame of shape (n_subjects, 2)
            `subject`, the number as published, and `code`, the assignment of rewards.
        levels : ndarray of shape (5,)
            -2, -1, 0, 1, 2: the levels along either axis of a matrix.
        task_names : list of str
            ``["north", "south"]``.
        DESCR : str
            Description, citation and the terms of use.

    Raises
    ------
    OSError
        If the file is missing and cannot, or must not, be downloaded.
    ValueError
        If the file in the data folder is not the published one.

    See Also
    --------
    fetch_flesch2023_choices : The same trees after blocked and after interleaved training.
    make_context_blobs : The task that networks get in place of the trees.

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), Neuron 110, 1258-1270,
       :doi:`10.1016/j.neuron.2022.01.005`

    Examples
    --------
    >>> from neuroselect.datasets import fetch_flesch2022_choices
    >>> choices = fetch_flesch2022_choices()  # doctest: +SKIP
    >>> choices.choice_matrices.shape  # doctest: +SKIP
    (32, 2, 5, 5)
    """
    import pandas as pd

    path = fetch_file(FILES[phase], data_home=data_home, download_if_missing=download_if_missing)
    content = read_variables(path, ("results",))
    tables = []
    for part, n_trials in enumerate(PARTS[phase], start=1):
        root = "results" if phase == "scan" else f"results.p{part}"
        matrices, trials, codes = read_choices(path, content, root, n_trials, SUBJECTS[phase])
        tables.append(trials.assign(part=part))
    trials = pd.concat(tables, ignore_index=True)
    n_per_run = PARTS["scan"][0] // N_RUNS
    trials["run"] = trials["trial"] // n_per_run + 1 if phase == "scan" else 0
    return Bunch(
        choice_matrices=matrices,
        trials=trials[COLUMNS],
        subjects=pd.DataFrame({"subject": SUBJECTS[phase], "code": codes}),
        levels=LEVELS.copy(),
        task_names=list(GARDENS),
        DESCR=DESCR,
    )


def read_choices(
    path: Path, content: dict[str, Any], root: str, n_trials: int, subjects: tuple[int, ...]
) -> tuple[NDArray[np.float64], pd.DataFrame, NDArray[np.int64]]:
    """Return the aligned matrices, the trials and the codes of rewards below a struct."""
    import pandas as pd

    n_subjects = len(subjects)
    code_name = f"{root}.code"
    codes = whole_numbers(
        path, code_name, struct_field(content, code_name), (n_subjects,), tuple(TURNED)
    )
    matrices, tables = [], []
    for task, garden in enumerate(GARDENS):
        name = f"{root}.choicemat.aligned.{garden}"
        shape = (n_subjects, N_LEVELS, N_LEVELS)
        matrices.append(finite_array(path, name, struct_field(content, name), shape))
        name = f"{root}.singletrials.{garden}.data"
        rows = finite_array(
            path, name, struct_field(content, name), (n_subjects, n_trials, len(FIELDS))
        )
        table = pd.DataFrame(rows.reshape(-1, len(FIELDS)).astype(int), columns=FIELDS)
        table["subject"] = np.repeat(subjects, n_trials)
        table["task"], table["garden"] = task, garden
        table["trial"] = np.tile(np.arange(n_trials), n_subjects)
        tables.append(table)
    trials = pd.concat(tables, ignore_index=True)
    trials = trials.sort_values(["subject", "task", "trial"], ignore_index=True)
    turned = np.array([TURNED[code] for code in codes])[
        np.searchsorted(subjects, trials["subject"])
    ]
    for column, feature in enumerate(("leafiness", "branchiness")):
        level = trials[f"shown_{feature}"] - 3.0
        trials[feature] = np.where(turned[:, column], 0 - level, level)
    return np.stack(matrices, axis=1), trials, codes
