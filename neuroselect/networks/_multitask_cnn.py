"""A convolutional network that performs several tasks on images, cued by one column of X."""

from __future__ import annotations

from numbers import Integral

from neuroselect.networks._base import BaseMultiTaskMLP
from neuroselect.networks._class_output import ClassOutput
from neuroselect.networks._conv_settings import conv_spec
from neuroselect.networks._settings import network_spec
from neuroselect.utils._sklearn import Interval, StrOptions

CONSTRAINTS = {k: v for k, v in BaseMultiTaskMLP._parameter_constraints.items() if k != "init_rank"}


class MultiTaskCNNClassifier(ClassOutput, BaseMultiTaskMLP):
    """Convolutional network that learns several tasks on the same images (classification).

    Convolutional layers, each followed by pooling of the maximum, see the image; what they
    leave goes, together with the cue of the task, to a multi-layer perceptron. The default is
    the network of [1]_ for digits: 4 and 12 channels, kernels of 3 x 3, pooling by 2, 16
    units. To train many networks, `fit_many` is the faster way to the same result.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(16,)
        Number of units of each dense hidden layer.
    image_shape : (height, width) or (height, width, n_channels), default=None
        Shape of the images, which X holds flattened, row by row, channels innermost (as
        ``images.reshape(n_trials, -1)`` does). One number may be -1: what X holds. None:
        square grey images.
    conv_channels : int or sequence of int, default=(4, 12)
        Number of channels of each convolutional layer.
    kernel_size : int, default=3
        Height and width of the kernels, in pixels; they move by one.
    padding : {"auto", "valid", "same"} or int, default="auto"
        Zeros on each side of a map before a convolution: none ("valid"), as many as keep its
        size ("same"), or a number. "auto" is "valid" where it leaves pixels in every layer,
        "same" in smaller images.
    pool_size : int, default=2
        Height and width of what is pooled by its maximum after each convolution; what is left
        over at the lower and right edge is dropped. 1: no pooling.
    task_column : int, str or None, default=-1
        Column of X that holds the task, as in `MultiTaskMLP`.
    context_layer : int, default=0
        Dense hidden layer whose input the cue enters: 0 the first, -1 the last. Convolutional
        layers do not count.
    init : {"torch", "fan_in", "normal"}, default="torch"
        Distribution of the initial weights, as in `MultiTaskMLP`. The fan-in of a convolutional
        layer is the number of weights of one kernel.
    init_scale : float or sequence of float, default=1.0
        Scale of the initial weights, of all layers or of each: the convolutional ones first,
        the output's last.
    coefs_init, intercepts_init : list of array-like, default=None
        Initial weights (fan_in, fan_out) and intercepts (fan_out,) of each dense layer in place
        of the drawn ones; None in the list keeps a draw.
    conv_coefs_init, conv_intercepts_init : list of array-like, default=None
        The same for convolutional layers, shaped as ``conv_coefs_`` and ``conv_intercepts_``.
    loss : {"cross_entropy"}, default="cross_entropy"
        Minus the log probability of the trial's class.
    batch_size : int, "auto" or None, default=64
        Trials in a batch; "auto" is ``min(200, n_trials)``, None all of them.
    max_iter : int, default=8
        Number of passes; the curriculum says what a pass is.
    context_scale, activation, output_activation, context_init_scale, output_init_scale, \
bias_init, context_coefs_init, reduction, alpha, solver, learning_rate_init, momentum, \
curriculum, consolidation, record, record_every, tol, n_iter_no_change, random_state, device, \
warm_start, verbose
        As in `MultiTaskMLPClassifier`. Weight decay and consolidation hold for all layers.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels of all tasks.
    conv_coefs_ : list of ndarray of shape (n_channels, n_incoming, kernel_size, kernel_size)
        Weights of each convolutional layer (cross-correlation, as in PyTorch).
    conv_intercepts_ : list of ndarray of shape (n_channels,)
        Intercepts of each convolutional layer.
    coefs_, intercepts_ : list of ndarray
        Weights (fan_in, fan_out) and intercepts (fan_out,) of the dense layers; the fan-in of
        the first runs through the last maps channel by channel, then row by row.
    initial_conv_coefs_, initial_conv_intercepts_
        The same before training.
    context_coefs_, initial_coefs_, initial_intercepts_, initial_context_coefs_, tasks_, \
loss_curve_, history_, n_iter_, n_layers_, n_outputs_, device_, n_features_in_, feature_names_in_
        As in `MultiTaskMLP`; ``n_layers_`` and the layers of ``history_`` count the
        convolutional ones, too, which come first.

    See Also
    --------
    MultiTaskMLPClassifier : Without convolutions.
    fit_many : Train many networks at once.
    neuroselect.datasets.make_digit_tasks : Tasks on images of digits.

    Notes
    -----
    Hidden layers are counted through: with n convolutional layers, 0 to n - 1 are these, and
    -1 is the last dense layer. A unit of a convolutional layer is a channel. Its activity is
    the map that the next layer gets, after activation and pooling: `activations` of such a
    layer is (n_trials, n_channels, height, width), and `readout` takes that shape.

    References
    ----------
    .. [1] George (2020), "What makes neurons picky?",
       https://github.com/TomGeorge1234/WhatMakesNeuronsPicky

    Examples
    --------
    >>> from neuroselect import MultiTaskCNNClassifier
    >>> from neuroselect.datasets import make_digit_tasks
    >>> X, y = make_digit_tasks(n_trials=500, random_state=0)
    >>> net = MultiTaskCNNClassifier(max_iter=2, random_state=0).fit(X, y)
    >>> net.activations(X[:5], layer=0).shape, net.activations(X[:5]).shape
    ((5, 4, 4, 4), (5, 16))
    """

    _parameter_constraints: dict = {
        **CONSTRAINTS,
        "image_shape": ["array-like", None],
        "conv_channels": ["array-like", Interval(Integral, 1, None, closed="left")],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "padding": [
            StrOptions({"auto", "valid", "same"}),
            Interval(Integral, 0, None, closed="left"),
        ],
        "pool_size": [Interval(Integral, 1, None, closed="left")],
        "conv_coefs_init": [list, tuple, None],
        "conv_intercepts_init": [list, tuple, None],
        "loss": [StrOptions({"cross_entropy"})],
    }

    def __init__(
        self,
        hidden_layer_sizes=(16,),
        *,
        image_shape=None,
        conv_channels=(4, 12),
        kernel_size=3,
        padding="auto",
        pool_size=2,
        task_column=-1,
        context_layer=0,
        context_scale=1.0,
        activation="relu",
        output_activation="identity",
        init="torch",
        init_scale=1.0,
        context_init_scale=None,
        output_init_scale=None,
        bias_init=0.0,
        coefs_init=None,
        intercepts_init=None,
        context_coefs_init=None,
        conv_coefs_init=None,
        conv_intercepts_init=None,
        loss="cross_entropy",
        reduction="mean",
        alpha=0.0,
        solver="adam",
        learning_rate_init=1e-3,
        momentum=0.0,
        batch_size=64,
        max_iter=8,
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
        self.image_shape = image_shape
        self.conv_channels = conv_channels
        self.kernel_size = kernel_size
        self.padding = padding
        self.pool_size = pool_size
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
        self.coefs_init = coefs_init
        self.intercepts_init = intercepts_init
        self.context_coefs_init = context_coefs_init
        self.conv_coefs_init = conv_coefs_init
        self.conv_intercepts_init = conv_intercepts_init
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

    def _network_spec(self, n_stimuli, n_tasks, n_outputs):
        conv = conv_spec(self, n_stimuli)
        return network_spec(self, conv.n_features, n_tasks, n_outputs)._replace(conv=conv)

    def _learn(self, job, result):
        super()._learn(job, result)
        dtype = job.trials.stimuli.dtype
        self.conv_coefs_ = list(result.weights.conv_coefs)
        self.conv_intercepts_ = list(result.weights.conv_intercepts)
        self.initial_conv_coefs_ = [a.astype(dtype) for a in job.initial.conv_coefs]
        self.initial_conv_intercepts_ = [a.astype(dtype) for a in job.initial.conv_intercepts]
        self.n_layers_ += len(self.conv_coefs_)
        return self

    def _weights(self, which=""):
        coefs, intercepts = (
            getattr(self, f"{which}conv_{name}_") for name in ("coefs", "intercepts")
        )
        dense = super()._weights(which)
        return dense._replace(conv_coefs=tuple(coefs), conv_intercepts=tuple(intercepts))
