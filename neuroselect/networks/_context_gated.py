"""Networks whose units the context gates: by learned, fixed or Hebbian gates."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.metrics import r2_score
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length

from neuroselect.networks._context_gating import ContextGating
from neuroselect.networks._multitask_mlp import MultiTaskMLP, MultiTaskMLPClassifier
from neuroselect.utils._sklearn import StrOptions


def choice_accuracy(reward: np.ndarray, output: np.ndarray, sample_weight=None) -> float:
    """Share of trials in which the output has the sign of the reward; rewards of 0 are left out.

    NaN where there is no other reward.
    """
    reward, output = np.asarray(reward, dtype=float), np.asarray(output, dtype=float)
    check_consistent_length(reward, output, sample_weight)
    weight = np.ones(len(reward)) if sample_weight is None else np.asarray(sample_weight, float)
    weight = weight.reshape(-1, *[1] * (reward.ndim - 1)) * (reward != 0)
    right = weight * (np.sign(output) == np.sign(reward))
    return float(right.sum() / weight.sum()) if weight.any() else float("nan")


class ContextGatedRegressor(ContextGating, MultiTaskMLP):
    r"""Multi-layer perceptron whose units the context gates (regression, or choices by reward).

    As `MultiTaskMLP`, with one of several ways in which the task that is cued can decide which
    units take part: gates that are learned or drawn at random [2]_, context weights that excite
    half of the units and inhibit the other half from the start, or that come to do so by Oja's
    rule [1]_. The task signal can be sluggish in training, as in a mind that does not switch at
    once. `fit_many` trains many of these networks at once, with the same result.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Number of units of each hidden layer.
    gating : {"none", "learned", "random", "manual", "oja", "oja_all"}, default="learned"
        How the context gates the units of hidden layer ``context_layer``. In all of them the
        context also enters that layer's input, as in `MultiTaskMLP` (unless
        ``context_scale=0``), and the context weights are trained as all others are.

        - "none": not beyond that.
        - "learned": the activity of unit j in task t is multiplied by sigmoid(g_tj), with
          ``gate_coefs_`` g trained by gradient from 0 on, where all gates are half open.
        - "random": it is multiplied by 1 for a share ``gate_share`` of the units and by 0 for the
          others, drawn once for each task and kept [2]_.
        - "manual": the context weights of unit j start at +1 for task j modulo n_tasks and at -1
          for all others: with two tasks, alternating over units and opposite for the two.
          ``context_init_scale`` multiplies them, ``context_coefs_init`` replaces them.
        - "oja": after every step of the solver the context weights change by Oja's rule. With the
          context inputs x and u_j = Σ_i W_ij x_i, W_ij gains
          ``hebbian_rate`` u_j (x_i - u_j W_ij), which is averaged over the trials of a batch
          (summed if ``reduction="sum"``). With two tasks and centred inputs its fixed points are
          ±(1, -1)/√2: one context excites a unit, the other inhibits it.
        - "oja_all": the same over all inputs of that layer, and for all their weights.

        With ``task_column=None`` there is no context: all of them are then "none".
    gate_share : float, default=0.2
        Share of units that are on in a task, for "random": the number of units is rounded and at
        least 1.
    hebbian_rate : float, default=0.05
        Rate of Oja's rule, for "oja" and "oja_all"; it does not depend on ``learning_rate_init``.
    sluggishness : float, default=1.0
        How much of the present task is in the task signal of a training trial,
        s_t = a c_t + (1 - a) s_(t-1), c the one-hot task and the trials in the order in which the
        curriculum shows them; 1 is no sluggishness, small values are much. The first trial's
        signal is its task. The signal takes the place of the task in the cue and at the gates
        (learned ones are the sigmoid of Σ_t s_t g_tj, random ones are mixed). In training only:
        all that is recorded or predicted is with the task itself.
    center_inputs : bool, default=False
        Subtract the means of the training inputs, of stimuli and of context, in training and
        after it. Gates get the task as it is.
    task_column, context_layer, context_scale, activation, output_activation, init, init_scale, \
context_init_scale, output_init_scale, bias_init, init_rank, coefs_init, intercepts_init, \
context_coefs_init, reduction, alpha, solver, learning_rate_init, momentum, batch_size, max_iter, \
curriculum, consolidation, record, record_every, tol, n_iter_no_change, random_state, device, \
warm_start, verbose
        As in `MultiTaskMLP`. Weight decay and consolidation hold for learned gates, too.
    loss : {"squared_error", "expected_reward"}, default="squared_error"
        "expected_reward": y is the reward for accepting what is shown, and the network accepts it
        with probability sigmoid(output) (`choice_probability`): minus the reward times that
        probability. The score is then the accuracy of choices: the share of trials in which the
        output has the sign of the reward, rewards of 0 left out; so are "task_scores" that are
        recorded.

    Attributes
    ----------
    gates_ : ndarray of shape (n_tasks, n_units)
        How far the gate of each unit of layer ``context_layer`` is open in each task, from 0 to 1;
        for "learned" and "random" only.
    gate_coefs_, initial_gate_coefs_ : ndarray of shape (n_tasks, n_units)
        What learned gates are the sigmoid of, after and before training.
    input_means_ : ndarray of shape (n_features + n_tasks,)
        Means of the training inputs, stimuli and then context; if ``center_inputs``.
    coefs_, intercepts_, context_coefs_, initial_coefs_, initial_intercepts_, \
initial_context_coefs_, tasks_, loss_curve_, n_iter_, history_, n_layers_, n_outputs_, device_, \
n_features_in_, feature_names_in_
        As in `MultiTaskMLP`.

    See Also
    --------
    ContextGatedClassifier : The same network for classes.
    MultiTaskMLP : Without gates.
    fit_many : Train many networks at once.

    Notes
    -----
    The setting of [1]_ is one trial per step: ``solver="sgd"``, ``batch_size=1``,
    ``loss="expected_reward"``, and for Oja's rule ``center_inputs=True``.

    Training that goes on (`partial_fit`, ``warm_start``) keeps the means of the inputs from its
    first call, and the sluggish task signal.

    References
    ----------
    .. [1] Flesch, Nagy, Saxe & Summerfield (2023). Modelling continual learning in humans with
       Hebbian context gating and exponentially decaying task signals. PLOS Computational Biology
       19, e1010808. :doi:`10.1371/journal.pcbi.1010808`
    .. [2] Masse, Grant & Freedman (2018). Alleviating catastrophic forgetting using
       context-dependent gating and synaptic stabilization. PNAS 115, E10467-E10475.
       :doi:`10.1073/pnas.1803839115`

    Examples
    --------
    >>> from neuroselect import ContextGatedRegressor
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, reward = make_context_blobs(normalize=False)
    >>> net = ContextGatedRegressor(
    ...     gating="oja", center_inputs=True, loss="expected_reward", init="normal",
    ...     init_scale=0.01, output_init_scale=0.1, bias_init=0.1, solver="sgd",
    ...     learning_rate_init=0.03, batch_size=1, curriculum="blocked", max_iter=100,
    ...     random_state=0,
    ... )
    >>> bool(net.fit(X, reward).score_by_task(X, reward).min() > 0.8)
    True

    Task A is not forgotten: each context excites units of its own.

    >>> bool((net.context_coefs_[0] * net.context_coefs_[1] < 0).mean() > 0.9)
    True
    """

    _parameter_constraints: dict = {
        **MultiTaskMLP._parameter_constraints,
        **ContextGating._gating_constraints,
        "loss": [StrOptions({"squared_error", "expected_reward"})],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        *,
        gating="learned",
        gate_share=0.2,
        hebbian_rate=0.05,
        sluggishness=1.0,
        center_inputs=False,
        task_column=-1,
        context_layer=0,
        context_scale=1.0,
        activation="relu",
        output_activation="identity",
        init="fan_in",
        init_scale=1.0,
        context_init_scale=None,
        output_init_scale=None,
        bias_init=0.0,
        init_rank=None,
        coefs_init=None,
        intercepts_init=None,
        context_coefs_init=None,
        loss="squared_error",
        reduction="mean",
        alpha=0.0,
        solver="adam",
        learning_rate_init=1e-3,
        momentum=0.0,
        batch_size="auto",
        max_iter=200,
        curriculum="interleaved",
        consolidation=None,
        record=None,
        record_every=1,
        tol=None,
        n_iter_no_change=10,
        random_state=None,
        device="cpu",
        warm_start=False,
        verbose=0,
    ):
        super().__init__(
            hidden_layer_sizes,
            task_column=task_column,
            context_layer=context_layer,
            context_scale=context_scale,
            activation=activation,
            output_activation=output_activation,
            init=init,
            init_scale=init_scale,
            context_init_scale=context_init_scale,
            output_init_scale=output_init_scale,
            bias_init=bias_init,
            init_rank=init_rank,
            coefs_init=coefs_init,
            intercepts_init=intercepts_init,
            context_coefs_init=context_coefs_init,
            loss=loss,
            reduction=reduction,
            alpha=alpha,
            solver=solver,
            learning_rate_init=learning_rate_init,
            momentum=momentum,
            batch_size=batch_size,
            max_iter=max_iter,
            curriculum=curriculum,
            consolidation=consolidation,
            record=record,
            record_every=record_every,
            tol=tol,
            n_iter_no_change=n_iter_no_change,
            random_state=random_state,
            device=device,
            warm_start=warm_start,
            verbose=verbose,
        )
        self.gating = gating
        self.gate_share = gate_share
        self.hebbian_rate = hebbian_rate
        self.sluggishness = sluggishness
        self.center_inputs = center_inputs

    def choice_probability(self, X: ArrayLike) -> np.ndarray:
        """Probability to accept what is shown, sigmoid(output).

        Parameters
        ----------
        X : array-like of shape (n_trials, n_features + 1)

        Returns
        -------
        p : ndarray of shape (n_trials,) or (n_trials, n_outputs), as in `fit`
        """
        return expit(self.predict(X))

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """R² of the output, or accuracy of the choices if the loss is "expected_reward".

        Parameters
        ----------
        X : array-like of shape (n_trials, n_features + 1)
        y : array-like of shape (n_trials,) or (n_trials, n_outputs)
        sample_weight : array-like of shape (n_trials,), default=None

        Returns
        -------
        score : float
        """
        if self.loss == "squared_error":
            return super().score(X, y, sample_weight)
        y = check_array(y, ensure_2d=False, input_name="y", estimator=self)
        return choice_accuracy(y, self.predict(X), sample_weight)

    @property
    def _metric(self):
        return choice_accuracy if self.loss == "expected_reward" else r2_score


class ContextGatedClassifier(ContextGating, MultiTaskMLPClassifier):
    """Multi-layer perceptron whose units the context gates (classification).

    The classes are the union of the labels of all tasks, whose labels may differ; the output is a
    softmax over them. What gating is, is told at `ContextGatedRegressor`.

    Parameters
    ----------
    hidden_layer_sizes, gating, gate_share, hebbian_rate, sluggishness, center_inputs, \
task_column, context_layer, context_scale, activation, init, init_scale, context_init_scale, \
output_init_scale, bias_init, init_rank, coefs_init, intercepts_init, context_coefs_init, \
reduction, alpha, solver, learning_rate_init, momentum, batch_size, max_iter, curriculum, \
consolidation, record, record_every, tol, n_iter_no_change, random_state, device, warm_start, \
verbose
        As in `ContextGatedRegressor`.
    output_activation : {"identity", "relu", "tanh", "logistic"}, default="identity"
        Applied to the logits, before the softmax.
    loss : {"cross_entropy"}, default="cross_entropy"
        Minus the log probability of the trial's class.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels of all tasks.
    gates_, gate_coefs_, initial_gate_coefs_, input_means_, coefs_, intercepts_, context_coefs_, \
initial_coefs_, initial_intercepts_, initial_context_coefs_, tasks_, loss_curve_, n_iter_, \
history_, n_layers_, n_outputs_, device_, n_features_in_, feature_names_in_
        As in `ContextGatedRegressor`.

    See Also
    --------
    ContextGatedRegressor : The same network for continuous targets, and for rewards.
    MultiTaskMLPClassifier : Without gates.

    Examples
    --------
    >>> from neuroselect import ContextGatedClassifier
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> side = ["left" if target < 0 else "right" for target in y]
    >>> net = ContextGatedClassifier(
    ...     (20,), gating="random", gate_share=0.5, learning_rate_init=0.02, random_state=0
    ... )
    >>> net.fit(X, side).gates_.sum(axis=1)
    array([10., 10.])
    >>> bool((net.activations(X)[:25, net.gates_[0] == 0] == 0).all())
    True
    """

    _parameter_constraints: dict = {
        **MultiTaskMLPClassifier._parameter_constraints,
        **ContextGating._gating_constraints,
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        *,
        gating="learned",
        gate_share=0.2,
        hebbian_rate=0.05,
        sluggishness=1.0,
        center_inputs=False,
        task_column=-1,
        context_layer=0,
        context_scale=1.0,
        activation="relu",
        output_activation="identity",
        init="fan_in",
        init_scale=1.0,
        context_init_scale=None,
        output_init_scale=None,
        bias_init=0.0,
        init_rank=None,
        coefs_init=None,
        intercepts_init=None,
        context_coefs_init=None,
        loss="cross_entropy",
        reduction="mean",
        alpha=0.0,
        solver="adam",
        learning_rate_init=1e-3,
        momentum=0.0,
        batch_size="auto",
        max_iter=200,
        curriculum="interleaved",
        consolidation=None,
        record=None,
        record_every=1,
        tol=None,
        n_iter_no_change=10,
        random_state=None,
        device="cpu",
        warm_start=False,
        verbose=0,
    ):
        super().__init__(
            hidden_layer_sizes,
            task_column=task_column,
            context_layer=context_layer,
            context_scale=context_scale,
            activation=activation,
            output_activation=output_activation,
            init=init,
            init_scale=init_scale,
            context_init_scale=context_init_scale,
            output_init_scale=output_init_scale,
            bias_init=bias_init,
            init_rank=init_rank,
            coefs_init=coefs_init,
            intercepts_init=intercepts_init,
            context_coefs_init=context_coefs_init,
            loss=loss,
            reduction=reduction,
            alpha=alpha,
            solver=solver,
            learning_rate_init=learning_rate_init,
            momentum=momentum,
            batch_size=batch_size,
            max_iter=max_iter,
            curriculum=curriculum,
            consolidation=consolidation,
            record=record,
            record_every=record_every,
            tol=tol,
            n_iter_no_change=n_iter_no_change,
            random_state=random_state,
            device=device,
            warm_start=warm_start,
            verbose=verbose,
        )
        self.gating = gating
        self.gate_share = gate_share
        self.hebbian_rate = hebbian_rate
        self.sluggishness = sluggishness
        self.center_inputs = center_inputs
