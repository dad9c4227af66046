import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import subspace_angles

from neuroselect.geometry import subspace_angle


def test_principal_angles_by_cosines(rng):
    a, b = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    cosines = np.linalg.svd(np.linalg.qr(a)[0].T @ np.linalg.qr(b)[0], compute_uv=False)
    angles = subspace_angle(a, b)
    np.testing.assert_allclose(angles, np.degrees(np.arccos(cosines))[::-1], atol=1e-6)
    np.testing.assert_allclose(angles, np.degrees(subspace_angles(a, b)))
    np.testing.assert_allclose(subspace_angle(b, a), angles)
    mixed = a @ rng.normal(size=(3, 3))
    np.testing.assert_allclose(subspace_angle(mixed * 1e9, b), angles)


@given(degrees=st.floats(0, 180), scale=st.floats(1e-100, 1e100))
def test_angles_in_a_plane(degrees, scale):
    a = np.array([scale, 0.0, 0.0])
    b = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0.0])
    assert subspace_angle(a, b, directed=True) == pytest.approx(degrees, abs=1e-9)
    assert subspace_angle(a, b) == pytest.approx(min(degrees, 180 - degrees), abs=1e-6)


def test_vector_and_plane():
    angle = subspace_angle([1.0, 1.0, np.sqrt(2)], [[1, 0], [0, 1], [0, 0]])
    assert isinstance(angle, float)
    assert angle == pytest.approx(45)


def test_small_angles_are_exact():
    assert subspace_angle([1, 0], [1, 1e-10]) == pytest.approx(np.degrees(1e-10))
    assert subspace_angle([1, 0], [1, 1e-10], directed=True) == pytest.approx(np.degrees(1e-10))
    assert subspace_angle([1, 0], [-1, 1e-10], directed=True) == pytest.approx(180)


@pytest.mark.parametrize(
    ("a", "b", "directed", "message"),
    [
        ([0.0, 0.0], [1.0, 0.0], False, "a must have finite vectors that are not 0"),
        ([1.0, 0.0], [np.nan, 0.0], False, "b must have finite vectors"),
        ([1.0, 0.0], [1.0, 0.0, 0.0], False, "same number of units, got 2 and 3"),
        ([[[1.0]]], [1.0], False, r"a must have shape \(n_units,\).*got shape \(1, 1, 1\)"),
        (np.eye(2), [1.0, 0.0], True, "directed=True is for two vectors"),
    ],
)
def test_bad_input(a, b, directed, message):
    with pytest.raises(ValueError, match=message):
        subspace_angle(a, b, directed=directed)
