"""Noise normalisation against scikit-learn, rsatoolbox and the formulas."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from neuroselect.preprocessing import NoiseNormalizer
from neuroselect.rsa import condensed_rdms


@pytest.fixture
def trials(rng):
    """60 trials of 4 conditions (unequal numbers), 8 units with correlated noise."""
    y = rng.permutation(np.repeat(list("abcd"), [10, 14, 16, 20]))
    noise = rng.normal(size=(60, 8)) @ rng.normal(size=(8, 8))
    return noise + rng.normal(scale=5, size=(4, 8))[np.searchsorted(list("abcd"), y)], y


def residuals_of(X, y):
    return X - np.array([X[y == k].mean(axis=0) for k in y])


ALL = ["ledoit_wolf", "shrunk_diagonal", "diagonal", "full"]


@pytest.mark.parametrize("covariance", ALL)
def test_residuals_are_white_up_to_shrinkage(covariance, trials):
    X, y = trials
    normalizer = NoiseNormalizer(covariance).fit(X, y)
    white = residuals_of(normalizer.transform(X), y)
    sample = residuals_of(X, y).T @ residuals_of(X, y) / 56
    expected = np.eye(8) + normalizer.whitening_ @ (sample - normalizer.covariance_) @ (
        normalizer.whitening_
    )
    np.testing.assert_allclose(white.T @ white / 56, expected, atol=1e-10)
    if covariance == "full":
        np.testing.assert_allclose(white.T @ white / 56, np.eye(8), atol=1e-10)
    if covariance in ("diagonal", "shrunk_diagonal"):
        np.testing.assert_allclose(np.diag(normalizer.covariance_), np.diag(sample))
    np.testing.assert_allclose(normalizer.precision_, np.linalg.inv(normalizer.covariance_))
    np.testing.assert_allclose(normalizer.whitening_, normalizer.whitening_.T)


def test_distances_are_mahalanobis(trials):
    X, y = trials
    normalizer = NoiseNormalizer().fit(X, y)
    distance = condensed_rdms(normalizer.transform(X[:2]))[0, 0]
    assert distance == pytest.approx(mahalanobis(X[0], X[1], normalizer.precision_))


def test_scikit_learns_ledoit_wolf(trials):
    X, y = trials
    theirs = LedoitWolf(assume_centered=True).fit(residuals_of(X, y))
    ours = NoiseNormalizer().fit(X, y)
    assert ours.shrinkage_ == pytest.approx(theirs.shrinkage_)
    np.testing.assert_allclose(ours.covariance_, theirs.covariance_ * 60 / 56)


def rsatoolbox_covariance(X, y, method, **settings):
    from rsatoolbox.data import Dataset
    from rsatoolbox.data.noise import cov_from_unbalanced

    dataset = Dataset(X.copy(), obs_descriptors={"condition": list(y)})
    return cov_from_unbalanced(dataset, "condition", method=method, **settings)


@pytest.mark.parametrize(
    ("ours", "theirs"), [("ledoit_wolf", "shrinkage_eye"), ("diagonal", "diag"), ("full", "full")]
)
def test_rsatoolbox(ours, theirs, trials):
    expected = np.linalg.inv(rsatoolbox_covariance(*trials, theirs))
    precision = NoiseNormalizer(ours).fit(*trials).precision_
    np.testing.assert_allclose(precision, expected, atol=1e-10 * abs(expected).max())


def test_rsatoolbox_shrinks_correlations_by_another_divisor(trials):
    """Its variance of a correlation has n - 1 for n once, which takes 1 / (n - 1)^2 off."""
    X, y = trials
    theirs = rsatoolbox_covariance(X, y, "shrinkage_diag", dof=59)
    sample = residuals_of(X, y).T @ residuals_of(X, y) / 59
    shrinkage = 1 - theirs[0, 1] / sample[0, 1]
    ours = NoiseNormalizer("shrunk_diagonal").fit(X, y)
    assert ours.shrinkage_ - 1 / 59**2 == pytest.approx(shrinkage)


def test_shrinkage_of_correlations_by_the_published_formula(trials):
    """Schäfer & Strimmer (2005), pair of units by pair of units."""
    X, y = trials
    z = residuals_of(X, y)
    z = z / z.std(axis=0, ddof=1)
    n, variance, power = len(z), 0.0, 0.0
    for i in range(8):
        for j in range(8):
            if i != j:
                w = z[:, i] * z[:, j]
                variance += n / (n - 1) ** 3 * np.sum((w - w.mean()) ** 2)
                power += (n / (n - 1) * w.mean()) ** 2
    assert NoiseNormalizer("shrunk_diagonal").fit(X, y).shrinkage_ == pytest.approx(
        variance / power
    )


def test_shrinkage_is_strong_without_and_weak_with_correlation(rng):
    y = np.tile([0, 1], 200)
    noise = rng.normal(size=(400, 20))
    assert NoiseNormalizer("shrunk_diagonal").fit(noise, y).shrinkage_ > 0.8
    correlated = noise + 2 * rng.normal(size=(400, 1))
    assert NoiseNormalizer("shrunk_diagonal").fit(correlated, y).shrinkage_ < 0.1


@pytest.mark.parametrize("covariance", ["ledoit_wolf", "shrunk_diagonal", "diagonal"])
def test_more_units_than_trials(covariance, rng):
    X, y = rng.normal(size=(10, 40)), np.tile([0, 1], 5)
    assert np.isfinite(NoiseNormalizer(covariance).fit(X, y).transform(X)).all()


def test_times_are_samples(trials):
    X, y = trials
    stacked = np.stack([X, X[::-1]], axis=1)
    normalizer = NoiseNormalizer("full").fit(stacked, y)
    residuals = np.concatenate([residuals_of(stacked[:, t], y) for t in range(2)])
    np.testing.assert_allclose(normalizer.covariance_, residuals.T @ residuals / 112)


class TestRefused:
    def test_no_conditions(self, trials):
        with pytest.raises(ValueError, match="requires y to be passed"):
            NoiseNormalizer().fit(trials[0], None)
        with pytest.raises(ValueError, match="continuous"):
            NoiseNormalizer().fit(trials[0], np.linspace(0, 1.5, 60))

    def test_no_repeats(self, trials):
        with pytest.raises(ValueError, match="a condition with at least 2 trials"):
            NoiseNormalizer().fit(trials[0], np.arange(60))

    @pytest.mark.parametrize("covariance", ALL)
    def test_unit_without_noise(self, covariance, trials):
        X, y = trials
        X[:, 3] = np.where(y == "a", 0.1, 0.7)
        with pytest.raises(ValueError, match=r"1 of 8 units do not vary within conditions.*: 3\."):
            NoiseNormalizer(covariance).fit(X, y)

    def test_singular(self, rng):
        with pytest.raises(ValueError, match=r"40 units is singular.*8 degrees of freedom"):
            NoiseNormalizer("full").fit(rng.normal(size=(10, 40)), np.tile([0, 1], 5))
