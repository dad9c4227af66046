"""Folds within resamples, as a splitter."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator


class ResampledFolds(BaseCrossValidator):
    """Leave one fold of one resample out, and train on the other folds of this resample.

    The splitter for pseudo-populations that stand in one array: every split stays within its
    resample, because the same recorded trials come again, in other folds, in the others. For
    ``cv=`` of :func:`~sklearn.model_selection.cross_val_score` and its like. With a single
    resample, :class:`~sklearn.model_selection.PredefinedSplit` does the same.

    Parameters
    ----------
    fold : array-like of shape (n_trials,)
        Fold of each trial.
    resample : array-like of shape (n_trials,), default=None
        Resample of each trial; None for a single one.

    Raises
    ------
    ValueError
        If the two differ in length, a resample has one fold only, or `split` gets another
        number of trials.

    See Also
    --------
    PseudoPopulation : Draws trials with the columns ``fold`` and ``resample``.

    Examples
    --------
    >>> from neuroselect.preprocessing import ResampledFolds
    >>> for train, test in ResampledFolds([0, 1, 0, 1], [0, 0, 1, 1]).split():
    ...     print(train, test)
    [1] [0]
    [0] [1]
    [3] [2]
    [2] [3]
    """

    def __init__(self, fold: ArrayLike, resample: ArrayLike | None = None):
        self.fold = np.asarray(fold)
        self.resample = np.zeros(self.fold.shape, int) if resample is None else np.asarray(resample)
        if self.fold.ndim != 1 or self.fold.shape != self.resample.shape or not self.fold.size:
            raise ValueError(
                "fold and resample must have one entry per trial, got shapes"
                f" {self.fold.shape} and {self.resample.shape}."
            )
        for rows in self._resamples():
            if len(np.unique(self.fold[rows])) < 2:
                raise ValueError(
                    "fold must have at least 2 values in every resample, got only"
                    f" {self.fold[rows[0]]!r} in resample {self.resample[rows[0]]!r}."
                )

    def split(
        self, X: ArrayLike | None = None, y: ArrayLike | None = None, groups: None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Generate the rows to train on and to test on.

        Parameters
        ----------
        X, y : array-like of shape (n_trials, ...), default=None
            Only their length is checked.
        groups : None
            Ignored.

        Yields
        ------
        train, test : ndarray
            Positions of trials; fold by fold, resample by resample.
        """
        for name, array in (("X", X), ("y", y)):
            n_rows = len(self.fold) if array is None else np.shape(array)[0]
            if n_rows != len(self.fold):
                raise ValueError(
                    f"{name} has {n_rows} trials, but fold has {len(self.fold)} entries."
                )
        for rows in self._resamples():
            fold = self.fold[rows]
            for k in np.unique(fold):
                yield rows[fold != k], rows[fold == k]

    def get_n_splits(
        self, X: ArrayLike | None = None, y: ArrayLike | None = None, groups: None = None
    ) -> int:
        """Return the number of splits: folds, summed over resamples.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        n_splits : int
        """
        return sum(len(np.unique(self.fold[rows])) for rows in self._resamples())

    def _resamples(self) -> list[NDArray[np.int64]]:
        """Rows of each resample, sorted."""
        order = np.argsort(self.resample, kind="stable")
        starts = np.flatnonzero(self.resample[order][1:] != self.resample[order][:-1]) + 1
        return np.split(order, starts)
