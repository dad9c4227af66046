"""How well each task is performed after each phase of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.displays._style import INK, MARKERS, PALETTE, label_right, make_axes, tidy
from neuroselect.utils._intervals import mean_interval

if TYPE_CHECKING:
    import pandas as pd


class PhaseDisplay:
    """Score of each task after each phase of training.

    Parameters
    ----------
    scores : array-like of shape (n_networks, n_phases, n_tasks)
        Score of each network on each task, at the end of each phase.
    phase_names : sequence of str
        What was done in each phase.
    task_names : sequence of str
        The tasks.
    own_phase : array-like of int of shape (n_tasks,), default=None
        Phase in which each task is trained, counted from 0, marked by a ring; None marks
        nothing.
    chance : float, default=None
        Score of guessing: a dashed line.
    ylabel : str, default="accuracy"
        What the score is, with its unit.
    xlabel : str, default="after training on"
        What the names of the phases are.

    Attributes
    ----------
    interval_ : MeanInterval of arrays of shape (n_phases, n_tasks)
        Mean over networks, and 95% t interval; no interval for one network.
    ax_, figure_
        Set by `plot`.

    See Also
    --------
    LearningCurveDisplay : The loss, pass by pass.

    Examples
    --------
    >>> from neuroselect.displays import PhaseDisplay
    >>> display = PhaseDisplay([[[0.9, 0.5], [0.6, 0.9]], [[0.9, 0.5], [0.5, 0.8]]],
    ...                        phase_names=["A", "B"], task_names=["A", "B"], own_phase=[0, 1])
    >>> display.interval_.mean
    array([[0.9 , 0.5 ],
           [0.55, 0.85]])
    """

    def __init__(
        self,
        scores: ArrayLike,
        *,
        phase_names: Sequence[str],
        task_names: Sequence[str],
        own_phase: ArrayLike | None = None,
        chance: float | None = None,
        ylabel: str = "accuracy",
        xlabel: str = "after training on",
    ):
        self.scores = np.asarray(scores, dtype=np.float64)
        self.phase_names, self.task_names = list(phase_names), list(task_names)
        self.own_phase = None if own_phase is None else np.asarray(own_phase)
        self.chance, self.ylabel, self.xlabel = chance, ylabel, xlabel
        expected = (len(self.phase_names), len(self.task_names))
        if self.scores.ndim != 3 or self.scores.shape[1:] != expected or not len(self.scores):
            raise ValueError(
                "scores must have shape (n_networks, n_phases, n_tasks), here (n_networks,"
                f" {expected[0]}, {expected[1]}), got {self.scores.shape}."
            )
        if self.own_phase is not None and (
            self.own_phase.shape != expected[1:]
            or not np.isin(self.own_phase, np.arange(expected[0])).all()
        ):
            raise ValueError(
                f"own_phase must hold a phase from 0 to {expected[0] - 1} for each of the"
                f" {expected[1]} tasks, got {self.own_phase.tolist()}."
            )
        self.interval_ = mean_interval(np.moveaxis(self.scores, 0, -1))

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        columns: Sequence[str],
        *,
        network: str = "network",
        phase: str = "phase",
        **kwargs,
    ) -> PhaseDisplay:
        """Take the scores from a table of one row per network and phase.

        Parameters
        ----------
        frame : DataFrame
            The table.
        columns : sequence of str
            Columns of the tasks' scores.
        network, phase : str, default="network", "phase"
            Columns that tell networks and phases; both are sorted.
        **kwargs
            Passed to the constructor.

        Returns
        -------
        display : PhaseDisplay

        Raises
        ------
        ValueError
            If a network lacks a phase, or has it twice.
        """
        ordered = frame.sort_values([network, phase])
        n_phases = frame[phase].nunique()
        if (ordered.groupby(network)[phase].nunique() != n_phases).any() or len(
            frame
        ) != n_phases * frame[network].nunique():
            raise ValueError(
                f"frame must have one row for each network and phase: it has {len(frame)} rows for"
                f" {frame[network].nunique()} networks and {n_phases} phases."
            )
        scores = ordered[list(columns)].to_numpy(dtype=np.float64)
        return cls(scores.reshape(-1, n_phases, len(columns)), **kwargs)

    def plot(self, ax=None, *, ylim: tuple[float, float] | None = (0, 1)) -> PhaseDisplay:
        """Draw networks as faint points, means as lines, their intervals as bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        ylim : tuple of float or None, default=(0, 1)
            Ends of the vertical axis; None fits the scores.

        Returns
        -------
        self : PhaseDisplay
        """
        self.ax_ = ax = make_axes(ax)
        self.figure_ = ax.figure
        tidy(ax, grid="y")
        n_tasks = len(self.task_names)
        colors = [PALETTE[k % len(PALETTE)] for k in range(n_tasks)]
        for k in range(n_tasks):
            self._draw_task(k, colors[k], MARKERS[k % len(MARKERS)])
        if self.chance is not None:
            ax.axhline(self.chance, color=INK, linestyle=(0, (4, 3)), linewidth=1, zorder=1)
        n_phases = len(self.phase_names)
        ax.set(xlim=(-0.3, n_phases - 0.7), xlabel=self.xlabel, ylabel=self.ylabel)
        ax.set_xticks(range(n_phases), self.phase_names)
        if ylim is not None:
            ax.set_ylim(ylim)
        label_right(ax, self.task_names, self.interval_.mean[-1], colors)
        return self

    def _draw_task(self, k, color, marker):
        ax, n_tasks = self.ax_, len(self.task_names)
        mean, low, high = (part[:, k] for part in self.interval_)
        x = np.arange(len(mean)) + 0.1 * (k - (n_tasks - 1) / 2) / max(n_tasks - 1, 1)
        points = np.broadcast_to(x, self.scores.shape[:2])
        ax.plot(
            points.ravel(), self.scores[..., k].ravel(), marker, color=color, alpha=0.25,
            markersize=4, mew=0, zorder=2,
        )  # fmt: skip
        if np.isfinite(low).all():
            ax.errorbar(
                x, mean, np.stack([mean - low, high - mean]), fmt="none", ecolor=color,
                elinewidth=1.4, capsize=2.5, zorder=3,
            )  # fmt: skip
        ax.plot(
            x, mean, color=color, marker=marker, markersize=5, label=self.task_names[k], zorder=4,
            clip_on=False,
        )  # fmt: skip
        if self.own_phase is not None:
            own = self.own_phase[k]
            ax.plot(
                x[own], mean[own], "o", markersize=12, mfc="none", mec=color, mew=1.4, zorder=5,
                clip_on=False,
            )  # fmt: skip
