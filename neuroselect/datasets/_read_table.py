"""CSV and Parquet files as tables, as strict as can be."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuroselect.datasets._file_format import (
    WORDS,
    FileContentError,
    reading,
    require_format,
)
from neuroselect.utils._optional import import_optional

if TYPE_CHECKING:
    import pandas as pd

# pandas would also take None, null and n/a for missing, which may be names of conditions.
MISSING = ["", "NA", "NaN", "nan"]


def read_table(path: Path) -> pd.DataFrame:
    """Return the table of a CSV or Parquet file.

    Raises
    ------
    ValueError
        If the file is of another format or damaged, rows have different lengths, columns have
        the same name, or there are no rows.
    """
    found = require_format(path, ("csv", "parquet"))
    table = _read_parquet(path) if found == "parquet" else _read_csv(path)
    if not len(table):
        raise FileContentError(f"{path} must have at least one row below the names of columns.")
    return table


def _read_parquet(path: Path) -> pd.DataFrame:
    parquet = import_optional("pyarrow.parquet", "parquet", f"Reading {path.name}")
    with reading(path, WORDS["parquet"]):
        content = parquet.ParquetFile(path).read()
        _check_names(path, content.column_names)
        table = content.to_pandas()
    named = [name for name in table.index.names if name is not None]
    return table.reset_index(drop=not named)


def _read_csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    with reading(path, WORDS["csv"]), open(path, newline="", encoding="utf-8-sig") as stream:
        header = stream.readline()
        separator = max(",\t;", key=header.count)
        stream.seek(0)
        rows = csv.reader(stream, delimiter=separator, strict=True)
        names = next(rows)
        _check_names(path, names)
        for row in rows:
            if row and len(row) != len(names):
                raise FileContentError(
                    f"{path} must have {len(names)} entries in each row, as in the first, got"
                    f" {len(row)} in line {rows.line_num}. Is it complete?"
                )
    # Before 3.1 the default was fast and wrong in the last digit.
    exact = {"float_precision": "round_trip"} if _version(pd) < (3, 1) else {}
    with reading(path, WORDS["csv"]), warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            path,
            sep=separator,
            encoding="utf-8-sig",
            index_col=False,
            keep_default_na=False,
            na_values=MISSING,
            **exact,
            low_memory=False,
            skip_blank_lines=len(names) > 1,  # in one column a blank line is a missing value
        )


def _version(module: Any) -> tuple[int, int]:
    major, minor = module.__version__.split(".")[:2]
    return int(major), int(minor)


def _check_names(path: Path, names: list[str]) -> None:
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise FileContentError(
            f"{path} must have different names of columns, got {twice} more than once."
        )
    if any(not name for name in names):
        raise FileContentError(
            f"{path} must have a name for each column, got none for column {names.index('')}."
        )
