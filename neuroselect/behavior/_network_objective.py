"""How likely the choices of subjects are for networks of each value of a grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp


class NetworkObjective:
    """Objective of every subject for every value, (n_subjects, n_values).

    Parameters
    ----------
    objective : {"binomial", "squared_error"}
    choices, counts : ndarray of shape (n_subjects, 2, n_levels, n_levels)
        Counts are used by "binomial" alone.
    lapse : float
    matrices : ndarray of shape (n_values, n_networks, 2, n_levels, n_levels)
    """

    def __init__(self, objective, choices, counts, lapse, matrices):
        self.choices = choices.reshape(len(choices), -1)
        self.predicted = lapse + (1 - 2 * lapse) * matrices.reshape(*matrices.shape[:2], -1)
        self.n_networks, self.n_cells = self.predicted.shape[1:]
        self.binomial = objective == "binomial"
        if self.binomial:
            counts = counts.reshape(len(choices), -1)
            p = np.clip(self.predicted, 1e-12, 1 - 1e-12)
            self.accepted = counts * self.choices
            self.rejected = counts - self.accepted
            self.log_accept, self.log_reject = np.log(p), np.log1p(-p)

    def __call__(
        self, networks: ArrayLike | None = None, weights: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Objective with a sample of networks and a weight for each cell.

        Parameters
        ----------
        networks : array-like of int, default=None
            Networks, the same seeds at all values. None: each once.
        weights : array-like of shape (n_cells,), default=None
            How often each cell counts. None: once.
        """
        networks = np.arange(self.n_networks) if networks is None else networks
        weights = np.ones(self.n_cells) if weights is None else weights
        if not self.binomial:
            mean = self.predicted[:, networks].mean(axis=1)
            return ((self.choices[:, None] - mean) ** 2) @ -weights
        by_network = self.log_accept @ (weights * self.accepted).T
        by_network += self.log_reject @ (weights * self.rejected).T
        drawn = np.moveaxis(by_network[:, networks], -1, 0)  # subject, value, network
        return logsumexp(drawn, axis=-1) - np.log(len(networks))

    def bootstrap(self, n_samples: int, rng: np.random.RandomState) -> tuple[NDArray, NDArray]:
        """Draw networks and subjects for the group, networks and cells for each subject.

        Returns
        -------
        group : ndarray of int of shape (n_samples,)
            Position of the best value.
        subjects : ndarray of int of shape (n_samples, n_subjects)
            The same, of each subject alone.
        """
        n_subjects = len(self.choices)
        group = np.empty(n_samples, dtype=np.intp)
        subjects = np.empty((n_samples, n_subjects), dtype=np.intp)
        for k in range(n_samples):
            people = rng.randint(n_subjects, size=n_subjects)
            networks = rng.randint(self.n_networks, size=self.n_networks)
            cells = rng.multinomial(self.n_cells, np.full(self.n_cells, 1 / self.n_cells))
            group[k] = self(networks)[people].sum(axis=0).argmax()
            subjects[k] = self(networks, cells.astype(np.float64)).argmax(axis=1)
        return group, subjects
