"""Synaptic intelligence."""

from __future__ import annotations

from dataclasses import dataclass

from neuroselect.consolidation._checks import check_number


@dataclass(frozen=True)
class SynapticIntelligence:
    r"""Weights are held back by what they contributed to the fall of the loss [1]_.

    While a task is trained, every parameter gathers its share of the fall of the loss,
    :math:`\omega_k = -\sum_t g_k(t)\, \Delta\theta_k(t)`, with the gradient g of the batch's
    loss (the penalty and weight decay aside) and the update that followed. When the curriculum
    changes the task, it is added to the importance,

    .. math:: \Omega_k \leftarrow \max\Bigl(0,\
        \Omega_k + \frac{\omega_k}{(\theta_k - \theta^0_k)^2 + \xi}\Bigr)

    where :math:`\theta^0` is where the task started, and from then on the objective contains
    :math:`c \sum_k \Omega_k (\theta_k - \theta^*_k)^2`; :math:`\theta^*` is where the last
    task ended. Without the bound at 0, a parameter whose updates raised the loss would be
    driven away from its anchor.

    Parameters
    ----------
    strength : float, default=0.1
        The factor c. As usual in the literature, there is no one half.
    damping : float, default=1e-3
        The constant :math:`\xi`, in squared units of the parameters: it bounds the importance
        of a parameter that hardly moved.

    Raises
    ------
    ValueError
        If ``strength`` is not a finite number of at least 0, or ``damping`` not one above 0.

    See Also
    --------
    EWC : Importance from the Fisher information at the end of a task; its notes on changes of
        task and on class-incremental learning hold here, too.

    Notes
    -----
    :math:`\omega` is gathered from the loss as trained on: with ``reduction="sum"`` it grows
    with the size of batches.

    References
    ----------
    .. [1] Zenke, Poole & Ganguli (2017), "Continual learning through synaptic intelligence",
       ICML. :doi:`10.48550/arXiv.1703.04200`

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP
    >>> from neuroselect.consolidation import SynapticIntelligence
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLP((20,), curriculum="blocked", consolidation=SynapticIntelligence(0.5))
    >>> net.fit(X, y).consolidation
    SynapticIntelligence(strength=0.5, damping=0.001)
    """

    strength: float = 0.1
    damping: float = 1e-3

    def __post_init__(self):
        object.__setattr__(self, "strength", check_number(self.strength, "strength"))
        object.__setattr__(self, "damping", check_number(self.damping, "damping", positive=True))
