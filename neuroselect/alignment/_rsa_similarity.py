"""Similarity of the RDMs of systems."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.alignment._systems import of_pairs
from neuroselect.rsa import compare_rdms, condensed_rdms


def rsa_similarity(
    a: ArrayLike,
    b: ArrayLike | None = None,
    *,
    metric: str = "euclidean",
    comparison: str = "corr",
) -> float | NDArray[np.float64]:
    """Similarity of the RDMs of systems, greater for more alike ones.

    Parameters
    ----------
    a, b : array-like of shape (n_conditions, n_units), or several systems
        Patterns of the same conditions (or activity in the same trials, each its own condition);
        units may differ in number. Several systems as in `linear_cka`. Without `b`: all pairs
        of `a`.
    metric : str, default="euclidean"
        Dissimilarity of two patterns, as of :func:`neuroselect.rsa.condensed_rdms`; none that
        is cross-validated over runs.
    comparison : str, default="corr"
        As of :func:`neuroselect.rsa.compare_rdms`, of those that are greater for RDMs that are more
        alike.

    Returns
    -------
    similarity : float or ndarray of shape (n_a, n_b)
        1 for a system and itself.

    Raises
    ------
    ValueError
        If conditions differ in number or are less than 3, values are not finite, or the
        comparison is a distance.

    Notes
    -----
    With "sqeuclidean" and "cosine_cov" this is linear CKA. Null: conditions of one system
    shuffled, see `alignment_test`; for inference over subjects and conditions
    :func:`neuroselect.rsa.evaluate`.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.alignment import rsa_similarity
    >>> a = np.random.default_rng(0).normal(size=(10, 3))
    >>> round(rsa_similarity(a, 2 * a[:, ::-1]), 12)
    1.0
    """
    if comparison == "bures_metric":
        raise ValueError(
            "comparison='bures_metric' is a distance, smaller for RDMs that are more alike. Use"
            " 'bures'."
        )

    def rdm(system):
        if len(system) < 3:
            raise ValueError(f"RDMs need at least 3 conditions to be compared, got {len(system)}.")
        return condensed_rdms(system[None], metric)

    return of_pairs(lambda x, y: compare_rdms(x, y, comparison)[0, 0], rdm, a, b)
