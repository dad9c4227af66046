"""p-values are uniform where there is no effect: the simulations of docs/geometry.md."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, kstest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "geometry_calibration.py"


@pytest.fixture(scope="module")
def calibration():
    return runpy.run_path(str(SCRIPT))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ccgp", "parallelism", "shattering", "cross_task"])
def test_p_values_are_uniform(calibration, name):
    p, spread = calibration["simulate"](calibration[name], 500, seed=11)
    # Accuracies tie now and then; ties count as extreme, which errs on the safe side only.
    assert kstest(spread, "uniform").pvalue > 1e-3
    low, high = binom.interval(1 - 1e-4, 500, 0.05)
    assert low <= np.sum(p <= 0.05) <= high


@pytest.mark.parametrize("permute", ["variable", "task"])
def test_angles_between_axes_are_not_too_often_significant(calibration, permute):
    test, rngs = calibration["axis_angle"], [np.random.default_rng(k) for k in range(20)]
    p = np.array([test(rng, k, permute) for k, rng in enumerate(rngs)])
    assert kstest(p - 0.5 / 40, "uniform").pvalue > 1e-4


def test_table_of_the_page(calibration):
    """Every simulation has its row, and its rates are those of a calibrated test."""
    page = (ROOT / "docs" / "geometry.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| `") and "%" in line]
    rows = [line.split(" | ") for line in lines]
    assert [row[0].removeprefix("| ") for row in rows] == list(calibration["TESTS"])
    for row in rows:
        for cell, level in zip(row[1:3], (0.05, 0.1), strict=True):
            low, high = binom.interval(1 - 1e-4, 1000, level)
            assert low <= 10 * float(cell.removesuffix(" %")) <= high
