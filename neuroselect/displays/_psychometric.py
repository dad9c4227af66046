"""Choice curves of groups, with their sigmoids."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.displays._style import INK, MARKERS, PALETTE, make_axes, tidy
from neuroselect.utils._intervals import mean_interval

FEATURES = ("relevant", "irrelevant")


class PsychometricDisplay:
    """Choice curves along the relevant and the irrelevant feature, with fitted sigmoids.

    Parameters
    ----------
    curves : mapping of arrays, or array-like, of shape (n_subjects, 2, n_levels)
        Relevant and irrelevant choice curves, as :func:`~neuroselect.behavior.choice_curves`
        makes them, of one group, or of several by name.
    levels : array-like of shape (n_levels,), default=None
        Levels along the curves; None takes steps of 1 around 0.

    Attributes
    ----------
    intervals_ : dict of MeanInterval of arrays of shape (2, n_levels)
        Mean over subjects and 95% t interval of each group; no interval for one subject.
    fits_ : dict of SigmoidFit of arrays of shape (2,)
        Sigmoids of the mean curves; slopes per standard deviation of the levels.
    ax_, figure_
        Set by `plot`.

    See Also
    --------
    ChoiceMatrixDisplay : All cells of the grid.
    neuroselect.behavior.choice_slopes : The slopes of each subject.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.displays import PsychometricDisplay
    >>> rows = np.repeat([0.0, 0.0, 0.5, 1.0, 1.0], 5).reshape(5, 5)
    >>> display = PsychometricDisplay.from_matrices([[rows, rows.T]])
    >>> display.intervals_[""].mean
    array([[0. , 0. , 0.5, 1. , 1. ],
           [0.5, 0.5, 0.5, 0.5, 0.5]])
    """

    def __init__(
        self, curves: ArrayLike | Mapping[str, ArrayLike], *, levels: ArrayLike | None = None
    ):
        from neuroselect.behavior import fit_sigmoids

        curves = curves if isinstance(curves, Mapping) else {"": curves}
        self.curves = {str(name): np.asarray(c, dtype=np.float64) for name, c in curves.items()}
        shapes = {c.shape[1:] for c in self.curves.values()}
        if len(shapes) != 1 or len(shape := shapes.pop()) != 2 or shape[0] != 2:
            raise ValueError(
                "curves must have shape (n_subjects, 2, n_levels) in every group, got"
                f" {[c.shape for c in self.curves.values()]}."
            )
        steps = np.arange(shape[1]) - (shape[1] - 1) / 2
        self.levels = steps if levels is None else np.asarray(levels, dtype=np.float64)
        self.intervals_ = {
            name: mean_interval(np.moveaxis(c, 0, -1)) for name, c in self.curves.items()
        }
        self.fits_ = {
            name: fit_sigmoids(interval.mean, self.levels)
            for name, interval in self.intervals_.items()
        }

    @classmethod
    def from_matrices(cls, choice_matrices: ArrayLike | Mapping[str, ArrayLike], **kwargs):
        """Take the curves of choice matrices.

        Parameters
        ----------
        choice_matrices : mapping of arrays, or array-like, of shape \
(n_subjects, 2, n_levels, n_levels)
            Shares of accept choices in the aligned frame, of one group, or of several by name.
        **kwargs
            Passed to the constructor.

        Returns
        -------
        display : PsychometricDisplay
        """
        from neuroselect.behavior import choice_curves
        from neuroselect.behavior._checks import as_groups

        groups = as_groups(choice_matrices)
        return cls({name: choice_curves(m) for name, m in groups.items()}, **kwargs)

    def plot(self, ax=None) -> PsychometricDisplay:
        """Draw means with intervals as points, and sigmoids as lines.

        The irrelevant feature has open points and dashed lines.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : PsychometricDisplay
        """
        self.ax_ = ax = make_axes(ax)
        self.figure_ = ax.figure
        tidy(ax, grid="y")
        step = np.diff(self.levels).mean()
        for k, name in enumerate(self.curves):
            shift = 0.08 * step * (k - (len(self.curves) - 1) / 2)
            color, marker = PALETTE[k % len(PALETTE)], MARKERS[k % len(MARKERS)]
            for feature in range(2):
                self._draw(name, feature, color, marker, shift)
        ax.axhline(0.5, color=INK, linewidth=0.8, linestyle=(0, (1, 3)), zorder=1)
        ax.set(
            xlabel="level of the feature", ylabel="share of accept choices", ylim=(-0.03, 1.03),
            xticks=self.levels,
        )  # fmt: skip
        ax.legend(frameon=False, fontsize="small", loc="upper left")
        return self

    def _draw(self, name, feature, color, marker, shift):
        ax, interval, fit = self.ax_, self.intervals_[name], self.fits_[name]
        mean, low, high = (part[feature] for part in interval)
        fine = np.linspace(self.levels[0], self.levels[-1], 200)
        z = (fine - self.levels.mean()) / self.levels.std()
        logit = np.clip(fit.slope[feature] * z + fit.intercept[feature], -700, 700)
        ax.plot(
            fine, 1 / (1 + np.exp(-logit)), color=color, linewidth=1.6,
            linestyle=("-", (0, (4, 2)))[feature], zorder=2,
        )  # fmt: skip
        low, high = (
            np.clip(low, 0, 1),
            np.clip(high, 0, 1),
        )  # few subjects: wider than shares can be
        spread = np.stack([mean - low, high - mean]) if np.isfinite(low).all() else None
        ax.errorbar(
            self.levels + shift, mean, spread, fmt=marker, color=color, markersize=5.5,
            mfc=(color, "white")[feature], elinewidth=1.2, capsize=2, zorder=3,
            label=f"{name} {FEATURES[feature]}".strip(), clip_on=False,
        )  # fmt: skip
