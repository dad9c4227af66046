import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from neuroselect.displays import TaskProfileDisplay
from neuroselect.selectivity import TaskClusters


def variances(rng):
    own = np.repeat(np.eye(3), 10, axis=0) + 0.1 * rng.random((30, 3))
    own = rng.permutation(own) * rng.uniform(1, 9, size=(30, 1))
    return np.vstack([np.zeros((2, 3)), own])


def test_units_are_sorted_by_cluster_and_task(rng):
    variance = pd.DataFrame(variances(rng), columns=["add", "subtract", "multiply"])
    clusters = TaskClusters(random_state=0).fit(variance)
    display = TaskProfileDisplay.from_estimator(clusters).plot()
    assert display.tasks == ["add", "subtract", "multiply"]
    labels = clusters.labels_[display.order]
    assert labels[-2:].tolist() == [-1, -1]
    assert (np.diff(labels[:-2]) >= 0).all()
    assert sorted(display.order) == list(range(32))
    shown = np.asarray(display.image_.get_array())
    expected = variance.to_numpy()[display.order[:-2]]
    np.testing.assert_allclose(shown[:-2], expected / expected.max(axis=1, keepdims=True))
    ticks = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert ticks == ["0  (10)", "1  (10)", "2  (10)", "none  (2)"]
    given = TaskProfileDisplay.from_estimator(clusters, variance)
    np.testing.assert_allclose(given.values, display.values)
    plt.close("all")


def test_without_clusters_units_are_sorted_by_task_and_breadth():
    values = [[0.0, 3.0], [np.nan, np.nan], [2.0, 2.0], [4.0, 0.0], [1.0, 2.0]]
    _, ax = plt.subplots()
    display = TaskProfileDisplay.from_arrays(values).plot(ax)
    assert display.order.tolist() == [3, 2, 0, 4, 1]
    assert display.ax_ is ax
    assert display.ax_.get_ylabel() == "unit (of 5, sorted)"
    networks = TaskProfileDisplay.from_arrays([values, values], [[0] * 5, [1] * 5])
    assert networks.values.shape == (10, 2)
    signed = TaskProfileDisplay.from_arrays([[-1.0, 2.0]], value_name="importance").values
    np.testing.assert_array_equal(signed, [[0.0, 1.0]])
    raw = TaskProfileDisplay.from_arrays(values[:1], normalize=False).values
    np.testing.assert_array_equal(raw, [[0.0, 3.0]])
    plt.close("all")


def test_errors():
    with pytest.raises(ValueError, match=r"values must have shape \(n_units, n_tasks\)"):
        TaskProfileDisplay([1.0])
    with pytest.raises(ValueError, match=r"must be at least 0 and finite.*a minimum of -1"):
        TaskProfileDisplay([[-1.0, 2.0]])
    with pytest.raises(ValueError, match="cluster of each of the 1 units, as integers"):
        TaskProfileDisplay([[1.0, 2.0]], [0, 1])
    with pytest.raises(ValueError, match="name each of the 2 columns of values, got 1 names"):
        TaskProfileDisplay([[1.0, 2.0]], tasks=["add"])
