"""ChoiceMatrixDisplay and PsychometricDisplay: the numbers they hold, and what they draw."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose

from neuroselect.behavior import choice_curves, fit_sigmoids
from neuroselect.displays import ChoiceMatrixDisplay, PsychometricDisplay


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def groups(rng):
    return {"blocked": rng.random((6, 2, 4, 4)), "interleaved": rng.random((5, 2, 4, 4))}


def test_matrices_are_group_means_task_beside_task(groups):
    display = ChoiceMatrixDisplay(groups, levels=[1, 2, 3, 4], task_names=["N", "S"]).plot()
    assert display.axes_.shape == (2, 2)
    for row, group in enumerate(groups.values()):
        for task in range(2):
            image = display.axes_[row, task].images[0]
            assert_allclose(image.get_array(), group[:, task].mean(axis=0))
            assert image.get_clim() == (0, 1)
            assert image.origin == "lower"  # the first axis of the grid goes upwards
    assert [panel.get_title() for panel in display.axes_[0]] == ["N", "S"]
    assert display.axes_[1, 0].get_ylabel() == "interleaved\nleafiness"
    assert display.axes_[1, 1].get_xlabel() == "branchiness"
    assert display.colorbar_.ax.get_ylabel() == "share of accept choices"
    signs = ChoiceMatrixDisplay(groups["blocked"], levels=[-2, -1, 1, 2]).plot()
    assert [t.get_text() for t in signs.axes_[0, 0].get_xticklabels()] == ["−2", "−1", "1", "2"]


def test_one_group_in_given_axes(groups):
    axes = plt.figure().subplots()
    display = ChoiceMatrixDisplay(groups["blocked"]).plot(axes)
    assert display.ax_ is axes
    assert display.figure_ is axes.figure
    assert display.axes_[0, 0].get_ylabel() == "leafiness"
    assert display.levels.tolist() == [-1.5, -0.5, 0.5, 1.5]


def test_psychometric_curves(groups):
    display = PsychometricDisplay.from_matrices(groups).plot()
    curves = choice_curves(groups["interleaved"])
    assert_allclose(display.intervals_["interleaved"].mean, curves.mean(axis=0))
    fit = fit_sigmoids(curves.mean(axis=0))
    assert_allclose(display.fits_["interleaved"].slope, fit.slope)
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == [
        "blocked relevant", "blocked irrelevant", "interleaved relevant", "interleaved irrelevant",
    ]  # fmt: skip
    lines = [line for line in display.ax_.lines if len(line.get_xdata()) == 200]
    assert len(lines) == 4
    z = np.array([-1.5, 1.5]) / np.std([-1.5, -0.5, 0.5, 1.5])
    expected = 1 / (1 + np.exp(-(fit.slope[0] * z + fit.intercept[0])))
    assert_allclose(lines[2].get_ydata()[[0, -1]], expected)


def test_one_subject_has_no_interval(groups):
    axes = plt.figure().subplots()
    curves = choice_curves(groups["blocked"])[:1]
    display = PsychometricDisplay(curves, levels=[0, 1, 2, 5]).plot(axes)
    assert display.ax_ is axes
    assert np.isnan(display.intervals_[""].low).all()
    assert_allclose(display.fits_[""].slope, fit_sigmoids(curves[0], [0, 1, 2, 5]).slope)


def test_errors(groups):
    with pytest.raises(ValueError, match=r"levels must hold 4 levels, .* got 5, 2 and 2"):
        ChoiceMatrixDisplay(groups, levels=range(5))
    with pytest.raises(ValueError, match="task_names and feature_names two names, got 4, 1 and 2"):
        ChoiceMatrixDisplay(groups, task_names=["A"])
    with pytest.raises(ValueError, match="the same number of levels, got shapes"):
        ChoiceMatrixDisplay(groups | {"other": np.zeros((1, 2, 5, 5))})
    with pytest.raises(ValueError, match="shares of accept choices from 0 to 1, got 3"):
        PsychometricDisplay.from_matrices(np.full((1, 2, 5, 5), 3))
    with pytest.raises(ValueError, match=r"curves must have shape .* got \[\(2, 4\)\]"):
        PsychometricDisplay(np.zeros((2, 4)))
