"""Alignment of kernels: explicit kernels, invariances, and what has no direction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy.stats import ortho_group

from neuroselect.regime import kernel_alignment, representation_alignment

activities = arrays(np.float64, (5, 3), elements=st.floats(-1e3, 1e3))


def slow_alignment(initial, final, center):
    """From kernels of trials by trials, entry by entry."""
    if center:
        initial, final = initial - initial.mean(0), final - final.mean(0)
    n = len(initial)
    product = norm_0 = norm_1 = 0.0
    for i in range(n):
        for j in range(n):
            k_0, k_1 = initial[i] @ initial[j], final[i] @ final[j]
            product, norm_0, norm_1 = product + k_0 * k_1, norm_0 + k_0**2, norm_1 + k_1**2
    return product / np.sqrt(norm_0 * norm_1)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("shape", [(9, 4), (9, 9), (4, 9)])
def test_equals_explicit_kernels(shape, center, rng):
    initial, final = rng.normal(1, size=(2, *shape))
    want = slow_alignment(initial, final, center)
    assert_allclose(representation_alignment(initial, final, center=center), want, rtol=1e-12)


@pytest.mark.parametrize("center", [True, False])
def test_network_axis_is_the_loop(center, rng):
    initial, final = rng.normal(size=(2, 6, 8, 5))
    looped = [
        representation_alignment(a, b, center=center) for a, b in zip(initial, final, strict=True)
    ]
    got = representation_alignment(initial, final, center=center)
    assert got.shape == (6,)
    assert_allclose(got, looped, rtol=1e-14)
    assert isinstance(looped[0], float)


def test_invariant_to_rotation_and_scale_not_to_order_of_trials(rng):
    initial, final = rng.normal(size=(2, 12, 6))
    want = representation_alignment(initial, final)
    turned = 1e-90 * final @ ortho_group.rvs(6, random_state=np.random.RandomState(3))
    assert_allclose(representation_alignment(initial, turned), want, rtol=1e-10)
    assert_allclose(representation_alignment(turned, turned), 1, rtol=1e-12)
    assert abs(representation_alignment(initial, final[::-1]) - want) > 1e-3


@given(activities, activities)
def test_symmetric_between_0_and_1(initial, final):
    alignment = representation_alignment(initial, final)
    if np.isnan(alignment):
        assert not (initial.any() and final.any())
        return
    assert 0 <= alignment <= 1
    assert_allclose(alignment, representation_alignment(final, initial), atol=1e-12)


@pytest.mark.parametrize(("n_trials", "n_units"), [(20, 4), (4, 20)])
def test_silent_populations_are_nan_for_that_network_only(n_trials, n_units, rng):
    initial, final = rng.normal(size=(2, 3, n_trials, n_units))
    initial[0], final[1] = 0, 0
    assert_allclose(np.isnan(representation_alignment(initial, final)), [True, True, False])


def test_constant_units_have_no_centred_representation(rng):
    constant, varied = np.tile(rng.normal(size=5), (7, 1)), rng.normal(size=(7, 5))
    assert np.isnan(representation_alignment(constant, varied, center=True))
    assert 0 < representation_alignment(constant, varied) < 1


def test_kernel_alignment_is_that_of_the_representations(rng):
    initial, final = rng.normal(size=(2, 2, 3, 7, 4))
    k_0, k_1 = initial @ initial.swapaxes(-1, -2), final @ final.swapaxes(-1, -2)
    got = kernel_alignment(k_0, k_1)
    assert got.shape == (2, 3)
    want = [representation_alignment(a, b) for a, b in zip(initial, final, strict=True)]
    assert_allclose(got, want, rtol=1e-12)
    assert isinstance(kernel_alignment(k_0[0, 0], k_1[0, 0]), float)


def test_kernel_of_zeros_is_nan_for_that_network_only():
    kernels = np.stack([np.zeros((2, 2)), np.eye(2)])
    assert_allclose(kernel_alignment(kernels, kernels), [np.nan, 1])


def test_bad_activity():
    with pytest.raises(ValueError, match=r"same shape, got \(3, 2\) and \(4, 2\)"):
        representation_alignment(np.ones((3, 2)), np.ones((4, 2)))
    with pytest.raises(ValueError, match=r"initial must have shape .* got \(3,\)"):
        representation_alignment(np.ones(3), np.ones((3, 1)))
    with pytest.raises(ValueError, match="at least one entry"):
        representation_alignment(np.ones((0, 2)), np.ones((0, 2)))
    with pytest.raises(ValueError, match="final must be finite"):
        representation_alignment([[1.0]], [[np.inf]])


def test_bad_kernels():
    with pytest.raises(ValueError, match=r"final must hold kernels .* got \(2, 3\)"):
        kernel_alignment(np.eye(2), np.ones((2, 3)))
    with pytest.raises(ValueError, match="initial must be finite"):
        kernel_alignment([[np.nan]], [[1.0]])
    with pytest.raises(ValueError, match=r"symmetric kernels.*use representation_alignment"):
        kernel_alignment([[1.0, 2.0], [0.0, 1.0]], np.eye(2))
    with pytest.raises(ValueError, match=r"same shape, got \(2, 2\) and \(3, 3\)"):
        kernel_alignment(np.eye(2), np.eye(3))
