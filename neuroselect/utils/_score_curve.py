"""Scores along an axis, as arrays and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch

if TYPE_CHECKING:
    import pandas as pd


class ScoreCurve(Bunch):
    """Scores (..., n_points, n_repeats, n_tasks) at points along an axis called ``x_name``.

    The points are under that name, as in ``curve.share``; further arrays of one value for each
    point may be beside them.
    """

    def to_frame(self) -> pd.DataFrame:
        """Return the scores as a long table: (network,) point, repeat, task, score."""
        import pandas as pd

        *lead, _, n_repeats, _ = self.scores.shape
        axes = {"network": np.arange(lead[0])} if lead else {}
        axes |= {
            self.x_name: self[self.x_name],
            "repeat": np.arange(n_repeats),
            "task": self.tasks,
        }
        index = pd.MultiIndex.from_product(list(axes.values()), names=list(axes))
        return pd.DataFrame({"score": self.scores.ravel()}, index=index).reset_index()


def stack_curves(curves: list[ScoreCurve]) -> ScoreCurve:
    """One curve of several networks: scores get a leading axis."""
    if not curves:
        raise ValueError("estimator is an empty list; pass at least one fitted network.")
    stacked = ScoreCurve(**curves[0])
    for key, value in stacked.items():
        if key in ("scores", "intact_scores"):
            continue
        if any(not np.array_equal(curve[key], value) for curve in curves):
            raise ValueError(f"The estimators differ in their {key}: compare them one by one.")
    for key in ("scores", "intact_scores"):
        stacked[key] = np.stack([curve[key] for curve in curves])
    return stacked
