"""Scores as units are removed, noise is added or components are kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.displays._style import MARKERS, PALETTE, make_axes, tidy

XLABELS = {
    "share": "share of units removed",
    "noise_std": "standard deviation of the noise",
    "n_components": "principal components kept",
}


class LesionCurveDisplay:
    """Scores of tasks along an axis: a line of means, a band between two quantiles.

    Parameters
    ----------
    x : array-like of shape (n_points,)
        Points on the horizontal axis.
    scores : array-like of shape (n_points, n_repeats, n_tasks)
        Scores; repeats may be random orders, networks, or both.
    tasks : sequence of str
        Names of the tasks.
    xlabel, ylabel : str
        Names of the axes.
    coverage : float, default=0.9
        Share of the repeats between the edges of the band, from 0 to 1.

    Attributes
    ----------
    means_ : ndarray of shape (n_points, n_tasks)
    low_, high_ : ndarray of shape (n_points, n_tasks)
        Edges of the bands.
    ax_, figure_
        Set by `plot`.

    See Also
    --------
    neuroselect.selectivity.lesion_curve : Removes units.
    neuroselect.selectivity.noise_curve : Adds noise.
    neuroselect.geometry.component_accuracy : Keeps principal components.

    Examples
    --------
    >>> from neuroselect.displays import LesionCurveDisplay
    >>> display = LesionCurveDisplay([0.0, 1.0], [[[1.0], [1.0]], [[0.0], [0.5]]], ["A"])
    >>> display.means_
    array([[1.  ],
           [0.25]])
    """

    def __init__(
        self,
        x: ArrayLike,
        scores: ArrayLike,
        tasks: Sequence[str],
        *,
        xlabel: str = XLABELS["share"],
        ylabel: str = "score",
        coverage: float = 0.9,
    ):
        self.x, self.scores = np.asarray(x), np.asarray(scores, dtype=np.float64)
        self.tasks = [str(task) for task in tasks]
        self.xlabel, self.ylabel, self.coverage = xlabel, ylabel, coverage
        if self.scores.ndim != 3 or (len(self.x), len(self.tasks)) != self.scores.shape[::2]:
            raise ValueError(
                "scores must have shape (n_points, n_repeats, n_tasks), here"
                f" ({len(self.x)}, n_repeats, {len(self.tasks)}), got {self.scores.shape}."
            )
        if not 0 <= coverage <= 1:
            raise ValueError(f"coverage must be from 0 to 1, got {coverage!r}.")
        self.means_ = self.scores.mean(axis=1)
        edges = [(1 - coverage) / 2, (1 + coverage) / 2]
        self.low_, self.high_ = np.quantile(self.scores, edges, axis=1)

    @classmethod
    def from_curve(cls, curve, *, ylabel: str = "score", coverage: float = 0.9):
        """Take the scores of `lesion_curve`, `noise_curve` or `component_accuracy`.

        Parameters
        ----------
        curve : ScoreCurve
            Of one network, or of several; then the repeats of all count.
        ylabel, coverage
            As in the constructor.

        Returns
        -------
        display : LesionCurveDisplay
        """
        scores = np.asarray(curve.scores)
        if scores.ndim == 4:  # networks beside their repeats
            scores = np.concatenate(scores, axis=1)
        return cls(
            curve[curve.x_name],
            scores,
            curve.tasks,
            xlabel=XLABELS[curve.x_name],
            ylabel=ylabel,
            coverage=coverage,
        )

    def plot(self, ax=None) -> LesionCurveDisplay:
        """Draw a line and a band for each task.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : LesionCurveDisplay
        """
        self.ax_ = ax = make_axes(ax)
        self.figure_ = ax.figure
        tidy(ax, grid="y")
        for k, task in enumerate(self.tasks):
            color = PALETTE[k % len(PALETTE)]
            marker = MARKERS[k % len(MARKERS)]
            ax.fill_between(
                self.x, self.low_[:, k], self.high_[:, k], color=color, alpha=0.15, linewidth=0
            )
            ax.plot(self.x, self.means_[:, k], color=color, marker=marker, markersize=4, label=task)
        ax.set(xlabel=self.xlabel, ylabel=self.ylabel)
        ax.legend(title="task", frameon=False)
        return self
