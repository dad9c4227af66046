"""Persistent homology of RDMs: pieces, loops and holes, and how long they last."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.geometry._mds import _as_square
from neuroselect.utils._optional import import_optional

Diagrams = list[NDArray[np.float64]]


def persistence_diagrams(rdms: ArrayLike, max_dim: int = 1) -> Diagrams | list[Diagrams]:
    """Births and deaths of topological features of each RDM [1]_, [2]_.

    At each distance t, conditions closer than t are joined (and so are triples of conditions that
    are all joined, and so on). As t grows from 0, pieces merge, and loops and
    hollows appear and are filled: each feature has a birth and a death. Those that last
    are of the shape; those that hardly do are of the noise.

    Needs the package ripser: ``pip install "neuroselect[topology]"``.

    Parameters
    ----------
    rdms : array-like of shape (n_pairs,) or (n_systems, n_pairs)
        Condensed RDMs of one system or several, with distances of at least 0.
    max_dim : int, default=1
        Largest dimension of features: 0 for connected pieces, 1 for loops, 2 for hollows. Cost
        grows steeply with it.

    Returns
    -------
    diagrams : list of ndarray of shape (n_features, 2), or list of such lists
        Births and deaths in the unit of the RDM, for the dimensions 0, ..., max_dim; one list
        for each system if `rdms` has an axis of systems. The last piece never
        dies: its death is infinite.

    Raises
    ------
    ImportError
        If ripser is not installed.
    ValueError
        If `rdms` are no condensed RDMs, or `max_dim` is no integer of at least 0.

    See Also
    --------
    total_persistence : Diagrams in one number for each dimension.
    betti_curves : Number of features at each distance.
    neuroselect.rsa.GeoTopologicalTransformer : RDMs with little geometry.

    Notes
    -----
    Features that die as they are born, such as a piece that is one of two equal conditions, are
    left out.

    References
    ----------
    .. [1] Edelsbrunner, Letscher & Zomorodian (2002), "Topological persistence and
       simplification", Discrete & Computational Geometry 28, 511-533.
       :doi:`10.1007/s00454-002-2885-2`
    .. [2] Tralie, Saul & Bar-On (2018), "Ripser.py: A lean persistent homology library for
       Python", Journal of Open Source Software 3, 925. :doi:`10.21105/joss.00925`

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.spatial.distance import pdist
    >>> from neuroselect.geometry import persistence_diagrams
    >>> angle = np.arange(12) * np.pi / 6
    >>> circle = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> pieces, loops = persistence_diagrams(pdist(circle))  # doctest: +SKIP
    >>> len(pieces), loops.round(2)                          # doctest: +SKIP
    (12, array([[0.52, 1.73]]))
    """
    if isinstance(max_dim, bool) or not isinstance(max_dim, Integral) or max_dim < 0:
        raise ValueError(f"max_dim must be an integer of at least 0, got {max_dim!r}.")
    rdms = np.asarray(rdms, dtype=np.float64)
    if rdms.ndim not in (1, 2):
        raise ValueError(
            f"rdms must have shape (n_pairs,) or (n_systems, n_pairs), got shape {rdms.shape}."
        )
    squares = [_as_square(rdm) for rdm in np.atleast_2d(rdms)]
    ripser = import_optional("ripser", "topology", "persistence_diagrams").ripser
    diagrams = [
        # Deaths are kept in float32 there; births and deaths are distances: restored.
        [_exact(d, square) for d in ripser(square, maxdim=max_dim, distance_matrix=True)["dgms"]]
        for square in squares
    ]
    return diagrams if rdms.ndim == 2 else diagrams[0]


def total_persistence(diagrams: Diagrams | Sequence[Diagrams], power: float = 1.0) -> NDArray:
    """Sum of the lifetimes of the features of each dimension.

    Parameters
    ----------
    diagrams : list of ndarray of shape (n_features, 2), or list of such lists
        As of `persistence_diagrams`. Features that never die are left out.
    power : float, default=1.0
        Of each lifetime, above 0; larger ones give more weight to what lasts.

    Returns
    -------
    total : ndarray of shape (n_dims,) or (n_systems, n_dims)
        In the unit of the RDMs to the `power`.

    Raises
    ------
    ValueError
        If `power` is not above 0, or `diagrams` are none.

    Examples
    --------
    >>> import numpy as np
    >>> pieces, loops = np.array([[0, 1.0], [0, 2.0], [0, np.inf]]), np.array([[2.0, 5.0]])
    >>> total_persistence([pieces, loops])
    array([3., 3.])
    """
    if not power > 0:
        raise ValueError(f"power must be above 0, got {power!r}.")

    def lifetimes(diagram):
        births, deaths = diagram[np.isfinite(diagram[:, 1])].T
        return ((deaths - births) ** power).sum()

    return _for_each(diagrams, lifetimes)


def betti_curves(diagrams: Diagrams | Sequence[Diagrams], thresholds: ArrayLike) -> NDArray:
    """Number of features of each dimension that are there at each distance.

    Parameters
    ----------
    diagrams : list of ndarray of shape (n_features, 2), or list of such lists
        As of `persistence_diagrams`.
    thresholds : array-like of shape (n_thresholds,)
        Distances, in the unit of the RDMs.

    Returns
    -------
    curves : ndarray of shape (n_dims, n_thresholds) or (n_systems, n_dims, n_thresholds)
        Numbers of features with ``birth <= threshold < death``.

    Raises
    ------
    ValueError
        If `thresholds` have another shape or are not finite, or `diagrams` are none.

    Examples
    --------
    >>> import numpy as np
    >>> pieces, loops = np.array([[0, 1.0], [0, 2.0], [0, np.inf]]), np.array([[2.0, 5.0]])
    >>> betti_curves([pieces, loops], [0, 1, 2, 5])
    array([[3, 2, 1, 1],
           [0, 0, 1, 0]])
    """
    thresholds = np.asarray(thresholds, dtype=np.float64)
    if thresholds.ndim != 1 or not np.isfinite(thresholds).all():
        raise ValueError(
            "thresholds must be a list of finite distances, got an array of shape"
            f" {thresholds.shape}."
        )

    def count(diagram):
        births, deaths = diagram[:, :1], diagram[:, 1:]
        return ((births <= thresholds) & (thresholds < deaths)).sum(axis=0)

    return _for_each(diagrams, count)


def _exact(diagram, square):
    """Replace each finite value by the distance closest to it."""
    distances = np.unique(square)
    values = diagram.astype(np.float64)
    finite = np.isfinite(values)
    right = np.searchsorted(distances, values[finite]).clip(1, max(len(distances) - 1, 1))
    right = np.minimum(right, len(distances) - 1)
    left = np.maximum(right - 1, 0)
    nearer = abs(distances[right] - values[finite]) < abs(distances[left] - values[finite])
    values[finite] = distances[np.where(nearer, right, left)]
    return values


def _for_each(diagrams, function):
    """Apply a function to every diagram, of one system or of several."""
    if not len(diagrams):
        raise ValueError("diagrams is empty; pass what persistence_diagrams returned.")
    if isinstance(diagrams[0], (list, tuple)):
        return np.array([_for_each(system, function) for system in diagrams])
    arrays = [np.asarray(diagram, dtype=np.float64) for diagram in diagrams]
    if any(array.ndim != 2 or array.shape[1] != 2 for array in arrays):
        raise ValueError(
            "diagrams must be arrays of shape (n_features, 2), one for each dimension, or lists"
            f" of these; got shapes {[array.shape for array in arrays]}."
        )
    return np.array([function(array) for array in arrays])
