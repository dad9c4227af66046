"""A progress bar that is there only when asked for."""

from __future__ import annotations

import sys

from tqdm import tqdm


def progress_bar(verbose, total: int, unit: str, description: str | None = None):
    """Return a tqdm bar on stderr, silent unless ``verbose``; use it in a ``with`` block."""
    return tqdm(
        total=total,
        unit=f" {unit}",
        desc=description,
        disable=not verbose,
        file=sys.stderr,
        unit_scale=True,
        mininterval=0.2,
    )
