"""Shares of units by what they respond to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.displays._style import INK, PALETTE, make_axes, tidy

ENDS = ("untuned", "pure", "linear mixed", "nonlinear mixed", "undetermined")


class MixedSelectivityDisplay:
    """Shares of untuned, pure, linear mixed and nonlinear mixed units.

    Parameters
    ----------
    shares : array-like of shape (n_labels,)
        Share of all units, from 0 to 1.
    labels : sequence of str
        Label of each share.
    n_units : int, default=None
        Number of units counted.

    Attributes
    ----------
    bars_ : matplotlib BarContainer
    ax_, figure_
        Set by `plot`.

    See Also
    --------
    neuroselect.selectivity.MixedSelectivity : Finds the labels.

    Examples
    --------
    >>> from neuroselect.displays import MixedSelectivityDisplay
    >>> display = MixedSelectivityDisplay.from_labels(["pure task", "linear mixed", "pure task"])
    >>> display.labels, display.shares.round(2)
    (['pure task', 'linear mixed'], array([0.67, 0.33]))
    """

    def __init__(self, shares: ArrayLike, labels: Sequence[str], *, n_units: int | None = None):
        self.shares = np.asarray(shares, dtype=np.float64)
        self.labels = list(labels)
        self.n_units = n_units

    @classmethod
    def from_labels(cls, unit_labels: ArrayLike) -> MixedSelectivityDisplay:
        """Count units, of one population or pooled over several.

        Parameters
        ----------
        unit_labels : array-like of str, of any shape
            As `unit_labels_` of a :class:`~neuroselect.selectivity.MixedSelectivity`.

        Returns
        -------
        display : MixedSelectivityDisplay
            Labels that occur, in the order from untuned to nonlinear mixed.

        Raises
        ------
        ValueError
            If there are no units, or a label is none of `MixedSelectivity`.
        """
        found, counts = np.unique(np.ravel(unit_labels).astype(str), return_counts=True)
        kinds = ["pure" if label.startswith("pure ") else label for label in found.tolist()]
        unknown = [kind for kind in kinds if kind not in ENDS]
        if not len(found) or unknown:
            raise ValueError(
                "unit_labels must hold the labels of MixedSelectivity, of one unit or more, got"
                f" {unknown or 'none'}."
            )
        order = np.argsort([ENDS.index(kind) for kind in kinds], kind="stable")
        return cls(counts[order] / counts.sum(), found[order].tolist(), n_units=int(counts.sum()))

    @classmethod
    def from_estimator(cls, mixed) -> MixedSelectivityDisplay:
        """Count the units of a fitted `MixedSelectivity`.

        Parameters
        ----------
        mixed : MixedSelectivity
            Fitted.

        Returns
        -------
        display : MixedSelectivityDisplay
        """
        return cls.from_labels(mixed.unit_labels_)

    def plot(self, ax=None, *, color: str | None = None) -> MixedSelectivityDisplay:
        """Draw one bar per label.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        color : color, default=None
            Of the bars.

        Returns
        -------
        self : MixedSelectivityDisplay
        """
        self.ax_ = ax = make_axes(ax, figsize=(4.6, 0.8 + 0.4 * len(self.labels)))
        self.figure_ = ax.figure
        tidy(ax, grid="x")
        positions = np.arange(len(self.labels))
        self.bars_ = ax.barh(positions, self.shares, color=color or PALETTE[0], height=0.7)
        ax.bar_label(self.bars_, [f"{share:.0%}" for share in self.shares], padding=3, color=INK)
        ax.set_yticks(positions, self.labels)
        ax.invert_yaxis()
        counted = "units" if self.n_units is None else f"{self.n_units} units"
        ax.set(xlim=(0, 1.15 * self.shares.max()), xlabel=f"share of {counted}")
        return self
