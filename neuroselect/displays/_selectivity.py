"""Histogram of relative importance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.displays._style import INK, PALETTE, make_axes, tidy

OUTLINES = ("-", (0, (4, 1.5)), (0, (1, 1)), "-.")


class SelectivityDisplay:
    """Shares of units by their relative importance for two tasks [1]_.

    Ten bins on [-1, 1]. Shares are of *all* units: with those important to neither task
    (NaN) the bars add up to 1.

    Parameters
    ----------
    shares : array-like of shape (n_bins,)
        Share of all units in each bin, from 0 to 1.
    edges : array-like of shape (n_bins + 1,)
        Edges of the bins.
    nan_share : float
        Share of the units that are important to neither task.
    task_pair : tuple of str, default=("A", "B")
        At 1 a unit is important to the first only, at -1 to the second only.
    n_units : int, default=None
        Number of units counted.

    Attributes
    ----------
    bars_ : matplotlib BarContainer
    ax_, figure_
        Set by `plot`.

    See Also
    --------
    SelectivityGridDisplay : One for each layer and pair of tasks.
    neuroselect.selectivity.LesionSelectivity : Measures the importance.

    References
    ----------
    .. [1] T. George (2020), "What makes neurons picky?",
       https://github.com/TomGeorge1234/WhatMakesNeuronsPicky

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.displays import SelectivityDisplay
    >>> display = SelectivityDisplay.from_arrays([-1.0, 1.0, 1.0, np.nan])
    >>> display.shares[[0, -1]], display.nan_share
    (array([0.25, 0.5 ]), 0.25)
    """

    def __init__(
        self,
        shares: ArrayLike,
        edges: ArrayLike,
        nan_share: float,
        *,
        task_pair: tuple[str, str] = ("A", "B"),
        n_units: int | None = None,
    ):
        self.shares, self.edges = np.asarray(shares), np.asarray(edges)
        self.nan_share = nan_share
        self.task_pair = task_pair
        self.n_units = n_units

    @classmethod
    def from_arrays(
        cls,
        relative_importance: ArrayLike,
        *,
        task_pair: tuple[str, str] = ("A", "B"),
        n_bins: int = 10,
    ) -> SelectivityDisplay:
        """Count units, of one network or pooled over several.

        Parameters
        ----------
        relative_importance : array-like of any shape
            In [-1, 1], or NaN; one value per unit.
        task_pair : tuple of str, default=("A", "B")
            Names of the tasks.
        n_bins : int, default=10
            Number of bins on [-1, 1].

        Returns
        -------
        display : SelectivityDisplay

        Raises
        ------
        ValueError
            If there are no units, or a value lies outside of [-1, 1].
        """
        values = np.ravel(np.asarray(relative_importance, dtype=np.float64))
        known = values[~np.isnan(values)]
        if not len(values) or (abs(known) > 1).any():
            raise ValueError(
                "relative_importance must hold at least one unit, with values in [-1, 1] or NaN;"
                f" got {len(values)} units, {np.sum(abs(known) > 1)} of them outside."
            )
        counts, edges = np.histogram(known, bins=n_bins, range=(-1, 1))
        nan_share = float(np.isnan(values).mean())
        return cls(counts / len(values), edges, nan_share, task_pair=task_pair, n_units=len(values))

    @classmethod
    def from_estimator(cls, selectivity, *, pair: int = 0, n_bins: int = 10) -> SelectivityDisplay:
        """Count the units of a fitted `LesionSelectivity`.

        Parameters
        ----------
        selectivity : LesionSelectivity
            Fitted.
        pair : int, default=0
            Position of the pair of tasks in ``task_pairs_``.
        n_bins : int, default=10
            Number of bins on [-1, 1].

        Returns
        -------
        display : SelectivityDisplay
        """
        first, second = selectivity.task_pairs_[pair]
        return cls.from_arrays(
            selectivity.relative_importance_[:, pair],
            task_pair=(str(first), str(second)),
            n_bins=n_bins,
        )

    def plot(
        self,
        ax=None,
        *,
        color: str | None = None,
        ymax: float | None = None,
        beside: SelectivityDisplay | Mapping[str, SelectivityDisplay] | None = None,
        label: str = "bars",
    ) -> SelectivityDisplay:
        """Draw the histogram, and write the share of NaN into it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        color : color, default=None
            Of the bars.
        ymax : float, default=None
            Upper end of the vertical axis.
        beside : SelectivityDisplay or mapping from str to SelectivityDisplay, default=None
            Another estimate of the same units, drawn as an outline; or several by name, with a
            legend that has their shares of NaN.
        label : str, default="bars"
            Name of this estimate in the legend.

        Returns
        -------
        self : SelectivityDisplay
        """
        self.ax_ = ax = make_axes(ax, figsize=(4.2, 3.2))
        self.figure_ = ax.figure
        tidy(ax, grid="y")
        self.bars_ = ax.bar(
            self.edges[:-1], self.shares, np.diff(self.edges), align="edge",
            color=color or PALETTE[0], edgecolor="white", linewidth=0.8,
        )  # fmt: skip
        several = isinstance(beside, Mapping)
        others = list(beside.values()) if several else [] if beside is None else [beside]
        colors = [c for c in PALETTE[1:] if c != color] if several else [INK]
        outlines = [
            ax.stairs(
                other.shares, other.edges, color=colors[k % len(colors)],
                linestyle=OUTLINES[k % len(OUTLINES)], linewidth=1.3, zorder=3,
            )
            for k, other in enumerate(others)
        ]  # fmt: skip
        shown = [self, *others]
        first, second = self.task_pair
        gap = "  " if len(f"{first}{second}") <= 14 and not several else "\n"
        ax.set(
            xlim=(-1, 1),
            ylim=(0, ymax or 1.22 * max(*(d.shares.max() for d in shown), 0.01)),
            xlabel=f"relative importance{gap}(−1: {second} only, 1: {first} only)",
            ylabel="share of all units",
        )
        ax.set_xticks([-1, -0.5, 0, 0.5, 1])
        if several:
            names = zip([label, *beside], shown, strict=True)
            ax.legend(
                [self.bars_, *outlines],
                [f"{name} ({display.nan_share:.0%})" for name, display in names],
                title="(important to neither)", title_fontsize="small", fontsize="small",
                loc="lower center", bbox_to_anchor=(0.45, 1), ncols=2, frameon=False,
                handlelength=1.4, columnspacing=1, borderaxespad=0.1,
            )  # fmt: skip
            return self
        note = f"important to neither: {self.nan_share:.1%}"
        note += "".join(f" (outline: {other.nan_share:.1%})" for other in others)
        ax.text(
            0.98, 0.98, note, color=INK, ha="right", va="top", transform=ax.transAxes,
        )  # fmt: skip
        return self
