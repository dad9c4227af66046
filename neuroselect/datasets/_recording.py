"""Recordings whose units are selective in a known way."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch, check_random_state

from neuroselect.datasets._noise import check_correlation, draw_noise
from neuroselect.datasets._selective_units import (
    check_factors,
    class_counts,
    draw_units,
    make_conditions,
)
from neuroselect.recordings import make_container
from neuroselect.utils._sklearn import Interval, StrOptions, validate_params

if TYPE_CHECKING:
    import pandas as pd

DESCR = """\
Simulated recording with known selectivity

The mean response of a unit in a condition is its baseline plus the sum of its effects, times the
weight of the time bin where there is a time axis. An effect belongs to one factor (a main effect)
or to two (an interaction); over the conditions it has mean 0 and the standard deviation
|coefficient|, and different effects are orthogonal. Untuned units have no effect, pure ones the
effect of one factor, linear mixed ones main effects of two factors or more, nonlinear mixed ones
the main effects of two factors and their interaction. Conditions are balanced: their numbers of
trials differ by one at most.

`trials`: one column per factor, `condition` (the row of `conditions`), and in long form `unit` and
`trial`. `units`: `unit`, `class`, `baseline`, `noise_std` (of the trials around the mean; for
Poisson noise that at the baseline) and one column `coef_<effect>` per effect, in the unit of
`data`. `conditions`: the factors, one row per condition. `true_patterns` (n_conditions, n_units):
mean responses at weight 1. `noise_correlation`: as asked for.
"""


@validate_params(
    {
        "n_trials": [Interval(Integral, 1, None, closed="left")],
        "n_units": [Interval(Integral, 1, None, closed="left")],
        "n_tasks": [Interval(Integral, 1, None, closed="left")],
        "factors": [Mapping, None],
        "shares": [Mapping, None],
        "tuning": [StrOptions({"linear", "categorical"})],
        "effect_size": [Interval(Real, 0, None, closed="neither")],
        "baseline": [Interval(Real, None, None, closed="neither")],
        "noise": [StrOptions({"gaussian", "poisson"})],
        "noise_std": [Interval(Real, 0, None, closed="neither"), None],
        "noise_correlation": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "time_course": ["array-like", None],
        "bin_width": [Interval(Real, 0, None, closed="neither")],
        "simultaneous": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_recording(
    n_trials: int = 400,
    n_units: int = 100,
    *,
    n_tasks: int = 2,
    factors: Mapping[str, int] | None = None,
    shares: Mapping[str, float] | None = None,
    tuning: str = "linear",
    effect_size: float = 0.5,
    baseline: float = 10.0,
    noise: str = "gaussian",
    noise_std: float | None = None,
    noise_correlation: float | ArrayLike = 0.0,
    time_course: ArrayLike | None = None,
    bin_width: float = 50.0,
    simultaneous: bool = True,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Make a recording of units with pure, linear mixed and nonlinear mixed selectivity [1]_.

    A recording has no single target, so that there is no ``return_X_y``: take ``data`` and a
    column of ``trials``. The truth comes with it, for tests that an analysis recovers it.

    Parameters
    ----------
    n_trials : int, default=400
        Number of trials, at least one per condition. If not `simultaneous`, the largest number:
        that of each unit is drawn from half of it (and one per condition) upwards.
    n_units : int, default=100
        Number of units.
    n_tasks : int, default=2
        Number of tasks or contexts. With two or more the factor `task` joins the others.
    factors : mapping of str to int or None, default=None
        Number of levels, at least 2, of each task variable. None is ``{"stimulus": 4, "choice":
        2}``. Levels are one unit apart and centred on 0; all combinations are conditions.
    shares : mapping of str to float or None, default=None
        Shares of the classes "untuned", "pure", "linear mixed" and "nonlinear mixed"; those left
        out are 0, the sum is 1, and the counts are exact up to rounding. None is equal shares of
        the classes that the factors allow (one factor: no mixed ones).
    tuning : {"linear", "categorical"}, default="linear"
        An effect is linear in the levels (an interaction in their product), so that its
        coefficient is the slope on the standardised level; or it gives each level (each pair of
        levels) a value of its own, and its coefficient is their standard deviation.
    effect_size : float, default=0.5
        Mean size of a coefficient in standard deviations of the noise. Coefficients lie within a
        quarter of it; the sign of linear ones is drawn.
    baseline : float, default=10.0
        Mean response over all conditions.
    noise : {"gaussian", "poisson"}, default="gaussian"
        Gaussian noise around the mean response, or counts drawn from it.
    noise_std : float or None, default=None
        Standard deviation of Gaussian noise; None is 1. It must be None for Poisson noise, whose
        standard deviation is the root of the mean.
    noise_correlation : float or array-like of shape (n_units, n_units), default=0.0
        Correlation of the noise of all pairs of units (by one common factor), from 0 to below 1;
        or their correlation matrix. Bins of a trial are independent. For Poisson noise it is that
        of the Gaussian copula, which the correlation of the counts approaches from below.
    time_course : array-like of shape (n_times,) or None, default=None
        Weight of the effects in each bin of time, e.g. 0 before an event. None is data without
        a time axis.
    bin_width : float, default=50.0
        Width of the bins in ms; the first starts at 0. Of use with `time_course` only.
    simultaneous : bool, default=True
        Whether all units were recorded in the same trials. False makes the long form, in which
        each unit has trials of its own and noise correlations do not exist.
    random_state : int, RandomState instance or None, default=None
        Source of the truth, the trials and the noise, in that order: the truth of one seed does
        not depend on `n_trials`.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        A container of trials, see :func:`~neuroselect.recordings.make_container`:

        data : ndarray of shape (n_trials, n_units) or (n_trials, n_times, n_units)
            Responses, float64. In long form (n_rows,) or (n_rows, n_times).
        trials : DataFrame of shape (n_trials, n_factors + 1)
            Levels of the factors and `condition`; in long form `unit` and `trial` before them.
        units : DataFrame of shape (n_units, 4 + n_effects)
            `unit`, `class`, `baseline`, `noise_std` and the coefficients, `coef_task`,
            `coef_stimulus`, ..., `coef_task:stimulus`, ..., in the unit of `data`.
        time, bin_width : ndarray of shape (n_times,) and float, or None
            Centres of the bins and their width in ms.
        conditions : DataFrame of shape (n_conditions, n_factors)
            Levels of the factors; the first factor changes slowest.
        true_patterns : ndarray of shape (n_conditions, n_units)
            Mean responses, where the weight of the time is 1.
        noise_correlation : float or ndarray of shape (n_units, n_units)
            As asked for.
        DESCR : str
            Description.

    Raises
    ------
    ValueError
        If factors, shares, correlations or the time course are not as described, if there are
        fewer trials than conditions, or if Poisson means would be negative.

    See Also
    --------
    make_patterns : Voxels in runs, with a known RDM.

    References
    ----------
    .. [1] Rigotti, Barak, Warden, Wang, Daw, Miller & Fusi (2013), Nature 497, 585-590,
       :doi:`10.1038/nature12160`

    Examples
    --------
    >>> from neuroselect.datasets import make_recording
    >>> recording = make_recording(shares={"pure": 0.3, "nonlinear mixed": 0.7}, random_state=0)
    >>> recording.data.shape, recording.units["class"].value_counts().to_dict()
    ((400, 100), {'nonlinear mixed': 70, 'pure': 30})
    >>> list(recording.trials.columns)
    ['task', 'stimulus', 'choice', 'condition']
    """
    rng = check_random_state(random_state)
    n_levels = check_factors(n_tasks, factors)
    counts = class_counts(shares, n_units, len(n_levels))
    noise_std = check_noise_std(noise, noise_std, baseline)
    weights = check_time_course(time_course)
    correlation = check_correlation(noise_correlation, n_units)
    if not simultaneous and np.any(correlation):
        raise ValueError(
            "noise_correlation must be 0 where simultaneous=False: units that were not recorded"
            " together have no noise in common."
        )
    conditions = make_conditions(n_levels)
    units, effects = draw_units(counts, n_levels, tuning, effect_size * noise_std, rng)
    units.insert(2, "baseline", float(baseline))
    units.insert(3, "noise_std", noise_std)
    check_means(noise, baseline, effects, weights)

    trials, unit = draw_trials(conditions, n_trials, None if simultaneous else n_units, rng)
    rows = trials["condition"].to_numpy()
    chosen = effects[rows][:, None, :] if simultaneous else effects[rows, unit][:, None, None]
    data = draw_noise(chosen * weights[:, None] + baseline, noise, noise_std, correlation, rng)
    data = data if simultaneous else data[:, :, 0]
    axis = {}
    if time_course is None:
        data = data[:, 0]
    else:
        time = (np.arange(len(weights)) + 0.5) * bin_width
        axis = {"time": time, "bin_width": float(bin_width), "time_unit": "ms"}
    return make_container(
        data,
        trials,
        units=units,
        **axis,
        conditions=conditions,
        true_patterns=effects + baseline,
        noise_correlation=correlation,
        DESCR=DESCR,
    )


def check_noise_std(noise: str, noise_std: float | None, baseline: float) -> float:
    """Return the standard deviation of the noise around the baseline."""
    if noise == "gaussian":
        return 1.0 if noise_std is None else float(noise_std)
    if noise_std is not None:
        raise ValueError(
            f"noise_std must be None for noise='poisson', got {noise_std!r}: its standard"
            " deviation is the root of the mean. Change baseline."
        )
    if baseline <= 0:
        raise ValueError(f"baseline must be above 0 for noise='poisson', got {baseline!r}.")
    return float(np.sqrt(baseline))


def check_time_course(time_course: ArrayLike | None) -> NDArray[np.float64]:
    """Return the weight of each bin; one bin of weight 1 where there is no time axis."""
    if time_course is None:
        return np.ones(1)
    weights = np.asarray(time_course, dtype=np.float64)
    if weights.ndim != 1 or not len(weights) or not np.isfinite(weights).all():
        raise ValueError(
            "time_course must hold one finite weight per bin of time, got an array of shape"
            f" {weights.shape}."
        )
    return weights


def check_means(noise: str, baseline: float, effects: NDArray, weights: NDArray) -> None:
    """Refuse Poisson noise where a mean is negative."""
    extremes = np.outer([weights.min(), weights.max()], [effects.min(), effects.max()])
    if noise == "poisson" and baseline + extremes.min() < 0:
        raise ValueError(
            f"Poisson noise needs means of at least 0, got {baseline + extremes.min():.3g}. Pass"
            " a smaller effect_size, or a larger baseline."
        )


def draw_trials(
    conditions: pd.DataFrame, n_trials: int, n_units: int | None, rng: np.random.RandomState
) -> tuple[pd.DataFrame, NDArray[np.int64] | None]:
    """Return balanced trials in random order and, with `n_units` (long form), their units."""
    least = len(conditions)
    if n_trials < least:
        raise ValueError(
            f"n_trials must be at least the number of conditions, {least}, got {n_trials}."
        )
    if n_units is None:
        condition, unit = balanced_conditions(n_trials, least, rng), None
    else:
        counts = rng.randint(max(least, (n_trials + 1) // 2), n_trials + 1, size=n_units)
        condition = np.concatenate([balanced_conditions(n, least, rng) for n in counts])
        unit = np.repeat(np.arange(n_units), counts)
    trials = conditions.iloc[condition].reset_index(drop=True).assign(condition=condition)
    if unit is not None:
        trials.insert(0, "unit", unit)
        trials.insert(1, "trial", np.concatenate([np.arange(n) for n in counts]))
    return trials, unit


def balanced_conditions(
    n_trials: int, n_conditions: int, rng: np.random.RandomState
) -> NDArray[np.int64]:
    """Return the condition of each trial; their numbers differ by one at most."""
    whole = np.tile(np.arange(n_conditions), n_trials // n_conditions)
    rest = rng.choice(n_conditions, n_trials % n_conditions, replace=False)
    return rng.permutation(np.concatenate([whole, rest]))
