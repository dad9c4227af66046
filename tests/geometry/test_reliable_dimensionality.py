"""Dimensionality of what repeats share."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import ttest_1samp

from neuroselect.geometry import (
    cross_validated_participation_ratio,
    cross_validated_pca,
    explained_variance,
    n_components_for,
    participation_ratio,
)
from neuroselect.geometry._reliable_dimensionality import unbiased_moments


@pytest.mark.parametrize("shape", [(5, 3, 4), (3, 6, 5)])
def test_moments_are_means_over_four_different_repeats(rng, shape):
    X = np.moveaxis(rng.normal(size=shape) + 1, -1, 0)
    choices = list(itertools.permutations(range(len(X)), 4))
    traces = [np.sum(X[r] * X[s]) * np.sum(X[t] * X[u]) for r, s, t, u in choices]
    squares = [np.trace(X[r] @ X[s].T @ X[t] @ X[u].T) for r, s, t, u in choices]
    expected = np.mean(traces), np.mean(squares)
    assert_allclose(unbiased_moments(np.moveaxis(X, 0, -1)), expected, rtol=1e-9)


@pytest.mark.parametrize("center", [True, False])
def test_without_noise_it_is_the_participation_ratio(rng, center):
    signal = rng.normal(size=(2, 8, 5)) + 1
    repeats = np.repeat(signal[..., np.newaxis], 4, axis=-1)
    ratio = cross_validated_participation_ratio(repeats, center=center)
    assert_allclose(ratio, participation_ratio(signal, center=center))
    spectrum = cross_validated_pca(repeats, center=center)
    shares = spectrum / spectrum.sum(axis=1, keepdims=True)
    assert_allclose(shares, explained_variance(signal, center=center), atol=1e-12)
    assert_allclose(cross_validated_pca(repeats[0], center=center), spectrum[0])
    assert_allclose(cross_validated_participation_ratio(repeats[0], center=center), ratio[0])


def test_unbiased_on_noise_that_units_share(rng):
    mixing = rng.normal(size=(6, 6))
    noise = np.einsum("scur,uv->scvr", rng.normal(size=(1000, 5, 6, 4)), mixing)
    noise -= noise.mean(axis=1, keepdims=True)
    moments = np.array([unbiased_moments(system) for system in noise])
    spectra = cross_validated_pca(noise)
    p_values = [*ttest_1samp(moments, 0).pvalue, *ttest_1samp(spectra[:, :4], 0).pvalue]
    assert min(p_values) > 1e-4
    uncorrected = noise.mean(axis=-1)
    assert np.mean((uncorrected**2).sum(axis=(1, 2)) ** 2) > 10 * abs(moments[:, 0].mean())


def test_moments_are_those_of_the_signal(rng):
    signal = rng.normal(size=(6, 4))
    repeats = signal[..., np.newaxis] + 0.7 * rng.normal(size=(1500, 6, 4, 4))
    moments = np.array([unbiased_moments(system) for system in repeats])
    gram = signal @ signal.T
    expected = [np.trace(gram) ** 2, (gram**2).sum()]
    assert ttest_1samp(moments, expected).pvalue.min() > 1e-4


def test_recovers_the_dimensions_of_the_signal(rng):
    axes = np.linalg.qr(rng.normal(size=(40, 40)))[0][:3]
    signal = rng.normal(size=(150, 3)) @ axes
    repeats = signal[..., np.newaxis] + 0.5 * rng.normal(size=(150, 40, 6))
    truth = participation_ratio(signal)
    assert participation_ratio(repeats.mean(axis=-1)) > 1.3 * truth
    assert_allclose(cross_validated_participation_ratio(repeats), truth, rtol=0.06)
    spectrum = cross_validated_pca(repeats)
    assert n_components_for(spectrum, 0.85) == 3
    assert n_components_for(explained_variance(repeats.mean(axis=-1)), 0.85) > 3
    total = np.sum((signal - signal.mean(axis=0)) ** 2) / 150
    assert_allclose(spectrum.sum(), total, rtol=0.15)


def test_pca_is_that_of_the_definition(rng):
    repeats = rng.normal(size=(7, 4, 2))
    first, second = np.moveaxis(repeats - repeats.mean(axis=0), -1, 0)
    expected = []
    for train, test in ((first, second), (second, first)):
        values, vectors = np.linalg.eigh(train.T @ train)
        axes = vectors[:, np.argsort(values)[::-1]]
        expected.append(np.sum((train @ axes) * (test @ axes), axis=0) / 7)
    assert_allclose(cross_validated_pca(repeats), np.mean(expected, axis=0))


def test_no_signal_is_nan():
    assert np.isnan(cross_validated_participation_ratio(np.zeros((4, 3, 4))))
    twice = np.eye(4)[..., np.newaxis] * [1.0, 1, 0, 0]  # never in four different repeats
    ratios = cross_validated_participation_ratio([twice, np.ones_like(twice)], center=False)
    assert np.isnan(ratios[0])
    assert_allclose(ratios[1], 1)


def test_numbers_of_components():
    spectra = [[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]]
    assert n_components_for(spectra, 0.75).tolist() == [2, 1]
    assert n_components_for(spectra, 1).tolist() == [3, 1]
    assert n_components_for([0.1] * 10, 0.3) == 3  # whose sum is 0.30000000000000004
    assert n_components_for([5, 3, 1, -0.5], 0.9) == 2
    assert isinstance(n_components_for([1.0]), int)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (([1.0], 0), "share must be above 0 and at most 1, got 0"),
        (([1.0], 1.5), "share must be above 0 and at most 1, got 1.5"),
        (([[[1.0]]],), r"spectrum must have shape .* got shape \(1, 1, 1\)"),
        (([[1.0, 0], [np.nan, 0]],), r"1 system\(s\), first system 1, have no variance"),
    ],
)
def test_bad_spectrum(arguments, match):
    with pytest.raises(ValueError, match=match):
        n_components_for(*arguments)


@pytest.mark.parametrize(
    ("function", "least"), [(cross_validated_participation_ratio, 4), (cross_validated_pca, 2)]
)
def test_bad_repeats(function, least):
    with pytest.raises(ValueError, match=r"repeats must have shape .* got shape \(3, 2\)"):
        function(np.ones((3, 2)))
    with pytest.raises(ValueError, match=rf"at least {least} repeats .* got {least - 1}"):
        function(np.ones((3, 2, least - 1)))
    with pytest.raises(ValueError, match=r"at least 2 conditions .* got 1: .*set center=False"):
        function(np.ones((1, 3, 4)))
    with pytest.raises(ValueError, match="repeats must be finite, got 1 NaN"):
        function(np.where(np.arange(24).reshape(3, 2, 4) == 5, np.nan, 1.0))
