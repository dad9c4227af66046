"""From what was recorded during training to scores after each phase."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from neuroselect.curricula import get_curriculum

SCORES = ("task_scores", "sign_accuracy", "task_losses")


def accuracy_matrix(
    estimator: object | Sequence[object],
    *,
    score: str | None = None,
    ends: ArrayLike | None = None,
    order: Sequence[object] | None = None,
) -> Bunch:
    """Score of each task after each phase of training, as recorded in training.

    Parameters
    ----------
    estimator : network or list of networks
        Fitted with ``record=("task_scores",)`` (or another score), and records at least at the
        end of each phase (``record_every``). Networks of a list, as from `fit_many`, share tasks
        and phases.
    score : {"task_scores", "sign_accuracy", "task_losses"}, default=None
        What was recorded. None: the first of these that was; losses only if named, since they
        are smaller for better networks, and are returned with their sign turned.
    ends : array-like of int of shape (n_phases,), default=None
        Number of passes at the end of each phase. None: the blocks of the curriculum (`Blocked`,
        `Replay`); it must be given for others.
    order : sequence of shape (n_phases,), default=None
        Code of the task that each phase trains; with `ends`, where it is known.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        ``matrix`` (n_phases, n_tasks); ``initial`` (n_tasks,), before training, NaN if that was
        not recorded; both with a leading axis for a list. ``ends`` (n_phases,); ``order``
        (n_phases,), column of the task of each phase, or None; ``tasks`` (n_tasks,).

    Raises
    ------
    ValueError
        If no score was recorded, or not at the end of a phase; if phases cannot be told, or
        differ between networks; if training stopped before they were over.

    See Also
    --------
    continual_measures : On to forgetting and transfer.

    Examples
    --------
    >>> from neuroselect import MultiTaskMLPClassifier
    >>> from neuroselect.continual import accuracy_matrix
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLPClassifier(
    ...     (20,), learning_rate_init=0.02, curriculum="blocked", record="task_scores",
    ...     random_state=0,
    ... ).fit(X, y > 0)
    >>> result = accuracy_matrix(net)
    >>> result.ends, result.order, result.matrix.shape
    (array([100, 200]), array([0, 1]), (2, 2))
    """
    if isinstance(estimator, (list, tuple)):
        if not estimator:
            raise ValueError("estimator is an empty list; pass at least one fitted network.")
        results = [accuracy_matrix(e, score=score, ends=ends, order=order) for e in estimator]
        return _stacked(results)
    check_is_fitted(estimator)
    history = getattr(estimator, "history_", None)
    name = _recorded_score(history, score)
    tasks = np.asarray(history["tasks"])
    stops, columns = _phases(estimator, tasks, ends, order)
    passes = np.asarray(history["passes"])
    missing = [stop for stop in stops.tolist() if stop not in passes]
    if missing:
        raise ValueError(
            f"record_every must record the end of each phase, passes {stops.tolist()}; there is no"
            f" record of {missing}. Train with record_every={[0, *stops.tolist()]}."
        )
    values = np.asarray(history[name], dtype=np.float64) * (-1 if name == "task_losses" else 1)
    before = values[passes == 0]
    return Bunch(
        matrix=values[[int(np.flatnonzero(passes == stop)[-1]) for stop in stops]],
        initial=before[0] if len(before) else np.full(len(tasks), np.nan),
        ends=stops,
        order=columns,
        tasks=tasks,
    )


def _recorded_score(history, score):
    if score is not None and score not in SCORES:
        raise ValueError(f"score must be one of {list(SCORES)}, got {score!r}.")
    wanted = SCORES[:2] if score is None else (score,)
    for name in wanted:
        if history is not None and name in history:
            return name
    raise ValueError(
        f"No {' or '.join(wanted)} was recorded in training. Fit the network with"
        f" record={wanted[0]!r}."
    )


def _phases(estimator, tasks, ends, order):
    """End of each phase, and the column of the task that it trains."""
    if ends is not None:
        ends = np.asarray(ends)
        if ends.dtype.kind not in "iu" or ends.ndim != 1 or not len(ends) or min(ends) < 1:
            raise ValueError(
                f"ends must hold the number of passes at the end of each phase, got {ends!r}."
            )
        return ends, None if order is None else _columns(order, tasks, len(ends))
    curriculum = get_curriculum(estimator.curriculum)
    if not hasattr(curriculum, "boundaries"):
        raise ValueError(
            f"The phases of curriculum={estimator.curriculum!r} cannot be told: it has no blocks."
            " Pass ends=..., the passes at the end of each phase."
        )
    if estimator.n_iter_ != estimator.max_iter:
        raise ValueError(
            f"Training made {estimator.n_iter_} of max_iter={estimator.max_iter} passes: its"
            " blocks are not those of the curriculum. Set tol=None, or pass ends=..."
        )
    # Tasks stand for their trials: which is shown when is all that matters here.
    shown = curriculum.boundaries(tasks, max_iter=estimator.max_iter, cyclic=True)
    if not shown:  # one task only
        last = next(iter(curriculum.order or tasks.tolist()))
        return np.array([estimator.max_iter]), _columns([last], tasks, 1)
    stops = [stop for stop, _ in shown]
    columns = [int(trials[0]) for _, trials in shown]
    if stops[-1] != estimator.max_iter:  # the last block shows the task of the first
        stops.append(estimator.max_iter)
        columns.append(columns[0])
    return np.array(stops), np.array(columns)


def _columns(order, tasks, n_phases):
    known = tasks.tolist()
    if len(order) != n_phases or any(code not in known for code in order):
        raise ValueError(
            f"order must name one of the tasks {known} for each of the {n_phases} phases, got"
            f" {list(order)}."
        )
    return np.array([known.index(code) for code in order])


def _stacked(results):
    for key in ("tasks", "ends", "order"):
        first = results[0][key]
        same = (
            all(r[key] is None for r in results)
            if first is None
            else all(np.array_equal(r[key], first) for r in results)
        )
        if not same:
            raise ValueError(f"The networks differ in their {key}: measure them one by one.")
    stacked = Bunch(**results[0])
    for key in ("matrix", "initial"):
        stacked[key] = np.stack([r[key] for r in results])
    return stacked
