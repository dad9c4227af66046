"""The one policy for missing (NaN) pairs of conditions, for whatever takes several RDMs."""

import numpy as np
from numpy.typing import NDArray

from neuroselect.rsa._checks import check_finite

POLICIES = ("raise", "drop")


def check_policy(missing: str) -> None:
    """Raise for an unknown policy."""
    if missing not in POLICIES:
        raise ValueError(f"missing must be one of {list(POLICIES)}, got {missing!r}.")


def common_pairs(missing: str, **rdms: NDArray) -> NDArray[np.bool_]:
    """Say which pairs of conditions every one of the RDMs has.

    Positions are compared, never only counted: where a pair is NaN in one RDM, it is left out
    of all of them.

    Parameters
    ----------
    missing : {"raise", "drop"}
        Whether a NaN is an error or a pair to leave out. Infinite values are errors.
    **rdms : ndarray of shape (n_rdms, n_pairs)
        Condensed RDMs by the name of the argument that holds them, all of the same pairs.

    Returns
    -------
    present : ndarray of bool of shape (n_pairs,)
        All true with ``missing="raise"``.
    """
    check_policy(missing)
    present = np.ones(next(iter(rdms.values())).shape[1], dtype=bool)
    for name, array in rdms.items():
        if missing == "drop":
            gaps = np.isnan(array)
            present &= ~gaps.any(axis=0)
            array = np.where(gaps, 0.0, array)
        check_finite(array, name, ("RDM", "pair"))
    if present.sum() < 2:
        raise ValueError(
            f"The RDMs in {' and '.join(rdms)} share {present.sum()} of {len(present)} pairs of"
            " conditions that are NaN in none of them; at least 2 are needed. Leave out the RDMs"
            " with the most missing pairs."
        )
    return present
