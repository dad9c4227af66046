"""Which tasks do units vary in, or matter to?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.displays._style import FAINT, INK, make_axes, spread

VARIANCE = "normalised task variance"


class TaskProfileDisplay:
    """Units by tasks as a heat map, sorted, with the clusters of units marked [1]_.

    Units are sorted by cluster, within a cluster by the task of their largest value, and there
    from those of one task to those of many. Units of no cluster come last, and those without
    values (NaN, or 0 in all tasks) after them.

    Parameters
    ----------
    values : array-like of shape (n_units, n_tasks)
        At least 0, such as normalised task variances or importances; NaN for a unit without.
    labels : array-like of shape (n_units,), int, default=None
        Cluster of each unit, counted from 0; -1 for none. None: no clusters are marked.
    tasks : sequence of str, default=None
        Names of the tasks; None: "0", "1", ...
    value_name : str, default="normalised task variance"
        What is shown, for the colour bar.

    Attributes
    ----------
    order : ndarray of shape (n_units,)
        Units from top to bottom.
    image_ : matplotlib AxesImage
    colorbar_ : matplotlib Colorbar
    ax_, figure_
        Set by `plot`.

    See Also
    --------
    neuroselect.selectivity.TaskClusters : Finds the clusters.
    neuroselect.selectivity.cluster_lesion_scores : What each cluster is worth to each task.

    References
    ----------
    .. [1] Yang, Joglekar, Song, Newsome & Wang (2019), "Task representations in neural networks
       trained to perform many cognitive tasks", Nature Neuroscience 22, 297-306.
       :doi:`10.1038/s41593-018-0310-2`

    Examples
    --------
    >>> from neuroselect.displays import TaskProfileDisplay
    >>> variance = [[0.0, 2.0], [4.0, 0.0], [3.0, 3.0], [0.0, 0.0]]
    >>> display = TaskProfileDisplay.from_arrays(variance, [1, 0, 0, -1])
    >>> display.order, display.values[display.order[0]]
    (array([1, 2, 0, 3]), array([1., 0.]))
    """

    def __init__(
        self,
        values: ArrayLike,
        labels: ArrayLike | None = None,
        *,
        tasks: Sequence[str] | None = None,
        value_name: str = VARIANCE,
    ):
        self.values = _checked_values(values)
        n_units, n_tasks = self.values.shape
        self.labels = None if labels is None else _checked_labels(labels, n_units)
        self.tasks = [str(task) for task in (range(n_tasks) if tasks is None else tasks)]
        self.value_name = value_name
        if len(self.tasks) != n_tasks:
            raise ValueError(
                f"tasks must name each of the {n_tasks} columns of values, got"
                f" {len(self.tasks)} names."
            )
        self.order = _order(self.values, self.labels)

    @classmethod
    def from_arrays(
        cls,
        values: ArrayLike,
        labels: ArrayLike | None = None,
        *,
        tasks: Sequence[str] | None = None,
        normalize: bool = True,
        value_name: str = VARIANCE,
    ) -> TaskProfileDisplay:
        """Take task variances, or importances, of units.

        Parameters
        ----------
        values : array-like of shape (n_units, n_tasks) or (n_networks, n_units, n_tasks)
            As :func:`~neuroselect.selectivity.task_variance` returns them, or ``importances_``
            of a :class:`~neuroselect.selectivity.LesionSelectivity`. Units of several
            networks are pooled.
        labels, tasks, value_name
            As in the constructor; labels also (n_networks, n_units).
        normalize : bool, default=True
            Divide the values of each unit by their largest; negative ones count as 0.

        Returns
        -------
        display : TaskProfileDisplay
        """
        values = np.asarray(values, dtype=np.float64)
        if values.ndim == 3:
            values = values.reshape(-1, values.shape[-1])
            labels = None if labels is None else np.ravel(labels)
        if normalize and values.ndim == 2 and values.size:
            values = values.clip(min=0)
            largest = values.max(axis=1, keepdims=True)
            out = np.full_like(values, np.nan)
            values = np.divide(values, largest, out=out, where=largest > 0)
        return cls(values, labels, tasks=tasks, value_name=value_name)

    @classmethod
    def from_estimator(
        cls, clusters, X: ArrayLike | None = None, *, tasks: Sequence[str] | None = None
    ) -> TaskProfileDisplay:
        """Show the units of a fitted `TaskClusters`.

        Parameters
        ----------
        clusters : TaskClusters
            Fitted.
        X : array-like of shape (n_units, n_tasks), default=None
            Task variances of the clustered units; None: those that it was fitted to.
        tasks : sequence of str, default=None
            Names of the tasks; None: those of the columns of the fitted variances, if any.

        Returns
        -------
        display : TaskProfileDisplay
        """
        values = clusters.unit_profiles_ if X is None else X
        tasks = getattr(clusters, "feature_names_in_", None) if tasks is None else tasks
        return cls.from_arrays(values, clusters.labels_, tasks=tasks)

    def plot(self, ax=None, *, cmap: str = "viridis", vmax: float | None = None):
        """Draw the units as rows and the tasks as columns.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        cmap : str, default="viridis"
            Colours.
        vmax : float, default=None
            Value at the upper end of the colours; the lower is 0. None: the largest.

        Returns
        -------
        self : TaskProfileDisplay
        """
        self.ax_ = ax = make_axes(ax, figsize=(2.6 + 0.35 * len(self.tasks), 4.6))
        self.figure_ = ax.figure
        ax.set_facecolor(FAINT)  # shows through where there is no value
        self.image_ = ax.imshow(
            self.values[self.order], vmin=0, vmax=vmax, cmap=cmap, interpolation="nearest",
            aspect="auto",
        )  # fmt: skip
        self.colorbar_ = self.figure_.colorbar(
            self.image_, ax=ax, label=self.value_name, fraction=0.05, pad=0.03
        )
        self.colorbar_.outline.set_visible(False)
        ax.spines[:].set_visible(False)
        turned = max(len(task) for task in self.tasks) * len(self.tasks) > 24
        ax.set_xticks(range(len(self.tasks)), self.tasks, rotation=90 if turned else 0)
        ax.set_xlabel("task")
        if self.labels is None:
            ax.set_ylabel(f"unit (of {len(self.values)}, sorted)")
        else:
            self._mark_clusters(ax)
        return self

    def _mark_clusters(self, ax):
        labels = self.labels[self.order]
        starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
        ends = np.r_[starts[1:], len(labels)]
        for start in starts[1:]:
            ax.axhline(start - 0.5, color="white", linewidth=2)
        counts = [
            f"{'none' if labels[start] < 0 else labels[start]}  ({end - start})"
            for start, end in zip(starts, ends, strict=True)
        ]
        height = ax.get_position().height * self.figure_.get_size_inches()[1]
        line = 0.17 / height * len(labels)  # of text, in units
        ax.set_yticks(spread((starts + ends - 1) / 2, line), counts, color=INK)
        ax.tick_params(axis="y", length=0)
        ax.set_ylabel("cluster (number of units)")


def _checked_values(values: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(
            "values must have shape (n_units, n_tasks) with at least one unit and one task, got"
            f" shape {values.shape}."
        )
    if (values < 0).any() or np.isinf(values).any():
        raise ValueError(
            "values must be at least 0 and finite, or NaN for units without, got a minimum of"
            f" {np.nanmin(values):.3g} and a maximum of {np.nanmax(values):.3g}. Use from_arrays"
            " for signed importances."
        )
    return values


def _checked_labels(labels: ArrayLike, n_units: int) -> NDArray[np.int64]:
    labels = np.asarray(labels)
    if labels.shape != (n_units,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels must hold the cluster of each of the {n_units} units, as integers, got shape"
            f" {labels.shape} of {labels.dtype}."
        )
    return labels


def _order(values, labels) -> NDArray[np.int64]:
    known = np.nan_to_num(values)
    empty = ~known.any(axis=1)
    none = np.zeros(len(values)) if labels is None else labels < 0
    cluster = np.zeros(len(values)) if labels is None else labels
    largest = np.maximum(known.max(axis=1), np.finfo(np.float64).tiny)
    breadth = known.sum(axis=1) / largest
    return np.lexsort((breadth, known.argmax(axis=1), empty, cluster, none))
