"""P-values of importance: exact enumeration, uniform under the null, power."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, kstest, permutation_test, ttest_ind
from sklearn.linear_model import LinearRegression

from neuroselect import LesionSelectivity, MultiTaskMLP
from neuroselect.datasets import make_context_blobs
from neuroselect.selectivity._permutation import permutation_p_values

X, Y = make_context_blobs()
TASK = X[:, -1].astype(int)


def p_values(effects, task, condition=None, normalize=None, n_permutations=999, seed=0):
    condition = np.zeros(len(task), dtype=int) if condition is None else condition
    return permutation_p_values(
        effects,
        task,
        condition,
        n_permutations=n_permutations,
        normalize=normalize,
        random_state=np.random.RandomState(seed),
    )


@pytest.mark.parametrize("block", [2**22, 5000])
def test_p_values_are_those_of_all_permutations(rng, block, monkeypatch):
    monkeypatch.setattr("neuroselect.selectivity._permutation.BLOCK_VALUES", block)
    task = np.repeat([0, 1], [4, 5])
    effects = rng.normal(size=(3, 9)) ** 2 + np.outer([0, 1, 3], task)

    def welch(a, b, axis):
        return np.abs(ttest_ind(a, b, axis=axis, equal_var=False).statistic)

    exact = permutation_test(
        (effects[:, task == 0], effects[:, task == 1]),
        welch,
        axis=1,
        vectorized=True,
        alternative="greater",
        n_resamples=np.inf,
    )
    sampled = p_values(effects, task, n_permutations=20000)[:, 0]
    np.testing.assert_allclose(sampled, exact.pvalue, atol=0.02)


def test_p_values_are_uniform_on_noise(rng):
    effects = rng.gamma(1, size=(400, 60))
    p = p_values(effects, np.repeat([0, 1, 2], 20))
    assert p.shape == (400, 3)
    for column in p.T:
        assert kstest(column, "uniform").pvalue > 1e-4


def test_tasks_exchanged_within_condition(rng):
    condition = np.repeat([0, 1], 30)  # of large and small effects
    task = np.concatenate([np.repeat([0, 1], [22, 8]), np.repeat([0, 1], [8, 22])])
    effects = rng.gamma(1, size=(400, 60)) + 2 * condition
    assert np.mean(p_values(effects, task) < 0.05) > 0.5
    assert kstest(p_values(effects, task, condition)[:, 0], "uniform").pvalue > 1e-4
    shuffled = rng.permutation(60)
    mixed = p_values(effects[:, shuffled], task[shuffled], condition[shuffled])
    assert kstest(mixed[:, 0], "uniform").pvalue > 1e-4


def test_a_factor_of_all_units_is_no_difference_after_normalisation(rng):
    task = np.repeat([0, 1], 40)
    effects = rng.gamma(1, size=(200, 80)) * (1 + 4 * task)
    effects[0] *= np.where(task == 0, 8, 1)
    assert np.mean(p_values(effects, task) < 0.05) > 0.9
    p = p_values(effects, task, normalize="layer")[:, 0]
    assert 0.01 < np.mean(p[1:] < 0.05) < 0.12
    assert p[0] < 0.01


@pytest.mark.parametrize("normalize", [None, "layer"])
def test_units_without_effect_and_units_that_separate_tasks(normalize):
    task = np.repeat([0, 1], 10)
    effects = np.array([np.zeros(20), np.full(20, 3.3), np.where(task, 0.0, 1.0)])
    p = p_values(effects, task, normalize=normalize)[:, 0]
    assert p[0] == 1
    assert p[2] == 0.001
    assert normalize or p[1] == 1


def decoded(rng, n_trials=300):
    """Units 0 and 1 serve one task each, 2 both, the others none."""
    rates = rng.normal(size=(n_trials, 12))
    task = np.arange(n_trials) % 2
    own = np.where(task == 0, rates[:, 0], rates[:, 1])
    return rates, own + rates[:, 2] + 0.3 * rng.normal(size=n_trials), task


class Truth(LinearRegression):
    """Knows what matters in which task: weights of task 0 on even rows."""

    def predict(self, X):
        return np.where(X[:, -1] == 0, X[:, 0], X[:, 1]) + X[:, 2]


def test_power(rng):
    rates, y, task = decoded(rng)
    data = np.column_stack([rates, task])
    fitted = LesionSelectivity(
        Truth().fit(data, y), prefit=True, n_permutations=1999, random_state=0
    ).fit(data, y, task=-1)
    assert fitted.q_values_[:2].max() < 0.01
    assert fitted.p_values_[2] > 0.001
    np.testing.assert_array_equal(fitted.p_values_[3:], 1)
    expected = false_discovery_control(fitted.p_values_.ravel()).reshape(12, 1)
    np.testing.assert_allclose(fitted.q_values_, expected)
    assert list(fitted.to_frame())[-3:] == ["relative_importance_0_1", "p_0_1", "q_0_1"]


def test_a_test_changes_nothing_else_and_repeats_itself():
    net = MultiTaskMLP((6, 5), max_iter=30, random_state=0).fit(X, Y)
    plain = LesionSelectivity(net, prefit=True).fit(X, Y)
    tested = LesionSelectivity(net, prefit=True, n_permutations=99, random_state=3).fit(X, Y)
    np.testing.assert_array_equal(plain.importances_, tested.importances_)
    assert not hasattr(plain, "p_values_")
    p = tested.p_values_
    np.testing.assert_array_equal(tested.fit(X, Y).p_values_, p)
    paired = tested.fit(X, Y, condition=np.arange(50) % 25)  # each stimulus in both tasks
    assert paired.p_values_.shape == (5, 1)
    tested.set_params(n_permutations=0).fit(X, Y)
    assert not hasattr(tested, "q_values_")
    assert "p_0_1" not in tested.to_frame()


def test_refused():
    net = MultiTaskMLP((6,), max_iter=30, random_state=0).fit(X, Y)
    lesions = LesionSelectivity(net, prefit=True, n_permutations=9)
    with pytest.raises(ValueError, match="every condition has trials of one task only"):
        lesions.fit(X, Y, condition=TASK)
    with pytest.raises(ValueError, match=r"condition must have shape .* \(50,\).*\(49,\)"):
        lesions.fit(X, Y, condition=TASK[:-1])
    with pytest.raises(ValueError, match="needs at least two trials of each task"):
        lesions.fit(X[[0, 1, 49]], Y[[0, 1, 49]])
    with pytest.raises(ValueError, match="compares tasks, but all trials belong to one"):
        LesionSelectivity(LinearRegression(), n_permutations=9).fit(X, Y)
    with pytest.raises(ValueError, match="'n_permutations' parameter of LesionSelectivity"):
        LesionSelectivity(net, n_permutations=-1).fit(X, Y)
