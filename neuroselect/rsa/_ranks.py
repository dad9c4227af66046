"""Ranks of many RDMs, and the pairs of pairs that two of them order alike."""

import numpy as np
from numpy.typing import NDArray

_SHORT = 16  # stretches in which values are compared all with all


def average_ranks(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks from 1 within each row; values that tie share their mean rank."""
    order, new = _sorted_runs(rows)
    position = np.broadcast_to(np.arange(rows.shape[1]), rows.shape)
    if new.all():
        ranked = position + 1.0
    else:
        first = np.maximum.accumulate(np.where(new, position, 0), axis=1)
        ends = np.concatenate([new[:, 1:], np.ones((len(rows), 1), dtype=bool)], axis=1)
        last = np.where(ends, position, rows.shape[1])
        last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
        ranked = (first + last) / 2 + 1.0
    ranks = np.empty(rows.shape)
    np.put_along_axis(ranks, order, ranked, axis=1)
    return ranks


def dense_ranks(rows: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return ranks 0, 1, ... without gaps, and the number of tied pairs of values, per row."""
    order, new = _sorted_runs(rows)
    ranks = np.empty(rows.shape, dtype=np.int64)
    np.put_along_axis(ranks, order, np.cumsum(new, axis=1) - 1, axis=1)
    return ranks, _tied_pairs(new)


def order_agreement(
    ranks: NDArray[np.int64], ties: NDArray[np.int64], other: NDArray[np.int64], other_ties: int
) -> NDArray[np.int64]:
    """Count concordant less discordant pairs of values of each row and one other row.

    Parameters
    ----------
    ranks : ndarray of shape (n_rows, n)
        Dense ranks, and in `ties` the number of tied pairs of each row.
    other : ndarray of shape (n,)
        Dense ranks of the other, with `other_ties` tied pairs.
    """
    n = len(other)
    both = np.sort(ranks * n + other, axis=1)
    joint = _tied_pairs(_new_runs(both))
    discordant = _inversions(both % n)
    return n * (n - 1) // 2 - ties - other_ties + joint - 2 * discordant


def _sorted_runs(rows: NDArray) -> tuple[NDArray, NDArray[np.bool_]]:
    order = np.argsort(rows, axis=1)
    return order, _new_runs(np.take_along_axis(rows, order, axis=1))


def _new_runs(ordered: NDArray) -> NDArray[np.bool_]:
    """Whether each value of sorted rows differs from the one before it."""
    new = np.ones(ordered.shape, dtype=bool)
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=new[:, 1:])
    return new


def _tied_pairs(new: NDArray[np.bool_]) -> NDArray[np.int64]:
    if new.all():
        return np.zeros(len(new), dtype=np.int64)
    starts = np.flatnonzero(new)
    length = np.diff(np.append(starts, new.size))
    row = starts // new.shape[1]
    pairs = np.zeros(len(new), dtype=np.int64)
    np.add.at(pairs, row, length * (length - 1) // 2)
    return pairs


def _inversions(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count i < j with row[i] > row[j]: within short stretches, then across doubled ones."""
    n_rows, n = rows.shape
    width = 1
    while width * _SHORT < n:
        width *= 2
    short = -(-n // width)
    largest = 2 * (n + 1)  # of what follows, twice the rank and a bit
    padded = np.full((n_rows, width * short), n, dtype=np.int16 if largest < 2**15 else np.int64)
    padded[:, :n] = rows
    parts = padded.reshape(n_rows, width, short)
    later = np.triu(np.ones((short, short), dtype=bool), k=1)
    above = (parts[..., np.newaxis] > parts[..., np.newaxis, :]) & later
    counts = np.count_nonzero(above.reshape(n_rows, -1), axis=1)
    while width > 1:
        # A value of the first half stands, in the sorted whole, behind its smaller ones of the
        # first half and those of the second half with which it is out of order.
        half, width = parts.shape[2], width // 2
        keys = 2 * parts.reshape(n_rows, width, 2, half)
        keys[:, :, 1] += 1  # behind an equal value of the first half
        keys = keys.reshape(n_rows, width, 2 * half)
        keys.sort(axis=2)
        position = np.arange(2 * half)
        behind = ((keys & 1) == 0).reshape(-1, 2 * half).astype(np.float32) @ position
        behind = behind.reshape(n_rows, width).sum(axis=1)
        counts += behind.astype(np.int64) - width * (half * (half - 1) // 2)
        parts = keys >> 1
    return counts
