"""Weight change: closed forms, invariances, and the triangle inequality."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy.stats import ortho_group

from neuroselect.regime import relative_distance, relative_norm_change, sign_similarity

weights = arrays(np.float64, (3, 4), elements=st.floats(-1e3, 1e3))


def test_closed_form(rng):
    initial, final = rng.normal(size=(2, 5, 7))
    norm = np.linalg.norm(initial, "fro")
    assert_allclose(
        relative_norm_change(initial, final), (np.linalg.norm(final, "fro") - norm) / norm
    )
    assert_allclose(
        relative_distance(initial, final), np.linalg.norm(final - initial, "fro") / norm
    )


@pytest.mark.parametrize("measure", [relative_norm_change, relative_distance])
def test_network_axis_is_the_loop(measure, rng):
    initial, final = rng.normal(size=(2, 6, 5, 7))
    looped = [measure(a, b) for a, b in zip(initial, final, strict=True)]
    assert_allclose(measure(initial, final), looped, rtol=1e-14)
    assert isinstance(measure(initial[0], final[0]), float)


def test_only_the_distance_sees_a_rotation(rng):
    initial = rng.normal(size=(6, 4))
    turned = ortho_group.rvs(6, random_state=np.random.RandomState(1)) @ initial
    assert_allclose(relative_norm_change(initial, turned), 0, atol=1e-14)
    assert relative_distance(initial, turned) > 0.1


@given(weights, weights)
def test_triangle_inequality(initial, final):
    change, distance = relative_norm_change(initial, final), relative_distance(initial, final)
    if np.linalg.norm(initial) < 1e-100:  # its square underflows
        return
    assert abs(change) <= distance * (1 + 1e-9) + 1e-12


def test_zero_initial_weights_are_nan_for_that_network_only(rng):
    initial = np.stack([np.zeros((2, 3)), np.ones((2, 3))])
    final = rng.normal(size=(2, 2, 3))
    for measure in (relative_norm_change, relative_distance):
        assert_allclose(np.isnan(measure(initial, final)), [True, False])


@pytest.mark.parametrize("measure", [relative_norm_change, relative_distance, sign_similarity])
def test_bad_input(measure):
    with pytest.raises(ValueError, match=r"same shape, got \(2, 3\) and \(3, 2\)"):
        measure(np.ones((2, 3)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="final must be finite"):
        measure([[1.0]], [[np.nan]])
    with pytest.raises(ValueError, match="initial must have shape"):
        measure(1.0, [[1.0]])


def test_sign_similarity_counts_connections_one_by_one(rng):
    initial = rng.normal(size=(4, 5, 6)) * (rng.random((4, 5, 6)) < 0.7)
    final = rng.normal(size=(4, 5, 6)) * (rng.random((4, 5, 6)) < 0.7)
    want = []
    for before, after in zip(initial, final, strict=True):
        pairs = [p for p in zip(before.ravel(), after.ravel(), strict=True) if p != (0, 0)]
        want.append(sum(a * b > 0 for a, b in pairs) / len(pairs))
    got = sign_similarity(initial, final)
    assert_allclose(got, want)
    assert sign_similarity(initial[0], final[0]) == got[0]
    assert isinstance(sign_similarity(initial[0], final[0]), float)


def test_sign_similarity_without_connections_is_nan():
    ones = np.ones((2, 2, 3))
    ones[0] = 0
    assert_allclose(sign_similarity(ones, ones), [np.nan, 1])
    assert_allclose(sign_similarity(ones, -ones), [np.nan, 0])
    assert_allclose(sign_similarity([0.0, 2.0], [1.0, 0.0]), 0)
