"""Prefrontal recordings in a context-dependent motion/colour task."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch

from neuroselect.datasets._fetch import REGISTRY, fetch_file
from neuroselect.datasets._mat_files import finite_array, read_variables, struct_field
from neuroselect.utils._sklearn import validate_params

if TYPE_CHECKING:
    import pandas as pd

FILE = REGISTRY["flesch2022/paper_mante_monkeyA_rdms.mat"]
N_UNITS, N_LEVELS, N_CONTEXTS = 762, 6, 2
N_CONDITIONS = N_CONTEXTS * N_LEVELS**2

DESCR = """\
Macaque A of Mante et al. (2013): context-dependent integration of motion or colour

762 units of the frontal eye field and its surroundings, and 72 conditions: 6 motion x 6 colour
levels x 2 contexts. `data` holds the mean response of each unit in each condition, averaged
over trials and over the samples 218 to 651 (inclusive), in spikes per sample. Condition number =
motion + 6 * colour + 36 * context, with the zero-based numbers of the levels. In context 0
colour is relevant, in context 1 motion. `rdm` is the matrix of Euclidean distances between the
conditions as stored in the file.

The patterns were prepared for Flesch et al. (2022) and are read from the authors' repository,
https://github.com/summerfieldlab/Flesch_etal_Neuron, which states no licence: the file is
fetched from there and not redistributed. Cite both papers:

Mante, Sussillo, Shenoy & Newsome (2013), Nature 503, 78-84, doi:10.1038/nature12742
Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), Neuron 110, 1258-1270,
doi:10.1016/j.neuron.2022.01.005

Authors of both papers have since proposed another explanation of the second one's results on
these recordings: "Are task representations gated in macaque prefrontal cortex?" (2023),
arXiv:2306.16733
"""


@validate_params(
    {"data_home": [str, os.PathLike, None], "download_if_missing": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def fetch_mante_monkey_a(
    *, data_home: str | os.PathLike | None = None, download_if_missing: bool = True
) -> Bunch:
    """Load 762 prefrontal units of a macaque that judged motion or colour, by context.

    The recordings are those of monkey A of Mante et al. [1]_, as condition-averaged patterns
    prepared by Flesch et al. [2]_. The file (0.3 MB) is downloaded on first use; a copy in the
    data folder is used if its SHA-256 is right.

    Parameters
    ----------
    data_home : str, path-like or None, default=None
        Folder of the data files, see :func:`get_data_home`. None takes the environment
        variable ``NEUROSELECT_DATA``, or where that is unset, the platform's cache folder.
    download_if_missing : bool, default=True
        Whether to download the file if the folder does not have it.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        data : ndarray of shape (72, 762)
            Patterns (n_conditions, n_units): mean response in spikes per sample, over trials
            and over the samples 218 to 651.
        conditions : DataFrame of shape (72, 3)
            `motion` and `colour`, levels -2.5, -1.5, ..., 2.5, and `context`: 0 where colour
            is relevant, 1 where motion is. Motion changes fastest, context slowest.
        units : DataFrame of shape (762, 1)
            `unit`, the number of the unit.
        rdm : ndarray of shape (72, 72)
            Euclidean distances between the patterns, as stored in the file.
        DESCR : str
            Description, citations and the terms of use.

    Raises
    ------
    OSError
        If the file is missing and cannot, or must not, be downloaded.
    ValueError
        If the file in the data folder is not the published one.

    References
    ----------
    .. [1] Mante, Sussillo, Shenoy & Newsome (2013), Nature 503, 78-84,
       :doi:`10.1038/nature12742`
    .. [2] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), Neuron 110, 1258-1270,
       :doi:`10.1016/j.neuron.2022.01.005`

    Examples
    --------
    >>> from neuroselect.datasets import fetch_mante_monkey_a
    >>> macaque = fetch_mante_monkey_a()  # doctest: +SKIP
    >>> macaque.data.shape  # doctest: +SKIP
    (72, 762)
    """
    import pandas as pd

    path = fetch_file(FILE, data_home=data_home, download_if_missing=download_if_missing)
    patterns, rdm = read_mante(path)
    return Bunch(
        data=patterns,
        conditions=mante_conditions(),
        units=pd.DataFrame({"unit": np.arange(N_UNITS)}),
        rdm=rdm,
        DESCR=DESCR,
    )


def read_mante(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the patterns (72, 762) and the RDM (72, 72) that the file holds."""
    fields = read_variables(path, ("rdms_monkeyA",))
    respmat, rdm = (
        finite_array(
            path, f"rdms_monkeyA.{name}", struct_field(fields, f"rdms_monkeyA.{name}"), shape
        )
        for name, shape in (("respmat", (N_UNITS, N_CONDITIONS)), ("rdm", (N_CONDITIONS,) * 2))
    )
    return np.ascontiguousarray(respmat.T), rdm


def mante_conditions() -> pd.DataFrame:
    """Return the levels of motion and colour, and the context, of the 72 conditions."""
    import pandas as pd

    context, colour, motion = np.indices((N_CONTEXTS, N_LEVELS, N_LEVELS)).reshape(3, -1)
    centre = (N_LEVELS - 1) / 2
    return pd.DataFrame({"motion": motion - centre, "colour": colour - centre, "context": context})
