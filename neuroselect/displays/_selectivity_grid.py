"""Histograms of relative importance, one per layer and pair of tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.displays._selectivity import SelectivityDisplay


class SelectivityGridDisplay:
    """Histograms of relative importance: layers are rows, pairs of tasks columns.

    Parameters
    ----------
    displays : sequence of sequence of SelectivityDisplay
        One row per layer, one display per pair of tasks.
    layers : sequence of str
        Names of the layers.

    Attributes
    ----------
    shares : ndarray of shape (n_layers, n_pairs, n_bins)
        Share of all units in each bin.
    nan_shares : ndarray of shape (n_layers, n_pairs)
        Share of the units that are important to neither task.
    axes_ : ndarray of shape (n_layers, n_pairs)
        Axes, set by `plot`.
    ax_, figure_
        The first of the axes, and their figure, set by `plot`.

    See Also
    --------
    SelectivityDisplay : One of them.

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP
    >>> from neuroselect.datasets import make_context_blobs
    >>> from neuroselect.displays import SelectivityGridDisplay
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLP((20, 10), max_iter=200, random_state=0).fit(X, y)
    >>> display = SelectivityGridDisplay.from_networks(net, X, y)
    >>> display.layers, display.shares.shape
    (['hidden layer 1', 'hidden layer 2'], (2, 1, 10))
    """

    def __init__(self, displays: Sequence[Sequence[SelectivityDisplay]], layers: Sequence[str]):
        self.displays, self.layers = [list(row) for row in displays], list(map(str, layers))
        widths = {len(row) for row in self.displays}
        if len(widths) != 1 or 0 in widths or len(self.displays) != len(self.layers):
            raise ValueError(
                "displays must hold one row for each of the layers, of equally many displays, got"
                f" {[len(row) for row in self.displays]} for {len(self.layers)} layer(s)."
            )
        self.shares = np.array([[each.shares for each in row] for row in self.displays])
        self.nan_shares = np.array([[each.nan_share for each in row] for row in self.displays])

    @classmethod
    def from_estimators(
        cls, selectivities, *, pairs: Sequence[int] | None = None, n_bins: int = 10
    ):
        """Take fitted estimators, of one layer or of several.

        Parameters
        ----------
        selectivities : LesionSelectivity or sequence of them
            Fitted, of the same tasks. Those of the same layer, such as of several networks,
            are pooled; layers are sorted.
        pairs : sequence of int, default=None
            Positions in ``task_pairs_``; None: all pairs.
        n_bins : int, default=10
            Number of bins on [-1, 1].

        Returns
        -------
        display : SelectivityGridDisplay

        Raises
        ------
        ValueError
            If there is no estimator, or tasks differ, or there is no pair of them.
        """
        single = not isinstance(selectivities, (list, tuple))
        selectivities = [selectivities] if single else list(selectivities)
        known = {tuple(each.task_pairs_) for each in selectivities}
        if len(known) != 1 or not next(iter(known)):
            raise ValueError(
                "selectivities must hold at least one fitted LesionSelectivity, all with the same"
                f" pairs of tasks, got {len(selectivities)} of them and the pairs {sorted(known)}."
            )
        task_pairs = selectivities[0].task_pairs_
        pairs = range(len(task_pairs)) if pairs is None else pairs
        layers: dict = {}
        for each in selectivities:
            layers.setdefault(each.layer_, []).append(each.relative_importance_)
        order = sorted(layers, key=lambda layer: -1 if layer == "input" else layer)
        displays = [
            [
                SelectivityDisplay.from_arrays(
                    np.concatenate(layers[layer])[:, pair],
                    task_pair=tuple(map(str, task_pairs[pair])),
                    n_bins=n_bins,
                )
                for pair in pairs
            ]
            for layer in order
        ]
        return cls(displays, [_layer_name(layer) for layer in order])

    @classmethod
    def from_networks(
        cls,
        networks,
        X: ArrayLike,
        y: ArrayLike,
        *,
        layers: Sequence[int | str] | None = None,
        pairs: Sequence[int] | None = None,
        n_bins: int = 10,
        settings: Mapping | None = None,
    ):
        """Lesion the units of trained networks, layer by layer.

        Parameters
        ----------
        networks : network or list of networks
            Fitted, such as `fit_many` returns them; units of several are pooled.
        X, y
            Trials and targets, as in `LesionSelectivity.fit`.
        layers : sequence of int or "input", default=None
            Layers to lesion; None: all hidden layers.
        pairs, n_bins
            As in `from_estimators`.
        settings : mapping, default=None
            Further parameters of `LesionSelectivity`, such as ``{"method": "taylor"}``.

        Returns
        -------
        display : SelectivityGridDisplay
        """
        from neuroselect.selectivity import LesionSelectivity

        networks = list(networks) if isinstance(networks, (list, tuple)) else [networks]
        selectivities = []
        for network in networks:
            own = range(len(network._network().activity_shapes)) if layers is None else layers
            selectivities += [
                LesionSelectivity(network, layer=layer, prefit=True, **(settings or {})).fit(X, y)
                for layer in own
            ]
        return cls.from_estimators(selectivities, pairs=pairs, n_bins=n_bins)

    def plot(self, ax=None, *, color: str | None = None) -> SelectivityGridDisplay:
        """Draw all histograms to one scale.

        Parameters
        ----------
        ax : array-like of matplotlib Axes of shape (n_layers, n_pairs), default=None
            Where to draw; None makes a figure. A single one does for a single histogram.
        color : color, default=None
            Of the bars.

        Returns
        -------
        self : SelectivityGridDisplay
        """
        shape = self.nan_shares.shape
        if ax is None:
            import matplotlib.pyplot as plt

            size = (0.4 + 3.4 * shape[1], 0.2 + 2.7 * shape[0])
            _, ax = plt.subplots(*shape, figsize=size, layout="constrained", squeeze=False)
        self.axes_ = np.asarray(ax, dtype=object).reshape(-1)
        if len(self.axes_) != self.nan_shares.size:
            raise ValueError(f"ax must hold {shape[0]} x {shape[1]} axes, got {len(self.axes_)}.")
        self.axes_ = self.axes_.reshape(shape)
        self.ax_, self.figure_ = self.axes_[0, 0], self.axes_[0, 0].figure
        ymax = 1.22 * max(self.shares.max(), 0.01)
        for row, axes, layer in zip(self.displays, self.axes_, self.layers, strict=True):
            for display, each in zip(row, axes, strict=True):
                display.plot(each, color=color, ymax=ymax)
                each.set_title(layer, loc="left", fontsize="medium")
                if each is not axes[0]:
                    each.set_ylabel("")
        return self


def _layer_name(layer) -> str:
    return "input" if layer == "input" else f"hidden layer {layer + 1}"
