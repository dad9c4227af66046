"""Elastic weight consolidation."""

from __future__ import annotations

from dataclasses import dataclass

from neuroselect.consolidation._checks import check_count_or_none, check_number, check_option

FISHERS = ("true", "empirical", "predicted")
ANCHORS = ("each", "last")


@dataclass(frozen=True)
class EWC:
    r"""Elastic weight consolidation: weights that earlier tasks need are held back [1]_.

    Whenever the curriculum changes the task, the parameters :math:`\theta^*` reached so far
    become an anchor, and from then on the objective contains

    .. math:: \frac{\lambda}{2} \sum_k F_k (\theta_k - \theta^*_k)^2

    with the diagonal Fisher information F of the task that ended, a mean over its trials (over
    their weights, where trials have them). All parameters take part: weights, intercepts and
    weights of the cue. The penalty is added as it stands, whatever the network's `reduction`.

    Parameters
    ----------
    strength : float, default=1000.0
        The factor :math:`\lambda`. With ``reduction="mean"``, 1 gives a trial of an earlier
        task about the say of one of the current task.
    fisher : {"true", "empirical", "predicted"}, default="true"
        Which squared gradient F is the mean of [2]_. "true": the expected one of the log
        probability, under the network's own predictions; for squared errors these are Gaussian
        with unit variance, so that squared gradients of the outputs are summed. "empirical":
        that of the loss at the trial's target, which vanishes where the task is learned
        perfectly. "predicted": that at the most probable class, for classifiers only.
    anchors : {"each", "last"}, default="each"
        "each": every block that ended keeps its own anchor and Fisher information; their
        penalties add up. "last": there is one, replaced at each change of task: F is the mean
        over the trials of all earlier tasks, pooled, the anchor is where training stands.
    n_samples : int or None, default=None
        Draw this many trials, without replacement, for F; None, or a number above theirs, takes
        all. Each network draws its own.

    Raises
    ------
    ValueError
        If a parameter is not what is described here.

    See Also
    --------
    SynapticIntelligence : Importance gathered along the path of training.
    neuroselect.curricula.Blocked : One task after the other.

    Notes
    -----
    There is a change of task only in curricula with blocks, `Blocked` and `Replay`. A block that
    shows the same task as the block before continues it; a task that comes back later is
    anchored again at the end of each of its blocks. The optimiser runs on over a change of task.

    Consolidation can work where the cue says which task is on, or where tasks share their
    outputs. Where each task brings classes of its own, to be told apart later without a cue
    (class-incremental learning), EWC is known to fail [3]_: use replay.

    With ``solver="sgd"`` training diverges where learning rate times :math:`\lambda F` exceeds 2.

    References
    ----------
    .. [1] Kirkpatrick et al. (2017), "Overcoming catastrophic forgetting in neural networks",
       PNAS 114, 3521-3526. :doi:`10.1073/pnas.1611835114`
    .. [2] Kunstner, Balles & Hennig (2019), "Limitations of the empirical Fisher approximation
       for natural gradient descent", NeurIPS. :doi:`10.48550/arXiv.1905.12558`
    .. [3] van de Ven & Tolias (2019), "Three scenarios for continual learning".
       :doi:`10.48550/arXiv.1904.07734`

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP
    >>> from neuroselect.consolidation import EWC
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> settings = {"learning_rate_init": 0.02, "batch_size": 5, "curriculum": "blocked"}
    >>> free = MultiTaskMLP((60,), random_state=0, **settings)
    >>> held = MultiTaskMLP((60,), consolidation=EWC(strength=30), random_state=0, **settings)
    >>> [bool(net.fit(X, y).score_by_task(X, y)[0] > 0.4) for net in (free, held)]
    [False, True]
    """

    strength: float = 1000.0
    fisher: str = "true"
    anchors: str = "each"
    n_samples: int | None = None

    def __post_init__(self):
        object.__setattr__(self, "strength", check_number(self.strength, "strength"))
        check_option(self.fisher, "fisher", FISHERS)
        check_option(self.anchors, "anchors", ANCHORS)
        object.__setattr__(self, "n_samples", check_count_or_none(self.n_samples, "n_samples"))

    @classmethod
    def published(cls, strength: float = 1000.0) -> EWC:
        r"""Return the variant published with the digit tasks of "What makes neurons picky?".

        One Fisher information from 200 trials pooled over all earlier tasks, the predicted
        label as target, and an anchor that moves at each change of task.

        Parameters
        ----------
        strength : float, default=1000.0
            Their :math:`\lambda`, which multiplies the sum of squares without the one half: the
            object returned has twice this strength.

        References
        ----------
        T. George (2020), https://github.com/TomGeorge1234/WhatMakesNeuronsPicky

        Examples
        --------
        >>> from neuroselect.consolidation import EWC
        >>> EWC.published()
        EWC(strength=2000.0, fisher='predicted', anchors='last', n_samples=200)
        """
        strength = 2 * check_number(strength, "strength")
        return cls(strength, fisher="predicted", anchors="last", n_samples=200)
