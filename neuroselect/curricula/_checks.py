"""Checks of what curricula are given and of what they yield."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from numbers import Integral

import numpy as np


def check_count(value, name: str, minimum: int) -> int:
    """Return ``value`` as an int of at least ``minimum``, or raise."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise ValueError(f"{name} must be an integer of at least {minimum}, got {value!r}.")
    return int(value)


def encode_call(task, batch_size, max_iter) -> tuple[list, np.ndarray]:
    """Check the arguments that every curriculum is called with.

    Returns
    -------
    tasks : list
        The sorted task codes, as Python objects.
    position : ndarray of shape (n_trials,), int64
        Position of each trial's task in ``tasks``.
    """
    codes = np.asarray(task)
    if codes.ndim != 1 or not len(codes):
        raise ValueError(
            "task must hold the task code of each trial, shape (n_trials,), of at least one trial;"
            f" got shape {codes.shape}."
        )
    if codes.dtype.kind == "f" and np.isnan(codes).any():
        raise ValueError(
            f"task holds {np.isnan(codes).sum()} NaN. Every trial needs a task: fill the codes in,"
            " or drop these trials."
        )
    if batch_size is not None:
        check_count(batch_size, "batch_size", 1)
    check_count(max_iter, "max_iter", 0)
    tasks, position = np.unique(codes, return_inverse=True)
    return tasks.tolist(), position.astype(np.int64, copy=False)


def check_passes(passes: Iterable, *, n_trials: int, max_iter: int) -> Iterator[list[np.ndarray]]:
    """Hand on the passes of a curriculum one by one, and refuse what cannot be trained on.

    Meant for curricula of one's own; those of this module always pass.

    Parameters
    ----------
    passes : iterable of iterables of array-like of shape (n_trials_in_step,)
        What the curriculum returned: for each pass, the trials of each step. It is drawn from
        lazily, one pass at a time.
    n_trials : int
        Number of trials; valid indices are 0 to ``n_trials - 1``.
    max_iter : int
        Number of passes that there must be.

    Yields
    ------
    steps : list of ndarray of shape (n_trials_in_step,), int64
        The steps of one pass.

    Raises
    ------
    TypeError
        If the curriculum or a pass is not iterable, or a step does not hold integers.
    ValueError
        If a pass has no step, a step has no trial or is not one-dimensional, an index is out of
        range, or there are fewer or more than ``max_iter`` passes. Too many passes are noticed
        when the iterator is asked for the pass after the last.

    Examples
    --------
    >>> steps, = check_passes([[[0, 1], [2]]], n_trials=3, max_iter=1)
    >>> steps
    [array([0, 1]), array([2])]
    """
    if not isinstance(passes, Iterable):
        raise TypeError(
            "The curriculum must return an iterator over passes, each a list of index arrays (one"
            f" per step); got {type(passes).__name__}."
        )
    n_passes = 0
    for n_passes, steps in enumerate(passes, start=1):
        if n_passes > max_iter:
            raise ValueError(
                f"The curriculum yields more than max_iter={max_iter} passes. It must stop after"
                " max_iter passes."
            )
        yield _checked_pass(steps, n_passes - 1, n_trials)
    if n_passes < max_iter:
        raise ValueError(
            f"The curriculum stopped after {n_passes} of max_iter={max_iter} passes. It must yield"
            " exactly max_iter passes."
        )


def _checked_pass(steps, number, n_trials):
    if not isinstance(steps, Iterable):
        raise TypeError(
            f"Pass {number} of the curriculum must be a list of index arrays, one per step; got"
            f" {type(steps).__name__}."
        )
    checked = [
        _checked_step(trials, f"Step {k} of pass {number} of the curriculum", n_trials)
        for k, trials in enumerate(steps)
    ]
    if not checked:
        raise ValueError(f"Pass {number} of the curriculum has no steps. Expected at least one.")
    return checked


def _checked_step(trials, name, n_trials):
    trials = np.asarray(trials)
    if trials.ndim != 1 or not len(trials):
        raise ValueError(
            f"{name} must be a one-dimensional array of at least one trial index, got shape"
            f" {trials.shape}."
        )
    if trials.dtype.kind not in "iu":
        hint = " Use np.flatnonzero to turn a mask into indices." * (trials.dtype.kind == "b")
        raise TypeError(f"{name} must hold integer trial indices, got {trials.dtype}.{hint}")
    low, high = trials.min(), trials.max()
    if low < 0 or high >= n_trials:
        raise ValueError(
            f"{name} names trial {low if low < 0 else high}, but trials are numbered from 0 to"
            f" {n_trials - 1}."
        )
    return trials.astype(np.int64, copy=False)
