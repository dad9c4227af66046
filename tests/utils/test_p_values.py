import numpy as np
import pytest

from neuroselect.utils._p_values import monte_carlo_p_values


def test_counts_by_hand():
    null = np.array([[0.1, 5.0], [0.2, 6.0], [0.3, 7.0], [0.4, 8.0]])
    observed = [0.3, 9.0]
    np.testing.assert_allclose(monte_carlo_p_values(observed, null), [3 / 5, 1 / 5])
    np.testing.assert_allclose(monte_carlo_p_values(observed, null, "less"), [4 / 5, 5 / 5])
    np.testing.assert_allclose(monte_carlo_p_values(observed, null, "two-sided"), [1.0, 2 / 5])


def test_rounding_is_a_tie():
    null = np.array([0.1 + 0.2, 0.0, 0.5])
    assert monte_carlo_p_values(0.3, null) == monte_carlo_p_values(0.1 + 0.2, null) == 3 / 4
    assert monte_carlo_p_values(0.3, null, "less") == 3 / 4


def test_nan_and_no_draws():
    null = np.array([[np.nan, 0.0], [0.0, 0.0]])
    p = monte_carlo_p_values([1.0, np.nan], null)
    assert p[0] == 2 / 3  # a draw without a value counts as extreme
    assert np.isnan(p[1])
    assert np.isnan(monte_carlo_p_values([1.0], np.empty((0, 1)))).all()


@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
def test_is_uniform_for_exchangeable_draws(rng, alternative):
    draws = rng.normal(size=(20, 4000))
    p = monte_carlo_p_values(draws[0], draws[1:], alternative)
    for level in (0.1, 0.5):
        assert abs(np.mean(p <= level) - level) < 4 * np.sqrt(level * (1 - level) / 4000)
