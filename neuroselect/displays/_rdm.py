"""RDMs as pictures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import squareform

from neuroselect.displays._style import FAINT, INK, make_axes


class RDMDisplay:
    """Representational dissimilarity matrices, side by side, with their conditions named.

    Parameters
    ----------
    rdm : array-like of shape (n_conditions, n_conditions) or (n_pairs,), or mapping
        Square, or condensed in SciPy's order. A mapping from names to RDMs of the same conditions
        is drawn side by side with one colour bar: a model beside the data.
    tasks : array-like of shape (n_conditions,), default=None
        Name of each condition's task. Conditions of a task must lie side by side.
    labels : array-like of shape (n_conditions,), default=None
        Name of each condition; drawn where there are no `tasks`.
    label : str, default="distance"
        What is measured, with its unit.
    scale : {"raw", "max", "rank"}, default="raw"
        What the colours show: the values; their share of each RDM's largest; or their rank among
        the pairs of each RDM, from 0 to 1 (ties share their mean rank). The last two are for RDMs
        in different units.

    Attributes
    ----------
    image_ : matplotlib AxesImage
        The first.
    images_ : list of matplotlib AxesImage
        All.
    colorbar_ : matplotlib Colorbar
    axes_ : ndarray of matplotlib Axes of shape (n_rdms,)
    ax_, figure_
        Set by `plot`; `ax_` are the first axes.

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
    >>> RDMDisplay({"data": [1.0, 4.0, 2.0], "model": [0.0, 1.0, 1.0]}, scale="rank").names
    ['data', 'model']
    """

    def __init__(
        self,
        rdm: ArrayLike | Mapping[str, ArrayLike],
        *,
        tasks: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        label: str = "distance",
        scale: str = "raw",
    ):
        several = isinstance(rdm, Mapping)
        self.names = [str(name) for name in rdm] if several else None
        self.rdms = [_as_square(one) for one in (rdm.values() if several else [rdm])]
        if not self.rdms:
            raise ValueError("rdm must hold at least one RDM, got none.")
        sizes = [len(one) for one in self.rdms]
        if len(set(sizes)) > 1:
            raise ValueError(
                "rdm must hold RDMs of the same conditions, got numbers of conditions"
                f" {dict(zip(self.names, sizes, strict=True))}."
            )
        self.rdm = self.rdms[0]
        self.tasks = _one_per_condition(tasks, "tasks", "the task of", sizes[0])
        self.labels = _one_per_condition(labels, "labels", "", sizes[0])
        if scale not in ("raw", "max", "rank"):
            raise ValueError(f"scale must be 'raw', 'max' or 'rank', got {scale!r}.")
        self.label = label
        self.scale = scale

    @classmethod
    def from_patterns(cls, patterns: ArrayLike, *, metric: str = "euclidean", **kwargs):
        """Compute the RDM of patterns.

        Parameters
        ----------
        patterns : array-like of shape (n_conditions, n_units)
            Mean response of each unit in each condition; for cross-validated metrics of shape
            (n_runs, n_conditions, n_units).
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
        """Draw the matrices, a colour bar, and lines between the tasks.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw, one per RDM; None makes a figure.
        vmax : float, default=None
            Value at the upper end of the colours. None: the largest. The lower end is 0, or the
            smallest value where there are negative ones.
        cmap : str, default="viridis"
            Colours. Missing values are grey.

        Returns
        -------
        self : RDMDisplay
        """
        import matplotlib

        shown = [_scaled(rdm, self.scale) for rdm in self.rdms]
        self.axes_ = self._make_axes(ax)
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        colours = matplotlib.colormaps[cmap].with_extremes(bad=FAINT)
        limits = {
            "vmin": min(0.0, *(np.nanmin(rdm, initial=0.0) for rdm in shown)),
            "vmax": max(np.nanmax(rdm, initial=0.0) for rdm in shown) if vmax is None else vmax,
        }
        self.images_ = [
            ax.imshow(rdm, cmap=colours, interpolation="nearest", **limits)
            for ax, rdm in zip(self.axes_, shown, strict=True)
        ]
        self.image_ = self.images_[0]
        several = len(shown) > 1
        self.colorbar_ = self.figure_.colorbar(
            self.image_,
            ax=list(self.axes_) if several else self.ax_,
            label=self._colour_label(),
            fraction=0.046,
            pad=0.02 if several else 0.03,
        )
        self.colorbar_.outline.set_visible(False)
        for k, ax in enumerate(self.axes_):
            self._name_conditions(ax, first=k == 0)
            if self.names is not None:
                ax.set_title(self.names[k], color=INK)
        return self

    def _make_axes(self, ax) -> NDArray:
        n = len(self.rdms)
        if ax is None and n > 1:
            import matplotlib.pyplot as plt

            side = max(2.7, self._least_side())
            size = (1.2 + side * n, side + 0.7)
            return plt.subplots(1, n, figsize=size, layout="compressed", squeeze=False)[1][0]
        side = max(3.0, self._least_side())
        given, ax = ax, make_axes(ax, figsize=(side + 1.4, side + 0.7))
        if given is None:  # square axes in room that is not: names must not be cut off
            ax.figure.set_layout_engine("compressed")
        axes = np.ravel(np.array(ax, dtype=object))
        if len(axes) != n:
            raise ValueError(f"ax must be one axes per RDM, {n}, got {len(axes)}.")
        return axes

    def _least_side(self) -> float:
        """Inches that the labels need, one below the other; no more than a page has."""
        written = self.tasks is None and self.labels is not None
        return min(0.11 * len(self.labels), 11.0) if written else 0.0

    def _colour_label(self) -> str:
        words = {"raw": "{}", "max": "{} / largest", "rank": "rank of {}, 0 to 1"}
        return words[self.scale].format(self.label)

    def _name_conditions(self, ax, first: bool) -> None:
        ax.spines[:].set_visible(False)
        if self.tasks is None and self.labels is None:
            ax.set_xlabel("condition")
            if first:
                ax.set_ylabel("condition")
            return
        ax.tick_params(length=0)
        if self.tasks is None:
            self._write_labels(ax, first)
            return
        starts = np.flatnonzero(np.r_[True, self.tasks[1:] != self.tasks[:-1]])
        for start in starts[1:]:
            ax.axhline(start - 0.5, color="white", linewidth=1.5)
            ax.axvline(start - 0.5, color="white", linewidth=1.5)
        middles = (starts + np.r_[starts[1:], len(self.tasks)] - 1) / 2
        names = [str(name) for name in self.tasks[starts]]
        ax.set_xticks(middles, names, color=INK)
        ax.set_yticks(
            middles, names if first else [""] * len(names), color=INK, rotation=90, va="center"
        )

    def _write_labels(self, ax, first: bool) -> None:
        import matplotlib

        names = [str(name) for name in self.labels]
        height = ax.get_position().height * ax.figure.get_size_inches()[1]  # no more than it gets
        size = min(matplotlib.rcParams["font.size"], 72 * 0.65 * height / len(names))
        style = {"color": INK, "fontsize": size}
        places, turned = np.arange(len(names)), {"rotation": 45, "ha": "right"}
        ax.set_xticks(places, names, rotation_mode="anchor", **turned, **style)
        ax.set_yticks(places, names if first else [""] * len(names), **style)


def _as_square(rdm: ArrayLike) -> NDArray[np.float64]:
    rdm = np.asarray(rdm, dtype=np.float64)
    square = squareform(rdm) if rdm.ndim == 1 else rdm
    if square.ndim != 2 or square.shape[0] != square.shape[1]:
        raise ValueError(f"rdm must be condensed or square, got shape {rdm.shape}.")
    return square


def _one_per_condition(values, name: str, what: str, n: int) -> NDArray | None:
    if values is None:
        return None
    values = np.asarray(values)
    if values.shape != (n,):
        what = f"{what} each" if what else "each"
        raise ValueError(
            f"{name} must name {what} of the {n} conditions, got shape {values.shape}."
        )
    return values


def _scaled(rdm: NDArray, scale: str) -> NDArray[np.float64]:
    if scale == "raw":
        return rdm
    if scale == "max":
        largest = np.nanmax(rdm, initial=0.0)
        return rdm / largest if largest > 0 else rdm
    from neuroselect.rsa._ranks import average_ranks

    away = ~np.eye(len(rdm), dtype=bool) & ~np.isnan(rdm)
    ranks = average_ranks(rdm[away][np.newaxis])[0]
    scaled = np.where(np.isnan(rdm), np.nan, 0.0)
    ranks -= ranks.min(initial=np.inf)
    scaled[away] = ranks / max(ranks.max(initial=0.0), 1.0)
    return scaled
