"""Multi-layer perceptrons that perform several tasks, cued by one column of X."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_array

from neuroselect.networks._base import BaseMultiTaskMLP
from neuroselect.networks._class_output import ClassOutput
from neuroselect.utils._sklearn import StrOptions, fit_context

if TYPE_CHECKING:
    from typing_extensions import Self


class MultiTaskMLP(RegressorMixin, BaseMultiTaskMLP):
    r"""Multi-layer perceptron that learns several tasks at once (regression).

    One column of X says which task a trial belongs to; it enters the network as a one-hot
    cue. Everything that rich and lazy learning, capacity and context studies vary is a
    parameter: the scale and rank of the initial weights, where the cue enters, the loss.
    To train many networks, `fit_many` is the faster way to the same result.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Number of units of each hidden layer.
    task_column : int, str or None, default=-1
        Column of X that holds the task of each trial: a position, a name if X is a
        DataFrame (where tasks may have names, too), or None if there is one task.
    context_layer : int, default=0
        Hidden layer whose input the cue enters: 0 the first, -1 the last.
    context_scale : float, default=1.0
        Value of the cue's active element.
    activation, output_activation : {"relu", "tanh", "logistic", "identity"}
        Of hidden units (default "relu") and of the output (default "identity").
    init : {"fan_in", "normal", "torch"}, default="fan_in"
        Distribution of the initial weights: normal with standard deviation
        ``init_scale / sqrt(fan_in)`` or ``init_scale``, or uniform within
        ``init_scale / sqrt(fan_in)`` (PyTorch's default). The cue counts in the fan-in of
        the layer that it enters.
    init_scale : float or sequence of float, default=1.0
        Scale of the initial weights, of all layers or of each (the output's last). Small
        is rich, large is lazy [1]_.
    context_init_scale, output_init_scale : float, default=None
        Scales of the cue's and of the output's weights; None: as ``init_scale``.
    bias_init : float, default=0.0
        Initial value of all intercepts.
    init_rank : int, default=None
        Keep this many leading singular triplets of each hidden-to-hidden matrix drawn, at
        unchanged Frobenius norm [2]_.
    coefs_init, intercepts_init : list of array-like, default=None
        Initial weights (fan_in, fan_out) and intercepts (fan_out,) of each layer in place
        of the drawn ones; None in the list keeps a draw.
    context_coefs_init : array-like of shape (n_tasks, fan_out), default=None
        Initial weights of the cue in place of the drawn ones.
    loss : {"squared_error"}, default="squared_error"
        Half the squared error of a trial, summed over outputs.
    reduction : {"mean", "sum"}, default="mean"
        Mean or sum of the loss over the trials of a batch.
    alpha : float, default=0.0
        Weight decay: ``alpha / 2`` times the sum of squared weights (not intercepts) is
        added to the objective; not divided by the number of trials, not in `loss_curve_`.
    solver : {"adam", "sgd"}, default="adam"
        Adam, or (stochastic) gradient descent.
    learning_rate_init : float, default=1e-3
        Step size.
    momentum : float, default=0.0
        Of "sgd": ``v = momentum * v + gradient``, ``weights -= learning_rate_init * v``.
    batch_size : int, "auto" or None, default="auto"
        Trials in a batch; "auto" is ``min(200, n_trials)``, None all of them. The last
        batch of a pass holds what is left.
    max_iter : int, default=200
        Number of passes; the curriculum says what a pass is.
    curriculum : {"interleaved", "resampled", "blocked", "replay", "biased"} or callable, \
default="interleaved"
        Order of the trials. "interleaved": each pass visits all of them once, shuffled;
        "resampled": each batch is drawn afresh; "blocked": one task after the other; "replay":
        blocked, every tenth step on earlier tasks; "biased": tasks drawn with given
        probabilities. An object of :mod:`neuroselect.curricula` sets the details, a callable
        that follows its protocol any order.
    consolidation : EWC, SynapticIntelligence or None, default=None
        How earlier tasks are protected while later ones are learned: an object of
        :mod:`neuroselect.consolidation`. It needs a curriculum with blocks, "blocked" or
        "replay". Its penalty is not in `loss_curve_`.
    record : str or sequence of str, default=None
        What to record of the network while it trains, see `history_`. "task_losses": loss of
        each task, reduced over its trials as ``reduction`` says; "task_scores": score of each,
        as `score_by_task`; "sign_accuracy" (regression): share of each task's targets other than
        0 whose sign the output has [1]_; "weight_norms": Frobenius norm of each layer's weights
        and of the cue's, without intercepts; "weight_distances": that of their difference from
        the initial ones; "activations": of the last hidden layer. All are of the training trials,
        weighted by ``sample_weight``, with the weights that the network has after a pass.
    record_every : int or sequence of int, default=1
        Record after every k-th pass, before the first and after the last; or the numbers of the
        passes after which to record, 0 for before training.
    tol : float, default=None
        Stop when the loss of a pass has not been below the lowest one so far by at least ``tol``
        in more than ``n_iter_no_change`` consecutive passes, as `MLPRegressor`; None: never. The
        loss is that of the trials shown, whatever their task: with blocks, it may stop in the
        first.
    n_iter_no_change : int, default=10
        See ``tol``, without which it has no effect.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights and the order of trials, independently: the same integer
        gives the same numbers, times their scale, at any ``init_scale``.
    device : {"cpu", "cuda", "mps", "auto"}, default="cpu"
        Where to train. Draws are made on the CPU: one seed, one network, on any device.
    warm_start : bool, default=False
        Whether a further `fit` makes ``max_iter`` more passes: it goes on from the weights, the
        solver's and the consolidation's state and the place in the curriculum where training
        ended, with the same seed. It has no effect on `fit_many`, which trains new networks.
    verbose : bool or int, default=0
        Show a progress bar.

    Attributes
    ----------
    coefs_ : list of ndarray of shape (fan_in, fan_out)
        Weights of each layer, the output's last.
    intercepts_ : list of ndarray of shape (fan_out,)
        Intercepts of each layer.
    context_coefs_ : ndarray of shape (n_tasks, fan_out)
        Weights of the cue.
    initial_coefs_, initial_intercepts_, initial_context_coefs_
        The same before training.
    tasks_ : ndarray of shape (n_tasks,)
        Known task codes, sorted.
    loss_curve_ : ndarray of shape (n_iter_,)
        Loss of each pass: before its update for full batch, the mean over it otherwise.
    n_iter_ : int
        Number of passes made.
    history_ : dict-like
        What was recorded, if ``record`` says so: ``passes`` (n_records,), the arrays
        ``task_losses``, ``task_scores`` and ``sign_accuracy`` (n_records, n_tasks),
        ``weight_norms`` and ``weight_distances`` (n_records, n_layers), ``activations``
        (n_records, n_trials, n_units), and the names ``tasks`` and ``layers`` of their columns.
        ``history_.to_frame()`` is a table, one row for each record.
    n_layers_ : int
        Number of layers, input and output included.
    n_outputs_ : int
        Number of outputs.
    device_ : str
        Device used.
    n_features_in_ : int
        Number of columns of X, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has them.

    See Also
    --------
    MultiTaskMLPClassifier : The same network for classes.
    fit_many : Train many networks at once.
    neuroselect.selectivity.LesionSelectivity : Which task does each unit serve?

    Notes
    -----
    Computation is in the dtype of X (float64 or float32). Training in float64 gives the
    same result in any company (to rounding); in float32, long training is chaotic.

    Training that goes on (`partial_fit`, ``warm_start``) counts its passes through. Pass p, from
    0, is pass ``p % max_iter`` of the curriculum's plan for ``max_iter`` passes; whenever a plan
    begins again, it is drawn afresh. Blocks thus come back, and consolidation acts where the last
    block gives way to the first. For "interleaved" and "resampled", where all passes are alike,
    two fits of a and b passes are one of a + b. A fitted network therefore keeps the solver's
    state (twice the size of its weights with "adam").

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022). Orthogonal
       representations for robust context-dependent task performance in brains and neural
       networks. Neuron 110, 1258-1270. :doi:`10.1016/j.neuron.2022.01.005`
    .. [2] Liu, Baratin, Cornford, Mihalas, Shea-Brown & Lajoie (2024). How connectivity
       structure shapes rich and lazy learning in neural circuits. ICLR.
       :doi:`10.48550/arXiv.2310.08513`

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLP((20,), learning_rate_init=0.02, random_state=0).fit(X, y)
    >>> net.activations(X).shape
    (50, 20)
    >>> net.score_by_task(X, y).round(2)
    array([0.99, 0.99])

    When does it choose the right side in every trial of both tasks?

    >>> history = net.set_params(record="sign_accuracy").fit(X, y).history_
    >>> right = (history.sign_accuracy == 1).all(axis=1)
    >>> int(history.passes[right][0])
    43
    """

    _parameter_constraints: dict = {
        **BaseMultiTaskMLP._parameter_constraints,
        "loss": [StrOptions({"squared_error"})],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        *,
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.task_column = task_column
        self.context_layer = context_layer
        self.context_scale = context_scale
        self.activation = activation
        self.output_activation = output_activation
        self.init = init
        self.init_scale = init_scale
        self.context_init_scale = context_init_scale
        self.output_init_scale = output_init_scale
        self.bias_init = bias_init
        self.init_rank = init_rank
        self.coefs_init = coefs_init
        self.intercepts_init = intercepts_init
        self.context_coefs_init = context_coefs_init
        self.loss = loss
        self.reduction = reduction
        self.alpha = alpha
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.curriculum = curriculum
        self.consolidation = consolidation
        self.record = record
        self.record_every = record_every
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.device = device
        self.warm_start = warm_start
        self.verbose = verbose

    _metric = staticmethod(r2_score)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        tasks: ArrayLike | None = None,
    ) -> Self:
        """Train for one more pass.

        ``max_iter`` calls on the same trials are one `fit`: a call makes the next pass of the
        curriculum's plan for ``max_iter`` passes, which begins again when it is through.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_features + 1)
            Trials of this pass.
        y : array-like of shape (n_trials,) or (n_trials, n_outputs)
            Target of each trial in its task.
        sample_weight : array-like of shape (n_trials,), default=None
            Weights of the trials; only their ratios matter.
        tasks : array-like of shape (n_tasks,), default=None
            Codes of all tasks, in the first call, if its trials are not of all tasks.

        Returns
        -------
        self : object
        """
        return self._train_one_pass(X, y, sample_weight, tasks)

    def _read_target(self, y, dtype, continued=False, classes=None):
        y = check_array(y, dtype=dtype, ensure_2d=False, input_name="y", estimator=self)
        shape = y.shape[1:]
        if not continued:
            self._y_is_1d, self.n_outputs_ = not shape, shape[0] if shape else 1
        elif shape != (() if self._y_is_1d else (self.n_outputs_,)):
            raise ValueError(
                f"Training goes on with the {self.n_outputs_} output(s) that it began with, but y"
                f" has shape {y.shape}."
            )
        return y.reshape(len(y), -1)

    def _present(self, output):
        return output[..., 0] if self._y_is_1d else output

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Output of the network.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_features + 1)

        Returns
        -------
        y : ndarray of shape (n_trials,) or (n_trials, n_outputs), as in `fit`
        """
        return self._present(self._raw_output(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class MultiTaskMLPClassifier(ClassOutput, BaseMultiTaskMLP):
    """Multi-layer perceptron that learns several tasks at once (classification).

    The classes are the union of the labels of all tasks, whose labels may differ; the
    output is a softmax over them.

    Parameters
    ----------
    hidden_layer_sizes, task_column, context_layer, context_scale, activation, init, \
init_scale, context_init_scale, output_init_scale, bias_init, init_rank, coefs_init, \
intercepts_init, context_coefs_init, reduction, alpha, solver, learning_rate_init, momentum, \
batch_size, max_iter, curriculum, consolidation, record, record_every, tol, n_iter_no_change, \
random_state, device, warm_start, verbose
        As in `MultiTaskMLP`.
    output_activation : {"identity", "relu", "tanh", "logistic"}, default="identity"
        Applied to the logits, before the softmax.
    loss : {"cross_entropy"}, default="cross_entropy"
        Minus the log probability of the trial's class.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels of all tasks.
    coefs_, intercepts_, context_coefs_, initial_coefs_, initial_intercepts_, \
initial_context_coefs_, tasks_, loss_curve_, n_iter_, history_, n_layers_, n_outputs_, device_, \
n_features_in_, feature_names_in_
        As in `MultiTaskMLP`.

    See Also
    --------
    MultiTaskMLP : The same network for continuous targets.

    Examples
    --------
    >>> from neuroselect import MultiTaskMLPClassifier
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> side = ["left" if target < 0 else "right" for target in y]
    >>> net = MultiTaskMLPClassifier((20,), learning_rate_init=0.02, random_state=0)
    >>> net.fit(X, side).predict(X[:3])
    array(['right', 'right', 'right'], dtype='<U5')
    """

    _parameter_constraints: dict = {
        **BaseMultiTaskMLP._parameter_constraints,
        "loss": [StrOptions({"cross_entropy"})],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        *,
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.task_column = task_column
        self.context_layer = context_layer
        self.context_scale = context_scale
        self.activation = activation
        self.output_activation = output_activation
        self.init = init
        self.init_scale = init_scale
        self.context_init_scale = context_init_scale
        self.output_init_scale = output_init_scale
        self.bias_init = bias_init
        self.init_rank = init_rank
        self.coefs_init = coefs_init
        self.intercepts_init = intercepts_init
        self.context_coefs_init = context_coefs_init
        self.loss = loss
        self.reduction = reduction
        self.alpha = alpha
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.curriculum = curriculum
        self.consolidation = consolidation
        self.record = record
        self.record_every = record_every
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.device = device
        self.warm_start = warm_start
        self.verbose = verbose
