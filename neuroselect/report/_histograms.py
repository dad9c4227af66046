"""Histograms of relative importance as rows of a table."""

from __future__ import annotations

from itertools import pairwise

from neuroselect.displays import SelectivityDisplay
from neuroselect.report._content import Column


def histogram_columns(histogram: SelectivityDisplay) -> list[Column]:
    """Return the columns of the bins, and that of the units important to neither task."""
    bins = [
        Column(f"{low:+.1f} … {high:+.1f}".replace("-", "−"), f"bin_{k}", ".3f")
        for k, (low, high) in enumerate(pairwise(histogram.edges))
    ]
    return [*bins, Column("important to neither", "important_to_neither", ".3f")]


def histogram_cells(histogram: SelectivityDisplay) -> dict[str, float]:
    """Return the cells of one row in these columns."""
    cells = {f"bin_{k}": share for k, share in enumerate(histogram.shares)}
    return cells | {"important_to_neither": histogram.nan_share}
