"""What is kept of each task while others are learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.continual import accuracy_matrix, forgetting
from neuroselect.displays._style import FAINT, INK, PALETTE, label_right, make_axes, tidy
from neuroselect.utils._intervals import mean_interval


class ForgettingDisplay:
    """Score of each task in the course of training, phase by phase, and how much is lost.

    Parameters
    ----------
    passes : array-like of shape (n_records,)
        Number of passes made before each record.
    scores : array-like of shape (n_networks, n_records, n_tasks)
        Score of each network on each task.
    task_names : sequence of str
        The tasks.
    ends : array-like of shape (n_phases,)
        Number of passes at the end of each phase; each is among `passes`.
    order : sequence of int of shape (n_phases,), default=None
        Column of the task that each phase trains, written above it. None: phases are not
        named, and nothing is said to be lost.
    ylabel : str, default="score"
        What the score is.
    chance : float, default=None
        Score of guessing: a dashed line.

    Attributes
    ----------
    interval_ : MeanInterval of arrays of shape (n_records, n_tasks)
        Mean over networks, and its 95% t interval.
    lost_ : ndarray of shape (n_tasks,)
        Mean over networks of the score after the last phase that trained a task, minus that at
        the end; NaN for a task trained in the last phase.
    ax_, figure_
        Set by `plot`.

    See Also
    --------
    neuroselect.continual.continual_measures : The numbers.
    PhaseDisplay : Ends of phases only.

    Examples
    --------
    >>> from neuroselect.displays import ForgettingDisplay
    >>> display = ForgettingDisplay([0, 5, 10], [[[0.5, 0.5], [0.9, 0.5], [0.6, 0.9]]],
    ...                             ["A", "B"], ends=[5, 10], order=[0, 1])
    >>> display.lost_.round(2)
    array([0.3, nan])
    """

    def __init__(
        self,
        passes: ArrayLike,
        scores: ArrayLike,
        task_names: Sequence[str],
        *,
        ends: ArrayLike,
        order: Sequence[int] | None = None,
        ylabel: str = "score",
        chance: float | None = None,
    ):
        self.passes, self.ends = np.asarray(passes), np.asarray(ends)
        self.scores = np.asarray(scores, dtype=np.float64)
        self.task_names = [str(name) for name in task_names]
        self.order, self.ylabel, self.chance = order, ylabel, chance
        expected = (len(self.passes), len(self.task_names))
        if self.scores.ndim != 3 or self.scores.shape[1:] != expected:
            raise ValueError(
                "scores must have shape (n_networks, n_records, n_tasks), here (n_networks,"
                f" {expected[0]}, {expected[1]}), got {self.scores.shape}."
            )
        if not len(self.ends) or not np.isin(self.ends, self.passes).all():
            raise ValueError(
                f"ends must be among the passes that were recorded, got {self.ends.tolist()}."
            )
        self.interval_ = mean_interval(np.moveaxis(self.scores, 0, -1))
        self.lost_ = np.full(len(self.task_names), np.nan)
        if order is not None:
            at = [int(np.flatnonzero(self.passes == end)[-1]) for end in self.ends]
            lost = forgetting(self.scores[:, at], order=order, reference="own")
            self.lost_ = lost.mean(axis=0)

    @classmethod
    def from_networks(
        cls,
        networks: object | Sequence[object],
        *,
        score: str | None = None,
        ends: ArrayLike | None = None,
        order: Sequence[object] | None = None,
        task_names: Sequence[str] | None = None,
        ylabel: str | None = None,
        chance: float | None = None,
    ) -> ForgettingDisplay:
        """Take what networks recorded while they trained.

        Parameters
        ----------
        networks : network or list of networks
            Fitted with ``record=("task_scores",)``, of the same records.
        score, ends, order
            As of `neuroselect.continual.accuracy_matrix`.
        task_names : sequence of str, default=None
            Names in the order of ``tasks_``; None takes the codes.
        ylabel, chance
            As in the constructor.

        Returns
        -------
        display : ForgettingDisplay

        Raises
        ------
        ValueError
            As of `neuroselect.continual.accuracy_matrix`.
        """
        networks = list(networks) if isinstance(networks, (list, tuple)) else [networks]
        found = accuracy_matrix(networks, score=score, ends=ends, order=order)
        histories = [network.history_ for network in networks]
        name = score or next(s for s in ("task_scores", "sign_accuracy") if s in histories[0])
        passes = histories[0]["passes"]
        if any(not np.array_equal(h["passes"], passes) for h in histories):
            raise ValueError("The networks were recorded after different passes.")
        sign = -1 if name == "task_losses" else 1
        return cls(
            passes,
            [sign * np.asarray(h[name]) for h in histories],
            found.tasks if task_names is None else task_names,
            ends=found.ends,
            order=found.order,
            ylabel=ylabel or name.replace("task_", "").replace("_", " "),
            chance=chance,
        )

    def plot(self, ax=None, *, ylim: tuple[float, float] | None = None) -> ForgettingDisplay:
        """Draw a line of means and a band for each task, and what is lost at the end.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        ylim : tuple of float, default=None
            Ends of the vertical axis; None fits the scores.

        Returns
        -------
        self : ForgettingDisplay
        """
        self.ax_ = ax = make_axes(ax)
        self.figure_ = ax.figure
        tidy(ax, grid="y")
        colors = [PALETTE[k % len(PALETTE)] for k in range(len(self.task_names))]
        mean, low, high = self.interval_
        for k, color in enumerate(colors):
            if np.isfinite(low).all():
                ax.fill_between(
                    self.passes, low[:, k], high[:, k], color=color, alpha=0.18, linewidth=0
                )
            ax.plot(self.passes, mean[:, k], color=color, linewidth=1.8, zorder=3)
        if self.chance is not None:
            ax.axhline(self.chance, color=INK, linestyle=(0, (4, 3)), linewidth=1, zorder=1)
        ax.set(xlabel="passes", ylabel=self.ylabel, xlim=(self.passes.min(), self.passes.max()))
        if ylim is not None:
            ax.set_ylim(ylim)
        self._draw_phases(colors)
        labels = [
            name if np.isnan(lost) else f"{name} ({_signed(-lost)})"
            for name, lost in zip(self.task_names, self.lost_, strict=True)
        ]
        label_right(ax, labels, mean[-1], colors)
        return self

    def _draw_phases(self, colors):
        starts = [self.passes.min(), *self.ends[:-1]]
        for k, (start, end) in enumerate(zip(starts, self.ends, strict=True)):
            if k:
                self.ax_.axvline(start, color=FAINT, linewidth=1.2, zorder=1)
            if self.order is not None:
                task = self.order[k]
                self.ax_.text(
                    (start + end) / 2, 1.02, self.task_names[task], color=colors[task],
                    ha="center", va="bottom", transform=self.ax_.get_xaxis_transform(),
                )  # fmt: skip


def _signed(change):
    """Write a change with its sign and a proper minus; none for what rounds to 0."""
    text = f"{change:+.2f}".replace("-", "−")
    return text[1:] if float(f"{change:.2f}") == 0 else text
