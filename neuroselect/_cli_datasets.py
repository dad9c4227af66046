"""The commands ``neuroselect datasets`` and ``neuroselect fetch``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def add_parsers(commands: argparse._SubParsersAction) -> None:
    """Add the parsers of both commands."""
    datasets = commands.add_parser(
        "datasets",
        help="list the public data sets and say which are there",
        description=(
            "List the public data sets that can be fetched, their sizes and which of them are in"
            " the data folder, with their hashes checked. Nothing is downloaded."
        ),
    )
    datasets.add_argument("--files", action="store_true", help="list files and addresses, too")
    fetch = commands.add_parser(
        "fetch",
        help="download a public data set",
        description=(
            "Download the files of public data sets that are not in the data folder yet, check"
            " the hashes of all of them, and print their paths."
        ),
    )
    fetch.add_argument("names", nargs="+", metavar="NAME", help="see neuroselect datasets")
    for command in (datasets, fetch):
        command.add_argument(
            "--data-home",
            metavar="FOLDER",
            help="data folder (default: $NEUROSELECT_DATA, else the platform's cache folder)",
        )


def run_datasets(arguments: argparse.Namespace) -> None:
    """Print the data sets."""
    from neuroselect.datasets import get_data_home, list_datasets

    files = list_datasets(data_home=arguments.data_home)
    groups = list(files.groupby("dataset", sort=False))
    lines = [
        (name, f"{_size(rows['n_bytes'].sum()):>8}", _state(rows), rows["title"].iloc[0])
        for name, rows in groups
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    print(f"Data folder: {get_data_home(arguments.data_home)}")
    for line, (_, rows) in zip(lines, groups, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        print("  ".join([*cells, line[3]]))
        if arguments.files:
            for row in rows.itertuples():
                print(f"    {row.file} ({_size(row.n_bytes)}, {row.state}) {row.url}")
    damaged = files.loc[files["state"] == "damaged", "file"].tolist()
    if damaged:
        print(f"Delete what is damaged to have it downloaded again: {', '.join(damaged)}")


def run_fetch(arguments: argparse.Namespace) -> None:
    """Fetch data sets and print the paths of their files."""
    from neuroselect.datasets import fetch_files

    for name in arguments.names:
        for path in fetch_files(name, data_home=arguments.data_home):
            print(path, flush=True)


def _state(rows: pd.DataFrame) -> str:
    states = set(rows["state"])
    if "damaged" in states:
        return "damaged"
    return states.pop() if len(states) == 1 else "incomplete"


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e5 else f"{n_bytes / 1e3:.1f} kB"


COMMANDS = {"datasets": run_datasets, "fetch": run_fetch}
LEFT = {"datasets": "nothing was changed", "fetch": "files that are complete are kept"}
