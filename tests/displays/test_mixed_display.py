import matplotlib.pyplot as plt
import numpy as np
import pytest

from neuroselect.datasets import make_recording
from neuroselect.displays import MixedSelectivityDisplay
from neuroselect.selectivity import MixedSelectivity


def test_counts_and_bars():
    recording = make_recording(n_units=40, random_state=0)
    mixed = MixedSelectivity().fit(recording, ["task", "stimulus", "choice"])
    display = MixedSelectivityDisplay.from_estimator(mixed).plot()
    for label, share in zip(display.labels, display.shares, strict=True):
        assert share == np.mean(mixed.unit_labels_ == label)
    assert display.shares.sum() == pytest.approx(1)
    assert display.labels[0] == "untuned"
    assert display.labels[-1] == "nonlinear mixed"
    assert [bar.get_width() for bar in display.bars_] == display.shares.tolist()
    assert display.ax_.get_xlabel() == "share of 40 units"
    _, ax = plt.subplots()
    assert display.plot(ax).ax_ is ax
    plt.close("all")


def test_errors():
    with pytest.raises(ValueError, match=r"labels of MixedSelectivity.*'silent'"):
        MixedSelectivityDisplay.from_labels(["silent"])
    with pytest.raises(ValueError, match="got none"):
        MixedSelectivityDisplay.from_labels([])
