"""Which networks choose as people do? A parameter of networks fitted by simulation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils import Bunch, check_random_state

from neuroselect.behavior._checks import check_choice_matrices
from neuroselect.behavior._network_choices import network_choice_matrices
from neuroselect.behavior._network_objective import NetworkObjective

if TYPE_CHECKING:
    import pandas as pd

OBJECTIVES = ("binomial", "squared_error")


def fit_network_parameter(
    estimator,
    parameter: str,
    values: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    conditions: pd.DataFrame,
    choices: ArrayLike,
    *,
    features: Sequence[str] = ("leafiness", "branchiness"),
    task: str = "task",
    counts: ArrayLike | None = None,
    objective: str | None = None,
    lapse: float = 0.01,
    n_networks: int = 10,
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    r"""Fit a parameter of networks, such as their sluggishness, to choices of people.

    Networks are trained at each value of a grid, all as one batch. A subject is taken for one
    network of some value, of unknown seed, with lapses: in a cell in which network k accepts with
    probability :math:`p_k`, the subject does with :math:`\lambda + (1 - 2 \lambda) p_k`. Each
    subject gets the value that makes its choice matrix most likely, where

    .. math:: \log L(\text{value}) = \log \frac{1}{K} \sum_k \prod_{\text{cells}}
              \text{Binomial}(\text{accepted} \mid \text{trials}, \hat p_k)

    is the likelihood averaged over the K networks of that value.

    Parameters
    ----------
    estimator : network
        Unfitted; its ``random_state`` is replaced.
    parameter : str
        Name of the parameter, such as "sluggishness" or "init_scale".
    values : array-like of shape (n_values,)
        The grid.
    X, y : array-like
        Trials that networks are trained on, and what they are rewarded for.
    conditions, features, task
        As of `network_choice_matrices`.
    choices : array-like of shape (n_subjects, 2, n_levels, n_levels)
        Choice matrices of the subjects, aligned.
    counts : array-like, default=None
        Number of trials of each cell, of a shape that broadcasts to that of `choices`.
    objective : {"binomial", "squared_error"}, default=None
        "binomial": the log-likelihood above, without its constant; needs `counts`.
        "squared_error": minus the sum of squared differences between the subject's shares and the
        mean over networks. None: the former with counts, else the latter.
    lapse : float, default=0.01
        Share of choices made at random in the aligned frame, from 0 to 0.5.
    n_networks : int, default=10
        Networks at each value; the same seeds at all of them.
    n_bootstrap : int, default=1000
        Bootstrap samples: of subjects and networks for the group's interval, of cells and
        networks for that of each subject.
    confidence : float, default=0.95
        Coverage of the intervals.
    n_jobs : int, default=None
        Processes, see `fit_many`.
    random_state : int, RandomState instance or None, default=None
        Seeds of networks, and the bootstrap.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        ``grid`` (n_values,); ``objective`` (n_subjects, n_values), greater is better; ``best``
        (n_subjects,), value of each subject, and ``intervals`` (n_subjects, 2) its bootstrap
        interval, percentiles over samples of cells and networks; ``group_best``, value with the
        greatest sum over subjects; ``group_interval`` (low, high), percentiles of it over samples
        of subjects and networks; ``bootstrap`` (n_bootstrap,), the group's value in each sample;
        ``matrices`` (n_values, n_networks, 2, n_levels, n_levels); ``table``, a DataFrame with a
        row for each subject: ``subject``, ``best``, ``low``, ``high``, ``objective``, and
        ``margin`` to the best other value.

    Raises
    ------
    ValueError
        If the estimator has no such parameter, the grid is empty, an option is out of
        bounds, or matrices do not fit.

    See Also
    --------
    ChoiceModel : A model of the choices themselves.

    Examples
    --------
    >>> from neuroselect import ContextGatedRegressor, fit_many
    >>> from neuroselect.behavior import fit_network_parameter, network_choice_matrices
    >>> from neuroselect.datasets import make_context_blobs
    >>> blobs = make_context_blobs(return_X_y=False)
    >>> net = ContextGatedRegressor((20,), gating="none", learning_rate_init=0.02, batch_size=1,
    ...                             max_iter=20)
    >>> people = fit_many([net.set_params(random_state=0)], blobs.data, blobs.target)
    >>> choices = network_choice_matrices(people, blobs.data, blobs.conditions, reward=blobs.target)
    >>> result = fit_network_parameter(
    ...     net, "sluggishness", [0.05, 1.0], blobs.data, blobs.target, blobs.conditions, choices,
    ...     n_networks=3, random_state=1,
    ... )
    >>> result.best
    array([1.])
    """
    values = _read_values(estimator, parameter, values)
    choices = check_choice_matrices(choices)
    objective = _read_objective(objective, counts, lapse, n_networks, n_bootstrap, confidence)
    random_state = check_random_state(random_state)
    seeds = random_state.randint(np.iinfo(np.int32).max, size=n_networks).tolist()
    matrices = _simulated(
        estimator, parameter, values, seeds, X, y, n_jobs=n_jobs, conditions=conditions,
        features=features, task=task,
    )  # fmt: skip
    if matrices.shape[2:] != choices.shape[1:]:
        raise ValueError(
            f"choices must have the grid of conditions, (n_subjects, {matrices.shape[2:]}), got"
            f" {choices.shape}."
        )
    counts = None if counts is None else _read_counts(counts, choices.shape)
    score = NetworkObjective(objective, choices, counts, lapse, matrices)
    table = score()
    group, subjects = (values[k] for k in score.bootstrap(n_bootstrap, random_state))
    intervals = _interval(subjects, confidence).T
    return Bunch(
        grid=values,
        objective=table,
        best=values[table.argmax(axis=1)],
        intervals=intervals,
        group_best=values[table.sum(axis=0).argmax()],
        group_interval=tuple(_interval(group, confidence).tolist()),
        bootstrap=group,
        matrices=matrices,
        table=_table(values, table, intervals),
    )


def _simulated(estimator, parameter, values, seeds, X, y, *, n_jobs, **frame):
    from neuroselect.networks import fit_many

    networks = [
        clone(estimator).set_params(**{parameter: value, "random_state": seed})
        for value in values.tolist()
        for seed in seeds
    ]
    networks = fit_many(networks, X, y, n_jobs=n_jobs)
    matrices = network_choice_matrices(networks, X, reward=np.ravel(y), **frame)
    return matrices.reshape(len(values), len(seeds), *matrices.shape[1:])


def _read_values(estimator, parameter, values):
    if parameter not in estimator.get_params():
        raise ValueError(
            f"parameter must be one of the estimator's, got {parameter!r}; those of"
            f" {type(estimator).__name__} are {sorted(estimator.get_params())}."
        )
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or not len(values) or len(np.unique(values)) != len(values):
        raise ValueError(f"values must be a list of different numbers, got {values.tolist()}.")
    return values


def _read_objective(objective, counts, lapse, n_networks, n_bootstrap, confidence):
    if objective is None:
        objective = "squared_error" if counts is None else "binomial"
    if objective not in OBJECTIVES:
        raise ValueError(f"objective must be one of {list(OBJECTIVES)}, got {objective!r}.")
    if objective == "binomial" and counts is None:
        raise ValueError(
            "objective='binomial' needs counts, the number of trials of each cell. Pass counts,"
            " such as counts=12, or use objective='squared_error'."
        )
    if not 0 <= lapse < 0.5:
        raise ValueError(f"lapse must be at least 0 and below 0.5, got {lapse!r}.")
    if n_networks < 1 or n_bootstrap < 1 or not 0 < confidence < 1:
        raise ValueError(
            "n_networks and n_bootstrap must be at least 1, and confidence between 0 and 1; got"
            f" {n_networks!r}, {n_bootstrap!r} and {confidence!r}."
        )
    return objective


def _read_counts(counts, shape):
    try:
        counts = np.broadcast_to(np.asarray(counts, dtype=np.float64), shape)
    except ValueError:
        raise ValueError(
            f"counts must broadcast to the shape of choices, {shape}; got {np.shape(counts)}."
        ) from None
    if not (np.isfinite(counts) & (counts > 0)).all():
        raise ValueError("counts must be positive: every cell has trials.")
    return counts


def _interval(drawn, confidence):
    """Ends of the interval that holds the middle of the draws, which are values of the grid."""
    tail = 100 * (1 - confidence) / 2
    return np.percentile(drawn, [tail, 100 - tail], axis=0, method="closest_observation")


def _table(values, objective, intervals):
    import pandas as pd

    ordered = np.sort(objective, axis=1)
    margin = ordered[:, -1] - (ordered[:, -2] if len(values) > 1 else -np.inf)
    columns = {
        "subject": np.arange(len(objective)),
        "best": values[objective.argmax(axis=1)],
        "low": intervals[:, 0],
        "high": intervals[:, 1],
        "objective": ordered[:, -1],
        "margin": margin,
    }
    return pd.DataFrame(columns)
