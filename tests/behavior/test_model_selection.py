"""Bayesian model selection against closed forms, quadrature and simulated groups."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import beta

from neuroselect.behavior import bayesian_model_selection
from neuroselect.behavior._model_selection import dirichlet_exceedance, free_energy


def test_exceedance_of_two_models_is_a_beta_probability(rng):
    for alpha in [*rng.uniform(0.5, 60, (5, 2)), [400.0, 1.0], [1.0, 1.0]]:
        expected = beta.sf(0.5, *alpha)
        assert_allclose(dirichlet_exceedance(np.array(alpha)), [expected, 1 - expected], atol=1e-8)


def test_exceedance_of_several_models_is_that_of_samples(rng):
    alpha = rng.uniform(1, 10, 4)
    largest = rng.dirichlet(alpha, 40_000).argmax(axis=1)
    share = np.bincount(largest, minlength=4) / 40_000
    assert_allclose(dirichlet_exceedance(alpha), share, atol=0.013)


def test_free_energy_is_a_close_lower_bound(rng):
    evidence = rng.normal(0, 2, (6, 2))
    result = bayesian_model_selection(evidence)

    def likelihood(frequency):
        return np.prod(np.exp(evidence) @ [frequency, 1 - frequency])

    exact = np.log(quad(likelihood, 0, 1)[0])
    bound = free_energy(evidence, result.alpha)
    assert bound <= exact + 1e-9
    assert bound > exact - 0.7
    for other in (np.add(result.alpha, [0.5, 0]), result.alpha * 1.3):
        assert free_energy(evidence, other) < bound


def test_one_decided_subject():
    result = bayesian_model_selection([[0.0, -1000.0]])
    assert_allclose(result.alpha, [2, 1])
    assert_allclose(result.frequencies, [2 / 3, 1 / 3])
    assert_allclose(result.exceedance, [0.75, 0.25])  # Beta(2, 1) beyond one half


def test_invariances(rng):
    evidence = rng.normal(0, 3, (12, 3))
    result = bayesian_model_selection(evidence)
    shifted = bayesian_model_selection(evidence + rng.normal(0, 500, (12, 1)))
    order = rng.permutation(3)
    permuted = bayesian_model_selection(evidence[:, order])
    for name in ("frequencies", "exceedance", "protected_exceedance"):
        assert_allclose(result[name].sum(), 1)
        assert_allclose(shifted[name], result[name], atol=1e-6)
        assert_allclose(permuted[name], result[name][order], atol=1e-6)
    assert_allclose(result.responsibilities.sum(axis=1), 1)


def test_groups_without_a_best_model_are_protected(rng):
    results = [bayesian_model_selection(rng.normal(0, 1, (20, 3))) for _ in range(30)]
    protected = np.array([result.protected_exceedance for result in results])
    raw = np.array([result.exceedance for result in results])
    assert abs(protected - 1 / 3).mean() < 0.6 * abs(raw - 1 / 3).mean()
    assert abs(protected.mean(axis=0) - 1 / 3).max() < 0.1
    assert np.median([result.omnibus_risk for result in results]) > 0.5
    same = bayesian_model_selection(np.zeros((20, 3)))
    assert_allclose(same.protected_exceedance, 1 / 3)


def test_frequencies_are_recovered(rng):
    truth = np.array([0.7, 0.2, 0.1])
    own = rng.choice(3, 150, p=truth)
    evidence = rng.normal(0, 1, (150, 3))
    evidence[np.arange(150), own] += 6
    result = bayesian_model_selection(evidence)
    assert_allclose(result.frequencies, truth, atol=0.13)
    assert result.protected_exceedance[0] > 0.99
    assert result.omnibus_risk < 0.01
    assert (result.responsibilities.argmax(axis=1) == own).mean() > 0.97


@pytest.mark.parametrize(
    ("evidence", "match"),
    [
        ([0.0, 1.0], r"must have shape \(n_subjects, n_models\) with 2 or more models, got \(2,\)"),
        ([[0.0]], r"with 2 or more models, got \(1, 1\)"),
        ([[0.0, -np.inf]], "log_evidence must be finite"),
    ],
)
def test_bad_evidence(evidence, match):
    with pytest.raises(ValueError, match=match):
        bayesian_model_selection(evidence)
