import math

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from neuroselect.datasets import make_context_blobs


def slow_blobs():
    """The 50 x 25 stimuli and the targets, written out from the definition, pixel by pixel."""
    grid = [0, 0.25, 0.5, 0.75, 1]
    centres = [0.2, 0.35, 0.5, 0.65, 0.8]
    rows, targets = [], []
    for task in "AB":
        for i, b in enumerate(centres):
            for j, l in enumerate(centres):  # noqa: E741
                image = [
                    math.exp(-((x - b) ** 2 + (y - l) ** 2) / (2 * 0.08))
                    for y in grid
                    for x in grid
                ]
                rows.append([value / max(image) for value in image])
                targets.append(-(j - 2) if task == "A" else -(i - 2))
    norm = math.sqrt(sum(value**2 for row in rows for value in row))
    return [[value / norm for value in row] for row in rows], targets


def test_equals_definition():
    stimuli, targets = slow_blobs()
    X, y = make_context_blobs()
    assert X.dtype == y.dtype == np.float64
    np.testing.assert_allclose(X[:, :-1], stimuli, rtol=1e-13)
    np.testing.assert_array_equal(y, targets)
    np.testing.assert_array_equal(X[:, -1], np.repeat([0, 1], 25))
    assert not np.signbit(y[y == 0]).any()


@pytest.mark.parametrize("n_levels", [2, 3, 5, 6])
def test_norm_and_maximum(n_levels):
    normalized, _ = make_context_blobs(n_levels=n_levels)
    raw, _ = make_context_blobs(n_levels=n_levels, normalize=False)
    assert normalized.shape == (2 * n_levels**2, 26)
    assert np.linalg.norm(normalized[:, :-1]) == pytest.approx(1, rel=1e-14)
    np.testing.assert_array_equal(raw[:, :-1].max(axis=1), 1)
    np.testing.assert_allclose(
        normalized[:, :-1] * np.linalg.norm(raw[:, :-1]), raw[:, :-1], rtol=1e-13
    )


@pytest.mark.parametrize("n_levels", [2, 4, 5, 9])
def test_bump_lies_where_its_levels_say(n_levels):
    # A Gaussian sampled on a grid: its log is a parabola along each axis, so that three
    # pixels of a line give the centre in closed form.
    blobs = make_context_blobs(n_levels=n_levels, return_X_y=False)
    images = np.log(blobs.data[:, :-1]).reshape(-1, 5, 5)

    def centre(line):
        left, middle, right = line[..., 1], line[..., 2], line[..., 3]
        return 0.5 + 0.25 * (left - right) / (2 * (left - 2 * middle + right))

    step = 0.6 / (n_levels - 1)
    expected = 0.5 + step * blobs.conditions
    np.testing.assert_allclose(centre(images[:, 2, :]), expected["branchiness"], rtol=1e-12)
    np.testing.assert_allclose(centre(images[:, :, 2]), expected["leafiness"], rtol=1e-12)
    row, column = np.divmod(blobs.data[:, :-1].argmax(axis=1), 5)
    assert (np.abs(row * 0.25 - expected["leafiness"]) <= 0.125 + 1e-12).all()
    assert (np.abs(column * 0.25 - expected["branchiness"]) <= 0.125 + 1e-12).all()


@pytest.mark.parametrize("n_levels", [2, 5, 6])
@pytest.mark.parametrize("n_repeats", [1, 3])
def test_bunch_agrees_with_arrays(n_levels, n_repeats):
    kwargs = {"n_levels": n_levels, "n_repeats": n_repeats, "noise": 0.1, "random_state": 3}
    X, y = make_context_blobs(**kwargs)
    blobs = make_context_blobs(return_X_y=False, **kwargs)
    np.testing.assert_array_equal(blobs.data, X)
    np.testing.assert_array_equal(blobs.target, y)
    assert blobs.task_names == ["A", "B"]
    assert len(blobs.feature_names) == X.shape[1] == 26
    assert blobs.feature_names[1] == "pixel_0_1"
    assert blobs.feature_names[-1] == "task"
    frame = blobs.conditions
    assert list(frame.columns) == ["task", "branchiness", "leafiness"]
    assert len(frame) == len(X) == 2 * n_levels**2 * n_repeats
    np.testing.assert_array_equal(frame["task"], X[:, -1])
    relevant = frame["leafiness"].where(frame["task"] == 0, frame["branchiness"])
    np.testing.assert_array_equal(y, -relevant)
    counts = frame.value_counts()
    assert len(counts) == 2 * n_levels**2
    assert (counts == n_repeats).all()
    levels = np.unique(frame["branchiness"])
    np.testing.assert_array_equal(levels, np.arange(n_levels) - (n_levels - 1) / 2)
    np.testing.assert_array_equal(np.unique(frame["leafiness"]), levels)
    assert "10.1016/j.neuron.2022.01.005" in blobs.DESCR


def test_leafiness_fast_branchiness_slow():
    frame = make_context_blobs(return_X_y=False).conditions
    np.testing.assert_array_equal(frame["leafiness"], np.tile(np.arange(-2, 3), 10))
    np.testing.assert_array_equal(frame["branchiness"], np.tile(np.repeat(np.arange(-2, 3), 5), 2))


def test_swapping_the_features_transposes_the_images():
    images = make_context_blobs()[0][:25, :-1].reshape(5, 5, 5, 5)
    np.testing.assert_allclose(
        images.transpose(1, 0, 2, 3), images.transpose(0, 1, 3, 2), rtol=1e-14
    )
    assert pdist(images.reshape(25, 25)).min() > 0


def test_repeats_tile_the_noise_free_task():
    once, y = make_context_blobs()
    thrice, y3 = make_context_blobs(n_repeats=3)
    np.testing.assert_array_equal(thrice, np.tile(once, (3, 1)))
    np.testing.assert_array_equal(y3, np.tile(y, 3))


def test_noise_is_added_after_normalisation_and_fresh(seed):
    noise, n_repeats = 0.3, 40
    clean, y = make_context_blobs(n_repeats=n_repeats)
    noisy, y_noisy = make_context_blobs(noise=noise, n_repeats=n_repeats, random_state=seed)
    np.testing.assert_array_equal(y_noisy, y)
    np.testing.assert_array_equal(noisy[:, -1], clean[:, -1])
    residual = ((noisy - clean)[:, :-1] / noise).ravel()
    n = residual.size  # 50,000: bounds at five standard errors
    assert abs(residual.mean()) < 5 / np.sqrt(n)
    assert abs(residual.std() - 1) < 5 / np.sqrt(2 * n)
    assert len(np.unique(residual)) == n
    by_repeat = residual.reshape(n_repeats, -1)
    corr = np.corrcoef(by_repeat)[np.triu_indices(n_repeats, 1)]
    assert np.abs(corr).max() < 6 / np.sqrt(by_repeat.shape[1])


def test_random_state(seed):
    first, _ = make_context_blobs(noise=1, random_state=seed)
    again, _ = make_context_blobs(noise=1, random_state=np.random.RandomState(seed))
    other, _ = make_context_blobs(noise=1, random_state=seed + 1)
    np.testing.assert_array_equal(first, again)
    assert (first[:, :-1] != other[:, :-1]).all()


@pytest.mark.parametrize(
    "kwargs",
    [
        {"n_levels": 1},
        {"n_levels": 5.0},
        {"normalize": "yes"},
        {"noise": -0.1},
        {"noise": np.nan},
        {"noise": np.inf},
        {"n_repeats": 0},
        {"random_state": "seed"},
        {"return_X_y": None},
    ],
)
def test_bad_parameters(kwargs):
    (name,) = kwargs
    with pytest.raises(ValueError, match=f"The {name!r} parameter of make_context_blobs must be"):
        make_context_blobs(**kwargs)


def test_reproduces_the_documented_training_run():
    """Loss before updates 1, 2, ... of the published network and its full-batch descent."""
    X, y = make_context_blobs()
    stimuli, cue = X[:, :-1], np.eye(2)[X[:, -1].astype(int)] / np.sqrt(50)
    random_state = np.random.RandomState(0)  # the generator the expected values are given for
    w_stimulus = 0.01 * random_state.randn(100, 25)
    w_cue = 0.5 * random_state.randn(100, 2)
    w_out = 0.01 * random_state.randn(100)
    b_hidden, b_out = np.full(100, 0.1), 0.1

    losses = []
    for _ in range(1000):
        drive = stimuli @ w_stimulus.T + cue @ w_cue.T + b_hidden
        hidden = np.maximum(drive, 0)
        error = hidden @ w_out + b_out - y
        losses.append(0.5 * error @ error)
        back = np.outer(error, w_out) * (drive > 0)
        w_out = w_out - 0.005 * error @ hidden
        b_out -= 0.005 * error.sum()
        w_stimulus -= 0.005 * back.T @ stimuli
        w_cue -= 0.005 * back.T @ cue
        b_hidden -= 0.005 * back.sum(axis=0)

    before_update = np.array([1, 2, 10, 100, 500, 1000])
    expected = [50.194553, 50.038022, 49.992752, 49.841606, 29.293295, 4.9892177]
    np.testing.assert_allclose(np.array(losses)[before_update - 1], expected, rtol=3e-8)
