"""What the sections on digit tasks share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from neuroselect.report._content import Column
from neuroselect.report._words import listed, summarize, with_interval
from neuroselect.studies import DigitsResult

if TYPE_CHECKING:
    import pandas as pd

CONDITION = Column("training", "condition")
OVER = "Mean ± half the 95% t interval over networks"


def task_names(result: DigitsResult) -> list[str]:
    """Names of the tasks, in their order."""
    return list(result.trials.task_names)


def conditions_of(frame: pd.DataFrame) -> list[str]:
    """Kinds of training, in their order."""
    return list(dict.fromkeys(frame["condition"]))


def summarize_kinds(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Mean and interval of each column for each kind of training, in their order."""
    return summarize(frame, columns, "condition", sort=False)


def mean_column(header: str, key: str, spec: str) -> Column:
    """Return a column of means with their intervals."""
    return Column(header, key, spec, f"{key}_ci95")


def told(row: Any, measure: str, names: Sequence[str], spec: str = ".3f") -> str:
    """Say a measure of each task, from a row of a summary."""
    return listed(
        f"{with_interval(row[f'{measure}_{n}'], row[f'{measure}_{n}_ci95'], spec)} ({n})"
        for n in names
    )


def told_kinds(summary: pd.DataFrame, column: str, spec: str) -> str:
    """Say a measure of each kind of training."""
    return listed(
        f"{with_interval(row[column], row[f'{column}_ci95'], spec)} ({row['condition']})"
        for row in summary.to_dict("records")
    )


def n_networks(result: DigitsResult) -> str:
    """Say how many networks there are of each kind."""
    count = result.measures["network"].nunique()
    return f"{count} network{'s' if count > 1 else ''}"


def slug(condition: str) -> str:
    """Return a kind of training as a part of a name."""
    return condition.replace(" ", "-").lower()
