"""What the figure of a model comparison shows."""

import numpy as np
import pytest

from neuroselect.displays import ModelComparisonDisplay
from neuroselect.rsa import model_comparison


@pytest.fixture
def result(rng):
    models = rng.uniform(size=(3, 45))
    rdms = models[0] + 0.2 * rng.normal(size=(12, 45))
    return model_comparison(
        models, rdms, names=["true", "b", "c"], comparison="corr", n_samples=200, random_state=0
    )


def test_it_marks_what_the_table_says(result):
    display = ModelComparisonDisplay.from_comparison(result).plot()
    table = result.table
    expected = [
        (a, b)
        for a, b in [("true", "b"), ("true", "c"), ("b", "c")]
        if table.loc[a, f"p_vs_{b}_corrected"] < 0.05
    ]
    assert display.different_ == expected
    assert {("true", "b"), ("true", "c")} <= set(expected)
    stars = [t for t in display.ax_.texts if t.get_text() == "*"]
    assert len(stars) == len(display.above_zero_)
    assert "true" in display.above_zero_
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == ["true", "b", "c"]
    dots = [line for line in display.ax_.lines if line.get_marker() == "o"]
    shown = {float(y) for line in dots for y in np.atleast_1d(line.get_ydata())}
    assert shown >= set(result.per_subject.ravel().tolist())
    low, high = display.ax_.get_ylim()
    assert low < min(table["ci_low"])
    assert high > max(table["ceiling_high"])


def test_without_points_or_ceiling(rng):
    models = rng.uniform(size=(2, 28))
    result = model_comparison(
        models, rng.uniform(size=(5, 28)), noise_ceiling=False, n_samples=20, n_permutations=19,
        random_state=0,
    )  # fmt: skip
    display = ModelComparisonDisplay.from_comparison(result, points=None).plot()
    assert not any("ceiling" in t.get_text() for t in display.ax_.texts)
    assert display.above_zero_ == []  # 20 values of p are too few for two models
    networks = ModelComparisonDisplay.from_comparison(result, points="network")
    assert networks.points.shape == (2, 1)


def test_bad_input(result):
    with pytest.raises(ValueError, match="points must have shape"):
        ModelComparisonDisplay(result.table, np.ones((2, 4)))
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1"):
        ModelComparisonDisplay(result.table, alpha=0)
    with pytest.raises(ValueError, match="points must be 'subject', 'network' or None"):
        ModelComparisonDisplay.from_comparison(result, points="rat")
