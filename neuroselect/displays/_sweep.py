"""A measure against the scale of the initial weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.displays._style import INK, MARKERS, PALETTE, label_right, make_axes, tidy
from neuroselect.utils._intervals import mean_interval

if TYPE_CHECKING:
    import pandas as pd


class SweepDisplay:
    """Measures of networks against the scale of their initial weights.

    Parameters
    ----------
    init_scale : array-like of shape (n_networks,)
        Scale of each network, positive.
    values : mapping from str to array-like of shape (n_networks,)
        One series per measure. A NaN is left out.
    references : mapping from str to float, default=None
        Values to compare with, e.g. of a recording: horizontal lines. One that is named as
        a series takes its colour.
    ylabel : str, default="value"
        What is measured, with its unit.
    xlabel : str, default="scale of initial weights (standard deviation)"
        What is swept.
    reference_name : str, default="reference"
        What the references are.

    Attributes
    ----------
    scales_ : ndarray of shape (n_scales,)
        The distinct scales.
    intervals_ : dict from str to MeanInterval
        Mean and 95% t interval of each series at each scale; no interval for one network.
    ax_, figure_
        Set by `plot`.

    See Also
    --------
    LearningCurveDisplay : The loss in the course of training.

    Examples
    --------
    >>> from neuroselect.displays import SweepDisplay
    >>> display = SweepDisplay([0.1, 0.1, 1.0, 1.0], {"mixed": [30, 34, 60, 64]})
    >>> display.intervals_["mixed"].mean
    array([32., 62.])
    """

    def __init__(
        self,
        init_scale: ArrayLike,
        values: Mapping[str, ArrayLike],
        *,
        references: Mapping[str, float] | None = None,
        ylabel: str = "value",
        xlabel: str = "scale of initial weights (standard deviation)",
        reference_name: str = "reference",
    ):
        self.init_scale = np.asarray(init_scale, dtype=np.float64)
        self.values = {name: np.asarray(v, dtype=np.float64) for name, v in values.items()}
        self.references = dict(references or {})
        self.ylabel, self.xlabel = ylabel, xlabel
        self.reference_name = reference_name
        if self.init_scale.ndim != 1 or not (self.init_scale > 0).all():
            raise ValueError("init_scale must hold one positive number per network.")
        for name, series in self.values.items():
            if series.shape != self.init_scale.shape:
                raise ValueError(
                    f"values[{name!r}] has shape {series.shape}, but init_scale has"
                    f" {self.init_scale.shape}. Pass one value per network."
                )
        self.scales_ = np.unique(self.init_scale)
        self.intervals_ = {name: self._intervals(series) for name, series in self.values.items()}

    def _intervals(self, series):
        groups = [series[(self.init_scale == s) & np.isfinite(series)] for s in self.scales_]
        stats = [mean_interval(g) if len(g) else (np.nan,) * 3 for g in groups]
        return mean_interval([0.0])._make(np.array(stats, dtype=np.float64).T)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        columns: Sequence[str] | Mapping[str, str],
        *,
        x: str = "init_scale",
        **kwargs,
    ) -> SweepDisplay:
        """Take the series from a table of one row per network.

        Parameters
        ----------
        frame : DataFrame
            The table.
        columns : sequence of str, or mapping from str to str
            Columns, or from the name of the series to its column.
        x : str, default="init_scale"
            Column of the scale.
        **kwargs
            Passed to the constructor.

        Returns
        -------
        display : SweepDisplay
        """
        named = columns if isinstance(columns, Mapping) else {column: column for column in columns}
        return cls(frame[x], {name: frame[column] for name, column in named.items()}, **kwargs)

    def plot(
        self,
        ax=None,
        *,
        ylim: tuple[float, float] | None = None,
        yscale: str = "linear",
        xscale: str = "log",
    ) -> SweepDisplay:
        """Draw networks as faint points, means as lines, their intervals as bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        ylim : tuple of float, default=None
            Ends of the vertical axis.
        yscale : {"linear", "log", "symlog"}, default="linear"
            The vertical axis; "symlog" is linear between -0.01 and 0.01.
        xscale : {"log", "linear"}, default="log"
            The horizontal axis.

        Returns
        -------
        self : SweepDisplay
        """
        self.ax_ = ax = make_axes(ax)
        self.figure_ = ax.figure
        tidy(ax, grid="y")
        ends, colors = [], []
        for k, (name, series) in enumerate(self.values.items()):
            colors.append(PALETTE[k % len(PALETTE)])
            self._draw_series(name, series, colors[-1], MARKERS[k % len(MARKERS)])
            means = self.intervals_[name].mean
            ends.append(means[np.isfinite(means)][-1] if np.isfinite(means).any() else np.nan)
        self._draw_references(dict(zip(self.values, colors, strict=True)))
        self._label_axes(ylim, yscale, xscale)
        shown = [k for k, end in enumerate(ends) if np.isfinite(end)]
        if len(self.values) > 1:
            names = list(self.values)
            label_right(
                ax, [names[k] for k in shown], [ends[k] for k in shown], [colors[k] for k in shown]
            )
        return self

    def _draw_series(self, name, series, color, marker):
        mean, low, high = self.intervals_[name]
        self.ax_.plot(
            self.init_scale, series, marker, color=color, alpha=0.25, markersize=4, mew=0, zorder=2
        )
        has_interval = np.isfinite(low)
        bars = np.abs(np.stack([mean - low, high - mean]))[:, has_interval]
        self.ax_.errorbar(
            self.scales_[has_interval], mean[has_interval], bars, fmt="none", ecolor=color,
            elinewidth=1.4, capsize=2.5, zorder=3,
        )  # fmt: skip
        self.ax_.plot(
            self.scales_, mean, color=color, marker=marker, markersize=5, label=name, zorder=4
        )

    def _draw_references(self, colors):
        dashed = {"linestyle": (0, (4, 3)), "linewidth": 1.3}
        for name, value in self.references.items():
            self.ax_.axhline(value, color=colors.get(name, INK), zorder=1, **dashed)
        if self.references:
            handle = self.ax_.plot([], [], color=INK, **dashed)[0]
            self.ax_.legend(
                [handle], [self.reference_name], loc="lower left", bbox_to_anchor=(0, 1),
                frameon=False, borderaxespad=0.2,
            )  # fmt: skip

    def _label_axes(self, ylim, yscale, xscale):
        self.ax_.set_yscale(yscale, **({"linthresh": 0.01} if yscale == "symlog" else {}))
        self.ax_.set_xscale(xscale)
        self.ax_.set_xticks(self.scales_, minor=False)
        labelled = _spaced(np.log(self.scales_) if xscale == "log" else self.scales_, self.scales_)
        self.ax_.set_xticklabels([f"{s:g}" if s in labelled else "" for s in self.scales_])
        self.ax_.minorticks_off()
        self.ax_.set(xlabel=self.xlabel, ylabel=self.ylabel)
        if ylim is not None:
            self.ax_.set_ylim(ylim)


def _spaced(position, scales, least=0.11):
    """Scales to label: both ends, and as many between as keep their distance on the axis."""
    position = position - position[0]
    span = position[-1] or 1.0
    kept = [0]
    for k in range(1, len(scales) - 1):
        if (position[k] - position[kept[-1]]) / span >= least and (
            position[-1] - position[k]
        ) / span >= least:
            kept.append(k)
    return set(scales[[*kept, -1]])
