"""What populations look like: the same measures for networks and for recordings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.geometry import participation_ratio
from neuroselect.rsa import RDMRegression, RDMTransformer, model_rdms

if TYPE_CHECKING:
    import pandas as pd


class ModelSet(NamedTuple):
    """Model RDMs that enter one regression together."""

    models: tuple[str, ...]  # "first" and "second" stand for the features in their order
    context_offset: float
    description: str


SEVEN = ("grid", "rotated_grid", "orthogonal", "parallel", "diagonal", "first", "second")

MODEL_SETS = {
    "three": ModelSet(
        ("grid", "orthogonal", "parallel"),
        0.0,
        "three models, tasks not set apart (published for networks)",
    ),
    "seven": ModelSet(
        SEVEN, 1.0, "seven models, tasks set apart by 1 level (published for the recording)"
    ),
    "seven, no offset": ModelSet(SEVEN, 0.0, "seven models, tasks not set apart"),
}


class Population(NamedTuple):
    """Measures of one or more systems with the same conditions."""

    rdms: NDArray[np.float64]  # (n_systems, n_pairs)
    participation_ratio: NDArray[np.float64]  # (n_systems,)
    betas: dict[str, pd.DataFrame]  # set of models -> (n_systems, n_models) and r2


def describe_population(
    patterns: ArrayLike, conditions: pd.DataFrame, features: Sequence[str], task: str
) -> Population:
    """Measure the geometry of condition patterns, of networks or of recorded units.

    Parameters
    ----------
    patterns : array-like of shape (n_systems, n_conditions, n_units)
        Mean response per condition and unit.
    conditions : DataFrame of n_conditions rows
        Levels of the features, and the task.
    features : sequence of two str
        The features' columns, the one relevant in the first task first.
    task : str
        The task's column.

    Returns
    -------
    population : Population
        Euclidean RDMs, centred participation ratios, and the betas on each of the sets of
        models, with the share of variance they explain as last column, `r2`.
    """
    rdms = RDMTransformer().fit_transform(patterns)
    return Population(
        rdms,
        np.atleast_1d(participation_ratio(patterns)),
        {
            name: rdm_betas(rdms, conditions, features, task, models)
            for name, models in MODEL_SETS.items()
        },
    )


def rdm_betas(
    rdms: ArrayLike,
    conditions: pd.DataFrame,
    features: Sequence[str],
    task: str,
    model_set: ModelSet,
) -> pd.DataFrame:
    """Regress RDMs on a set of model RDMs, all of them z-scored.

    Parameters
    ----------
    rdms : array-like of shape (n_systems, n_pairs)
        Condensed RDMs.
    conditions, features, task
        As in `describe_population`.
    model_set : ModelSet

    Returns
    -------
    betas : DataFrame of shape (n_systems, n_models + 1)
        One column per model, the single features under the names "first" and "second", and
        `r2`, the share of variance explained.
    """
    import pandas as pd

    models = model_set_rdms(conditions, features, task, model_set)
    regression = RDMRegression(models)
    betas = pd.DataFrame(regression.fit_transform(rdms), columns=list(models))
    return betas.assign(r2=regression.r2_)


def model_set_rdms(
    conditions: pd.DataFrame, features: Sequence[str], task: str, model_set: ModelSet
) -> dict[str, NDArray[np.float64]]:
    """Return the condensed model RDMs of a set, by the names of the models."""
    stand_in = dict(zip(("first", "second"), features, strict=True))
    rdms = model_rdms(
        conditions,
        features,
        task,
        models=[stand_in.get(model, model) for model in model_set.models],
        context_offset=model_set.context_offset,
    )
    return dict(zip(model_set.models, rdms, strict=True))
