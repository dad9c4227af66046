"""Recorded trials in one labelled container, whatever file they came from."""

from neuroselect.recordings._container import check_container, is_long, make_container
from neuroselect.recordings._select import select

__all__ = ["check_container", "is_long", "make_container", "select"]
