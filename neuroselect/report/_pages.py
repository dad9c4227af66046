"""Which page belongs to which study."""

from __future__ import annotations

from neuroselect.report import (
    _page_arithmetic,
    _page_continual,
    _page_digits,
    _page_rich_lazy,
)
from neuroselect.report._content import Page
from neuroselect.studies import Study
from neuroselect.studies._arithmetic_measures import measure_arithmetic
from neuroselect.studies._continual_measures import measure_continual
from neuroselect.studies._digit_measures import measure_digits
from neuroselect.studies._two_features import measure_two_features

# by what makes the result that the page shows
PAGES = {
    measure_two_features: _page_rich_lazy.PAGE,
    measure_digits: _page_digits.PAGE,
    measure_arithmetic: _page_arithmetic.PAGE,
    measure_continual: _page_continual.PAGE,
}


def page_of(study: Study) -> Page:
    """Return the page that shows the results of a study."""
    if study.measure not in PAGES:
        raise ValueError(
            f"There is no report on studies measured by {study.measure!r}, as {study.name!r} is."
            f" There is one for {', '.join(f.__name__ for f in PAGES)}; use run_study otherwise."
        )
    return PAGES[study.measure]
