"""The command ``neuroselect inspect``."""

from __future__ import annotations

import argparse


def add_parsers(commands) -> None:
    """Add the command to those of the command line."""
    parser = commands.add_parser(
        "inspect",
        help="say what a file with a recording contains and what a report needs",
        description=(
            "Say what a MATLAB, NWB, NIfTI, CSV, Parquet or HDF5 file contains: variables with"
            " their shapes, columns that can be the task or a factor, events, and the options"
            " that a report needs."
        ),
    )
    parser.add_argument("file", metavar="FILE", help="file with a recording")


def inspect(arguments: argparse.Namespace) -> None:
    """Print the description of a file."""
    from neuroselect.datasets import inspect_recording

    print(inspect_recording(arguments.file).text)


COMMANDS = {"inspect": inspect}
LEFT = {"inspect": "nothing was written"}
