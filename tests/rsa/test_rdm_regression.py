"""RDMRegression against scikit-learn's linear models and known betas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import zscore
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge

from neuroselect.rsa import RDMRegression, compare_rdms


@pytest.fixture
def models(rng):
    return rng.normal(size=(3, 28)) + 5


@pytest.fixture
def rdms(rng, models):
    return rng.normal(size=(6, 3)) @ models + rng.normal(size=(6, 28))


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 3.0])
def test_equals_scikit_learn(models, rdms, standardize, positive, alpha):
    regression = RDMRegression(models, standardize=standardize, positive=positive, alpha=alpha)
    betas = regression.fit_transform(rdms)
    for beta, r2, rdm in zip(betas, regression.r2_, rdms, strict=True):
        X, y = (zscore(models, axis=1).T, zscore(rdm)) if standardize else (models.T, rdm)
        if alpha and positive:
            reference = Ridge(alpha=alpha, positive=True, tol=1e-12, max_iter=100_000)
        else:
            reference = Ridge(alpha=alpha) if alpha else LinearRegression(positive=positive)
        reference.fit(X, y)
        tolerance = 1e-5 if alpha and positive else 1e-12  # theirs is iterative
        assert_allclose(beta, reference.coef_, atol=tolerance)
        assert_allclose(r2, reference.score(X, y), atol=tolerance)
    assert_allclose(regression.score(rdms), regression.r2_.mean())
    assert not positive or (betas >= 0).all()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_models=st.integers(1, 5),
    n_conditions=st.integers(5, 12),
    intercept=st.floats(-10, 10),
)
def test_recovers_known_betas(seed, n_models, n_conditions, intercept):
    rng = np.random.default_rng(seed)
    models = rng.normal(size=(n_models, n_conditions * (n_conditions - 1) // 2))
    betas = rng.uniform(0.1, 2, size=(4, n_models)) * rng.choice([-1, 1], size=(4, n_models))
    rdms = betas @ models + intercept
    regression = RDMRegression(models, standardize=False).fit(rdms)
    assert_allclose(regression.transform(rdms), betas, rtol=1e-6)
    assert_allclose(regression.r2_, 1)

    standardized = betas * models.std(axis=1) / rdms.std(axis=1, keepdims=True)
    assert_allclose(RDMRegression(models).fit_transform(rdms), standardized, rtol=1e-6)

    nonnegative = RDMRegression(models, standardize=False, positive=True)
    rdms = abs(betas) @ models + intercept
    assert_allclose(nonnegative.fit_transform(rdms), abs(betas), rtol=1e-6)


def test_standardized_betas_do_not_depend_on_units(models, rdms):
    betas = RDMRegression(models).fit_transform(rdms)
    assert_allclose(RDMRegression(7 * models - 2).fit_transform(3 * rdms + 100), betas)


def test_rows_are_independent(models, rdms):
    regression = RDMRegression(models).fit(rdms[:2])
    together = regression.transform(rdms)
    assert_allclose(np.vstack([regression.transform(rdm[None]) for rdm in rdms]), together)
    assert regression.r2_.shape == (2,)
    assert_allclose(regression.fit(rdms).r2_.mean(), regression.score(rdms))


def test_names(models, rdms):
    named = dict(zip(["grid", "orthogonal", "parallel"], models, strict=True))
    expected = RDMRegression(models).fit(rdms)
    assert_array_equal(expected.get_feature_names_out(), ["model0", "model1", "model2"])
    for form in (named, pd.DataFrame(named)):
        regression = RDMRegression(form).set_output(transform="pandas")
        betas = clone(regression).fit_transform(rdms)
        assert list(betas.columns) == ["grid", "orthogonal", "parallel"]
        assert_array_equal(betas.to_numpy(), expected.transform(rdms))


def test_inputs_are_left_alone(models, rdms):
    before = models.copy(), rdms.copy()
    RDMRegression(models, alpha=1.0, positive=True).fit(rdms).score(rdms)
    assert_array_equal(models, before[0])
    assert_array_equal(rdms, before[1])


def test_collinear_models_have_no_unique_betas(models, rdms):
    names = ["a", "b", "c", "d"]
    dependent = [*models, 2 * models[0] - models[2] + 4]
    named = dict(zip(names, dependent, strict=True))
    for positive in (False, True):
        with pytest.raises(ValueError, match=r"linearly dependent.*rank 3.*\['a', 'c', 'd'\]"):
            RDMRegression(named, positive=positive).fit(rdms)
    betas = RDMRegression(named, alpha=1.0).fit_transform(rdms)
    assert_allclose(betas[0], Ridge(1.0).fit(zscore(dependent, axis=1).T, zscore(rdms[0])).coef_)


def test_more_models_than_pairs(rng):
    models, rdms = rng.normal(size=(12, 10)), rng.normal(size=(2, 10))
    with pytest.raises(ValueError, match="12 models are linearly dependent"):
        RDMRegression(models).fit(rdms)
    betas = RDMRegression(models, alpha=0.5).fit_transform(rdms)
    for beta, rdm in zip(betas, rdms, strict=True):
        reference = Ridge(0.5).fit(zscore(models, axis=1).T, zscore(rdm))
        assert_allclose(beta, reference.coef_, atol=1e-10)


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (np.ones(28), r"shape \(n_models, n_pairs\).*got shape \(28,\)"),
        (np.empty((0, 28)), "at least one condensed RDM"),
        (np.ones((1, 28)), "model 'model0' is constant"),
        ({"a": np.arange(28), "flat": [0.1] * 28}, "model 'flat' is constant"),
        ({"a": np.arange(28), "b": np.arange(3)}, "same length, got shapes"),
        (np.arange(21.0)[None], "X has 28 pairs of conditions, but .* models have 21"),
        (np.r_[np.nan, np.arange(27)][None], "models must be finite, but model 0, pair 0 is NaN"),
        ("grid", "'models' parameter of RDMRegression must be"),
    ],
)
def test_bad_models(rdms, bad, match):
    with pytest.raises(ValueError, match=match):
        RDMRegression(bad).fit(rdms)


@pytest.mark.parametrize("method", ["fit", "transform", "score"])
def test_bad_rdms(models, rdms, method):
    regression = RDMRegression(models).fit(rdms)
    missing = rdms.copy()
    missing[2, 5] = np.nan
    with pytest.raises(ValueError, match="RDMs must be finite, but system 2, pair 5 is NaN"):
        getattr(regression, method)(missing)
    constant = rdms.copy()
    constant[4] = 0.1
    with pytest.raises(ValueError, match="first system 4, are constant"):
        getattr(regression, method)(constant)
    with pytest.raises(ValueError, match=r"X has 27 (pairs|features)"):
        getattr(regression, method)(rdms[:, 1:])


def test_negative_alpha(models, rdms):
    with pytest.raises(ValueError, match="'alpha' parameter of RDMRegression must be"):
        RDMRegression(models, alpha=-1).fit(rdms)


@pytest.mark.parametrize("parameters", [{}, {"positive": True}, {"alpha": 2.0}])
def test_unique_variance_is_what_leaving_a_model_out_loses(models, rdms, parameters):
    regression = RDMRegression(models, **parameters).fit(rdms)
    for k in range(3):
        without = RDMRegression(np.delete(models, k, axis=0), **parameters).fit(rdms)
        assert_allclose(regression.unique_variance_[:, k], regression.r2_ - without.r2_, atol=1e-12)
    first = regression.unique_variance(rdms[:2])
    assert_allclose(first, regression.unique_variance_[:2], atol=1e-12)
    alone = RDMRegression(models[:1], **parameters).fit(rdms)
    assert_allclose(alone.unique_variance_[:, 0], alone.r2_)
    if not parameters:
        partial = [compare_rdms(rdms, m, "corr", partial=np.delete(models, k, axis=0))[:, 0]
                   for k, m in enumerate(models)]  # fmt: skip
        remaining = 1 - regression.r2_[:, None] + regression.unique_variance_
        assert_allclose(np.transpose(partial) ** 2 * remaining, regression.unique_variance_)


def test_unique_variance_of_independent_models_sums_to_r2(rng):
    models = np.linalg.qr(rng.normal(size=(28, 4)) - 0)[0].T
    models -= models.mean(axis=1, keepdims=True)
    models = np.linalg.qr(models.T)[0].T[:3]
    models -= models.mean(axis=1, keepdims=True)
    regression = RDMRegression(models).fit(rng.normal(size=(5, 28)))
    assert_allclose(regression.unique_variance_.sum(axis=1), regression.r2_, atol=1e-10)


@pytest.mark.parametrize("positive", [True, False])
def test_missing_pairs_are_matched_by_position(rng, positive):
    """The same number of NaN at different places in data and models: counts do not tell."""
    models, weights = rng.uniform(1, 2, size=(2, 28)), np.array([[2.0, 1.0]])
    rdms = np.repeat(weights @ models, 3, axis=0)
    rdms[0, 5] = rdms[1, [9, 20]] = np.nan
    gapped = models.copy()
    gapped[0, 11] = np.nan
    regression = RDMRegression(gapped, standardize=False, positive=positive, missing="drop")
    assert_allclose(regression.fit_transform(rdms), np.repeat(weights, 3, axis=0), rtol=1e-9)
    assert_allclose(regression.r2_, 1)
    noisy = rdms + rng.normal(size=rdms.shape)
    for standardize in (True, False):
        regression.set_params(standardize=standardize)
        betas = regression.fit_transform(noisy)
        for row, gone in enumerate([[5, 11], [9, 11, 20], [11]]):
            kept = [np.delete(x, gone, axis=1) for x in (models, noisy[row : row + 1])]
            alone = RDMRegression(kept[0], standardize=standardize, positive=positive)
            assert_allclose(alone.fit_transform(kept[1])[0], betas[row], atol=1e-10)
            assert_allclose(alone.r2_[0], regression.r2_[row], atol=1e-10)
            unique = regression.unique_variance_[row]
            assert_allclose(alone.unique_variance_[0], unique, atol=1e-10)
    assert np.isnan(regression.models_[:, 11]).all()


def test_missing_pairs_that_leave_nothing(models, rdms):
    rdms[2, 1:] = np.nan
    with pytest.raises(ValueError, match="RDMs and models share 1 of 28 pairs"):
        RDMRegression(models, missing="drop").fit(rdms)
    with pytest.raises(ValueError, match="'missing' parameter of RDMRegression must be"):
        RDMRegression(models, missing="omit").fit(rdms)
    rdms[2, :4] = 1.0
    with pytest.raises(ValueError, match="first system 2, are constant"):
        RDMRegression(models, missing="drop").fit(rdms)
    rdms[2, :3] = [1, 2, 4]
    rdms[2, 3:] = np.nan
    with pytest.raises(ValueError, match="3 models are linearly dependent"):
        RDMRegression(models, missing="drop").fit(rdms)
