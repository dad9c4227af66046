"""Dissimilarities of 92 images in brains, models and judgements."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.datasets._fetch import REGISTRY, fetch_file
from neuroselect.datasets._mat_files import finite_array, read_variables, struct_field
from neuroselect.utils._sklearn import validate_params

if TYPE_CHECKING:
    import pandas as pd

BRAIN = REGISTRY["kriegeskorte2008/92_brainRDMs.mat"]
MODELS = REGISTRY["kriegeskorte2008/92_modelRDMs.mat"]
JUDGEMENTS = REGISTRY["kriegeskorte2008/92_behavRDMs.mat"]
N_IMAGES = 92
CATEGORIES = {
    "human body": 12,
    "human face": 12,
    "animal body": 12,
    "animal face": 12,
    "natural object": 23,
    "artificial object": 21,
}

DESCR = """\
Dissimilarities of 92 object images of Kriegeskorte et al. (2008): inferior temporal cortex of
humans, models, and judgements of similarity

All RDMs are condensed in SciPy's order (scipy.spatial.distance.squareform makes them square):
4186 pairs of 92 images. `brain_rdms` (8, 4186): 1 - Pearson correlation of fMRI patterns in
inferior temporal cortex of 4 subjects in 2 sessions each; `brain` names them (`subject`,
`session` 1 and 2). `model_rdms` (8, 4186), `model_names`: "animacy" and "FaceBodyManmadeNatobj"
(0 within a category, 1 between), "monkeyIT" (1 - correlation of recordings from inferior
temporal cortex of two monkeys), "EVA" (as published; the file does not say what it stands for),
"HMAX", "V1", "Silhouette" and "RADON" (computer vision). `judgement_rdms` (16, 4186): judgements
of 16 other people who arranged the images; `judgements` names them (`subject` 1 to 16).

`conditions`: `image` (0 to 91), `animate` and `category`. The files hold the matrices only: which
images share a category is in two of the models; the names of the categories are those that the
paper gives for its order of the images (12 human bodies and body parts, 12 human faces, 12 bodies
and 12 faces of animals, 23 natural and 21 artificial objects).

The files come with rsatoolbox, https://github.com/rsagroup/rsatoolbox, whose code is under the
MIT licence; it does not state terms of its own for the data. They are fetched from there and not
redistributed. Cite:

Kriegeskorte, Mur, Ruff, Kiani, Bodurka, Esteky, Tanaka & Bandettini (2008), Neuron 60, 1126-1141,
doi:10.1016/j.neuron.2008.10.043
and for the judgements
Mur, Meys, Bodurka, Goebel, Bandettini & Kriegeskorte (2013), Frontiers in Psychology 4, 128,
doi:10.3389/fpsyg.2013.00128
"""


@validate_params(
    {"data_home": [str, os.PathLike, None], "download_if_missing": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def fetch_92_images(
    *, data_home: str | os.PathLike | None = None, download_if_missing: bool = True
) -> Bunch:
    """Load RDMs of 92 images: four brains in two sessions, eight models, sixteen judges.

    The RDMs are those of Kriegeskorte et al. [1]_ and Mur et al. [2]_. The three files (1.5 MB)
    are downloaded on first use; copies in the data folder are used if their SHA-256 is right.

    Parameters
    ----------
    data_home : str, path-like or None, default=None
        Folder of the data files, see :func:`get_data_home`. None takes the environment
        variable ``NEUROSELECT_DATA``, or where that is unset, the platform's cache folder.
    download_if_missing : bool, default=True
        Whether to download the files if the folder does not have them.

    Returns
    -------
    images : :class:`~sklearn.utils.Bunch`
        brain_rdms : ndarray of shape (8, 4186)
            1 - Pearson correlation of fMRI patterns in human inferior temporal cortex, condensed
            in SciPy's order; the two sessions of a subject follow each other.
        brain : DataFrame of shape (8, 2)
            `subject` (initials) and `session` (1 or 2) of each row of `brain_rdms`.
        model_rdms : ndarray of shape (8, 4186)
            RDMs of models, condensed.
        model_names : list of str
            Names of the models as published.
        judgement_rdms : ndarray of shape (16, 4186)
            Judged dissimilarities of 16 people, condensed, in their own unit.
        judgements : DataFrame of shape (16, 1)
            `subject`, 1 to 16, of each row of `judgement_rdms`.
        conditions : DataFrame of shape (92, 3)
            `image` (0 to 91), `animate` (bool) and `category`, in the order of the RDMs.
        DESCR : str
            Description, citations and the terms of use.

    Raises
    ------
    OSError
        If a file is missing and cannot, or must not, be downloaded.
    ValueError
        If a file in the data folder is not the published one.

    References
    ----------
    .. [1] Kriegeskorte, Mur, Ruff, Kiani, Bodurka, Esteky, Tanaka & Bandettini (2008), Neuron
       60, 1126-1141, :doi:`10.1016/j.neuron.2008.10.043`
    .. [2] Mur, Meys, Bodurka, Goebel, Bandettini & Kriegeskorte (2013), Frontiers in Psychology
       4, 128, :doi:`10.3389/fpsyg.2013.00128`

    Examples
    --------
    >>> from neuroselect.datasets import fetch_92_images
    >>> images = fetch_92_images()  # doctest: +SKIP
    >>> images.brain_rdms.shape, images.model_names[:2]  # doctest: +SKIP
    ((8, 4186), ['animacy', 'FaceBodyManmadeNatobj'])
    """
    import pandas as pd

    paths = [
        fetch_file(file, data_home=data_home, download_if_missing=download_if_missing)
        for file in (BRAIN, MODELS, JUDGEMENTS)
    ]
    brain_rdms, brain_names = read_rdms(paths[0], "RDMs", (4, 2))
    model_rdms, model_names = read_rdms(paths[1], "Models", (8,))
    judgement_rdms, judgement_names = read_rdms(paths[2], "rdms_behav_92", (16,))
    # "hIT | BE | Session: 1", "simJudge | subject1"
    parts = [name.split(" | ") for name in brain_names]
    sessions = [int(part[2].removeprefix("Session: ")) for part in parts]
    judges = [int(name.split(" | ")[1].removeprefix("subject")) for name in judgement_names]
    return Bunch(
        brain_rdms=brain_rdms,
        brain=pd.DataFrame({"subject": [part[1] for part in parts], "session": sessions}),
        model_rdms=model_rdms,
        model_names=model_names,
        judgement_rdms=judgement_rdms,
        judgements=pd.DataFrame({"subject": judges}),
        conditions=image_categories(),
        DESCR=DESCR,
    )


def read_rdms(
    path: Path, variable: str, shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], list[str]]:
    """Return condensed RDMs (n_rdms, 4186) and their names from an array of structs."""
    structs = np.asarray(read_variables(path, (variable,)).get(variable), dtype=object)
    if structs.shape != shape:
        raise ValueError(
            f"{path} does not have the expected layout: {variable} must be structs of shape"
            f" {shape}, got shape {structs.shape}."
        )
    first, second = np.triu_indices(N_IMAGES, k=1)
    rdms, names = [], []
    for number, struct in enumerate(structs.flat, start=1):
        name = f"{variable}({number})"
        square = finite_array(
            path, f"{name}.RDM", struct_field(struct, "RDM"), (N_IMAGES, N_IMAGES)
        )
        if (square != square.T).any() or np.diagonal(square).any():
            raise ValueError(
                f"{path} does not have the expected layout: {name}.RDM must be symmetric with a"
                " diagonal of zeros."
            )
        rdms.append(square[first, second])
        names.append(_text(path, f"{name}.name", struct_field(struct, "name")))
    return np.array(rdms), names


def _text(path: Path, name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(
            f"{path} does not have the expected layout: {name} must be a text, got"
            f" {type(value).__name__}."
        )
    return value


def image_categories() -> pd.DataFrame:
    """Return the category of each image, in the published order."""
    import pandas as pd

    category = np.repeat(list(CATEGORIES), list(CATEGORIES.values()))
    animate = ~np.char.endswith(category, "object")
    return pd.DataFrame({"image": np.arange(N_IMAGES), "animate": animate, "category": category})
