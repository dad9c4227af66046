import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from neuroselect.datasets import make_arithmetic_tasks
from neuroselect.datasets._arithmetic import task_shares, trial_counts


def power(x0, x1):
    return x0**x1


def test_defaults(seed):
    X, y = make_arithmetic_tasks(random_state=seed)
    assert X.shape == (1000, 3)
    assert y.shape == (1000,)
    assert X.dtype == y.dtype == np.float64
    assert sorted(X[:, 2]) == [0.0] * 500 + [1.0] * 500
    for (x0, x1, task), target in zip(X, y, strict=True):
        assert target == (x0 + x1 if task == 0 else x0 * x1)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("add", lambda x0, x1: x0 + x1),
        ("subtract", lambda x0, x1: x0 - x1),
        ("multiply", lambda x0, x1: x0 * x1),
        ("add1.5", lambda x0, x1: x0 + 1.5 * x1),
        ("add2", lambda x0, x1: x0 + 2 * x1),
        ("add0.25", lambda x0, x1: x0 + x1 / 4),
        (power, lambda x0, x1: x0**x1),
        (lambda x0, x1: x0 > x1, lambda x0, x1: float(x0 > x1)),
    ],
)
def test_operations(operation, expected, seed):
    X, y = make_arithmetic_tasks(50, operations=[operation], random_state=seed)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(X[:, 2], 0)
    np.testing.assert_allclose(y, [expected(*x) for x in X[:, :2]], rtol=1e-15)


def test_many_tasks_with_their_own_shares(seed):
    operations = ("add", "multiply", power, "add1.5")
    X, y = make_arithmetic_tasks(
        100, operations=operations, fraction=[0.1, 0, 0.6, 0.3], random_state=seed
    )
    np.testing.assert_array_equal(np.bincount(X[:, 2].astype(int), minlength=4), [10, 0, 60, 30])
    expected = {0: lambda a, b: a + b, 2: power, 3: lambda a, b: a + 1.5 * b}
    np.testing.assert_allclose(y, [expected[int(k)](a, b) for a, b, k in X], rtol=1e-15)


def test_an_operation_without_trials_is_not_called():
    def never(x0, x1):
        raise AssertionError

    X, _ = make_arithmetic_tasks(20, operations=("add", never), fraction=1.0)
    np.testing.assert_array_equal(X[:, 2], 0)


@pytest.mark.parametrize(("fraction", "n_first"), [(0.2, 200), (0.5, 500), (0.8, 800), (0.29, 290)])
def test_published_fractions_are_exact(fraction, n_first, seed):
    X, _ = make_arithmetic_tasks(fraction=fraction, random_state=seed)
    assert np.sum(X[:, 2] == 0) == n_first


@given(
    n_trials=st.integers(1, 10_000),
    fraction=st.floats(0, 1, allow_subnormal=False),
)
def test_counts_of_two_tasks(n_trials, fraction):
    counts = trial_counts(task_shares(fraction, 2), n_trials)
    assert counts.sum() == n_trials
    assert (counts >= 0).all()
    assert abs(counts[0] - fraction * n_trials) <= 0.5 + 1e-6


@given(
    n_trials=st.integers(1, 10_000),
    weights=st.lists(st.integers(0, 1000), min_size=1, max_size=8).filter(any),
)
def test_counts_of_many_tasks(n_trials, weights):
    shares = np.array(weights) / sum(weights)
    counts = trial_counts(task_shares(shares, len(weights)), n_trials)
    assert counts.sum() == n_trials
    assert (np.abs(counts - shares * n_trials) < 1 + 1e-6).all()


@given(n_tasks=st.integers(1, 9), n_trials=st.integers(1, 1000))
def test_equal_shares_by_default(n_tasks, n_trials):
    counts = trial_counts(task_shares(None, n_tasks), n_trials)
    assert counts.sum() == n_trials
    assert np.ptp(counts) <= 1


def test_inputs_are_uniform_and_tasks_shuffled(seed):
    X, _ = make_arithmetic_tasks(20_000, random_state=seed)
    assert kstest(X[:, 0], "uniform").pvalue > 1e-6
    assert kstest(X[:, 1], "uniform").pvalue > 1e-6
    assert abs(np.corrcoef(X[:, 0], X[:, 1])[0, 1]) < 5 / np.sqrt(20_000)
    assert abs(X[:10_000, 2].mean() - 0.5) < 5 * 0.5 / np.sqrt(10_000)


def test_random_state(seed):
    first, y = make_arithmetic_tasks(30, random_state=seed)
    again, y_again = make_arithmetic_tasks(30, random_state=np.random.RandomState(seed))
    similar, _ = make_arithmetic_tasks(
        30, operations=("add", "add1.5"), fraction=0.2, random_state=seed
    )
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(y, y_again)
    np.testing.assert_array_equal(first[:, :2], similar[:, :2])
    other, _ = make_arithmetic_tasks(30, random_state=seed + 1)
    assert (first[:, :2] != other[:, :2]).all()


def test_bunch_agrees_with_arrays(seed):
    operations = ["add", power, functools.partial(power)]
    X, y = make_arithmetic_tasks(31, operations=operations, random_state=seed)
    tasks = make_arithmetic_tasks(31, operations=operations, random_state=seed, return_X_y=False)
    np.testing.assert_array_equal(tasks.data, X)
    np.testing.assert_array_equal(tasks.target, y)
    assert tasks.feature_names == ["x0", "x1", "task"]
    assert tasks.task_names[:2] == ["add", "power"]
    assert len(tasks.task_names) == 3
    assert list(tasks.conditions.columns) == ["task", "x0", "x1"]
    np.testing.assert_array_equal(tasks.conditions[tasks.feature_names], X)
    assert "George" in tasks.DESCR


def test_equal_names_are_told_apart():
    tasks = make_arithmetic_tasks(9, operations=("add", "multiply", "add"), return_X_y=False)
    assert tasks.task_names == ["add_0", "multiply", "add_2"]


def test_operations_cannot_change_the_inputs(seed):
    def greedy(x0, x1):
        x0 += 1
        return x0

    X, y = make_arithmetic_tasks(10, operations=(greedy,), random_state=seed)
    clean, _ = make_arithmetic_tasks(10, operations=("add",), random_state=seed)
    np.testing.assert_array_equal(X, clean)
    np.testing.assert_array_equal(y, clean[:, 0] + 1)


@pytest.mark.parametrize("name", ["divide", "add-1", "add1e5", "Add", "", None, 3])
def test_unknown_operation(name):
    with pytest.raises(ValueError, match=r"operations holds .*'add<weight>'.*or a callable"):
        make_arithmetic_tasks(operations=("add", name))


def test_no_operation():
    with pytest.raises(ValueError, match="operations is empty"):
        make_arithmetic_tasks(operations=())


@pytest.mark.parametrize(
    ("operation", "match"),
    [
        (lambda x0, x1: x0.sum(), r"'<lambda>' must return one real number per trial, shape \(10,"),
        (lambda x0, x1: np.c_[x0, x1], r"got an array of shape \(10, 2\) and dtype float64"),
        (lambda x0, x1: x0 + 1j, "must return one real number per trial.*complex128"),
        (lambda x0, x1: ["a"] * len(x0), "must return one real number per trial.*<U1"),
        (lambda x0, x1: None, "must return one real number per trial.*object"),
        (lambda x0, x1: np.full(len(x0), np.nan), "returned 10 targets that are NaN or infinite"),
        (lambda x0, x1: x0 + np.inf, "returned 10 targets that are NaN or infinite"),
    ],
)
def test_bad_results_of_a_callable(operation, match):
    with pytest.raises(ValueError, match=match):
        make_arithmetic_tasks(10, operations=(operation,))


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"fraction": 1.5}, "The 'fraction' parameter of make_arithmetic_tasks must be"),
        ({"fraction": -0.1}, "The 'fraction' parameter of make_arithmetic_tasks must be"),
        ({"fraction": np.nan}, "The 'fraction' parameter of make_arithmetic_tasks must be"),
        ({"fraction": "half"}, "The 'fraction' parameter of make_arithmetic_tasks must be"),
        ({"fraction": [1.5, -0.5]}, "fraction must lie between 0 and 1"),
        ({"fraction": [np.nan, 0.5]}, "fraction must lie between 0 and 1"),
        ({"fraction": [0.5, 0.4]}, r"must sum to 1, got \[0.5, 0.4\] with sum 0.9"),
        ({"fraction": [0.5, 0.3, 0.2]}, r"fraction has shape \(3,\), but there are 2 operations"),
        (
            {"fraction": 0.5, "operations": ("add",)},
            "fraction=0.5 is the share of the first of two tasks, but there are 1 operations",
        ),
        ({"n_trials": 0}, "The 'n_trials' parameter of make_arithmetic_tasks must be"),
        ({"operations": "add"}, "The 'operations' parameter of make_arithmetic_tasks must be"),
        ({"random_state": "seed"}, "The 'random_state' parameter of make_arithmetic_tasks must"),
    ],
)
def test_bad_parameters(kwargs, match):
    with pytest.raises(ValueError, match=match):
        make_arithmetic_tasks(**kwargs)
