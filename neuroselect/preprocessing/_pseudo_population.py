"""Units that were not recorded together, as if they had been."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch, check_random_state

from neuroselect.preprocessing._draws import draw_trials
from neuroselect.preprocessing._groups import check_columns, group_numbers
from neuroselect.recordings import check_container
from neuroselect.utils._sklearn import Interval, validate_parameter_constraints

if TYPE_CHECKING:
    import pandas as pd

RESERVED = ("unit", "resample", "fold")


class _Pool(NamedTuple):
    """Recorded trials to draw from, and how many to draw."""

    recording: Bunch
    conditions: pd.DataFrame  # one row per condition
    kept: NDArray[np.bool_]  # (n_units,)
    rows: NDArray[np.int64]  # rows of data of kept units, by unit and condition
    group: NDArray[np.int64]  # kept unit and condition of each of these, sorted
    counts: NDArray[np.int64]  # (n_kept * n_conditions,)
    fold: NDArray[np.int64]  # (n_trials,), of the pseudo-trials of one condition


class PseudoPopulation(BaseEstimator):
    """Pseudo-populations: trials of units not recorded together, put side by side.

    A pseudo-trial takes, for every unit, one of its own trials in the same condition, drawn at
    random. In each resample every recorded trial belongs to one fold, and so does every
    pseudo-trial, which takes trials of its fold only: no trial of any unit is on both sides of a
    split. Every condition has equally many pseudo-trials, in every fold.

    Parameters
    ----------
    by : str or list of str
        Columns of the trials; each combination of their values is a condition.
    n_trials : int, default=None
        Pseudo-trials per condition in each resample, shared out among the folds. None takes
        the number of trials of the unit and condition that has fewest.
    n_splits : int, default=5
        Number of folds; 1 for none.
    n_resamples : int, default=1
        How often all is drawn anew.
    replace : bool, default=False
        Draw each unit's trials with replacement (within their fold). Without, a trial is in one
        pseudo-trial of a resample at most.
    min_trials : int, default=None
        Leave out units with fewer trials than this in some condition; the result says how many.
        None: such units are an error where their trials are too few to draw from.
    random_state : int, RandomState instance or None, default=None
        With an int, all methods draw the same, whatever `n_resamples`.

    See Also
    --------
    ResampledFolds : Cross-validation within resamples, for what :meth:`draw` returns.
    permute_labels : Null distributions.

    Notes
    -----
    Whatever units that were recorded together had in common in a trial (noise correlations) is
    lost. Pseudo-trials of one resample are independent given the recorded trials, but resamples
    are not: more of them lessen the randomness of drawing, not that of recording few trials or
    units. Scores of resamples are therefore no sample for a test against chance; compare their
    mean with its values after :func:`permute_labels`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    >>> from sklearn.model_selection import cross_val_score
    >>> from neuroselect.preprocessing import PseudoPopulation, ResampledFolds
    >>> from neuroselect.recordings import make_container
    >>> rng = np.random.default_rng(0)
    >>> unit, side = np.repeat(np.arange(30), 40), np.tile([0, 1], 600)    # 30 cells, 40 trials
    >>> cells = make_container(rng.normal(size=1200) + side, {"unit": unit, "side": side})
    >>> pseudo = PseudoPopulation("side", n_trials=10, n_resamples=3, random_state=0).draw(cells)
    >>> pseudo.data.shape, list(pseudo.trials)
    ((60, 30), ['side', 'resample', 'fold'])
    >>> cv = ResampledFolds(pseudo.trials["fold"], pseudo.trials["resample"])
    >>> decoder = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
    >>> scores = cross_val_score(decoder, pseudo.data, pseudo.trials["side"], cv=cv)
    >>> scores.shape, bool(scores.mean() > 0.9)
    ((15,), True)
    """

    _parameter_constraints: dict = {
        "by": [str, list, tuple],
        "n_trials": [Interval(Integral, 1, None, closed="left"), None],
        "n_splits": [Interval(Integral, 1, None, closed="left")],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "replace": ["boolean"],
        "min_trials": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        by,
        *,
        n_trials=None,
        n_splits=5,
        n_resamples=1,
        replace=False,
        min_trials=None,
        random_state=None,
    ):
        self.by = by
        self.n_trials = n_trials
        self.n_splits = n_splits
        self.n_resamples = n_resamples
        self.replace = replace
        self.min_trials = min_trials
        self.random_state = random_state

    def counts(self, recording: Mapping[str, Any]) -> pd.DataFrame:
        """Count the trials of every unit in every condition.

        Parameters
        ----------
        recording : dict or :class:`~sklearn.utils.Bunch`
            In long form, as :func:`neuroselect.recordings.make_container` returns it.

        Returns
        -------
        counts : DataFrame of shape (n_units, n_conditions)
            The levels of the columns are those of `by`.
        """
        import pandas as pd

        recording, condition, conditions = self._read(recording)
        counts = _count(recording, condition, len(conditions))
        index = pd.RangeIndex(len(counts), name="unit")
        return pd.DataFrame(counts, index=index, columns=pd.MultiIndex.from_frame(conditions))

    def rows(self, recording: Mapping[str, Any]) -> Iterator[NDArray[np.int64]]:
        """Generate, resample by resample, which trial of each unit a pseudo-trial takes.

        For arrays of one's own that run along the recorded trials, such as the same trials in
        another period. The pseudo-trials are in the order of :meth:`draw`.

        Parameters
        ----------
        recording : dict or :class:`~sklearn.utils.Bunch`
            In long form, as :func:`neuroselect.recordings.make_container` returns it.

        Yields
        ------
        rows : ndarray of shape (n_conditions * n_trials, n_units)
            Rows of ``recording.data``; a column for each unit that is kept.
        """
        yield from self._rows(self._pool(recording))

    def draw(self, recording: Mapping[str, Any]) -> Bunch:
        """Draw all resamples, into one recording of units recorded together.

        Parameters
        ----------
        recording : dict or :class:`~sklearn.utils.Bunch`
            In long form, as :func:`neuroselect.recordings.make_container` returns it.

        Returns
        -------
        recording : :class:`~sklearn.utils.Bunch`
            `data` of shape (n_resamples * n_conditions * n_trials, n_units), or with the axis
            of time before the units: resample by resample, condition by condition (sorted as
            by pandas), so that ``data.reshape(n_resamples, n_conditions, n_trials, -1)``
            has them apart. `trials` has the columns `by`, `resample` and `fold`; `units` the
            units that are kept; `n_units_dropped` the number of those that are not. All else is
            carried along.

        Raises
        ------
        ValueError
            If the recording is not in long form, `by` does not fit its trials, or trials are
            too few.
        """
        pool = self._pool(recording)
        data = np.asarray(pool.recording.data)
        n_drawn, n_units = len(pool.conditions) * len(pool.fold), int(pool.kept.sum())
        drawn = np.empty((self.n_resamples, n_drawn, *data.shape[1:], n_units), data.dtype)
        for resample, rows in zip(drawn, self._rows(pool), strict=True):
            resample[:] = _gather(data, rows)
        drawn = drawn.reshape(-1, *drawn.shape[2:])
        return self._container(pool, drawn, np.arange(self.n_resamples))

    def split(self, recording: Mapping[str, Any]) -> Iterator[tuple[Bunch, Bunch]]:
        """Generate a training and a test recording for every fold of every resample.

        One resample is in memory at a time.

        Parameters
        ----------
        recording : dict or :class:`~sklearn.utils.Bunch`
            In long form, as :func:`neuroselect.recordings.make_container` returns it.

        Yields
        ------
        train, test : :class:`~sklearn.utils.Bunch`
            Parts of what :meth:`draw` returns.

        Raises
        ------
        ValueError
            As :meth:`draw` does, and if there are no folds (``n_splits=1``).
        """
        if self.n_splits == 1:
            raise ValueError("n_splits must be at least 2 to split, got 1. draw needs no folds.")
        pool = self._pool(recording)
        data = np.asarray(pool.recording.data)
        for resample, rows in enumerate(self._rows(pool)):
            whole = self._container(pool, _gather(data, rows), np.array([resample]))
            fold = whole.trials["fold"].to_numpy()
            for k in range(self.n_splits):
                yield _subset(whole, fold != k), _subset(whole, fold == k)

    def get_n_splits(self, recording: Mapping[str, Any] | None = None) -> int:
        """Return the number of pairs that :meth:`split` generates.

        Parameters
        ----------
        recording : object
            Ignored.

        Returns
        -------
        n_splits : int
            ``n_splits * n_resamples``.
        """
        return self.n_splits * self.n_resamples

    def _read(self, recording: Mapping) -> tuple[Bunch, NDArray[np.int64], pd.DataFrame]:
        """Return the recording, the condition of each row, and the table of conditions."""
        validate_parameter_constraints(
            self._parameter_constraints, self.get_params(deep=False), type(self).__name__
        )
        recording = check_container(recording)
        if "unit" not in recording.trials.columns:
            raise ValueError(
                "PseudoPopulation draws from units that were not recorded together, in long form"
                " (a column 'unit' of the trials). The units of this recording share their trials:"
                " split those, e.g. by StratifiedKFold."
            )
        by = check_columns(self.by, recording.trials, "by")
        if not by or set(by) & set(RESERVED):
            raise ValueError(f"by must name at least one column other than {RESERVED}, got {by}.")
        return recording, *group_numbers(recording.trials, by)

    def _pool(self, recording: Mapping) -> _Pool:
        recording, condition, conditions = self._read(recording)
        counts = _count(recording, condition, len(conditions))
        fewest = counts.min(axis=1)
        kept = fewest >= (self.min_trials or 0)
        if not kept.any():
            raise ValueError(
                f"min_trials={self.min_trials} leaves no unit: the best has {fewest.max()} trials"
                " in the condition where it has fewest."
            )
        n_trials = self.n_trials or int(fewest[kept].min())
        needed = self.n_splits if self.replace else max(n_trials, 1)
        _check_enough(counts, kept, needed, conditions, self.replace)
        if n_trials < self.n_splits:
            raise ValueError(
                f"n_splits={self.n_splits} folds need as many pseudo-trials per condition, but"
                f" n_trials is {n_trials}"
                f"{'' if self.n_trials else ', as the unit with fewest trials has it'}. Take"
                " fewer folds, replace=True with more trials, or n_splits=1 for no folds; or leave"
                " out units by min_trials."
            )
        unit = recording.trials["unit"].to_numpy()
        rows = np.flatnonzero(kept[unit])
        group = (np.cumsum(kept) - 1)[unit[rows]] * len(conditions) + condition[rows]
        order = np.argsort(group, kind="stable")
        fold = np.arange(n_trials) % self.n_splits
        return _Pool(
            recording, conditions, kept, rows[order], group[order], counts[kept].ravel(), fold
        )

    def _rows(self, pool: _Pool) -> Iterator[NDArray[np.int64]]:
        seeds = check_random_state(self.random_state).randint(
            np.iinfo(np.int32).max, size=self.n_resamples
        )
        for seed in seeds:
            trials = draw_trials(
                pool.group,
                pool.counts,
                pool.fold,
                self.n_splits,
                replace=self.replace,
                rng=np.random.default_rng(seed),
            )
            by_unit = trials.reshape(len(pool.fold), -1, len(pool.conditions))
            yield pool.rows[by_unit.transpose(2, 0, 1).reshape(-1, by_unit.shape[1])]

    def _container(self, pool: _Pool, data: NDArray, resamples: NDArray) -> Bunch:
        n_conditions, n_trials = len(pool.conditions), len(pool.fold)
        condition = np.tile(np.repeat(np.arange(n_conditions), n_trials), len(resamples))
        trials = pool.conditions.iloc[condition].reset_index(drop=True)
        trials["resample"] = np.repeat(resamples, n_conditions * n_trials)
        trials["fold"] = np.tile(pool.fold, n_conditions * len(resamples))
        return Bunch(
            **{
                **pool.recording,
                "data": data,
                "trials": trials,
                "units": pool.recording.units[pool.kept].reset_index(drop=True),
                "n_units_dropped": int(np.sum(~pool.kept)),
            }
        )


def _count(recording: Bunch, condition: NDArray, n_conditions: int) -> NDArray[np.int64]:
    """Trials of every unit in every condition, (n_units, n_conditions)."""
    n_units = len(recording.units)
    group = recording.trials["unit"].to_numpy() * n_conditions + condition
    return np.bincount(group, minlength=n_units * n_conditions).reshape(n_units, n_conditions)


def _check_enough(counts, kept, needed, conditions, replace) -> None:
    few = np.flatnonzero(kept & (counts.min(axis=1) < needed))
    if not len(few):
        return
    worst = few[counts[few].min(axis=1).argmin()]
    condition = conditions.iloc[counts[worst].argmin()].to_dict()
    remedy = "fewer folds" if replace else "a lower n_trials, replace=True"
    raise ValueError(
        f"{needed} trials of every unit are needed in every condition"
        f"{' (one per fold)' if replace else ''}, but {len(few)} of {len(counts)} units have fewer:"
        f" {few[:10].tolist()}{' ...' if len(few) > 10 else ''}. Fewest has unit {worst},"
        f" {counts[worst].min()} with {condition}. Take {remedy}, or leave these units out with"
        f" min_trials={needed}."
    )


def _gather(data: NDArray, rows: NDArray[np.int64]) -> NDArray:
    """Return (n_pseudo, n_units), or (n_pseudo, n_times, n_units) of data with a time axis."""
    return np.moveaxis(data[rows], 1, -1)


def _subset(recording: Bunch, rows: NDArray[np.bool_]) -> Bunch:
    trials = recording.trials[rows].reset_index(drop=True)
    return Bunch(**{**recording, "data": recording.data[rows], "trials": trials})
