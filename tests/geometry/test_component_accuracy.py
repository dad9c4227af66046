"""component_accuracy against projections made with scikit-learn's PCA."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from neuroselect import MultiTaskMLP, MultiTaskMLPClassifier
from neuroselect.datasets import make_context_blobs
from neuroselect.geometry import component_accuracy

X, Y = make_context_blobs()
TASK = X[:, -1].astype(int)
SIDES = np.where(Y < 0, "left", "right")


@pytest.fixture(scope="module")
def regressor():
    parameters = {"learning_rate_init": 0.02, "max_iter": 150, "random_state": 0}
    return MultiTaskMLP((12, 8), context_layer=1, **parameters).fit(X, Y)


@pytest.fixture(scope="module")
def classifier():
    return MultiTaskMLPClassifier((12,), max_iter=150, random_state=0).fit(X, SIDES)


def projected(H, k):
    if k == 0:
        return np.broadcast_to(H.mean(0), H.shape)
    pca = PCA(k).fit(H)
    return pca.inverse_transform(pca.transform(H))


@pytest.mark.parametrize("layer", [0, -1])
def test_signs_of_a_regressor(regressor, layer):
    H = regressor.activations(X, layer)
    curve = component_accuracy(regressor, X, Y, layer=layer)
    assert_array_equal(curve.n_components, np.arange(H.shape[1] + 1))
    counted = Y != 0
    for k, scores in zip(curve.n_components, curve.scores[:, 0], strict=True):
        right = np.sign(regressor.readout(projected(H, k), X, layer)) == np.sign(Y)
        assert_allclose(scores, [right[counted & (t == TASK)].mean() for t in (0, 1)])
    assert_allclose(curve.scores[-1, 0], curve.intact_scores)


def test_classes_and_probabilities(classifier):
    H = classifier.activations(X)
    curve = component_accuracy(classifier, X, SIDES, n_components=[1, 3])
    losses = component_accuracy(classifier, X, SIDES, n_components=[1, 3], scoring="neg_log_loss")
    for point, k in enumerate([1, 3]):
        p = classifier.readout(projected(H, k), X)
        of_target = p[np.arange(len(X)), np.searchsorted(classifier.classes_, SIDES)]
        right = classifier.classes_[p.argmax(1)] == SIDES
        for task in (0, 1):
            assert_allclose(curve.scores[point, 0, task], right[task == TASK].mean())
            assert_allclose(
                losses.scores[point, 0, task], np.log(of_target[task == TASK]).mean(), rtol=1e-8
            )


def test_without_centring(regressor):
    H = regressor.activations(X)
    u, s, v = np.linalg.svd(H, full_matrices=False)
    curve = component_accuracy(regressor, X, Y, n_components=[2], center=False, scoring=None)
    output = regressor.readout((u[:, :2] * s[:2]) @ v[:2], X)
    for task in (0, 1):
        rows = task == TASK
        expected = 1 - np.mean((output - Y)[rows] ** 2) / Y[rows].var()
        assert_allclose(curve.scores[0, 0, task], expected, atol=1e-10)


def test_several_networks_and_a_table(regressor):
    curve = component_accuracy([regressor, regressor], X, Y, n_components=[0, 4])
    assert curve.scores.shape == (2, 2, 1, 2)
    assert list(curve.to_frame()) == ["network", "n_components", "repeat", "task", "score"]


def test_errors(regressor):
    with pytest.raises(TypeError, match=r"must be a network with hidden layers.*got Ridge"):
        component_accuracy(Ridge().fit(X, Y), X, Y)
    with pytest.raises(ValueError, match=r"from 0 to min\(n_trials, n_units\) = 8, got \[9\]"):
        component_accuracy(regressor, X, Y, n_components=[9])
    with pytest.raises(ValueError, match="n_components must be a list of integers"):
        component_accuracy(regressor, X, Y, n_components=[0.5])
    with pytest.raises(ValueError, match="layer=2 does not exist"):
        component_accuracy(regressor, X, Y, layer=2)
