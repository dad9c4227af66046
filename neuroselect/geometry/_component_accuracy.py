"""How many dimensions of the hidden activity the readout needs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from neuroselect.utils._score_curve import ScoreCurve, stack_curves
from neuroselect.utils._scoring import GroupScorer, scores_outputs

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
    alone = not isinstance(estimator, (list, tuple))
    networks = [estimator] if alone else list(estimator)
    for network in networks:
        if not (hasattr(network, "activations") and hasattr(network, "readout")):
            raise TypeError(
                "estimator must be a network with hidden layers, such as MultiTaskMLP; got"
                f" {type(network).__name__}."
            )
    X, curves = X if hasattr(X, "iloc") else np.asarray(X), {}
    options = {"layer": layer, "n_components": n_components, "center": center, "scoring": scoring}
    for stack in _stacks_of(networks, X, scoring):
        curves |= zip(stack, _curves([networks[k] for k in stack], X, y, **options), strict=True)
    return curves[0] if alone else stack_curves([curves[k] for k in range(len(networks))])


def _stacks_of(networks, X, scoring) -> list[list[int]]:
    """Positions of networks that are used together."""
    if len(networks) == 1 or not all(scores_outputs(network, scoring) for network in networks):
        return [[k] for k in range(len(networks))]
    from neuroselect.networks._stacked import alike

    return alike(networks, len(X))


def _curves(networks, X, y, *, layer, n_components, center, scoring) -> list[ScoreCurve]:
    """Curve of each network of a stack."""
    from neuroselect.networks._stacked import NetworkStack

    first = networks[0]
    check_is_fitted(first)
    of_first = first.activations(X, layer)
    if of_first.ndim != 2:
        raise ValueError(
            f"layer={layer} is convolutional. Choose a dense hidden layer, such as layer=-1."
        )
    stack, layer = NetworkStack(networks), layer % len(first._network().activity_shapes)
    together = len(networks) > 1
    activity = stack.activations(X, layer) if together else of_first[np.newaxis]
    numbers = _read_numbers(n_components, min(of_first.shape))
    codes = first.tasks_[first._encode(X)[1]]
    tasks = np.unique(codes)
    intact = stack.outputs(X) if together else None
    scorer = GroupScorer(first, X, y, codes == tasks[:, None], scoring, intact)
    scores = np.empty((len(networks), len(numbers), 1, len(tasks)))
    axes, n_points = _components(activity, center), max(1, BLOCK_BYTES // activity.nbytes)
    for start in range(0, len(numbers), n_points):
        block = slice(start, start + n_points)
        outputs = stack.carry_on(_truncated(activity, *axes, numbers[block]), X, layer)
        scores[:, block, 0] = scorer.of_outputs(outputs if together else outputs[0])
    intact = scorer.intact.reshape(len(networks), -1)
    points = {"x_name": "n_components", "n_components": numbers, "tasks": tasks}
    return [
        ScoreCurve(**points, scores=scores[k], intact_scores=intact[k])
        for k in range(len(networks))
    ]


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


def _components(activity, center):
    """Mean (n_networks, 1, n_units) of the activity, and its principal axes in rows."""
    wide = activity.astype(np.float64)
    mean = wide.mean(axis=1, keepdims=True) if center else np.zeros((len(wide), 1, 1))
    return mean, np.linalg.svd(wide - mean, full_matrices=False)[2]


def _truncated(activity, mean, axes, numbers):
    """Activity (n_networks, n_points, n_trials, n_units) of the first components."""
    kept = np.empty((len(activity), len(numbers), *activity.shape[1:]), activity.dtype)
    coordinates = (activity - mean) @ axes.swapaxes(1, 2)
    for place, k in enumerate(numbers):
        kept[:, place] = mean + coordinates[..., :k] @ axes[:, :k]
    return kept
