"""Which channels are near which: spheres of voxels, steps on a graph, or lists."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.spatial import cKDTree


def volume_neighborhoods(
    mask: ArrayLike,
    radius: float,
    *,
    voxel_size: float | Sequence[float] = 1.0,
    min_share: float = 0.0,
) -> sparse.csr_array:
    """Spheres of voxels around each voxel of a mask, within the mask.

    Parameters
    ----------
    mask : array-like of shape (n_x, n_y, n_z) or (n_x, n_y), bool
        Voxels that are channels, in C order: the k-th True of ``mask.ravel()`` is channel k.
    radius : float
        Largest distance of the centres of two voxels, in the unit of `voxel_size`.
    voxel_size : float or sequence of float, default=1.0
        Edge lengths of a voxel, in mm for example.
    min_share : float, default=0.0
        Voxels whose sphere lies in the mask by less than this share have an empty
        neighbourhood, such as those at the rim of the mask.

    Returns
    -------
    neighborhoods : csr_array of shape (n_channels, n_channels), bool
        Row k: the channels in the sphere around channel k, k itself among them. Never a voxel
        outside the mask.

    Raises
    ------
    ValueError
        If the mask is empty or not boolean, or a number is out of bounds.

    Examples
    --------
    >>> from neuroselect.rsa import volume_neighborhoods
    >>> volume_neighborhoods([[True, True, False], [False, True, True]], 1).sum(axis=1)
    array([2, 3, 3, 2])
    """
    mask = np.asarray(mask)
    if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
        raise ValueError("mask must be boolean, True for voxels that are channels.")
    mask = mask.astype(bool)
    if mask.ndim not in (2, 3) or not mask.any():
        raise ValueError(
            f"mask must have two or three axes and a voxel in it, got shape {mask.shape} with"
            f" {int(mask.sum())} voxels."
        )
    size = np.broadcast_to(np.asarray(voxel_size, dtype=np.float64), mask.ndim)
    if not radius >= 0 or not (size > 0).all() or not 0 <= min_share <= 1:
        raise ValueError(
            "radius must be 0 or more, voxel_size positive, and min_share from 0 to 1; got"
            f" {radius!r}, {voxel_size!r} and {min_share!r}."
        )
    places = np.argwhere(mask) * size
    reach = radius * (1 + 1e-9)  # a voxel at the radius is in, whatever rounding does
    near = cKDTree(places).query_ball_point(places, reach, return_sorted=True)
    whole = _voxels_in_sphere(reach, size)
    near = [n if len(n) >= min_share * whole else [] for n in near]
    return _as_matrix(near, len(places))


def adjacency_neighborhoods(adjacency: ArrayLike, n_steps: int = 1) -> sparse.csr_array:
    """Channels within so many steps on a graph, such as a cortical mesh or a sensor array.

    Parameters
    ----------
    adjacency : array-like or sparse array of shape (n_channels, n_channels)
        Not 0 for neighbours. Taken for symmetric: either direction joins two channels.
    n_steps : int, default=1
        Largest number of edges between a centre and its neighbours.

    Returns
    -------
    neighborhoods : csr_array of shape (n_channels, n_channels), bool
        Each channel is in its own neighbourhood.

    Raises
    ------
    ValueError
        If adjacency is not square, or n_steps is negative.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.rsa import adjacency_neighborhoods
    >>> chain = np.eye(4, k=1)
    >>> adjacency_neighborhoods(chain).sum(axis=1), adjacency_neighborhoods(chain, 2).sum(axis=1)
    (array([2, 3, 3, 2]), array([3, 4, 4, 3]))
    """
    step = sparse.csr_array(adjacency)
    if step.ndim != 2 or step.shape[0] != step.shape[1]:
        raise ValueError(f"adjacency must be a square matrix, got shape {step.shape}.")
    if n_steps < 0:
        raise ValueError(f"n_steps must be 0 or more, got {n_steps!r}.")
    step = ((step + step.T) != 0).astype(np.int32)
    here = sparse.eye_array(step.shape[0], dtype=np.int32, format="csr")
    reached = here
    for _ in range(n_steps):
        reached = ((reached @ step + reached) != 0).astype(np.int32)
    return reached.astype(bool)


def read_neighborhoods(neighborhoods, n_channels: int | None = None) -> list[NDArray[np.int64]]:
    """Return the channels of each neighbourhood.

    From a boolean matrix, sparse or not, of shape (n_centers, n_channels), or lists of channels.
    """
    if sparse.issparse(neighborhoods):
        rows = sparse.csr_array(neighborhoods)
        rows.eliminate_zeros()
        ends = rows.indptr.tolist()
        lists = [rows.indices[a:b] for a, b in pairwise(ends)]
        width = rows.shape[1]
    elif isinstance(neighborhoods, np.ndarray) and neighborhoods.dtype == bool:
        if neighborhoods.ndim != 2:
            raise ValueError(
                "neighborhoods must have shape (n_centers, n_channels) if it is a boolean array,"
                f" got {neighborhoods.shape}."
            )
        lists, width = [np.flatnonzero(row) for row in neighborhoods], neighborhoods.shape[1]
    else:
        lists = [np.asarray(channels) for channels in neighborhoods]
        if not all(x.ndim == 1 and (x.dtype.kind in "iu" or not len(x)) for x in lists):
            raise ValueError(
                "neighborhoods must be a boolean matrix (n_centers, n_channels), sparse or not, or"
                " lists of channel numbers."
            )
        width = None
    lists = [x.astype(np.int64) for x in lists]
    _check_channels(lists, width, n_channels)
    return lists


def _check_channels(lists, width, n_channels):
    if not lists or not any(map(len, lists)):
        raise ValueError("neighborhoods must hold a channel, got none: widen the radius or mask.")
    if n_channels is None:
        return
    if width not in (None, n_channels):
        raise ValueError(
            f"neighborhoods has {width} channels (its second axis), but X has {n_channels} on its"
            " last axis."
        )
    named = np.concatenate(lists)
    outside = named[(named < 0) | (named >= n_channels)]
    if len(outside):
        raise ValueError(
            f"neighborhoods names channels outside 0 to {n_channels - 1}, the last axis of X:"
            f" {outside[:5].tolist()}."
        )


def _voxels_in_sphere(reach, size):
    span = [range(-int(reach / s), int(reach / s) + 1) for s in size]
    offsets = np.array(list(product(*span))) * size
    return int(np.sum(np.linalg.norm(offsets, axis=1) <= reach))


def _as_matrix(lists, n_channels):
    lengths = [len(x) for x in lists]
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.concatenate([np.asarray(x, dtype=np.int64) for x in lists])
    values = np.ones(len(indices), dtype=bool)
    return sparse.csr_array((values, indices, indptr), shape=(len(lists), n_channels))
