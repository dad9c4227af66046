"""p-values of evaluate where there is no effect: the simulations of docs/inference.md."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, kstest

ROOT = Path(__file__).parents[2]
SAFE = ["subjects_zero", "conditions_zero", "both_zero"]
UNIFORM = ["permuted", "permuted_cosine", "subjects_zero_corr", "subjects_pair", "networks_zero"]


@pytest.fixture(scope="module")
def calibration():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")  # as for a script in that folder
        return runpy.run_path(str(ROOT / "docs" / "inference_calibration.py"))


@pytest.mark.slow
@pytest.mark.parametrize("name", UNIFORM)
def test_p_values_are_uniform(calibration, name):
    p, spread = calibration["simulate"](calibration[name], 500, seed=11)
    # The t-test is approximate for few subjects: normal values, but estimated from samples.
    assert kstest(spread, "uniform").pvalue > 1e-4
    low, high = binom.interval(1 - 1e-4, 500, 0.055)
    assert low <= np.sum(p <= 0.05) <= high


@pytest.mark.slow
@pytest.mark.parametrize("name", SAFE)
def test_p_values_are_not_too_small(calibration, name):
    p, _ = calibration["simulate"](calibration[name], 500, seed=11)
    for level in (0.05, 0.1):
        assert np.sum(p <= level) <= binom.isf(1e-4, 500, level)


def test_cosines_of_positive_distances_are_no_test_against_zero(calibration):
    p, _ = calibration["simulate"](calibration["subjects_biased"], 10, seed=0)
    assert p.max() < 1e-3


def test_table_of_the_page(calibration):
    """Every simulation has its row, and its rates are those that the page claims."""
    page = (ROOT / "docs" / "inference.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if "%" in line and line[0] == "|"]
    tests = calibration["TESTS"]
    assert [row[0].removeprefix("| ") for row in rows] == list(tests)
    assert {test.__name__ for test in tests.values()} == {*SAFE, *UNIFORM, "subjects_biased"}
    for row, test in zip(rows[:-1], tests.values(), strict=False):
        for cell, level in zip(row[1:3], (0.05, 0.1), strict=True):
            low, high = binom.interval(1 - 1e-4, 1000, level)
            share = 10 * float(cell.removesuffix(" %"))
            assert share <= high
            assert share >= low or test.__name__ in SAFE
