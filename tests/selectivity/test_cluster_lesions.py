import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression

from neuroselect import MultiTaskMLP, fit_many
from neuroselect.selectivity import (
    TaskClusters,
    cluster_lesion_scores,
    group_lesion_scores,
    task_variance,
)

LABELS = np.array([0, 0, 1, 1, 1, -1])


@pytest.fixture(scope="module")
def decoder():
    """Units 0 and 1 serve the first task, 2 to 4 the second, 5 none."""
    rng = np.random.default_rng(0)
    rates, task = rng.normal(size=(60, 6)), np.repeat(["a", "b"], 30)
    rates[task == "a", 2:5] = 0
    rates[task == "b", :2] = 0
    y = rates[:, :5].sum(axis=1)
    return LinearRegression().fit(rates, y), rates, y, task


def test_each_cluster_and_its_controls(decoder, seed):
    model, rates, y, task = decoder
    result = cluster_lesion_scores(
        model, rates, y, LABELS, task=task, n_controls=200, random_state=seed
    )
    sets = np.array([[0], [1]]) == LABELS
    expected = group_lesion_scores(model, rates, y, sets, task=task)
    assert_array_equal(result.scores, expected.scores)
    assert_array_equal(result.clusters, [0, 1])
    assert_array_equal(result.n_units, [2, 3])
    assert result.control_scores.shape == (2, 200, 2)
    # a cluster is all that its task needs, and nothing that the other one needs
    assert_allclose(result.scores[[0, 1], [1, 0]], 1)
    assert (result.scores[[0, 1], [0, 1]] <= result.control_scores[[0, 1], :, [0, 1]].T).all()
    # pairs of clustered units: one in ten is the cluster itself
    alike = np.isclose(result.control_scores[0], result.scores[0]).all(axis=1).mean()
    assert 0.02 < alike < 0.2


def test_controls_leave_units_without_cluster_alone(decoder):
    model, rates, y, task = decoder
    labels = np.array([0, 0, -1, -1, -1, -1])
    result = cluster_lesion_scores(model, rates, y, labels, task=task)
    assert_array_equal(result.control_scores, np.repeat(result.scores[:, np.newaxis], 20, axis=1))
    assert cluster_lesion_scores(model, rates, y, labels, n_controls=0).control_scores.size == 0


def test_networks_clustered_together(seed):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.random((40, 3)), np.arange(40) % 2])
    y = np.where(X[:, 3] == 0, X[:, 0], X[:, 1])
    nets = fit_many([MultiTaskMLP((8,), max_iter=50, random_state=k) for k in range(3)], X, y)
    variance = task_variance([net.activations(X) for net in nets], X[:, -1])
    clusters = TaskClusters(n_clusters=3, random_state=0).fit(variance.reshape(-1, 2))
    result = cluster_lesion_scores(nets, X, y, clusters, n_controls=2, random_state=seed)
    assert result.scores.shape == (3, 3, 2)
    assert result.control_scores.shape == (3, 3, 2, 2)
    labels = clusters.labels_.reshape(3, 8)
    again = cluster_lesion_scores(nets, X, y, labels, n_controls=2, random_state=seed)
    assert_array_equal(result.control_scores, again.control_scores)
    for k, net in enumerate(nets):
        assert_array_equal(result.n_units[k], [(labels[k] == c).sum() for c in range(3)])
        sets = labels[k] == np.arange(3)[:, np.newaxis]
        assert_allclose(result.scores[k], group_lesion_scores(net, X, y, sets).scores, atol=1e-12)


def test_errors(decoder):
    model, rates, y, _ = decoder
    with pytest.raises(ValueError, match="labels must be integers, the cluster of each unit"):
        cluster_lesion_scores(model, rates, y, ["a"] * 6)
    with pytest.raises(ValueError, match="at least one unit in a cluster"):
        cluster_lesion_scores(model, rates, y, [-1] * 6)
    with pytest.raises(ValueError, match=r"labels must have shape \(6,\), the cluster of each"):
        cluster_lesion_scores(model, rates, y, [0, 1])
    with pytest.raises(
        ValueError, match=r"shape \(2, 6\) or \(12,\), .* of each network, got \(6,"
    ):
        cluster_lesion_scores([model] * 2, rates, y, LABELS)
    with pytest.raises(ValueError, match="estimator is an empty list"):
        cluster_lesion_scores([], rates, y, LABELS)
    with pytest.raises(ValueError, match="n_controls must be an integer >= 0, got -1"):
        cluster_lesion_scores(model, rates, y, LABELS, n_controls=-1)
