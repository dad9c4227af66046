"""LesionCurveDisplay: the numbers it holds, and what it draws."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose

from neuroselect.displays import LesionCurveDisplay
from neuroselect.utils._score_curve import ScoreCurve


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_means_and_bands(rng):
    scores = rng.normal(size=(4, 50, 2))
    display = LesionCurveDisplay([0, 0.2, 0.5, 1], scores, ["A", "B"], coverage=0.8).plot()
    assert_allclose(display.means_, scores.mean(1))
    assert_allclose(display.low_[2, 1], np.percentile(scores[2, :, 1], 10))
    assert_allclose(display.high_[2, 1], np.percentile(scores[2, :, 1], 90))
    assert [line.get_label() for line in display.ax_.lines] == ["A", "B"]
    assert_allclose(display.ax_.lines[1].get_ydata(), scores[..., 1].mean(1))
    assert display.ax_.get_xlabel() == "share of units removed"


@pytest.mark.parametrize("lead", [(), (3,)])
def test_from_curve(rng, lead):
    scores = rng.normal(size=(*lead, 2, 5, 1))
    curve = ScoreCurve(x_name="noise_std", noise_std=np.array([0.0, 1.0]), scores=scores,
                       tasks=np.array([0]))  # fmt: skip
    display = LesionCurveDisplay.from_curve(curve, ylabel="accuracy")
    assert display.scores.shape == (2, 5 * (3 if lead else 1), 1)
    assert_allclose(display.means_[1, 0], scores[..., 1, :, 0].mean())
    axes = plt.figure().subplots()
    assert display.plot(axes).ax_ is axes
    assert axes.get_xlabel() == "standard deviation of the noise"


def test_errors():
    with pytest.raises(ValueError, match=r"scores must have shape .* got \(2, 3\)"):
        LesionCurveDisplay([0, 1], np.ones((2, 3)), ["A"])
    with pytest.raises(ValueError, match="coverage must be from 0 to 1, got 90"):
        LesionCurveDisplay([0], np.ones((1, 3, 1)), ["A"], coverage=90)
