"""What a report is made of."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from neuroselect.report._words import number, with_interval

if TYPE_CHECKING:
    import pandas as pd

STYLE = {
    "font.size": 10.5,
    "axes.labelsize": 10.5,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.fontsize": 10,
    "svg.fonttype": "path",
    "svg.hashsalt": "neuroselect",
    "savefig.dpi": 200,
}


@dataclass(frozen=True)
class Figure:
    """A Display with its heading, its caption, and a text for those who cannot see it."""

    name: str
    display: Any
    title: str
    alt: str
    caption: str
    size: tuple[float, float] = (4.2, 3.3)  # inches
    projection: str | None = None
    options: dict[str, Any] = field(default_factory=dict)  # of the Display's `plot`

    def draw(self) -> str:
        """Draw as SVG, and return a data URI."""
        import matplotlib
        from matplotlib.figure import Figure as Canvas

        with matplotlib.rc_context(STYLE):
            canvas = Canvas(figsize=self.size, layout="constrained")
            axes = canvas.add_subplot(projection=self.projection)
            self.display.plot(axes, **self.options)
            stream = io.BytesIO()
            canvas.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
        text = base64.b64encode(stream.getvalue()).decode("ascii")
        return f"data:image/svg+xml;base64,{text}"


@dataclass(frozen=True)
class Column:
    """A column of a table: its header, where the numbers are, and how they are written."""

    header: str
    key: str
    spec: str = ""
    half_width: str | None = None  # column with half the width of the interval

    def cell(self, row: dict[str, Any]) -> str:
        """Write one cell."""
        value = row[self.key]
        if isinstance(value, str):
            return value
        if self.half_width is None:
            return number(value, self.spec)
        return with_interval(value, row[self.half_width], self.spec)


@dataclass(frozen=True)
class Table:
    """Numbers, on the page to a few digits and in the CSV file to all of them."""

    name: str
    caption: str
    columns: list[Column]
    frame: pd.DataFrame
    folded: bool = False

    @property
    def file(self) -> str:
        """Path of the CSV file, relative to the page."""
        return f"tables/{self.name}.csv"

    def cells(self) -> list[list[str]]:
        """Return the rows as they are written on the page."""
        records = self.frame.to_dict("records")
        return [[column.cell(record) for column in self.columns] for record in records]

    def csv(self) -> str:
        """Return the text of the CSV file: the page's columns, in full precision."""
        keys = []
        for column in self.columns:
            keys += [column.key] + ([column.half_width] if column.half_width else [])
        return self.frame[keys].to_csv(index=False, lineterminator="\n")


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    anchor: str
    title: str
    text: list[str]
    code: str = ""
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    figures_in_row: int = 2  # where the window is wide enough


@dataclass(frozen=True)
class Page:
    """What the page on a study is made of, from the study's result."""

    findings: Callable[[Any], list[str]]  # the main numbers, one sentence each
    sections: tuple[Callable[[Any], Section | None], ...]  # None where there is nothing to show
    networks: Callable[[Any], Table]  # one row per network
    size: Callable[[Any], str]  # how large the run was, for a quick look
    varied: tuple[str, ...]  # parameters in which the networks differ
