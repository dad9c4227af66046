"""Products of differences of conditions, from which all dissimilarities are made."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

Product = Callable[[NDArray, NDArray], NDArray]

# Below this share of the products of norms a value is recomputed from differences. Above it,
# cancellation multiplies the rounding of a matrix product (1e-15 for a million channels) by 100
# at most; of cross-validated values, which may be close to 0 by right, by 1e5.
NEAR, NEAR_SIGNED = 1e-2, 1e-5


def difference_products(
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    *,
    symmetric: bool = True,
    near: float = NEAR,
    chunk_bytes: float,
    product: Product,
    out: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return (left_i - left_j) . (right_i - right_j) of all pairs i < j of conditions.

    Parameters
    ----------
    left, right : ndarray of shape (n_systems, n_conditions, n_channels)
        Coordinates; the same array gives squared Euclidean distances.
    symmetric : bool
        Whether the inner products left_i . right_j and left_j . right_i are the same.
    near : float
        Where cancellation leaves too few digits, as a share of the products of norms.
    chunk_bytes : float
        About the size of the tiles of inner products; systems are worked on together.
    product : callable
        Takes arrays (n_systems, m, k) and (n_systems, n, k), gives inner products (n_systems, m,
        n).
    out : ndarray of shape (n_systems, n_pairs) or None
        Where to write.

    Returns
    -------
    products : ndarray of shape (n_systems, n_pairs)
        In SciPy's order.
    """
    n_systems, n = left.shape[:2]
    if out is None:
        out = np.empty((n_systems, n * (n - 1) // 2))
    a = left - left.mean(axis=1, keepdims=True)
    b = a if right is left else right - right.mean(axis=1, keepdims=True)
    own = np.einsum("sic,sic->si", a, b)
    size = own
    if right is not left:
        size = np.sqrt(np.einsum("sic,sic->si", a, a) * np.einsum("sic,sic->si", b, b))
    tile = max(1, math.isqrt(int(chunk_bytes // (32 * n_systems))))
    for start in range(0, n - 1, tile):
        for begin in range(start, n, tile):
            rows, columns = slice(start, min(start + tile, n)), slice(begin, min(begin + tile, n))
            inner = product(a[:, rows], b[:, columns])
            if symmetric:
                inner *= 2
            else:
                inner += product(b[:, rows], a[:, columns])
            first, second = _pairs_of(rows, columns)
            if begin == start:
                inner = inner.reshape(n_systems, -1).take(
                    (first - start) * inner.shape[2] + second - begin, axis=1
                )
            values = own.take(first, axis=1)
            values += own.take(second, axis=1)
            bound = near * (values if right is left else size[:, first] + size[:, second])
            values -= inner.reshape(n_systems, -1)
            close = np.nonzero((values if right is left else abs(values)) <= bound)
            _recompute(values, close, left, right, first, second, chunk_bytes)
            _store(values, out, n, rows, columns)
    return out


def _pairs_of(rows: slice, columns: slice) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Conditions of each pair of a tile; of one on the diagonal, above it."""
    n_rows, n_columns = rows.stop - rows.start, columns.stop - columns.start
    if rows == columns:
        first, second = np.triu_indices(n_rows, k=1)
    else:
        first = np.repeat(np.arange(n_rows), n_columns)
        second = np.tile(np.arange(n_columns), n_rows)
    return first + rows.start, second + columns.start


def _recompute(values, close, left, right, first, second, chunk_bytes) -> None:
    step = max(1, int(chunk_bytes // (32 * left.shape[2])))
    for begin in range(0, len(close[0]), step):
        system, pair = (index[begin : begin + step] for index in close)
        i, j = first[pair], second[pair]
        difference = other = left[system, i] - left[system, j]
        if right is not left:
            other = right[system, i] - right[system, j]
        values[system, pair] = np.einsum("pc,pc->p", difference, other)


def _store(values: NDArray, out: NDArray, n: int, rows: slice, columns: slice) -> None:
    """Write the pairs of a tile to their places."""
    if columns.stop - columns.start == n:
        out[:] = values
        return
    done = 0
    for row in range(rows.start, rows.stop):
        begin = max(columns.start, row + 1)
        # Pairs (row, row + 1), (row, row + 2), ... follow those of the rows before.
        place = row * n - row * (row + 1) // 2 + begin - row - 1
        length = columns.stop - begin
        out[:, place : place + length] = values[:, done : done + length]
        done += length


def product_on(device: str) -> Product:
    """Return the matrix product in float64 on a device: NumPy's on "cpu", else torch's."""
    if device == "cpu":
        return _product
    from neuroselect.utils._torch import DEVICES, resolve_device

    if device not in DEVICES:
        raise ValueError(f"device must be one of {list(DEVICES)}, got {device!r}.")
    device = resolve_device(device, np.float64)
    return _product if device == "cpu" else partial(torch_product, device=device)


def torch_product(a: NDArray, b: NDArray, device: str) -> NDArray:
    """Multiply on a device of torch, and bring the result back."""
    import torch

    a, b = (torch.from_numpy(np.ascontiguousarray(x)).to(device) for x in (a, b))
    return (a @ b.transpose(1, 2)).cpu().numpy()


def _product(a: NDArray, b: NDArray) -> NDArray:
    return a @ b.transpose(0, 2, 1)
