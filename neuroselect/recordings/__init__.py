"""Recorded trials in one labelled container, whatever file they came from."""

from neuroselect.recordings._bin_time import bin_time
from neuroselect.recordings._container import check_container, is_long, make_container
from neuroselect.recordings._patterns import condition_patterns
from neuroselect.recordings._select import select

__all__ = [
    "bin_time",
    "check_container",
    "condition_patterns",
    "is_long",
    "make_container",
    "select",
]
