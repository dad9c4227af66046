"""A curriculum that draws tasks with given probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from neuroselect.curricula._blocked import split_passes
from neuroselect.curricula._checks import encode_call

ATOL = 1e-9


@dataclass(frozen=True)
class Biased:
    """Each trial's task is drawn with given probabilities, which may change over time.

    The task of every trial of a batch is drawn independently, so that the number of trials per
    task in a batch is multinomial. The trials themselves are dealt from one shuffled deck per
    task, which is shuffled again when it is exhausted and lasts over steps and passes: a trial
    comes back only after all others of its task were shown, and can be twice in one batch only
    where the deck runs out within it. A pass has ``ceil(n_trials / batch_size)`` steps of
    ``batch_size`` trials each (``n_trials`` at most, and for ``batch_size=None``).

    Experiments that bias the *numbers of trials* instead [1]_ need no curriculum of their own:
    give the tasks unequal numbers of trials and use `Resampled` or `Interleaved`.

    Parameters
    ----------
    probabilities : array-like, mapping, callable or None, default=None
        Rows of probabilities that are not negative and sum to 1.

        - None: all tasks are equally probable, whatever their numbers of trials.
        - shape (n_tasks,): fixed, in the order of the sorted task codes.
        - shape (n_phases, n_tasks): one row after the other, each for an equal span of the passes
          (split as equally as possible, earlier phases get the remainder).
        - mapping from task code to probability: fixed; tasks left out are never shown.
        - callable: called before each pass with the progress ``pass / (max_iter - 1)``, from 0 at
          the first to 1 at the last pass (0 if there is only one); returns an array-like of shape
          (n_tasks,) or a mapping. It must be a function of a module for the curriculum to pickle.

    Raises
    ------
    ValueError
        If probabilities are negative, not finite, or do not sum to 1 within 1e-9; when called, if
        there is not one per task, a mapping names a task without trials, or ``max_iter`` has
        fewer passes than there are phases. What a callable returns is checked at its pass.

    See Also
    --------
    Interleaved : Tasks as frequent as their trials.

    References
    ----------
    .. [1] T. George (2020), "What makes neurons picky?",
       https://github.com/TomGeorge1234/WhatMakesNeuronsPicky

    Examples
    --------
    From one task to the other in three phases:

    >>> import numpy as np
    >>> from neuroselect.curricula import Biased
    >>> task = np.repeat(["A", "B"], 50)
    >>> curriculum = Biased([[1, 0], [0.5, 0.5], [0, 1]])
    >>> passes = curriculum(task, batch_size=10, max_iter=3, rng=np.random.default_rng(0))
    >>> ["".join(np.unique(task[np.concatenate(steps)])) for steps in passes]
    ['A', 'AB', 'B']

    Gradually:

    >>> curriculum = Biased(lambda progress: [1 - progress, progress])
    """

    probabilities: (
        Sequence | np.ndarray | Mapping | Callable[[float], Sequence | np.ndarray | Mapping] | None
    ) = field(default=None, hash=False)  # a mapping has no hash

    def __post_init__(self):
        object.__setattr__(self, "probabilities", _tidy_probabilities(self.probabilities))

    def __call__(
        self, task, *, batch_size: int | None, max_iter: int, rng: np.random.Generator
    ) -> Iterator[list[np.ndarray]]:
        """Yield ``max_iter`` passes, each a list of index arrays, one per step."""
        tasks, position = encode_call(task, batch_size, max_iter)
        rows = self._rows(tasks, max_iter)
        size = min(batch_size or len(position), len(position))
        n_steps = -(-len(position) // size)
        decks = [Deck(np.flatnonzero(position == k), rng) for k in range(len(tasks))]
        return (list(deal_pass(decks, row, rng, (n_steps, size))) for row in rows)

    def _rows(self, tasks, max_iter) -> Iterator[np.ndarray]:
        """Probabilities of the tasks in each pass."""
        given = self.probabilities
        if callable(given):
            last = max(max_iter - 1, 1)
            return (
                _one_row(given(k / last), tasks, f"probabilities({k / last:g})")
                for k in range(max_iter)
            )
        if given is None:
            given = (1 / len(tasks),) * len(tasks)
        if isinstance(given, Mapping) or not isinstance(given[0], tuple):
            given = (given,)
        rows = [_one_row(row, tasks, "probabilities") for row in given]
        spans = split_passes(max_iter, len(rows), "phases") if len(rows) > 1 else [max_iter]
        return (row for row, span in zip(rows, spans, strict=True) for _ in range(span))


class Deck:
    """Trials of one task, dealt without replacement and shuffled again when exhausted."""

    def __init__(self, trials: np.ndarray, rng: np.random.Generator):
        self._trials, self._rng, self._left = trials, rng, trials[:0]

    def deal(self, n: int) -> np.ndarray:
        """Return the next ``n`` trials."""
        parts, n_left = [self._left], len(self._left)
        while n_left < n:
            parts.append(self._rng.permutation(self._trials))
            n_left += len(self._trials)
        trials = np.concatenate(parts)
        self._left = trials[n:]
        return trials[:n]


def deal_pass(decks: list[Deck], probabilities, rng: np.random.Generator, shape) -> np.ndarray:
    """Draw the task of every trial, then deal each its trial; int64 of the given shape."""
    which = rng.choice(len(decks), size=shape, p=probabilities)
    trials = np.empty(shape, dtype=np.int64)
    for k, deck in enumerate(decks):
        mask = which == k
        trials[mask] = deck.deal(int(mask.sum()))
    return trials


def _tidy_probabilities(given):
    """Return what can be compared and printed: tuples, or a dict; callables as they are."""
    if given is None or callable(given):
        return given
    if isinstance(given, Mapping):
        names = (name.item() if isinstance(name, np.generic) else name for name in given)
        values = _checked(list(given.values()), "probabilities")
        return dict(zip(names, values.tolist(), strict=True))
    rows = _checked(given, "probabilities")
    return tuple(map(tuple, rows.tolist())) if rows.ndim == 2 else tuple(rows.tolist())


def _checked(given, name):
    """Rows of probabilities as float64, or an error."""
    try:
        rows = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must hold numbers, (n_tasks,) or (n_phases, n_tasks); got {given!r}."
        ) from None
    if rows.ndim not in (1, 2) or not rows.size:
        raise ValueError(
            f"{name} must have shape (n_tasks,) or (n_phases, n_tasks), got {rows.shape}."
        )
    if not np.isfinite(rows).all() or rows.min() < 0:
        raise ValueError(f"{name} must be finite and not negative, got {given!r}.")
    sums = rows.sum(axis=-1)
    if np.abs(sums - 1).max() > ATOL:
        raise ValueError(
            f"{name} must sum to 1 over the tasks, got {given!r} with sum {sums.tolist()}. Divide"
            " by the sum if these are weights."
        )
    return rows


def _one_row(given, tasks, name) -> np.ndarray:
    """Probability of each of ``tasks``, (n_tasks,)."""
    if isinstance(given, Mapping):
        unknown = [task for task in given if task not in tasks]
        if unknown:
            raise ValueError(
                f"{name} names tasks that are not there: {', '.join(map(repr, unknown))}. Known"
                f" tasks: {tasks}."
            )
        given = [given.get(task, 0.0) for task in tasks]
    row = _checked(given, name)
    if row.shape != (len(tasks),):
        raise ValueError(
            f"{name} must hold one number per task: expected {len(tasks)} (tasks {tasks}), got"
            f" shape {row.shape}."
        )
    return row
