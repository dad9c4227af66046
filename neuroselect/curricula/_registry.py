"""Names of the curricula, and the protocol that they follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np

from neuroselect.curricula._biased import Biased
from neuroselect.curricula._blocked import Blocked, Replay
from neuroselect.curricula._shuffled import Interleaved, Resampled


class Curriculum(Protocol):
    """What a curriculum is: a callable that yields the trials of each step, pass by pass.

    See Also
    --------
    check_passes : Check what a curriculum of one's own yields.

    Examples
    --------
    A curriculum of one's own, each pass in the order of recording:

    >>> import numpy as np
    >>> def as_recorded(task, *, batch_size, max_iter, rng):
    ...     starts = np.arange(batch_size, len(task), batch_size)
    ...     return (np.split(np.arange(len(task)), starts) for _ in range(max_iter))
    >>> list(as_recorded("AAB", batch_size=2, max_iter=1, rng=np.random.default_rng()))
    [[array([0, 1]), array([2])]]
    """

    def __call__(
        self, task: np.ndarray, *, batch_size: int | None, max_iter: int, rng: np.random.Generator
    ) -> Iterable[list[np.ndarray]]:
        """Yield exactly ``max_iter`` passes.

        Parameters
        ----------
        task : ndarray of shape (n_trials,)
            Task code of each trial, as the user knows them: integers, floats or strings.
        batch_size : int or None
            Number of trials per step; None for all trials of the pass in one step.
        max_iter : int
            Number of passes.
        rng : numpy.random.Generator
            The only source of randomness, one per network. Draw from it pass by pass.

        Returns
        -------
        passes : iterable of list of ndarray of shape (n_trials_in_step,), int64
            For each pass, the trials that each step sees.
        """
        ...


CURRICULA: dict[str, Callable[[], Curriculum]] = {
    "interleaved": Interleaved,
    "resampled": Resampled,
    "blocked": Blocked,
    "replay": Replay,
    "biased": Biased,
}


def get_curriculum(curriculum: str | Curriculum) -> Curriculum:
    """Return the curriculum of a name; a curriculum itself is handed back.

    Parameters
    ----------
    curriculum : {"interleaved", "resampled", "blocked", "replay", "biased"} or callable
        A name stands for the curriculum with its default parameters.

    Raises
    ------
    ValueError
        If there is no curriculum of this name.
    TypeError
        If ``curriculum`` is neither a name nor callable, or a class instead of an object.

    Examples
    --------
    >>> from neuroselect.curricula import get_curriculum
    >>> get_curriculum("replay")
    Replay(every=10, order=None, passes=None, resampled=False)
    """
    known = ", ".join(map(repr, CURRICULA))
    if isinstance(curriculum, str):
        if curriculum not in CURRICULA:
            raise ValueError(
                f"There is no curriculum {curriculum!r}. Expected one of {known}, or a callable."
            )
        return CURRICULA[curriculum]()
    if isinstance(curriculum, type):
        raise TypeError(
            f"curriculum must be an object, got the class {curriculum.__name__}. Write"
            f" {curriculum.__name__}() instead."
        )
    if not callable(curriculum):
        raise TypeError(f"curriculum must be one of {known}, or a callable; got {curriculum!r}.")
    return curriculum
