"""The loss in the course of training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.displays._style import make_axes, tidy


class LearningCurveDisplay:
    """Loss per pass of several networks, in groups.

    Parameters
    ----------
    loss_curves : array-like of shape (n_networks, n_passes)
        Loss of each pass, positive.
    groups : array-like of shape (n_networks,)
        What to tell networks apart by: the scale of their initial weights. One colour for
        each value, from dark to light.
    group_name : str, default="scale"
        What the groups are.
    ylabel : str, default="loss"
        What the loss is, with its unit.
    n_points : int, default=200
        Passes to draw, evenly spaced on the logarithmic axis; the rest is left out.

    Attributes
    ----------
    passes_ : ndarray of shape (n_drawn,)
        The passes drawn, counted from 1.
    medians_ : dict from group to ndarray of shape (n_drawn,)
        Median loss over the networks of each group.
    ax_, figure_
        Set by `plot`.

    Examples
    --------
    >>> from neuroselect.displays import LearningCurveDisplay
    >>> display = LearningCurveDisplay([[4.0, 1.0], [2.0, 3.0]], [0.1, 0.1])
    >>> display.medians_
    {0.1: array([3., 2.])}
    """

    def __init__(
        self,
        loss_curves: ArrayLike,
        groups: ArrayLike,
        *,
        group_name: str = "scale",
        ylabel: str = "loss",
        n_points: int = 200,
    ):
        self.loss_curves = np.asarray(loss_curves, dtype=np.float64)
        self.groups = np.asarray(groups)
        self.group_name, self.ylabel = group_name, ylabel
        if self.loss_curves.ndim != 2 or len(self.loss_curves) != len(self.groups):
            raise ValueError(
                "loss_curves must have shape (n_networks, n_passes) with one row for each of the"
                f" {len(self.groups)} groups, got {self.loss_curves.shape}."
            )
        n_passes = self.loss_curves.shape[1]
        self.passes_ = np.unique(np.geomspace(1, n_passes, n_points).round().astype(int))
        drawn = self.loss_curves[:, self.passes_ - 1]
        self.medians_ = {
            group.item(): np.median(drawn[self.groups == group], axis=0)
            for group in np.unique(self.groups)
        }

    @classmethod
    def from_estimators(cls, networks: Sequence, groups: ArrayLike, **kwargs):
        """Take the curves of fitted networks that made equally many passes.

        Parameters
        ----------
        networks : sequence of fitted networks
        groups : array-like of shape (n_networks,)
            As in the constructor.
        **kwargs
            Passed to the constructor.

        Returns
        -------
        display : LearningCurveDisplay
        """
        return cls(np.stack([network.loss_curve_ for network in networks]), groups, **kwargs)

    def plot(self, ax=None):
        """Draw each network as a faint line and the median of each group as a strong one.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : LearningCurveDisplay
        """
        import matplotlib

        self.ax_ = ax = make_axes(ax)
        self.figure_ = ax.figure
        tidy(ax, grid="y")
        colors = matplotlib.colormaps["viridis"](np.linspace(0, 0.88, len(self.medians_)))
        for color, (group, median) in zip(colors, self.medians_.items(), strict=True):
            members = self.loss_curves[self.groups == group][:, self.passes_ - 1]
            ax.plot(self.passes_, members.T, color=color, alpha=0.25, linewidth=0.6)
            ax.plot(self.passes_, median, color=color, linewidth=1.8, label=f"{group:g}")
        ax.set(xscale="log", yscale="log", xlabel="pass over the trials", ylabel=self.ylabel)
        ax.minorticks_off()
        ax.legend(
            title=self.group_name, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False,
            handlelength=1.2,
        )  # fmt: skip
        return self
