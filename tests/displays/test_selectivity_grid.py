import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose

from neuroselect import LesionSelectivity, MultiTaskMLP, fit_many
from neuroselect.displays import SelectivityDisplay, SelectivityGridDisplay


@pytest.fixture(scope="module")
def trained():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.random((60, 4)), np.arange(60) % 3])
    y = X[np.arange(60), np.arange(60) % 3]
    base = [MultiTaskMLP((9, 7), max_iter=30, random_state=k) for k in range(2)]
    return fit_many(base, X, y), X, y


def test_layers_and_pairs_in_one_call(trained):
    nets, X, y = trained
    display = SelectivityGridDisplay.from_networks(nets, X, y).plot()
    assert display.shares.shape == (2, 3, 10)
    assert display.axes_.shape == (2, 3)
    for layer in range(2):
        fitted = [LesionSelectivity(net, layer=layer, prefit=True).fit(X, y) for net in nets]
        for pair, names in enumerate([("0", "1"), ("0", "2"), ("1", "2")]):
            values = np.concatenate([each.relative_importance_[:, pair] for each in fitted])
            alone = SelectivityDisplay.from_arrays(values)
            assert_allclose(display.shares[layer, pair], alone.shares)
            assert display.nan_shares[layer, pair] == np.isnan(values).mean()
            assert display.displays[layer][pair].task_pair == names
            ax = display.axes_[layer, pair]
            assert ax.get_title(loc="left") == f"hidden layer {layer + 1}"
            text = ax.texts[0].get_text()
            assert text == f"important to neither: {np.isnan(values).mean():.1%}"
    assert len({ax.get_ylim() for ax in display.axes_.flat}) == 1
    plt.close("all")


def test_estimators_pairs_inputs_and_given_axes(trained):
    nets, X, y = trained
    fitted = [LesionSelectivity(nets[0], layer=k, prefit=True).fit(X, y) for k in (1, "input", 0)]
    display = SelectivityGridDisplay.from_estimators(fitted, pairs=[2])
    assert display.layers == ["input", "hidden layer 1", "hidden layer 2"]
    assert display.shares.shape == (3, 1, 10)
    _, axes = plt.subplots(3)
    assert display.plot(axes).axes_[2, 0] is axes[2]
    _, ax = plt.subplots()
    one = SelectivityGridDisplay.from_estimators(fitted[0], pairs=[0], n_bins=4).plot(ax)
    assert one.ax_ is ax
    assert one.shares.shape == (1, 1, 4)
    taylor = SelectivityGridDisplay.from_networks(
        nets[0], X, y, layers=[0], settings={"method": "taylor"}
    )
    assert taylor.shares.shape == (1, 3, 10)
    plt.close("all")


def test_errors(trained):
    nets, X, y = trained
    one = LesionSelectivity(nets[0], prefit=True).fit(X, y)
    rows = X[:, -1] < 2
    other = LesionSelectivity(nets[0], prefit=True).fit(X[rows], y[rows])
    for wrong in ([], [one, other]):
        with pytest.raises(ValueError, match="all with the same pairs of tasks, got"):
            SelectivityGridDisplay.from_estimators(wrong)
    with pytest.raises(ValueError, match="one row for each of the layers"):
        SelectivityGridDisplay([], ["hidden layer 1"])
    with pytest.raises(ValueError, match="ax must hold 1 x 3 axes, got 1"):
        SelectivityGridDisplay.from_estimators(one).plot(plt.figure().gca())
    plt.close("all")
