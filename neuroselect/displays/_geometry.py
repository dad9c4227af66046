"""Conditions as points on a map, with the planes of the tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.displays._style import PALETTE, make_axes, tidy

if TYPE_CHECKING:
    import pandas as pd


class GeometryDisplay:
    """Low-dimensional map of the conditions of a two-feature design.

    Lines join conditions of one task that are neighbours on one feature and equal on the
    other: they draw each task's plane of stimuli, its cells tinted in three dimensions. Points
    grow with the level of the feature that is relevant in their task.

    Parameters
    ----------
    coordinates : array-like of shape (n_conditions, 2 or 3)
        The map.
    levels : array-like of shape (n_conditions, 2)
        Levels of the two features.
    tasks : array-like of shape (n_conditions,)
        Name of each condition's task.
    relevant : array-like of shape (n_conditions,), default=None
        Level of the relevant feature; None draws all points of one size.
    explained : array-like of shape (2 or 3,), default=None
        Share of the variance on each axis, from 0 to 1.

    Attributes
    ----------
    edges_ : ndarray of shape (n_edges, 2)
        Positions of the conditions that lines join.
    faces_ : ndarray of shape (n_faces, 4)
        Positions of the corners of each cell of a task's grid, in a circle.
    ax_, figure_
        Set by `plot`.

    See Also
    --------
    RDMDisplay : The same distances as a matrix.
    neuroselect.geometry.classical_mds : Makes the coordinates.

    Examples
    --------
    >>> from neuroselect.displays import GeometryDisplay
    >>> display = GeometryDisplay([[0, 0], [0, 1], [1, 0], [1, 1]],
    ...                           levels=[[0, 0], [0, 1], [1, 0], [1, 1]], tasks=["A"] * 4)
    >>> display.edges_.tolist()
    [[0, 1], [0, 2], [1, 3], [2, 3]]
    """

    def __init__(
        self,
        coordinates: ArrayLike,
        levels: ArrayLike,
        tasks: ArrayLike,
        *,
        relevant: ArrayLike | None = None,
        explained: ArrayLike | None = None,
    ):
        self.coordinates = np.asarray(coordinates, dtype=np.float64)
        self.levels, self.tasks = np.asarray(levels, dtype=np.float64), np.asarray(tasks)
        self.relevant = None if relevant is None else np.asarray(relevant, dtype=np.float64)
        self.explained = None if explained is None else np.asarray(explained)
        n_conditions = len(self.coordinates)
        if self.coordinates.ndim != 2 or self.coordinates.shape[1] not in (2, 3):
            raise ValueError(
                "coordinates must have shape (n_conditions, 2) or (n_conditions, 3), got"
                f" {self.coordinates.shape}."
            )
        if self.levels.shape != (n_conditions, 2) or self.tasks.shape != (n_conditions,):
            raise ValueError(
                f"levels and tasks must have shapes ({n_conditions}, 2) and ({n_conditions},),"
                f" one row per condition; got {self.levels.shape} and {self.tasks.shape}."
            )
        self.edges_ = _grid_edges(self.levels, self.tasks)
        self.faces_ = _grid_faces(self.levels, self.tasks)

    @classmethod
    def from_rdm(
        cls,
        rdm: ArrayLike,
        conditions: pd.DataFrame,
        features: Sequence[str],
        task: str,
        *,
        n_components: int = 3,
        task_names: Sequence[str] | None = None,
        relevant: Mapping | None = None,
        squared: bool = False,
    ) -> GeometryDisplay:
        """Map the conditions by classical scaling of an RDM.

        Parameters
        ----------
        rdm : array-like of shape (n_pairs,) or (n_conditions, n_conditions)
            Distances.
        conditions : DataFrame of n_conditions rows
            Levels of the features, and the task.
        features : sequence of two str
            The features' columns.
        task : str
            The task's column.
        n_components : {2, 3}, default=3
            Dimensions of the map.
        task_names : sequence of str, default=None
            Names of the sorted tasks, shown as "task <name>"; None takes the codes.
        relevant : mapping, default=None
            From each task to its relevant feature. By default the sorted tasks take the
            features in their order.
        squared : bool, default=False
            `rdm` holds squared distances, which may be negative, as those of crossnobis.

        Returns
        -------
        display : GeometryDisplay
        """
        from neuroselect.geometry import classical_mds

        coordinates, explained = classical_mds(rdm, n_components, squared=squared)
        codes, position = np.unique(conditions[task], return_inverse=True)
        names = np.array([f"task {name}" for name in (codes if task_names is None else task_names)])
        levels = conditions[list(features)].to_numpy(dtype=np.float64)
        sizes = levels[np.arange(len(levels)), _columns(codes, features, relevant)[position]]
        return cls(coordinates, levels, names[position], relevant=sizes, explained=explained)

    def plot(
        self, ax=None, *, view: tuple[float, float] = (22, -60), planes: bool | None = None
    ) -> GeometryDisplay:
        """Draw the map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, three-dimensional for a map of three dimensions; None makes a figure.
        view : tuple of float, default=(22, -60)
            Elevation and azimuth of the eye in degrees, for three dimensions.
        planes : bool, default=None
            Tint the cells of each task's grid; None does so in three dimensions.

        Returns
        -------
        self : GeometryDisplay

        Raises
        ------
        ValueError
            If `ax` has another number of dimensions than the map.
        """
        n_dims = self.coordinates.shape[1]
        if ax is not None and (ax.name == "3d") != (n_dims == 3):
            raise ValueError(
                f"ax must have {n_dims} dimensions as the map has, got {ax.name!r} axes. Make"
                " three-dimensional ones with projection='3d', or take n_components=2."
            )
        self.ax_ = ax = make_axes(ax, figsize=(4.4, 4.0), projection="3d" if n_dims == 3 else None)
        self.figure_ = ax.figure
        for k, task in enumerate(dict.fromkeys(self.tasks.tolist())):
            if n_dims == 3 if planes is None else planes:
                self._draw_plane(task, PALETTE[k % len(PALETTE)])
            self._draw_task(task, PALETTE[k % len(PALETTE)], "os^Dv"[k % 5])
        labels = [f"dim. {k + 1}" for k in range(n_dims)]
        if self.explained is not None:
            labels = [
                f"{text} ({share:.0%})" for text, share in zip(labels, self.explained, strict=True)
            ]
        ax.set(xlabel=labels[0], ylabel=labels[1])
        if n_dims == 3:
            self._arrange_3d(labels[2], view)
        else:
            tidy(ax)
            ax.set_aspect("equal", adjustable="datalim")
        ax.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=len(np.unique(self.tasks)),
            frameon=False, handletextpad=0.2, borderaxespad=0.2,
        )  # fmt: skip
        return self

    def _draw_plane(self, task, color):
        cells = self.coordinates[self.faces_[self.tasks[self.faces_[:, 0]] == task]]
        style = {"facecolor": color, "alpha": 0.12, "edgecolor": "none"}
        if self.ax_.name == "3d":
            from mpl_toolkits.mplot3d.art3d import Poly3DCollection

            self.ax_.add_collection3d(Poly3DCollection(cells, **style))
        else:
            from matplotlib.collections import PolyCollection

            self.ax_.add_collection(PolyCollection(cells, **style))

    def _draw_task(self, task, color, marker):
        ax, rows = self.ax_, self.tasks == task
        lines = self.coordinates[self.edges_[rows[self.edges_[:, 0]]]]  # (n_edges, 2, n_dims)
        gaps = np.full_like(lines[:, :1], np.nan)
        path = np.concatenate([lines, gaps], axis=1).reshape(-1, lines.shape[-1])
        ax.plot(*path.T, color=color, alpha=0.45, linewidth=0.9)
        sizes = np.full(rows.sum(), 28.0)
        if self.relevant is not None:
            span = np.ptp(self.relevant) or 1.0
            sizes = 10 + 60 * (self.relevant[rows] - self.relevant.min()) / span
        ax.scatter(
            *self.coordinates[rows].T, s=sizes, color=color, marker=marker, edgecolor="white",
            linewidth=0.5, label=task, **({"depthshade": False} if ax.name == "3d" else {}),
        )  # fmt: skip

    def _arrange_3d(self, zlabel, view):
        ax = self.ax_
        ax.set_zlabel(zlabel)
        ax.view_init(*view)
        low, high = self.coordinates.min(axis=0), self.coordinates.max(axis=0)
        margin = 0.05 * max((high - low).max(), np.finfo(float).tiny)
        limits = np.column_stack([low - margin, high + margin])
        ax.set(xlim=limits[0], ylim=limits[1], zlim=limits[2])
        ax.set_box_aspect(np.ptp(limits, axis=1), zoom=1.05)  # one scale on all axes
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
            axis.set_ticklabels([])
            axis.labelpad = -9
            axis.pane.set_alpha(0.0)


def _columns(codes, features, relevant):
    """Position in `features` of what is relevant in each task."""
    features = list(features)
    if relevant is None and len(codes) <= 2:
        return np.arange(len(codes))
    known = {} if relevant is None else relevant
    if any(code not in known or known[code] not in features for code in codes.tolist()):
        raise ValueError(
            f"relevant must map each of the tasks {codes.tolist()} to one of the features"
            f" {features}, got {relevant!r}."
        )
    return np.array([features.index(known[code]) for code in codes.tolist()])


def _ranks(levels):
    return np.column_stack([np.unique(column, return_inverse=True)[1] for column in levels.T])


def _grid_faces(levels, tasks):
    """Corners of the cells between neighbouring levels of both features, within one task."""
    rank = _ranks(levels)
    keys = zip(tasks.tolist(), *rank.T.tolist(), strict=True)
    at = {key: k for k, key in enumerate(keys)}
    faces = []
    for task, x, y in at:
        corners = [(task, x, y), (task, x + 1, y), (task, x + 1, y + 1), (task, x, y + 1)]
        if all(corner in at for corner in corners):
            faces.append([at[corner] for corner in corners])
    return np.array(faces, dtype=np.intp).reshape(-1, 4)


def _grid_edges(levels, tasks):
    """Pairs (i, j) of one task that are neighbours on one feature and equal on the other."""
    rank = _ranks(levels)
    steps = abs(rank[:, np.newaxis] - rank).sum(axis=-1)
    same = tasks[:, np.newaxis] == tasks
    return np.argwhere(np.triu((steps == 1) & same))
