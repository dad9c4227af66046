"""The report: one self-contained HTML page, and its tables as CSV."""

from neuroselect.report._write import write_report

__all__ = ["write_report"]
