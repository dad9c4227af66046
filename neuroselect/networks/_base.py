"""What networks that learn several tasks share, whatever their target and loss."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from neuroselect._engine._predict import carry_on, hidden_activity, outputs
from neuroselect._engine._record import RECORDABLE
from neuroselect._engine._spec import Job, Result, Trials, Weights
from neuroselect._engine._train import train
from neuroselect.consolidation import EWC, SynapticIntelligence
from neuroselect.curricula import CURRICULA
from neuroselect.networks._continue import (
    as_plain,
    check_same,
    check_same_network,
    encode_known_tasks,
    goes_on,
    known_tasks,
    optimizer_state,
)
from neuroselect.networks._encoding import encode_stimuli, encode_tasks, layer_index, learn_tasks
from neuroselect.networks._history import TrainingHistory, check_activity_fits, make_history
from neuroselect.networks._settings import initial_weights, network_spec, training_spec
from neuroselect.utils._progress import progress_bar
from neuroselect.utils._sklearn import Interval, StrOptions, check_sample_weight, fit_context
from neuroselect.utils._torch import DEVICES, resolve_device

if TYPE_CHECKING:
    from typing_extensions import Self


class BaseMultiTaskMLP(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """All but the target and the loss: these are the subclasses'.

    A subclass has ``_read_target(y, dtype, continued, classes)``, ``_present(output)``,
    ``_metric``, and `partial_fit`. What it reads trials by, beside the task column, is in
    ``_reading``.
    """

    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "task_column": [Integral, str, None],
        "context_layer": [Integral],
        "context_scale": [Interval(Real, 0, None, closed="left")],
        "activation": [StrOptions({"identity", "logistic", "relu", "tanh"})],
        "output_activation": [StrOptions({"identity", "logistic", "relu", "tanh"})],
        "init": [StrOptions({"normal", "fan_in", "torch"})],
        "init_scale": [Interval(Real, 0, None, closed="left"), "array-like"],
        "context_init_scale": [Interval(Real, 0, None, closed="left"), None],
        "output_init_scale": [Interval(Real, 0, None, closed="left"), None],
        "bias_init": [Interval(Real, None, None, closed="neither")],
        "init_rank": [Interval(Integral, 1, None, closed="left"), None],
        "coefs_init": [list, tuple, None],
        "intercepts_init": [list, tuple, None],
        "context_coefs_init": ["array-like", None],
        "reduction": [StrOptions({"mean", "sum"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "solver": [StrOptions({"adam", "sgd"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left"), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "curriculum": [StrOptions(set(CURRICULA)), callable],
        "consolidation": [EWC, SynapticIntelligence, None],
        "record": [StrOptions(set(RECORDABLE)), "array-like", None],
        "record_every": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "device": [StrOptions(set(DEVICES))],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train the network; go on where training ended if ``warm_start``.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_features + 1)
            Stimulus features and the task column (no task column if ``task_column=None``).
        y : array-like of shape (n_trials,) or (n_trials, n_outputs)
            Target of each trial in its task.
        sample_weight : array-like of shape (n_trials,), default=None
            Weights of the trials; only their ratios matter.

        Returns
        -------
        self : object
        """
        continued = self.warm_start and hasattr(self, "coefs_")
        trials = self._read_trials(X, y, sample_weight, continued=continued)
        return self._train(self._make_job(trials, continued=continued))

    def _train_one_pass(self, X, y, sample_weight, tasks=None, classes=None):
        """Make one pass; the first call learns what is known before training."""
        continued = hasattr(self, "coefs_")
        trials = self._read_trials(
            X, y, sample_weight, continued=continued, tasks=tasks, classes=classes
        )
        return self._train(self._make_job(trials, continued=continued, one_pass=True))

    def _train(self, job: Job):
        check_activity_fits([job])
        with progress_bar(self.verbose, job.spec.n_passes, "pass") as bar:
            (result,) = train([job], on_pass=bar.update if self.verbose else None)
        return self._learn(job, result)

    # -- fit, in the three steps that fit_many takes one by one ------------------------

    def _read_trials(
        self, X, y, sample_weight=None, *, continued=False, tasks=None, classes=None
    ) -> Trials:
        """Validate and encode the trials; learn what is known before training.

        Training that is ``continued`` knows it already, as it does ``tasks`` and ``classes``.
        """
        stimuli, codes = encode_stimuli(self, X, reset=not continued)
        task = self._read_tasks(stimuli, codes, tasks, continued)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        target = self._read_target(y, stimuli.dtype, continued, classes)
        check_consistent_length(stimuli, target)
        weight = None
        if sample_weight is not None:
            weight = check_sample_weight(
                sample_weight, stimuli, dtype=stimuli.dtype, ensure_non_negative=True
            )
            if not weight.sum() > 0:
                raise ValueError("Sample weights must contain at least one non-zero number.")
            weight = weight / weight.mean()
        return Trials(stimuli, task, target, weight, self.tasks_)

    def _read_tasks(self, stimuli, codes, tasks, continued):
        """Task of each trial, an index into ``tasks_``."""
        if continued:
            check_same(tasks, self.tasks_, "tasks")
        elif tasks is not None:
            self.tasks_ = known_tasks(tasks, self.task_column)
        elif codes is None:
            self.tasks_ = np.array([0])
        else:
            self.tasks_ = learn_tasks(codes, self.task_column)
        if codes is None:
            return np.zeros(len(stimuli), dtype=np.int64)
        return encode_known_tasks(codes, self.tasks_)

    def _make_job(self, trials: Trials, *, continued=False, one_pass=False) -> Job:
        """Draw the network's seeds and initial weights, or take up where training ended."""
        n_tasks = 0 if self.task_column is None else len(self.tasks_)
        network = self._network_spec(trials.stimuli.shape[1], n_tasks, self.n_outputs_)
        device = resolve_device(self.device, trials.stimuli.dtype)
        n_before = self.n_iter_ if continued else 0
        spec = training_spec(self, network, trials, device, n_before=n_before, one_pass=one_pass)
        rate, alpha = float(self.learning_rate_init), float(self.alpha)
        if continued:
            check_same_network(self._trained, network)
            if spec.record is not None:
                afresh = not goes_on(self._history, spec.record.names, trials)
                spec = spec._replace(record=spec.record._replace(afresh=afresh))
            _, order_seed = np.random.SeedSequence(self._seed).spawn(2)
            initial, start = self._weights("initial_"), self._weights()
            state = optimizer_state(self._optimizer)
            return Job(spec, trials, initial, rate, alpha, order_seed, start, state)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        weight_seed, order_seed = np.random.SeedSequence(seed).spawn(2)
        initial = self._draw_weights(network, np.random.default_rng(weight_seed))
        return Job(spec, trials, initial, rate, alpha, order_seed)

    def _learn(self, job: Job, result: Result):
        """Store the trained network; refuse weights that are not finite."""
        finite = all(np.isfinite(a).all() for part in result.weights for a in part)
        if not finite:
            first = np.flatnonzero(~np.isfinite(result.loss_curve))
            when = f" (the loss at pass {first[0]} already)" if len(first) else ""
            raise ValueError(
                f"Training of {type(self).__name__} ended with weights that are not finite{when}."
                f" The usual cause is a step too large for the initial weights and inputs: lower"
                f" learning_rate_init={self.learning_rate_init} or init_scale={self.init_scale},"
                f" scale the stimuli{self._other_cures()}, or take reduction='mean'."
            )
        dtype = job.trials.stimuli.dtype
        self.coefs_ = list(result.weights.coefs)
        self.intercepts_ = list(result.weights.intercepts)
        self.context_coefs_ = result.weights.context
        self.initial_coefs_ = [a.astype(dtype) for a in job.initial.coefs]
        self.initial_intercepts_ = [a.astype(dtype) for a in job.initial.intercepts]
        self.initial_context_coefs_ = job.initial.context.astype(dtype)
        earlier = [self.loss_curve_] if job.start is not None else []
        self.loss_curve_ = np.concatenate([*earlier, result.loss_curve])
        self.n_iter_ = len(self.loss_curve_)
        earlier = getattr(self, "_history", None)
        self._history = None
        if result.history is not None:
            self._history = make_history(job, result.history, earlier)
        self._trained, self._optimizer = as_plain(job.spec.network), as_plain(result.state)
        self._seed = int(job.order_seed.entropy)
        self.n_layers_ = job.spec.network.n_weights + 1
        self.device_ = job.spec.device
        self._n_features_out = job.spec.network.hidden[-1]
        return self

    def _other_cures(self) -> str:
        """What else may bring weights that are not finite, as part of a sentence."""
        if self.consolidation is None:
            return ""
        return f", lower the strength of consolidation={self.consolidation!r}"

    @property
    def history_(self) -> TrainingHistory:
        """What was recorded during training: see ``record``."""
        check_is_fitted(self)
        if self._history is None:
            raise AttributeError(
                f"This {type(self).__name__} was trained without recording and has no history_. Set"
                " record, such as record='task_losses', and fit it again."
            )
        return TrainingHistory(**self._history)

    # -- using the network -------------------------------------------------------------

    def activations(self, X: ArrayLike, layer: int = -1) -> np.ndarray:
        """Activity of the units of a hidden layer.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_features + 1)
            Trials, as in `fit`.
        layer : int, default=-1
            Hidden layer: 0 is the first, -1 the last.

        Returns
        -------
        activity : ndarray of shape (n_trials, n_units)
            After the activation function. Of a convolutional layer the maps that its channels
            hand on, (n_trials, n_channels, height, width).
        """
        check_is_fitted(self)
        network = self._network()
        layer = layer_index(layer, len(network.activity_shapes))
        stimuli, task = self._encode(X)
        return hidden_activity(network, self._weights(), stimuli, task, layer, self.device_)

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Activity of the last hidden layer, for use inside a `Pipeline`.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_features + 1)

        Returns
        -------
        activity : ndarray of shape (n_trials, n_units)
        """
        return self.activations(X)

    def readout(self, H: ArrayLike, X: ArrayLike, layer: int = -1) -> np.ndarray:
        """Carry activity of a hidden layer on to the output.

        ``readout(activations(X), X)`` equals the output: `predict` of the regressor,
        `predict_proba` of the classifier. Lesions, noise and projections are experiments on
        what is passed in between.

        Parameters
        ----------
        H : array-like of shape (..., n_trials, n_units)
            Activity, as from `activations`; leading axes are carried through (many lesions
            at once).
        X : array-like of shape (n_trials, n_features + 1)
            The trials that it belongs to: their task may be cued in a later layer.
        layer : int, default=-1
            Hidden layer that ``H`` is the activity of.

        Returns
        -------
        output : ndarray of shape (..., n_trials) or (..., n_trials, n_outputs)
        """
        check_is_fitted(self)
        network = self._network()
        layer = layer_index(layer, len(network.activity_shapes))
        stimuli, task = self._encode(X)
        H = check_array(
            H, dtype=(np.float64, np.float32), allow_nd=True, estimator=self, input_name="H"
        )
        expected = (len(stimuli), *network.activity_shapes[layer])
        if H.shape[-len(expected) :] != expected:
            axes = "n_units" if len(expected) == 2 else "n_channels, height, width"
            raise ValueError(
                f"H must have shape (..., n_trials, {axes}) = (...,"
                f" {', '.join(map(str, expected))}) for hidden layer {layer}; got {H.shape}."
            )
        output = carry_on(network, self._weights(), H, stimuli, task, layer, self.device_)
        return self._present(output)

    def score_by_task(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> np.ndarray:
        """Score of each task: R² of the regressor, accuracy of the classifier.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_features + 1)
        y : array-like of shape (n_trials,) or (n_trials, n_outputs)
        sample_weight : array-like of shape (n_trials,), default=None

        Returns
        -------
        scores : ndarray of shape (n_tasks,)
            In the order of ``tasks_``; NaN for a task that X has no trial of.
        """
        check_is_fitted(self)
        predicted, y = self.predict(X), np.asarray(y)
        check_consistent_length(predicted, y, sample_weight)
        _, task = self._encode(X)
        scores = np.full(len(self.tasks_), np.nan)
        for k in np.unique(task):
            rows = task == k
            weight = None if sample_weight is None else np.asarray(sample_weight)[rows]
            scores[k] = self._metric(y[rows], predicted[rows], sample_weight=weight)
        return scores

    def _encode(self, X):
        stimuli, codes = encode_stimuli(self, X, reset=False)
        if codes is None:
            return stimuli, np.zeros(len(stimuli), dtype=np.int64)
        return stimuli, encode_tasks(codes, self.tasks_)

    def _raw_output(self, X):
        """Output before `_present`, (n_trials, n_outputs)."""
        check_is_fitted(self)
        stimuli, task = self._encode(X)
        return outputs(self._network(), self._weights(), stimuli, task, self.device_)

    def _reading(self) -> tuple:
        """Parameters that decide how trials are read."""
        return (self.task_column,)

    def _draw_weights(self, network, rng) -> Weights:
        """Initial weights."""
        return initial_weights(self, network, rng)

    def _network_spec(self, n_stimuli, n_tasks, n_outputs):
        """Shape of the network for stimuli of so many columns."""
        return network_spec(self, n_stimuli, n_tasks, n_outputs)

    def _network(self):
        return self._network_spec(
            self.n_features_in_ - (self.task_column is not None),
            len(self.context_coefs_),
            self.coefs_[-1].shape[1],
        )

    def _weights(self, which=""):
        """Weights as they are, or the "initial_" ones."""
        coefs, intercepts, context = (
            getattr(self, f"{which}{name}_") for name in ("coefs", "intercepts", "context_coefs")
        )
        return Weights(tuple(coefs), tuple(intercepts), context)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
