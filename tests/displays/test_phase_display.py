"""PhaseDisplay: the numbers it holds, and what it draws; outlines beside a histogram."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import t

from neuroselect.displays import PhaseDisplay, SelectivityDisplay

NAMES = {"phase_names": ["x", "y", "z"], "task_names": ["A", "B"]}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def scores(rng):
    return rng.uniform(size=(5, 3, 2))


def test_mean_and_t_interval(scores):
    mean, low, high = PhaseDisplay(scores, **NAMES).interval_
    half = t.ppf(0.975, 4) * scores.std(axis=0, ddof=1) / np.sqrt(5)
    assert_allclose(mean, scores.mean(axis=0))
    assert_allclose([low, high], [mean - half, mean + half])


def test_from_frame_whatever_the_order_of_rows(scores, rng):
    rows = [
        {"network": n, "phase": p, "a": scores[n, p, 0], "b": scores[n, p, 1]}
        for n, p in rng.permutation(list(np.ndindex(5, 3)))
    ]
    display = PhaseDisplay.from_frame(pd.DataFrame(rows), ["a", "b"], **NAMES)
    assert_array_equal(display.scores, scores)
    with pytest.raises(ValueError, match="one row for each network and phase: it has 14 rows for"):
        PhaseDisplay.from_frame(pd.DataFrame(rows[1:]), ["a", "b"], **NAMES)
    with pytest.raises(ValueError, match="it has 15 rows for 5 networks and 3 phases"):
        PhaseDisplay.from_frame(pd.DataFrame([*rows[1:], rows[1]]), ["a", "b"], **NAMES)


def test_drawn_data(scores):
    display = PhaseDisplay(scores, own_phase=[0, 2], chance=0.5, **NAMES)
    assert display.plot() is display
    ax = display.ax_
    assert display.figure_ is ax.figure
    lines = {line.get_label(): line for line in ax.lines}
    for k, name in enumerate("AB"):
        assert_allclose(lines[name].get_ydata(), scores[..., k].mean(axis=0))
        assert_allclose(lines[name].get_xdata(), [0, 1, 2], atol=0.06)
    rings = [line.get_ydata() for line in ax.lines if line.get_markersize() == 12]
    assert_allclose(np.ravel(rings), scores.mean(axis=0)[[0, 2], [0, 1]])
    clouds = [line for line in ax.lines if len(line.get_xdata()) == 15]
    assert_array_equal(clouds[1].get_ydata(), scores[..., 1].ravel())
    assert_array_equal(np.round(clouds[1].get_xdata()), np.tile([0, 1, 2], 5))
    assert any(list(line.get_ydata()) == [0.5, 0.5] for line in ax.lines)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["x", "y", "z"]
    assert [text.get_text() for text in ax.texts] == ["A", "B"]


def test_one_network_has_no_interval_and_one_task_no_offset(scores):
    _, ax = plt.subplots()
    display = PhaseDisplay(scores[:1, :, :1], phase_names=list("xyz"), task_names=["A"]).plot(ax)
    assert display.ax_ is ax
    assert not ax.collections  # error bars
    assert_array_equal(ax.lines[-1].get_xdata(), [0, 1, 2])


def test_bad_shapes(scores):
    with pytest.raises(ValueError, match=r"here \(n_networks, 3, 2\), got \(3, 2\)"):
        PhaseDisplay(scores[0], **NAMES)
    with pytest.raises(ValueError, match=r"got \(5, 2, 2\)"):
        PhaseDisplay(scores[:, :2], **NAMES)
    with pytest.raises(
        ValueError, match=r"a phase from 0 to 2 for each of the 2 tasks, got \[0, 3\]"
    ):
        PhaseDisplay(scores, own_phase=[0, 3], **NAMES)


def test_outline_beside_a_histogram():
    bars = SelectivityDisplay.from_arrays([-1.0, 0.1, 0.1, np.nan])
    outline = SelectivityDisplay.from_arrays([1.0, 1.0, 1.0, 1.0], task_pair=("long", "names"))
    bars.plot(beside=outline)
    (steps,) = [p for p in bars.ax_.patches if hasattr(p, "get_data")]
    assert_array_equal(steps.get_data().values, outline.shares)
    assert bars.ax_.get_ylim()[1] > outline.shares.max()
    assert bars.ax_.texts[0].get_text() == "important to neither: 25.0% (outline: 0.0%)"


@pytest.mark.parametrize(("pair", "n_lines"), [(("A", "B"), 1), (("magnitude", "parity"), 2)])
def test_long_names_go_on_a_line_of_their_own(pair, n_lines):
    ax = SelectivityDisplay.from_arrays([0.0], task_pair=pair).plot().ax_
    assert len(ax.get_xlabel().splitlines()) == n_lines
    assert f"−1: {pair[1]} only" in ax.get_xlabel()
