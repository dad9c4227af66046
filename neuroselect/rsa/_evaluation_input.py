"""What an evaluation of models is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import num_obs_y

from neuroselect.rsa._compare import METHODS
from neuroselect.rsa._resampling import FACTORS, fewest_distinct
from neuroselect.rsa._similarities import WHITENED

RESAMPLE = {
    "subjects": ("subjects",),
    "conditions": ("conditions",),
    "networks": ("networks",),
    "both": ("subjects", "conditions"),
    "all": FACTORS,
}


class Evaluated(NamedTuple):
    """Models and measured RDMs, checked."""

    models: NDArray[np.float64]  # (n_models, n_networks, n_pairs)
    rdms: NDArray[np.float64]  # (n_rdms, n_pairs)
    groups: NDArray[np.int64]  # (n_rdms,) subject of each
    names: list[str]  # (n_models,)

    @property
    def sizes(self) -> dict[str, int]:
        """Number of members of each factor."""
        return {
            "networks": self.models.shape[1],
            "subjects": int(self.groups.max()) + 1,
            "conditions": int(num_obs_y(self.rdms[0])),
        }


def read_evaluated(
    models: ArrayLike | Mapping[str, ArrayLike],
    rdms: ArrayLike,
    names: Sequence[str] | None,
    subjects: ArrayLike | None,
) -> Evaluated:
    """Check models, RDMs, their names and their subjects."""
    rdms = read_rdms(rdms, "rdms")
    if isinstance(models, Mapping):
        if names is not None:
            raise ValueError("names must be None for models that have names, as a mapping does.")
        names, models = list(models), list(models.values())
        if len({np.shape(model) for model in models}) > 1:
            raise ValueError(
                "models must have one shape, (n_pairs,) or (n_networks, n_pairs), got"
                f" {[np.shape(model) for model in models]} for {names}."
            )
    models = np.asarray(models, dtype=np.float64)
    if models.ndim not in (1, 2, 3) or 0 in models.shape or models.shape[-1] != rdms.shape[-1]:
        raise ValueError(
            f"models must have shape (n_models, n_pairs) with n_pairs = {rdms.shape[-1]} as rdms"
            " has, or (n_models, n_networks, n_pairs); got shape"
            f" {models.shape}."
        )
    if models.ndim < 3:
        models = np.atleast_2d(models)[:, None]
    _check_finite(models, "models")
    names = [f"model_{k}" for k in range(len(models))] if names is None else list(map(str, names))
    if len(names) != len(models) or len(set(names)) != len(names):
        raise ValueError(
            f"names must be {len(models)} different names, one per model, got {names}."
        )
    return Evaluated(models, rdms, read_subjects(subjects, len(rdms)), names)


def read_rdms(rdms: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return finite condensed RDMs (n_rdms, n_pairs) of three conditions or more."""
    rdms = np.atleast_2d(np.asarray(rdms, dtype=np.float64))
    if rdms.ndim != 2 or 0 in rdms.shape:
        raise ValueError(f"{name} must have shape (n_rdms, n_pairs), got shape {rdms.shape}.")
    n_conditions = round((1 + np.sqrt(1 + 8 * rdms.shape[1])) / 2)
    if n_conditions * (n_conditions - 1) // 2 != rdms.shape[1] or n_conditions < 3:
        raise ValueError(
            f"{name} must be condensed RDMs with n_conditions * (n_conditions - 1) / 2 pairs of at"
            f" least 3 conditions, got {rdms.shape[1]} pairs. Use"
            " scipy.spatial.distance.squareform for square ones."
        )
    _check_finite(rdms, name)
    return rdms


def read_subjects(subjects: ArrayLike | None, n_rdms: int) -> NDArray[np.int64]:
    """Return the number of each RDM's subject."""
    if subjects is None:
        return np.arange(n_rdms)
    subjects = np.asarray(subjects)
    if subjects.shape != (n_rdms,):
        raise ValueError(
            f"subjects must have shape ({n_rdms},), whose RDM each is, got {subjects.shape}."
        )
    return np.unique(subjects, return_inverse=True)[1]


def check_comparison(comparison: str, sigma_k: ArrayLike | None) -> None:
    """Raise unless the comparison is a similarity that takes what is given."""
    known = [method for method in METHODS if method != "bures_metric"]
    if comparison not in known:
        raise ValueError(
            f"comparison must be one of {known}, got {comparison!r}: estimates and noise ceiling"
            " are of similarities, greater for RDMs that are more alike."
        )
    if sigma_k is not None and comparison not in WHITENED:
        raise ValueError(
            f"sigma_k is for comparison in {list(WHITENED)}, got {comparison!r}. Leave it out."
        )


def read_factors(
    resample: str | Sequence[str], sizes: dict[str, int], noise_ceiling: bool
) -> tuple[str, ...]:
    """Return what is resampled, in the order of `FACTORS`."""
    chosen = RESAMPLE.get(resample) if isinstance(resample, str) else tuple(resample)
    if not chosen or not set(chosen) <= set(FACTORS):
        raise ValueError(
            f"resample must be one of {sorted(RESAMPLE)} or several of {list(FACTORS)}, got"
            f" {resample!r}."
        )
    for factor in chosen:
        # All samples that hold no fewer than all members are the same: no variance.
        needed = 1 + fewest_distinct(factor, noise_ceiling)
        if sizes[factor] < needed:
            hint = {
                "networks": " Pass models of shape (n_models, n_networks, n_pairs).",
                "subjects": " Two are enough with noise_ceiling=False." if noise_ceiling else "",
            }.get(factor, "")
            raise ValueError(
                f"resample={resample!r} draws {factor}, of which it needs at least {needed}, got"
                f" {sizes[factor]}.{hint}"
            )
    return tuple(factor for factor in FACTORS if factor in chosen)


def _check_finite(array, name):
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise ValueError(
            f"{name} must be finite, got {len(bad)} NaN or infinite values, the first at"
            f" {tuple(bad[0].tolist())}. Drop the conditions that they belong to, from models and"
            " RDMs alike."
        )
