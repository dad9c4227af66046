"""Sentences and summaries computed from numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.utils._intervals import mean_interval

if TYPE_CHECKING:
    import pandas as pd


def scales_shown(scales: ArrayLike) -> NDArray[np.float64]:
    """Return the smallest scale, the middle one and the largest."""
    scales = np.unique(scales)
    return scales[np.unique([0, len(scales) // 2, len(scales) - 1])]


def summarize(
    frame: pd.DataFrame,
    columns: Sequence[str],
    by: str | Sequence[str] = "init_scale",
    *,
    sort: bool = True,
) -> pd.DataFrame:
    """Mean of each column at each scale, and half the width of its 95% t interval.

    Missing values are left out; the half width is in the column `<column>_ci95`. With
    ``sort=False``, groups come in the order of their first rows.
    """
    import pandas as pd

    by, rows = [by] if isinstance(by, str) else list(by), []
    for key, group in frame.groupby(by, sort=sort):
        row = dict(zip(by, key, strict=True))
        for column in columns:
            values = group[column].dropna()
            mean, low, high = mean_interval(values) if len(values) else (np.nan,) * 3
            row[column], row[f"{column}_ci95"] = float(mean), float(high - low) / 2
        rows.append(row)
    return pd.DataFrame(rows)


def change(summary: pd.DataFrame, column: str, spec: str, by: str = "init_scale") -> str:
    """Say how a measure changes from the smallest scale to the largest.

    Examples
    --------
    >>> import pandas as pd
    >>> summary = pd.DataFrame({"init_scale": [0.01, 3], "x": [60.2, 20], "x_ci95": [2.0, 3.0]})
    >>> change(summary, "x", ".1f")
    'falls from 60.2 ± 2.0 at scale 0.01 to 20.0 ± 3.0 at scale 3'
    """
    first, last = summary.iloc[0], summary.iloc[-1]
    ends = [
        f"{with_interval(row[column], row[f'{column}_ci95'], spec)} at scale {row[by]:g}"
        for row in (first, last)
    ]
    difference = last[column] - first[column]
    reach = first[f"{column}_ci95"] + last[f"{column}_ci95"]
    if np.isnan(reach):
        return f"goes from {ends[0]} to {ends[1]} (one network at each scale: no intervals)"
    if abs(difference) <= reach:
        return f"is {ends[0]} and {ends[1]} (the 95% intervals overlap)"
    return f"{'rises' if difference > 0 else 'falls'} from {ends[0]} to {ends[1]}"


def number(value: float, spec: str) -> str:
    """Write a number with a proper minus, no negative zero, and a dash where there is none.

    Examples
    --------
    >>> number(-0.001, ".2f"), number(-12, "d"), number(float("nan"), ".2f")
    ('0.00', '−12', '–')
    """
    if np.isnan(value):
        return "–"
    text = format(value, spec)
    if text.startswith("-"):
        text = ("−" if float(text) else "") + text[1:]
    return text


def with_interval(mean: float, half_width: float, spec: str) -> str:
    """Write a mean and half the width of its interval, where it has one.

    With a general format ("g") both have the decimals that show two digits of the half width.

    Examples
    --------
    >>> with_interval(24.63, 0.548, ".3g"), with_interval(0.5, float("nan"), ".2f")
    ('24.63 ± 0.55', '0.50')
    """
    if np.isnan(half_width):
        return number(mean, spec)
    if spec.endswith("g") and half_width > 0:
        spec = f".{max(0, 1 - int(np.floor(np.log10(half_width))))}f"
    return f"{number(mean, spec)} ± {number(half_width, spec.removeprefix('+'))}"


def listed(items: Sequence[str]) -> str:
    """Join as in a sentence.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    items = list(items)
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def duration(seconds: float) -> str:
    """Write a time.

    Examples
    --------
    >>> duration(75.2)
    '1 min 15 s'
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
