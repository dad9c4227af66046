"""Lesions of a convolutional network's channels and units, one by one through `readout`."""

import numpy as np
import pytest
import torch

from neuroselect import LesionSelectivity, MultiTaskCNNClassifier
from neuroselect._engine import _lesion
from neuroselect.datasets import make_digit_tasks

X, Y = make_digit_tasks(n_trials=150, random_state=0)
TASK = X[:, -1].astype(int)
SETTINGS = {"max_iter": 3, "learning_rate_init": 0.01, "random_state": 0}
NET = MultiTaskCNNClassifier((6, 5), context_layer=1, **SETTINGS).fit(X, Y)
TANH = MultiTaskCNNClassifier((6,), activation="tanh", padding="same", pool_size=1, **SETTINGS).fit(
    X, Y
)


def trial_losses(net, output):
    return -np.log(output[np.arange(len(Y)), np.searchsorted(net.classes_, Y)])


def clamps(H, lesion_value):
    """What each unit is clamped to, (n_trials, n_units)."""
    of_units = H.reshape(*H.shape[:2], -1).mean(2)
    if lesion_value == "zero":
        return np.zeros_like(of_units)
    if lesion_value == "mean":
        return np.broadcast_to(of_units.mean(0), of_units.shape)
    return np.array([of_units[k == TASK].mean(0) for k in range(4)])[TASK]


def one_by_one(net, layer, lesion_value):
    """Importances of all units, from losses through `activations` and `readout`."""
    H = net.activations(X, layer)
    value, intact = clamps(H, lesion_value), trial_losses(net, net.predict_proba(X))
    importances = np.empty((H.shape[1], 4))
    for unit in range(H.shape[1]):
        clamped = H.copy()
        clamped[:, unit] = value[:, unit].reshape(-1, *[1] * (H.ndim - 2))
        change = trial_losses(net, net.readout(clamped, X, layer)) - intact
        importances[unit] = [(change[k == TASK] ** 2).mean() for k in range(4)]
    return importances


@pytest.fixture(params=[False, True])
def in_blocks(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(_lesion, "CONV_TRIALS", 40)


@pytest.mark.parametrize("lesion_value", ["zero", "mean", "task_mean"])
@pytest.mark.parametrize("layer", [0, 1, 2, 3, -1])
@pytest.mark.usefixtures("in_blocks")
def test_lesions_equal_clamping_one_by_one(layer, lesion_value):
    lesions = LesionSelectivity(NET, layer=layer, lesion_value=lesion_value, prefit=True)
    lesions.fit(X, Y)
    expected = one_by_one(NET, layer, lesion_value)
    np.testing.assert_allclose(lesions.importances_, expected, rtol=1e-9, atol=1e-15)
    assert lesions.layer_ == layer % 4
    assert lesions.importances_.shape == ([4, 12, 6, 5][layer], 4)


def gradients(net, layer):
    """Gradient of each trial's loss by the activity of a layer, by autograd."""
    H = net.activations(X, layer)
    h = torch.tensor(H, requires_grad=True)
    value = h
    for k in range(layer + 1, len(net.conv_coefs_)):
        z = torch.nn.functional.conv2d(
            value,
            torch.tensor(net.conv_coefs_[k]),
            torch.tensor(net.conv_intercepts_[k]),
            padding=1,
        )
        value = torch.nn.functional.max_pool2d(torch.tanh(z), net.pool_size)
    dense = range(max(0, layer - len(net.conv_coefs_) + 1), len(net.coefs_))
    value = value.flatten(1)
    for k in dense:
        value = value @ torch.tensor(net.coefs_[k]) + torch.tensor(net.intercepts_[k])
        if k == 0:
            value = value + torch.tensor(net.context_coefs_[TASK])
        if k < len(net.coefs_) - 1:
            value = torch.tanh(value)
    target = torch.tensor(np.searchsorted(net.classes_, Y))
    torch.nn.functional.cross_entropy(value, target, reduction="sum").backward()
    return H, h.grad.numpy()


@pytest.mark.parametrize("lesion_value", ["zero", "mean", "task_mean"])
@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("pool_size", [1, 2])
def test_first_order_equals_autograd(layer, lesion_value, pool_size):
    net = TANH
    if pool_size == 2:
        net = MultiTaskCNNClassifier((6,), activation="tanh", **SETTINGS).fit(X, Y)
    lesions = LesionSelectivity(
        net, layer=layer, method="taylor", lesion_value=lesion_value, prefit=True
    ).fit(X, Y)
    H, gradient = gradients(net, layer)
    value = clamps(H, lesion_value).reshape(*H.shape[:2], *[1] * (H.ndim - 2))
    terms = ((value - H) * gradient).reshape(*H.shape[:2], -1).sum(2)
    expected = [(terms[k == TASK] ** 2).mean(0) for k in range(4)]
    np.testing.assert_allclose(lesions.importances_.T, expected, rtol=1e-9, atol=1e-18)


def test_first_order_is_the_limit_of_small_lesions():
    # Clamped close to where they are, units change the loss as the gradient says.
    H, gradient = gradients(TANH, 0)
    step, intact = 1e-6, trial_losses(TANH, TANH.predict_proba(X))
    for channel in range(4):
        moved = H.copy()
        moved[:, channel] *= 1 - step
        change = (trial_losses(TANH, TANH.readout(moved, X, 0)) - intact) / step
        expected = -(H * gradient)[:, channel].sum((1, 2))
        np.testing.assert_allclose(change, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("layer", [0, 1])
def test_silent_channels_cost_nothing(layer):
    net = MultiTaskCNNClassifier(**{**SETTINGS, "max_iter": 1}).fit(X, Y)
    net.conv_coefs_[layer][1] = -1
    net.conv_intercepts_[layer][1] = -1
    for method in ("lesion", "taylor"):
        lesions = LesionSelectivity(net, layer=layer, method=method, prefit=True).fit(X, Y)
        assert not lesions.importances_[1].any()
        assert lesions.unit_labels_[1] == "silent"
        assert lesions.importances_[0].any()


def test_transform_gives_the_mean_over_the_map():
    lesions = LesionSelectivity(NET, layer=1, select="mixed", prefit=True).fit(X, Y)
    selected = lesions.get_support(indices=True)
    assert 0 < len(selected) <= 12
    expected = NET.activations(X, 1).mean((2, 3))[:, selected]
    np.testing.assert_array_equal(lesions.transform(X), expected)
    assert len(lesions.get_feature_names_out()) == len(selected)
    assert lesions.to_frame().shape == (12, 3 + 4 + 6)


def test_input_columns_are_pixels():
    lesions = LesionSelectivity(NET, layer="input", prefit=True).fit(X, Y)
    assert lesions.importances_.shape == (64, 4)
    assert not lesions.importances_[X[:, :-1].max(0) == 0].any()
    assert lesions.importances_.any()


def test_layers_that_do_not_exist():
    with pytest.raises(ValueError, match="layer=4 does not exist: the network has 4 hidden"):
        LesionSelectivity(NET, layer=4, prefit=True).fit(X, Y)
