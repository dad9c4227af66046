"""Models beside each other and the noise ceiling."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.displays._style import FAINT, INK, PALETTE, make_axes, tidy

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.utils import Bunch

LABELS = {
    "cosine": "cosine of RDMs",
    "corr": "correlation of RDMs",
    "spearman": "rank correlation of RDMs",
}


class ModelComparisonDisplay:
    """Similarity of models with measured RDMs, their intervals, and what differs.

    Parameters
    ----------
    table : DataFrame
        As of `neuroselect.rsa.evaluate`, one row per model.
    points : array-like of shape (n_models, n_points), default=None
        Values of single subjects or networks, drawn as points; those of one column are joined.
    ylabel : str, default="similarity of RDMs"
        What was compared.
    alpha : float, default=0.05
        Level at which differences are marked, after correction.

    Attributes
    ----------
    different_ : list of tuple of str
        Pairs of models that differ at `alpha`.
    above_zero_ : list of str
        Models that are better than 0; by the permutation test if the table has one.
    ax_, figure_
        Set by `plot`.

    See Also
    --------
    neuroselect.rsa.evaluate : Makes the table.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.displays import ModelComparisonDisplay
    >>> from neuroselect.rsa import model_comparison
    >>> rng = np.random.default_rng(0)
    >>> models = rng.uniform(size=(2, 45))
    >>> rdms = models[0] + 0.2 * rng.normal(size=(12, 45))
    >>> result = model_comparison(models, rdms, comparison="corr", random_state=0)
    >>> display = ModelComparisonDisplay.from_comparison(result)
    >>> display.different_
    [('model_0', 'model_1')]
    """

    def __init__(
        self,
        table: pd.DataFrame,
        points: ArrayLike | None = None,
        *,
        ylabel: str = "similarity of RDMs",
        alpha: float = 0.05,
    ):
        self.table, self.ylabel, self.alpha = table, ylabel, alpha
        self.points = None if points is None else np.asarray(points, dtype=np.float64)
        if self.points is not None and self.points.shape[:1] != (len(table),):
            raise ValueError(
                f"points must have shape (n_models, n_points) with n_models = {len(table)}, got"
                f" {self.points.shape}."
            )
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must lie between 0 and 1, got {alpha!r}.")
        names = list(map(str, table.index))
        self.different_ = [
            (a, b) for a, b in combinations(names, 2) if table.loc[a, f"p_vs_{b}_corrected"] < alpha
        ]
        test = next(p for p in ("p_permutation", "p_zero") if f"{p}_corrected" in table)
        self.above_zero_ = [n for n in names if table.loc[n, f"{test}_corrected"] < alpha]

    @classmethod
    def from_comparison(
        cls, result: Bunch, *, points: str | None = "subject", alpha: float = 0.05
    ) -> ModelComparisonDisplay:
        """Take what `neuroselect.rsa.model_comparison` found.

        Parameters
        ----------
        result : Bunch
            As it returns it.
        points : {"subject", "network", None}, default="subject"
            Whose single values are drawn.
        alpha : float, default=0.05
            As in the constructor.

        Returns
        -------
        display : ModelComparisonDisplay
        """
        if points not in ("subject", "network", None):
            raise ValueError(f"points must be 'subject', 'network' or None, got {points!r}.")
        return cls(
            result.table,
            None if points is None else result[f"per_{points}"],
            ylabel=LABELS.get(result.comparison, f"similarity of RDMs ({result.comparison})"),
            alpha=alpha,
        )

    def plot(self, ax=None) -> ModelComparisonDisplay:
        """Draw estimates with their intervals, points, the noise ceiling, and differences.

        A star under a model: better than 0. A bracket over two: they differ.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : ModelComparisonDisplay
        """
        self.ax_ = ax = make_axes(ax)
        self.figure_ = ax.figure
        tidy(ax)
        table, x = self.table, np.arange(len(self.table))
        if "ceiling_low" in table:
            low, high = table[["ceiling_low", "ceiling_high"]].iloc[0]
            ax.axhspan(low, high, color=FAINT, linewidth=0, zorder=0)
            ax.text(
                1.01, (low + high) / 2, "noise\nceiling", color=INK, va="center",
                transform=ax.get_yaxis_transform(),
            )  # fmt: skip
        self._draw_points(ax, x)
        for k, row in enumerate(table.to_dict("records")):
            ax.errorbar(
                k, row["estimate"], np.abs([[row["estimate"] - row["ci_low"]],
                                            [row["ci_high"] - row["estimate"]]]),
                fmt="o", color=PALETTE[k % len(PALETTE)], markersize=8, linewidth=2, zorder=3,
            )  # fmt: skip
        ax.axhline(0, color=INK, linewidth=0.8, zorder=1)
        ax.set(ylabel=self.ylabel, xlim=(-0.6, len(x) - 0.4))
        many = len(x) > 4 or max(len(str(n)) for n in table.index) > 8
        ax.set_xticks(x, table.index, rotation=30 if many else 0, ha="right" if many else "center")
        self._mark(ax)
        return self

    def _draw_points(self, ax, x):
        if self.points is None:
            return
        shift = np.linspace(-0.16, 0.16, self.points.shape[1]) if self.points.shape[1] > 1 else [0]
        for column, moved in zip(self.points.T, shift, strict=True):
            ax.plot(x + moved, column, color=FAINT, linewidth=0.6, zorder=1)
        for k, row in enumerate(self.points):
            color = PALETTE[k % len(PALETTE)]
            ax.plot(k + shift, row, "o", color=color, markersize=3, alpha=0.45, zorder=2)

    def _mark(self, ax):
        """Stars under models better than 0, brackets over pairs that differ."""
        names = list(map(str, self.table.index))
        low, high = ax.get_ylim()
        step = 0.06 * (high - low)
        for name in self.above_zero_:
            ax.text(names.index(name), low - 0.2 * step, "*", ha="center", va="top", color=INK)
        pairs = [(names.index(a), names.index(b)) for a, b in self.different_]
        rows: list[list[tuple[int, int]]] = []
        for pair in sorted(pairs, key=lambda p: (p[1] - p[0], p[0])):
            row = next(
                (r for r in rows if all(p[1] <= pair[0] or pair[1] <= p[0] for p in r)), None
            )
            if row is None:
                rows.append(row := [])
            row.append(pair)
            y = high + step * (rows.index(row) + 0.2)
            ends = pair[0] + 0.06, pair[1] - 0.06
            ax.plot([ends[0], *ends, ends[1]], [y - step / 4, y, y, y - step / 4],
                    color=INK, linewidth=0.9)  # fmt: skip
        ax.set_ylim(low - step, high + step * (len(rows) + 0.5))
