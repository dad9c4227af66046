"""Labels of volumes, in the forms in which they come."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroselect.datasets._file_format import FileContentError, reading, require_format
from neuroselect.datasets._read_table import read_table

if TYPE_CHECKING:
    import pandas as pd


def read_labels(path: Path, labels: Any, n_volumes: int) -> pd.DataFrame:
    """Return a table with one row per volume of the image at `path`."""
    import pandas as pd

    if labels is None:
        return pd.DataFrame(index=pd.RangeIndex(n_volumes))
    source = "labels"
    if isinstance(labels, (str, os.PathLike)):
        source, table = str(labels), _from_file(Path(labels), n_volumes)
    elif isinstance(labels, pd.DataFrame):
        table = labels.reset_index(drop=True)
    elif isinstance(labels, dict):
        table = pd.DataFrame(labels)
    else:
        values = np.asarray(labels)
        if values.ndim != 1:
            raise ValueError(f"labels must have shape (n_volumes,), got {values.shape}.")
        table = pd.DataFrame({"label": values})
    if len(table) != n_volumes:
        raise FileContentError(
            f"{source} must have one row per volume of {path}, {n_volumes}, got {len(table)}."
        )
    return table


def _from_file(path: Path, n_volumes: int) -> pd.DataFrame:
    if require_format(path, ("csv", "parquet")) == "parquet":
        return read_table(path)
    with reading(path, "a text file"):
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    if any(separator in lines[0] for separator in ",;\t"):
        return read_table(path)
    rows = [line.split() for line in lines if line.strip()]
    if len({len(row) for row in rows}) != 1:
        raise FileContentError(
            f"{path} must have as many words in each line, got"
            f" {sorted({len(row) for row in rows})}."
        )
    return _of_words(path, rows, n_volumes)


def _of_words(path: Path, rows: list[list[str]], n_volumes: int) -> pd.DataFrame:
    """Return the columns `label` and `run`, or those that the first row names."""
    import pandas as pd

    names = ["label", "run"][: len(rows[0])]
    below = [set(column) for column in zip(*rows[1:], strict=True)]
    named = len(rows) == n_volumes + 1 and not any(
        word in column or _is_number(word) for word, column in zip(rows[0], below, strict=True)
    )
    if named:
        names, rows = rows[0], rows[1:]
    if len(set(names)) != len(rows[0]):
        raise FileContentError(
            f"{path} must have one or two words per line, a label and a run, or different names in"
            f" its first line, got {len(rows[0])} words. Save other tables as CSV with names."
        )
    table = pd.DataFrame(rows, columns=names)
    for name in names:
        if table[name].map(_is_number).all():
            table[name] = pd.to_numeric(table[name])
    return table


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
