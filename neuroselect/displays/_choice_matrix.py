"""Choice matrices of groups, task beside task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.displays._style import INK, make_axes


class ChoiceMatrixDisplay:
    """Mean share of accept choices in each cell of the grid: a row of matrices for each group.

    Parameters
    ----------
    choice_matrices : mapping of arrays, or array-like, of shape (n_subjects, 2, n_levels, n_levels)
        Shares of accept choices in the aligned frame, of one group, or of several by name.
    levels : array-like of shape (n_levels,), default=None
        Levels of either feature; None takes steps of 1 around 0.
    task_names : sequence of two str, default=("north", "south")
        Names of the tasks.
    feature_names : sequence of two str, default=("leafiness", "branchiness")
        Feature on the first axis of the grid (drawn upwards) and on the second.

    Attributes
    ----------
    means_ : dict of ndarray of shape (2, n_levels, n_levels)
        Mean over the subjects of each group.
    axes_ : ndarray of Axes of shape (n_groups, 2)
        The panels, insets of `ax_`. Set by `plot`, as are `ax_`, `figure_` and `colorbar_`.

    See Also
    --------
    PsychometricDisplay : Curves of the relevant and the irrelevant feature.
    neuroselect.behavior.choice_matrices : Makes the matrices from trials.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.displays import ChoiceMatrixDisplay
    >>> rows = np.repeat([0.0, 0.0, 0.5, 1.0, 1.0], 5).reshape(5, 5)
    >>> display = ChoiceMatrixDisplay({"blocked": [[rows, rows.T], [rows, rows.T]]})
    >>> display.means_["blocked"].shape
    (2, 5, 5)
    """

    def __init__(
        self,
        choice_matrices: ArrayLike | Mapping[str, ArrayLike],
        *,
        levels: ArrayLike | None = None,
        task_names: Sequence[str] = ("north", "south"),
        feature_names: Sequence[str] = ("leafiness", "branchiness"),
    ):
        from neuroselect.behavior._checks import as_groups

        self.groups = as_groups(choice_matrices)
        self.task_names, self.feature_names = list(task_names), list(feature_names)
        n_levels = next(iter(self.groups.values())).shape[-1]
        steps = np.arange(n_levels) - (n_levels - 1) / 2
        self.levels = steps if levels is None else np.asarray(levels)
        names = (self.task_names, self.feature_names)
        if self.levels.shape != (n_levels,) or any(len(pair) != 2 for pair in names):
            raise ValueError(
                f"levels must hold {n_levels} levels, task_names and feature_names two names, got"
                f" {len(self.levels)}, {len(self.task_names)} and {len(self.feature_names)}."
            )
        self.means_ = {name: m.mean(axis=0) for name, m in self.groups.items()}

    def plot(self, ax=None, *, cmap: str = "RdBu_r") -> ChoiceMatrixDisplay:
        """Draw the matrices and a colour bar.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        cmap : str, default="RdBu_r"
            Colours from 0 to 1.

        Returns
        -------
        self : ChoiceMatrixDisplay
        """
        n_groups = len(self.means_)
        self.ax_ = ax = make_axes(ax, figsize=(5.2, 0.6 + 2.2 * n_groups))
        self.figure_ = ax.figure
        ax.set_axis_off()
        self.axes_ = np.empty((n_groups, 2), dtype=object)
        height = 1 / (n_groups + 0.12 * (n_groups - 1))
        for row, (name, mean) in enumerate(self.means_.items()):
            for task in range(2):
                bottom = 1 - height - row * 1.12 * height
                panel = ax.inset_axes((0.53 * task, bottom, 0.47, height))
                image = self._draw(panel, mean[task], cmap)
                self.axes_[row, task] = panel
                if row == 0:
                    panel.set_title(self.task_names[task], color=INK, fontsize="medium")
                if row < n_groups - 1:
                    panel.set(xlabel="", xticklabels=[])
                if task == 1:
                    panel.set(ylabel="", yticklabels=[])
            if name:
                self.axes_[row, 0].set_ylabel(f"{name}\n{self.feature_names[0]}")
        self.colorbar_ = self.figure_.colorbar(
            image, ax=ax, label="share of accept choices", fraction=0.046, pad=0.03
        )
        self.colorbar_.outline.set_visible(False)
        return self

    def _draw(self, panel, mean, cmap):
        image = panel.imshow(mean, origin="lower", vmin=0, vmax=1, cmap=cmap)
        ticks = np.arange(len(self.levels))
        texts = [f"{level:g}".replace("-", "−") for level in self.levels]
        panel.set_xticks(ticks, texts)
        panel.set_yticks(ticks, texts)
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
        panel.set(xlabel=self.feature_names[1], ylabel=self.feature_names[0])
        return image
