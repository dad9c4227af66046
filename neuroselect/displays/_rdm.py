"""An RDM as a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import squareform

from neuroselect.displays._style import INK, make_axes


class RDMDisplay:
    """A representational dissimilarity matrix, with its tasks marked.

    Parameters
    ----------
    rdm : array-like of shape (n_conditions, n_conditions) or (n_pairs,)
        Square, or condensed in SciPy's order.
    tasks : array-like of shape (n_conditions,), default=None
        Name of each condition's task. Conditions of a task must lie side by side.
    label : str, default="distance"
        What is measured, with its unit.

    Attributes
    ----------
    image_ : matplotlib AxesImage
    colorbar_ : matplotlib Colorbar
    ax_, figure_
        Set by `plot`.

    See Also
    --------
    GeometryDisplay : The same distances as a map.

    Examples
    --------
    >>> from neuroselect.displays import RDMDisplay
    >>> display = RDMDisplay.from_patterns([[0.0, 0.0], [3.0, 4.0]], tasks=["A", "B"])
    >>> display.rdm
    array([[0., 5.],
           [5., 0.]])
    """

    def __init__(self, rdm: ArrayLike, *, tasks: ArrayLike | None = None, label: str = "distance"):
        rdm = np.asarray(rdm, dtype=np.float64)
        self.rdm = squareform(rdm) if rdm.ndim == 1 else rdm
        self.tasks = None if tasks is None else np.asarray(tasks)
        self.label = label
        if self.rdm.ndim != 2 or self.rdm.shape[0] != self.rdm.shape[1]:
            raise ValueError(f"rdm must be condensed or square, got shape {rdm.shape}.")
        if self.tasks is not None and self.tasks.shape != (len(self.rdm),):
            raise ValueError(
                f"tasks must name the task of each of the {len(self.rdm)} conditions, got shape"
                f" {self.tasks.shape}."
            )

    @classmethod
    def from_patterns(cls, patterns: ArrayLike, *, metric: str = "euclidean", **kwargs):
        """Compute the RDM of patterns.

        Parameters
        ----------
        patterns : array-like of shape (n_conditions, n_units)
            Mean response of each unit in each condition.
        metric : str, default="euclidean"
            See :func:`~neuroselect.rsa.condensed_rdms`.
        **kwargs
            Passed to the constructor.

        Returns
        -------
        display : RDMDisplay
        """
        from neuroselect.rsa import condensed_rdms

        return cls(condensed_rdms(patterns, metric)[0], **kwargs)

    def plot(self, ax=None, *, vmax: float | None = None, cmap: str = "viridis"):
        """Draw the matrix, a colour bar, and lines between the tasks.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        vmax : float, default=None
            Distance at the upper end of the colours; the lower is 0. None: the largest.
        cmap : str, default="viridis"
            Colours.

        Returns
        -------
        self : RDMDisplay
        """
        self.ax_ = ax = make_axes(ax, figsize=(4.4, 3.7))
        self.figure_ = ax.figure
        self.image_ = ax.imshow(self.rdm, vmin=0, vmax=vmax, cmap=cmap, interpolation="nearest")
        self.colorbar_ = self.figure_.colorbar(
            self.image_, ax=ax, label=self.label, fraction=0.046, pad=0.03
        )
        self.colorbar_.outline.set_visible(False)
        ax.spines[:].set_visible(False)
        if self.tasks is None:
            ax.set(xlabel="condition", ylabel="condition")
            return self
        starts = np.flatnonzero(np.r_[True, self.tasks[1:] != self.tasks[:-1]])
        for start in starts[1:]:
            ax.axhline(start - 0.5, color="white", linewidth=1.5)
            ax.axvline(start - 0.5, color="white", linewidth=1.5)
        middles = (starts + np.r_[starts[1:], len(self.tasks)] - 1) / 2
        names = [str(name) for name in self.tasks[starts]]
        ax.set_xticks(middles, names, color=INK)
        ax.set_yticks(middles, names, color=INK, rotation=90, va="center")
        ax.tick_params(length=0)
        return self
