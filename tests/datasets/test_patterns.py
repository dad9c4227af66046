import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import pdist, squareform

from neuroselect.datasets import make_patterns


def cells(recording):
    """Data as (n_runs, n_conditions, n_repeats, n_voxels)."""
    sizes = [recording.trials[name].max() + 1 for name in ("run", "condition", "repeat")]
    return recording.data.reshape(*sizes, -1)


def test_shapes(seed):
    recording = make_patterns(5, grid_shape=(4, 3, 2), n_runs=3, n_repeats=2, random_state=seed)
    assert recording.data.shape == (30, 24)
    assert recording.trials.columns.tolist() == ["run", "condition", "repeat"]
    assert recording.units.columns.tolist() == ["unit", "i", "j", "k"]
    assert recording.true_patterns.shape == (5, 24)
    assert recording.true_distances.shape == (10,)
    assert recording.noise_covariance.shape == (24, 24)
    index = recording.trials.to_numpy() @ [10, 2, 1]
    np.testing.assert_array_equal(index, np.arange(30))
    voxel = recording.units[["i", "j", "k"]].to_numpy() @ [6, 2, 1]
    np.testing.assert_array_equal(voxel, np.arange(24))
    for text in ("true_distances", "noise_covariance", "offset"):
        assert text in recording.DESCR


def test_one_seed_one_recording(seed):
    first, second = (make_patterns(random_state=seed) for _ in range(2))
    np.testing.assert_array_equal(first.data, second.data)
    assert first.data.shape == (64, 100)


def test_true_distances_are_those_of_the_true_patterns(seed):
    recording = make_patterns(6, random_state=seed)
    expected = pdist(recording.true_patterns, "sqeuclidean") / 100
    np.testing.assert_allclose(recording.true_distances, expected)


@given(
    points=st.lists(
        st.tuples(*[st.floats(-10, 10, allow_subnormal=False)] * 3), min_size=2, max_size=9
    ),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_given_distances_are_exact(points, seed):
    rdm = pdist(np.array(points), "sqeuclidean")
    recording = make_patterns(rdm=rdm, grid_shape=(3, 4), random_state=seed)
    expected = pdist(recording.true_patterns, "sqeuclidean") / 12
    scale = max(rdm.max(), 1e-6)
    np.testing.assert_allclose(recording.true_distances / scale, rdm / scale, atol=1e-7)
    np.testing.assert_allclose(expected / scale, rdm / scale, atol=1e-7)


def test_given_covariance_is_exact(seed, rng):
    roots = rng.normal(size=(6, 4))
    wanted = roots @ roots.T
    patterns = make_patterns(pattern_covariance=wanted, random_state=seed).true_patterns
    np.testing.assert_allclose(patterns @ patterns.T / 100, wanted, atol=1e-10)


def test_cross_products_of_runs_are_unbiased(seed):
    # Crossnobis without normalisation: differences of one run times those of another.
    rdm = squareform([[0, 0, 1, 4], [0, 0, 1, 4], [1, 1, 0, 3], [4, 4, 3, 0]])
    recording = make_patterns(rdm=rdm, n_runs=2000, noise_std=3.0, run_std=2.0, random_state=seed)
    patterns = cells(recording)[:, :, 0]
    first, second = np.triu_indices(4, 1)
    differences = patterns[:, first] - patterns[:, second]  # (n_runs, n_pairs, n_voxels)
    products = (differences[::2] * differences[1::2]).mean(axis=-1)
    error = (products.mean(axis=0) - rdm) / (products.std(axis=0) / np.sqrt(1000))
    assert np.abs(error).max() < 5
    # Within a run the noise adds twice its variance.
    biased = (differences**2).mean(axis=(0, 2))
    np.testing.assert_allclose(biased, rdm + 2 * 9, rtol=0.05)


def test_normalised_cross_products_are_unbiased_for_mahalanobis_distances(seed):
    recording = make_patterns(4, grid_shape=(5, 4), n_runs=2000, random_state=seed)
    precision = np.linalg.inv(recording.noise_covariance)
    patterns = cells(recording)[:, :, 0]
    first, second = np.triu_indices(4, 1)
    differences = patterns[:, first] - patterns[:, second]
    products = np.einsum("rpv,vw,rpw->rp", differences[::2], precision, differences[1::2])
    true = recording.true_patterns[first] - recording.true_patterns[second]
    expected = np.einsum("pv,vw,pw->p", true, precision, true)
    error = (products.mean(axis=0) - expected) / (products.std(axis=0) / np.sqrt(1000))
    assert np.abs(error).max() < 5


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
def test_covariance_of_the_noise_converges(share, seed):
    recording = make_patterns(
        2, grid_shape=(4, 5), n_runs=4000, n_repeats=2, noise_std=2.0, noise_fwhm=3.0,
        smooth_share=share, random_state=seed,
    )  # fmt: skip
    data = cells(recording)
    noise = (data[:, :, 0] - data[:, :, 1]).reshape(-1, 20) / np.sqrt(2)
    found = noise.T @ noise / len(noise)
    tolerance = 5.5 * 4 * np.sqrt(2 / len(noise))
    np.testing.assert_allclose(found, recording.noise_covariance, atol=tolerance)
    np.testing.assert_allclose(np.diag(recording.noise_covariance), 4)


def test_smooth_noise_is_smoothed_white_noise():
    # Far from the border, against the filter that makes such noise.
    recording = make_patterns(
        2, grid_shape=(15, 15), n_runs=1, noise_std=1.0, noise_fwhm=3.0, smooth_share=1.0,
        random_state=0,
    )  # fmt: skip
    kernel = gaussian_filter(
        np.eye(1, 41 * 41, 20 * 41 + 20).reshape(41, 41), 3 / 2.3548, truncate=8
    )
    spectrum = np.abs(np.fft.fft2(kernel)) ** 2
    correlation = np.real(np.fft.ifft2(spectrum))
    correlation /= correlation[0, 0]
    covariance = recording.noise_covariance.reshape(15, 15, 15, 15)[7, 7]
    for i, j in np.ndindex(15, 15):
        assert covariance[i, j] == pytest.approx(correlation[i - 7, j - 7], abs=1e-3)


def test_runs_shift_voxels_of_all_conditions_alike(seed):
    recording = make_patterns(
        3, grid_shape=(20, 20), n_runs=60, noise_std=0.0, run_std=1.5, random_state=seed
    )
    offsets = cells(recording)[:, :, 0] - recording.true_patterns
    np.testing.assert_allclose(offsets, offsets[:, :1].repeat(3, axis=1), atol=1e-12)
    assert offsets[:, 0].std() == pytest.approx(1.5, rel=0.03)
    still = make_patterns(3, noise_std=0.0, run_std=0.0, random_state=seed)
    np.testing.assert_array_equal(cells(still)[:, :, 0], [still.true_patterns] * 8)


def test_inputs_are_not_changed(seed):
    rdm = np.array([1.0, 4.0, 3.0])
    make_patterns(rdm=rdm, random_state=seed)
    assert rdm.tolist() == [1, 4, 3]


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"grid_shape": ()}, "grid_shape must be one to three whole numbers"),
        ({"grid_shape": (3, 0)}, r"grid_shape must be .* got \(3, 0\)"),
        ({"grid_shape": (3, 2.5)}, "grid_shape must be one to three whole numbers"),
        ({"grid_shape": (2, 2, 2, 2)}, "grid_shape must be one to three"),
        ({"rdm": [1.0], "pattern_covariance": np.eye(2)}, "exclude each other"),
        ({"rdm": [1.0, 2.0]}, r"rdm must be condensed, .* got shape \(2,\)"),
        ({"rdm": np.ones((3, 3))}, "rdm must be condensed"),
        ({"rdm": []}, "rdm must be condensed"),
        ({"rdm": [1.0, np.nan, 1.0]}, "rdm must hold squared distances, finite"),
        ({"rdm": [1.0, -1.0, 1.0]}, "not below 0"),
        ({"rdm": [1.0, 9.0, 1.0]}, "No patterns have this rdm: its values are no squared Eucl"),
        ({"rdm": [1.0, 1.0, 1.0], "n_conditions": 4}, "n_conditions=4 does not fit rdm, .* 3 cond"),
        ({"pattern_covariance": np.ones(3)}, "must be a finite symmetric matrix"),
        ({"pattern_covariance": [[1, 0], [1, 1]]}, "must be a finite symmetric matrix"),
        ({"pattern_covariance": [[1, 2], [2, 1]]}, "its values are no covariance"),
        (
            {"pattern_covariance": np.eye(5), "grid_shape": (2, 2)},
            "grid_shape must give at least 5 voxels",
        ),
        ({"noise_fwhm": 0.0}, "The 'noise_fwhm' parameter of make_patterns must be"),
        ({"smooth_share": 1.5}, "The 'smooth_share' parameter of make_patterns must be"),
        ({"n_conditions": 1}, "The 'n_conditions' parameter of make_patterns must be"),
    ],
)
def test_bad_parameters(kwargs, match):
    with pytest.raises(ValueError, match=match):
        make_patterns(**kwargs)
