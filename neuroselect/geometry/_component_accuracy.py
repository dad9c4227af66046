"""How many dimensions of the hidden activity the readout needs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.utils._score_curve import ScoreCurve, stack_curves
from neuroselect.utils._scoring import GroupScorer

BLOCK_BYTES = 2**26


def component_accuracy(
    estimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    layer: int = -1,
    n_components: ArrayLike | None = None,
    center: bool = True,
    scoring: str | Callable | None = "accuracy",
) -> ScoreCurve:
    r"""Accuracy of each task with the first principal components of hidden activity alone.

    The activity H (n_trials, n_units) is replaced by its projection on its first k components,

    .. math:: \bar{H} + (H - \bar{H}) V_k V_k^\top

    (without the mean :math:`\bar{H}` if not centred), and carried on through the trained
    weights [1]_.

    Parameters
    ----------
    estimator : object
        Fitted network (`MultiTaskMLP` and its like). A list or tuple of them, as from `fit_many`,
        gives the scores a leading axis.
    X : array-like or DataFrame of shape (n_trials, n_columns)
        Trials; their activity gives the components, of all tasks together.
    y : array-like of shape (n_trials,) or (n_trials, n_outputs)
        Target of each trial.
    layer : int, default=-1
        Dense hidden layer: 0 is the first, -1 the last.
    n_components : array-like of shape (n_points,), default=None
        Numbers of components to keep. None: 0, 1, ..., min(n_trials, n_units).
    center : bool, default=True
        Subtract each unit's mean first; it is always kept. Without, the mean counts as
        a dimension.
    scoring : str, callable or None, default="accuracy"
        "accuracy": share of trials with the right class; of a regressor with the right sign,
        targets of 0 dropped. Others as in `neuroselect.selectivity.group_lesion_scores`.

    Returns
    -------
    curve : ScoreCurve
        A Bunch: ``n_components`` (n_points,), ``scores`` (n_points, 1, n_tasks),
        ``intact_scores`` (n_tasks,), ``tasks``. ``to_frame()`` gives one row for each score.

    Raises
    ------
    TypeError
        If `estimator` is not a network.
    ValueError
        If `layer` or `n_components` do not fit, or the predictions do not give the score.

    See Also
    --------
    participation_ratio : Number of dimensions that activity varies along.

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), "Orthogonal representations
       for robust context-dependent task performance in brains and neural networks", Neuron.
       :doi:`10.1016/j.neuron.2022.01.005`

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP
    >>> from neuroselect.datasets import make_context_blobs
    >>> from neuroselect.geometry import component_accuracy
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLP((8,), learning_rate_init=0.02, max_iter=2000, random_state=0).fit(X, y)
    >>> curve = component_accuracy(net, X, y, n_components=[1, 8])
    >>> curve.scores.shape, curve.scores[-1, 0]
    ((2, 1, 2), array([1., 1.]))
    """
    if isinstance(estimator, (list, tuple)):
        options = {"layer": layer, "n_components": n_components, "center": center}
        return stack_curves(
            [component_accuracy(e, X, y, scoring=scoring, **options) for e in estimator]
        )
    if not (hasattr(estimator, "activations") and hasattr(estimator, "readout")):
        raise TypeError(
            "estimator must be a network with hidden layers, such as MultiTaskMLP; got"
            f" {type(estimator).__name__}."
        )
    X = X if hasattr(X, "iloc") else np.asarray(X)
    activity = estimator.activations(X, layer)
    if activity.ndim != 2:
        raise ValueError(
            f"layer={layer} is convolutional. Choose a dense hidden layer, such as layer=-1."
        )
    numbers = _read_numbers(n_components, min(activity.shape))
    codes = estimator.tasks_[estimator._encode(X)[1]]
    tasks = np.unique(codes)
    scorer = GroupScorer(estimator, X, y, codes == tasks[:, None], scoring)
    scores = np.empty((len(numbers), 1, len(tasks)))
    n_points = max(1, BLOCK_BYTES // activity.nbytes)
    for start in range(0, len(numbers), n_points):
        block = slice(start, start + n_points)
        kept = _truncated(activity, numbers[block], center)
        scores[block, 0] = scorer.of_outputs(_outputs(estimator, kept, X, layer))
    return ScoreCurve(
        x_name="n_components",
        n_components=numbers,
        scores=scores,
        intact_scores=scorer.intact,
        tasks=tasks,
    )


def _read_numbers(n_components, most):
    numbers = np.arange(most + 1) if n_components is None else np.asarray(n_components)
    if numbers.ndim != 1 or not len(numbers) or numbers.dtype.kind not in "iu":
        raise ValueError(f"n_components must be a list of integers, got {n_components!r}.")
    if numbers.min() < 0 or numbers.max() > most:
        raise ValueError(
            f"n_components must be from 0 to min(n_trials, n_units) = {most}, got"
            f" {numbers.tolist()}."
        )
    return numbers


def _truncated(activity, numbers, center):
    """Activity (n_points, n_trials, n_units) of the first components, as many as asked for."""
    wide = activity.astype(np.float64)
    mean = wide.mean(axis=0) if center else 0.0
    axes = np.linalg.svd(wide - mean, full_matrices=False)[2]
    kept = np.array([mean + (wide - mean) @ axes[:k].T @ axes[:k] for k in numbers])
    return kept.astype(activity.dtype)


def _outputs(network, activity, X, layer):
    """The network's raw outputs, (n_points, n_trials, n_outputs)."""
    from neuroselect._engine._predict import carry_on

    spec, (stimuli, task) = network._network(), network._encode(X)
    layer %= len(spec.activity_shapes)
    return carry_on(spec, network._weights(), activity, stimuli, task, layer, network.device_)
