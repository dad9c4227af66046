"""From constructor parameters to the engine's specification and initial weights."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np

from neuroselect._engine._init import draw_weights
from neuroselect._engine._spec import NetworkSpec, TrainingSpec, Trials, Weights
from neuroselect.curricula import Biased, Blocked, Replay, get_curriculum
from neuroselect.networks._encoding import layer_index
from neuroselect.networks._history import record_spec


def hidden_sizes(hidden_layer_sizes) -> tuple[int, ...]:
    """Normalise ``hidden_layer_sizes`` to a tuple of positive integers."""
    sizes = np.atleast_1d(np.asarray(hidden_layer_sizes, dtype=object))
    good = all(isinstance(s, Integral) and not isinstance(s, bool) and s > 0 for s in sizes)
    if sizes.ndim != 1 or len(sizes) == 0 or not good:
        raise ValueError(
            "hidden_layer_sizes must hold at least one hidden layer of at least one unit, such as"
            f" (100,); got {hidden_layer_sizes!r}."
        )
    return tuple(int(s) for s in sizes)


def network_spec(estimator, n_features: int, n_tasks: int, n_outputs: int) -> NetworkSpec:
    """Shape of the network that ``estimator`` describes."""
    hidden = hidden_sizes(estimator.hidden_layer_sizes)
    return NetworkSpec(
        n_features=n_features,
        n_tasks=n_tasks,
        hidden=hidden,
        n_outputs=n_outputs,
        context_layer=layer_index(estimator.context_layer, len(hidden), "context_layer"),
        context_scale=float(estimator.context_scale),
        activation=estimator.activation,
        output_activation=estimator.output_activation,
    )


def training_spec(
    estimator,
    network: NetworkSpec,
    trials: Trials,
    device: str,
    *,
    n_before: int = 0,
    one_pass: bool = False,
) -> TrainingSpec:
    """What the estimator shares with those that it may train with.

    ``n_before`` passes were made earlier; training now makes ``max_iter`` more, or one.
    """
    n_trials = len(trials.stimuli)
    size = min(200, n_trials) if estimator.batch_size == "auto" else estimator.batch_size
    rate = float(estimator.learning_rate_init)
    curriculum = get_curriculum(estimator.curriculum)
    by_task = isinstance(curriculum, (Blocked, Replay))
    last = n_before + (1 if one_pass else estimator.max_iter)
    if estimator.consolidation is not None:
        _check_consolidation(estimator, curriculum, trials)
    spec = TrainingSpec(
        network=network,
        loss=estimator.loss,
        reduction=estimator.reduction,
        solver=estimator.solver,
        # Adam's fused step takes one rate for all; descent takes one for each network.
        learning_rate=rate if estimator.solver == "adam" else None,
        momentum=float(estimator.momentum),
        batch_size=None if size is None or size >= n_trials else int(size),
        max_iter=int(estimator.max_iter),
        curriculum=curriculum,
        n_trials=n_trials,
        task_counts=tuple(np.bincount(trials.task).tolist()) if by_task else (),
        dtype=trials.stimuli.dtype.name,
        device=device,
        consolidation=estimator.consolidation,
        record=record_spec(estimator, max(estimator.max_iter, last)),
        tol=None if one_pass or estimator.tol is None else float(estimator.tol),
        n_iter_no_change=estimator.n_iter_no_change,
        n_before=n_before,
        one_pass=one_pass,
    )
    if by_task or isinstance(curriculum, Biased):
        _check_tasks(spec, trials)
    return spec


def _check_tasks(spec: TrainingSpec, trials: Trials) -> None:
    """Raise what the curriculum would, before networks train beside this one."""
    rng = np.random.default_rng(0)
    spec.curriculum(trials.codes, batch_size=spec.batch_size, max_iter=spec.max_iter, rng=rng)


def _check_consolidation(estimator, curriculum, trials: Trials) -> None:
    """Raise unless there will be an earlier task to protect."""
    given = estimator.consolidation
    if estimator.task_column is None:
        raise ValueError(
            f"consolidation={given!r} protects earlier tasks, but task_column is None. Name the"
            " column of X that holds the tasks, or set consolidation=None."
        )
    if not isinstance(curriculum, (Blocked, Replay)):
        raise ValueError(
            f"consolidation={given!r} needs a curriculum that shows the tasks in blocks: 'blocked',"
            " 'replay', or a Blocked or Replay object of neuroselect.curricula; got"
            f" curriculum={estimator.curriculum!r}."
        )
    if not curriculum.boundaries(trials.codes, max_iter=estimator.max_iter):
        raise ValueError(
            f"consolidation={given!r} acts when the task changes, but curriculum="
            f"{estimator.curriculum!r} shows one task only. Show several tasks, or set"
            " consolidation=None."
        )
    if estimator.loss != "cross_entropy" and getattr(given, "fisher", None) == "predicted":
        raise ValueError(
            "fisher='predicted' takes the most probable class as target, but this network has no"
            f" classes (loss={estimator.loss!r}). Use fisher='true' or 'empirical'."
        )


def initial_weights(estimator, network: NetworkSpec, rng: np.random.Generator) -> Weights:
    """Draw the initial weights, then put the given ones in their place."""
    scales = _layer_scales(estimator.init_scale, network.n_conv + network.n_weights)
    if estimator.output_init_scale is not None:
        scales[-1] = float(estimator.output_init_scale)
    context_scale, cued = estimator.context_init_scale, network.n_conv + network.context_layer
    drawn = draw_weights(
        network,
        rng,
        init=estimator.init,
        scales=scales,
        context_scale=scales[cued] if context_scale is None else context_scale,
        bias=float(estimator.bias_init),
        rank=getattr(estimator, "init_rank", None),
    )
    coefs = _override(drawn.coefs, estimator.coefs_init, "coefs_init")
    intercepts = _override(drawn.intercepts, estimator.intercepts_init, "intercepts_init")
    context = _context(drawn.context, estimator.context_coefs_init)
    drawn = drawn._replace(coefs=coefs, intercepts=intercepts, context=context)
    if network.conv is None:
        return drawn
    return drawn._replace(
        conv_coefs=_override(drawn.conv_coefs, estimator.conv_coefs_init, "conv_coefs_init"),
        conv_intercepts=_override(
            drawn.conv_intercepts, estimator.conv_intercepts_init, "conv_intercepts_init"
        ),
    )


def _layer_scales(init_scale, n_weights) -> list[float]:
    if isinstance(init_scale, Real):
        return [float(init_scale)] * n_weights
    scales = [float(s) for s in np.ravel(init_scale)]
    if len(scales) != n_weights or min(scales) < 0:
        raise ValueError(
            f"init_scale must be one number >= 0, or {n_weights} of them (one per layer of"
            f" weights, the output's last); got {init_scale!r}."
        )
    return scales


def _override(drawn, given, name):
    """Replace drawn arrays by the given ones; None keeps the draw."""
    if given is None:
        return drawn
    if len(given) != len(drawn):
        raise ValueError(
            f"{name} must hold {len(drawn)} arrays, one per layer (None keeps the drawn one);"
            f" got {len(given)}."
        )
    return tuple(
        d if g is None else _checked(g, d.shape, f"{name}[{k}]")
        for k, (d, g) in enumerate(zip(drawn, given, strict=True))
    )


def _context(drawn, given):
    if given is None:
        return drawn
    if not len(drawn):
        raise ValueError("context_coefs_init needs a task column, but task_column is None.")
    return _checked(given, drawn.shape, "context_coefs_init")


def _checked(array, shape, name):
    array = np.asarray(array, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinite values.")
    return array
