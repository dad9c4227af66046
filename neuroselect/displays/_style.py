"""What all displays share: colours, axes, and labels that keep out of each other's way."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Told apart with any kind of colour vision, and dark enough to write with on white.
PALETTE = ("#0072B2", "#C04A00", "#007A5E", "#8A3F94", "#6B6B6B", "#7A6200", "#B0306A")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK = "#222222"
FAINT = "#D9D9D9"


def make_axes(ax, *, figsize=(4.6, 3.6), projection=None):
    """Return the axes given, or those of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, ax = plt.subplots(
        figsize=figsize, layout="constrained", subplot_kw={"projection": projection}
    )
    return ax


def tidy(ax, *, grid=None) -> None:
    """Leave the axis lines that carry a scale."""
    ax.spines[["top", "right"]].set_visible(False)
    if grid is not None:
        ax.grid(axis=grid, color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)


def spread(positions: ArrayLike, gap: float) -> NDArray[np.float64]:
    """Move positions apart as little as needed for neighbours to be `gap` away.

    Overlapping labels form blocks, and each block is centred on the mean of its positions.

    Examples
    --------
    >>> spread([0.0, 0.1, 5.0], gap=1.0)
    array([-0.45,  0.55,  5.  ])
    """
    positions = np.asarray(positions, dtype=np.float64)
    order = np.argsort(positions, kind="stable")
    blocks: list[list[float]] = []
    for position in positions[order]:
        blocks.append([position])
        while len(blocks) > 1 and _touch(blocks[-2], blocks[-1], gap):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    moved = np.empty_like(positions)
    moved[order] = np.concatenate([_laid_out(block, gap) for block in blocks])
    return moved


def _laid_out(block, gap):
    return np.mean(block) + gap * (np.arange(len(block)) - (len(block) - 1) / 2)


def _touch(lower, upper, gap):
    return _laid_out(upper, gap)[0] - _laid_out(lower, gap)[-1] < gap


def label_right(ax, texts: Sequence[str], y: ArrayLike, colors: Sequence[str]) -> None:
    """Write texts beside the right end of the axes, each as near to its `y` as there is room."""
    y = np.asarray(y, dtype=np.float64)
    to_axes = ax.transData + ax.transAxes.inverted()
    x = ax.get_xlim()[0]
    heights = to_axes.transform(np.column_stack([np.full(len(y), x), y]))[:, 1]
    line = 0.17 / (ax.get_position().height * ax.figure.get_size_inches()[1])  # of text, in axes
    for text, height, color in zip(texts, spread(heights, line), colors, strict=True):
        ax.text(1.03, height, text, color=color, transform=ax.transAxes, va="center")
