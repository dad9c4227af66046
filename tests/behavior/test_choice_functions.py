"""Curves, slopes, congruency and choice RDMs against slow, obvious loops."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import curve_fit
from scipy.stats import zscore

from neuroselect.behavior import (
    angular_bias,
    choice_curves,
    choice_rdm_betas,
    choice_rdm_models,
    choice_rdms,
    choice_slopes,
    congruency_effect,
    fit_sigmoids,
)
from neuroselect.rsa import RDMRegression

FUNCTIONS = [choice_curves, choice_slopes, congruency_effect, choice_rdm_betas]
Z = zscore(np.arange(5.0))


def sigmoid(x, k, x0):
    return 1 / (1 + np.exp(-k * (x - x0)))


def reference_error(y, rng, n_starts=12):
    """Lowest squared error of SciPy's bounded curve_fit from many starts."""
    errors = []
    for _ in range(n_starts):
        start = [rng.uniform(-10, 10), rng.uniform(-2, 2)]
        bounds = ([-10, -np.inf], [10, np.inf])
        try:
            with np.errstate(over="ignore"):
                best, _ = curve_fit(sigmoid, Z, y, p0=start, bounds=bounds)
        except (RuntimeError, Warning):
            continue
        errors.append(((sigmoid(Z, *best) - y) ** 2).sum())
    return min(errors)


@pytest.mark.filterwarnings("ignore:Covariance of the parameters")
@pytest.mark.parametrize("steepness", [0.3, 2, 20])
def test_sigmoids_are_never_worse_than_scipy(steepness, rng):
    p = sigmoid(Z, steepness, rng.normal(size=(10, 1)))
    curves = rng.binomial(20, p) / 20
    fit = fit_sigmoids(curves)
    logits = fit.slope[:, None] * Z + fit.intercept[:, None]
    errors = ((sigmoid(np.clip(logits, -500, 500), 1, 0) - curves) ** 2).sum(axis=1)
    assert_allclose(errors, fit.squared_error, atol=1e-12)
    assert (abs(fit.slope) <= 10).all()
    for y, error in zip(curves, errors, strict=True):
        assert error <= reference_error(y, rng) + 1e-8


def test_sigmoids_are_recovered(rng):
    slope, centre = rng.uniform(-8, 8, 50), rng.uniform(-1, 1, 50)
    fit = fit_sigmoids(sigmoid(Z, slope[:, None], centre[:, None]).reshape(5, 10, 5))
    assert_allclose(fit.slope.ravel(), slope, atol=1e-3)
    assert_allclose(fit.intercept.ravel(), -slope * centre, atol=1e-3)


def test_sigmoids_on_other_levels(rng):
    y = sigmoid(zscore([1.0, 2.0, 4.0]), 2.5, 0.3)
    assert_allclose(fit_sigmoids(y, levels=[1, 2, 4]).slope, 2.5, atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_flat_curves_have_no_slope(share):
    m = np.full((1, 2, 5, 5), share)
    assert_array_equal(choice_slopes(m), 0)
    assert_array_equal(congruency_effect(m), 0)
    assert np.isnan(choice_rdm_betas(m)).all()


def test_curves(matrices):
    curves = choice_curves(matrices)
    for m, (relevant, irrelevant) in zip(matrices, curves, strict=True):
        for level in range(5):
            assert np.isclose(relevant[level], (m[0, level].mean() + m[1, :, level].mean()) / 2)
            assert np.isclose(irrelevant[level], (m[0, :, level].mean() + m[1, level].mean()) / 2)


def test_slopes_tell_the_strategies_apart(strategies):
    factorised, (relevant, irrelevant) = choice_slopes(strategies)
    assert_allclose(factorised, [10, 0], atol=1e-6)
    assert np.isclose(relevant, irrelevant)
    assert 1 < relevant < 4


def congruency_by_loop(m):
    effects = []
    for task in range(2):
        accuracy = {True: [], False: []}
        for row, column in itertools.product((-2, -1, 1, 2), repeat=2):
            relevant = (row, column)[task]
            share = m[task, row + 2, column + 2]
            same = np.sign(row) == np.sign(column)
            accuracy[same].append(share if relevant > 0 else 1 - share)
        effects.append(np.mean(accuracy[True]) - np.mean(accuracy[False]))
    return np.mean(effects)


def test_congruency(matrices, strategies):
    assert_allclose(congruency_effect(matrices), [congruency_by_loop(m) for m in matrices])
    assert_allclose(congruency_effect(strategies), [0, 0.5])


def rdm_betas_by_loop(m, strategies):
    def vector(p):
        cells = p.ravel()
        return np.array([abs(cells[i] - cells[j]) for j in range(50) for i in range(j)])

    design = np.column_stack([zscore(vector(p)) for p in strategies])
    return np.linalg.solve(design.T @ design, design.T @ zscore(vector(m)))


def test_choice_rdm_betas(matrices, strategies):
    betas = choice_rdm_betas(matrices)
    assert_allclose(betas, [rdm_betas_by_loop(m, strategies) for m in matrices], atol=1e-10)
    assert betas[0, 0] > 0.6
    assert betas[-1, 1] > 0.6
    assert_allclose(choice_rdm_betas(strategies), np.eye(2), atol=1e-12)


def test_choice_rdm_betas_are_those_of_the_general_regression(matrices):
    regression = RDMRegression(choice_rdm_models())
    assert_allclose(choice_rdm_betas(matrices), regression.fit_transform(choice_rdms(matrices)))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_subjects_are_independent_and_exchange_of_tasks_changes_nothing(function, matrices):
    together = function(matrices)
    assert len(together) == len(matrices)
    alone = np.concatenate([function(m) for m in matrices])  # one subject: (2, 5, 5)
    assert_allclose(alone, together, atol=1e-8)
    swapped = matrices[:, ::-1].swapaxes(2, 3)
    assert_allclose(function(swapped), together, atol=1e-6)


def test_permuted_cells_have_no_effect_on_average(rng, strategies):
    p = 0.1 + 0.8 * strategies[0]
    m = rng.permuted(np.broadcast_to(p, (400, 2, 5, 5)).reshape(400, 2, 25), axis=2)
    m = m.reshape(400, 2, 5, 5)
    for values in (congruency_effect(m)[:, None], choice_slopes(m), choice_rdm_betas(m)):
        error = values.std(axis=0, ddof=1) / 20
        assert (abs(values.mean(axis=0)) < 4.5 * error).all()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda m: m[:, :1], "must have two tasks, north first, got 1"),
        (lambda m: m[..., :4], "form a grid of n_levels x n_levels, got 5 x 4"),
        (lambda m: m[0, 0], r"must have shape \(n_subjects, n_tasks, .* got shape \(5, 5\)"),
        (lambda m: m * 12, "shares of accept choices from 0 to 1, got .* at subject"),
        (lambda m: -m, r"from 0 to 1, got -1 at subject 0, task 0, cell \(0, 1\)"),
        (lambda m: np.where(m == m[3, 1, 2, 2], np.nan, m), r"empty cell\(s\) \(NaN\), the first"),
    ],
)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_bad_matrices(function, change, match, matrices):
    matrices[0, 0, 0, :2] = 0, 1
    with pytest.raises(ValueError, match=match):
        function(change(matrices))


def test_bad_curves():
    with pytest.raises(ValueError, match=r"shares from 0 to 1 at 2 or more levels .* to 2"):
        fit_sigmoids([[0, 2]])
    with pytest.raises(ValueError, match="levels must be the 3 levels along the curves"):
        fit_sigmoids([[0, 0.5, 1]], levels=[1, 2])


def test_angular_bias(rng):
    turn = rng.uniform(0, 45, 10)
    angles = np.column_stack([180 - turn, 90 + turn])
    assert_allclose(angular_bias(angles), turn)
    assert_allclose(angular_bias(angles + rng.normal(size=(10, 1))), turn)
    with pytest.raises(ValueError, match="two finite angles in degrees"):
        angular_bias([1, 2, 3])


def test_humans_after_blocked_training_separate_the_rules_better(groups):
    blocked, interleaved = (
        [f(m) for f in (choice_slopes, congruency_effect, choice_rdm_betas)]
        for m in (groups.blocked, groups.interleaved)
    )
    assert (blocked[0].mean(0) - interleaved[0].mean(0) > 0).tolist() == [True, False]
    assert blocked[1].mean() < interleaved[1].mean()
    assert (blocked[2].mean(0) - interleaved[2].mean(0) > 0).tolist() == [True, False]
