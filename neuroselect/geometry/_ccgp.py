"""Does a decoder of a dichotomy generalise to conditions that it has not seen?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroselect.geometry._centroid_null import random_axes, random_centroids, relocated
from neuroselect.geometry._decoders import make_decoder, set_blocks
from neuroselect.geometry._dichotomies import DichotomyScores, read_dichotomies
from neuroselect.geometry._generalization import ccgp, ridge_ccgp
from neuroselect.geometry._trials import (
    Trials,
    condition_centroids,
    draw_rows,
    generator,
    is_balanced,
    read_trials,
    standardized,
)
from neuroselect.utils._p_values import ALTERNATIVES, monte_carlo_p_values
from neuroselect.utils._sklearn import HasMethods, Interval, StrOptions, validate_params


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_trials": [Interval(Integral, 2, None, closed="left"), None],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "n_null": [Interval(Integral, 0, None, closed="left")],
        "alternative": [StrOptions(set(ALTERNATIVES))],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def cross_condition_generalization(
    activity: Any,
    conditions: Any,
    dichotomies: Any = "all",
    *,
    estimator: Any = None,
    n_trials: int | None = None,
    n_resamples: int = 5,
    n_null: int = 200,
    alternative: str = "greater",
    n_jobs: int | None = None,
    random_state: Any = None,
) -> DichotomyScores:
    """Cross-condition generalisation performance (CCGP) of dichotomies of conditions [1]_.

    One condition of each side is held out, a decoder of the side is trained on all other
    conditions and tested on the two; the score is the mean accuracy over all choices of the two.
    Training and test trials are of different conditions, every condition has equally many
    trials, and units are z-scored by the training trials.

    Parameters
    ----------
    activity : array-like of shape (n_trials, n_units) or dict
        Activity of units recorded together, or of a network. Or a recording in one of both forms of
        :func:`~neuroselect.recordings.make_container`, without a time axis or with one bin;
        units that were not recorded together give pseudo-populations
        (:class:`~neuroselect.preprocessing.PseudoPopulation`).
    conditions : array-like of shape (n_trials,), DataFrame or dict of columns, str or list of str
        Condition of each trial: labels, or variables whose combinations are the conditions. Of
        a recording: columns of its trials.
    dichotomies : str, list of str, array-like of bool or dict of them, default="all"
        "all": every split of the conditions into halves (35 for 8 conditions; of an odd number,
        one side has one condition more). Names of columns of `conditions` that have two values.
        Or labellings (n_conditions,) or (n_dichotomies, n_conditions) of the sorted conditions,
        a dict gives them names. Each side has at least two conditions.
    estimator : object, default=None
        Classifier of scikit-learn's kind, cloned for each fit. None is ridge regression of the
        two sides, ``RidgeClassifier(alpha=n_units, class_weight="balanced")``, in closed form
        and for all dichotomies and null draws at once.
    n_trials : int, default=None
        Trials per condition in each resample. None takes those of the condition (and unit) that
        has fewest.
    n_resamples : int, default=5
        How often trials are drawn; the score is the mean. One is enough, and taken, where there
        is but one way to draw: units recorded together, all conditions with `n_trials` trials.
    n_null : int, default=200
        Draws of the null distribution; 0 for none.
    alternative : {"greater", "less", "two-sided"}, default="greater"
        Whether the score is tested to be above the null, below it, or either. A code that
        generalises to the wrong side has a score below .5.
    n_jobs : int, default=None
        Processes for the fits of `estimator`, as in joblib.
    random_state : int, RandomState instance or None, default=None
        Source of the draws.

    Returns
    -------
    result : DichotomyScores
        A Bunch; ``to_frame()`` gives one row per dichotomy.

        scores : ndarray of shape (n_dichotomies,)
            Mean accuracies; chance is .5 for a single decoder, but see Notes.
        null : ndarray of shape (n_null, n_dichotomies)
            Scores of the null draws.
        p_values : ndarray of shape (n_dichotomies,)
            (k + 1) / (n_null + 1), k null draws being as extreme. Not corrected for the number
            of dichotomies.
        names : list of str
            Of the dichotomies; among all, those that a column makes have its name.
        dichotomies : ndarray of shape (n_dichotomies, n_conditions), bool
            Side of each condition.
        conditions : DataFrame of shape (n_conditions, n_variables)
            The conditions, sorted.

    Raises
    ------
    ValueError
        If activity is not finite, a unit has no trial of a condition, a dichotomy leaves a side
        without two conditions, or inputs do not fit together.

    See Also
    --------
    parallelism_score : The same question asked of condition means.
    shattering_dimensionality : Decoding of the dichotomies themselves.

    Notes
    -----
    The null is geometric: the means of conditions are put at random places, isotropic and with
    the same total variance, and each gets back its own deviations of trials, with the order of
    units permuted for each condition by itself. Conditions remain as decodable as they were,
    but generalisation is up to chance. It is taken among z-scored units, so that the scale of
    units does not matter. With little noise it is wide: few random places of
    conditions generalise a lot, in either direction. Compare with the null, never with .5.

    References
    ----------
    .. [1] Bernardi, Benna, Rigotti, Munuera, Fusi & Salzman (2020), "The geometry of
       abstraction in the hippocampus and prefrontal cortex", Cell 183, 954-967.
       :doi:`10.1016/j.cell.2020.09.031`

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from neuroselect.geometry import cross_condition_generalization
    >>> rng = np.random.default_rng(0)
    >>> trials = pd.DataFrame(rng.integers(0, 2, (400, 3)), columns=["task", "shape", "colour"])
    >>> axes = rng.normal(size=(2, 30))             # of task and shape; none of colour
    >>> activity = trials[["task", "shape"]] @ axes + rng.normal(size=(400, 30))
    >>> result = cross_condition_generalization(
    ...     activity, trials, ["task", "colour"], n_null=99, random_state=0
    ... )
    >>> table = result.to_frame()
    >>> bool(table["score"][0] > 0.9), bool(table["p_value"][0] < 0.05 < table["p_value"][1])
    (True, True)
    """
    rng = generator(random_state)
    trials = standardized(read_trials(activity, conditions, min_trials=1))
    names, sides = read_dichotomies(dichotomies, trials.conditions, smallest=2)
    score = (
        ridge_ccgp if estimator is None else partial(ccgp, decide=make_decoder(estimator, n_jobs))
    )
    n_resamples = 1 if is_balanced(trials, n_trials) else n_resamples
    rows = draw_rows(trials, n_trials, n_resamples, rng, min_trials=1)
    scores = np.mean([score(trials.data[each][np.newaxis], sides) for each in rows], axis=0)
    null = _null_scores(trials, rows, sides, score, n_null, rng)
    return DichotomyScores(
        scores=scores[0],
        null=null,
        p_values=monte_carlo_p_values(scores[0], null, alternative),
        names=names,
        dichotomies=sides,
        conditions=trials.conditions,
    )


def _null_scores(
    trials: Trials,
    rows: NDArray[np.int64],
    sides: NDArray[np.bool_],
    score: Callable[[NDArray, NDArray], NDArray],
    n_null: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    centroids = condition_centroids(trials)
    n_conditions, n_trials = rows.shape[1:3]
    null = np.zeros((n_null, len(sides)))
    for block in set_blocks(n_null, n_conditions * n_trials, trials.n_units):
        n_draws = block.stop - block.start
        drawn = random_centroids(centroids, n_draws, rng)
        axes = random_axes(drawn.shape, rng)
        for each in rows:
            residuals = trials.data[each] - centroids[:, np.newaxis]
            null[block] += score(relocated(residuals, drawn, axes), sides) / len(rows)
    return null
