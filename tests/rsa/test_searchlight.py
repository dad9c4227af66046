"""Neighbourhoods, and what is computed in them, against loops over centres."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from sklearn.pipeline import make_pipeline

from neuroselect.datasets import fetch_haxby_slice
from neuroselect.rsa import (
    RDMRegression,
    RDMTransformer,
    Searchlight,
    adjacency_neighborhoods,
    condition_patterns,
    searchlight_scores,
    volume_neighborhoods,
)


def ball(rng, n=4):
    """A random mask and its voxels."""
    mask = rng.random((n, n + 1, n)) < 0.7
    mask[0, 0, 0] = True
    return mask, np.argwhere(mask)


def test_spheres_are_those_of_a_slow_loop(rng):
    mask, places = ball(rng)
    size = np.array([2.0, 3.0, 2.5])
    near = volume_neighborhoods(mask, 4.0, voxel_size=size).toarray()
    for k, place in enumerate(places):
        distance = np.sqrt((((places - place) * size) ** 2).sum(axis=1))
        assert np.array_equal(near[k], distance <= 4.0)


def test_the_rim_can_be_left_out(rng):
    near = volume_neighborhoods(np.ones((5, 5, 5), dtype=bool), 1, min_share=1.0)
    counts = near.sum(axis=1).reshape(5, 5, 5)
    assert (counts[1:-1, 1:-1, 1:-1] == 7).all()
    counts[1:-1, 1:-1, 1:-1] = 0
    assert (counts == 0).all()


def test_steps_on_a_graph(rng):
    adjacency = rng.random((12, 12)) < 0.12
    both = adjacency | adjacency.T | np.eye(12, dtype=bool)
    for n_steps in range(4):
        expected = np.linalg.matrix_power(both.astype(int), n_steps) > 0
        assert np.array_equal(adjacency_neighborhoods(adjacency, n_steps).toarray(), expected)
    assert np.array_equal(
        adjacency_neighborhoods(sparse.csr_array(adjacency), 2).toarray(),
        adjacency_neighborhoods(adjacency, 2).toarray(),
    )


@pytest.mark.parametrize("metric", ["correlation", "euclidean"])
@pytest.mark.parametrize("chunk_bytes", [1, 2**25])
def test_maps_are_those_of_a_loop_over_centres(rng, metric, chunk_bytes):
    mask, places = ball(rng)
    near = volume_neighborhoods(mask, 1.5)
    patterns = rng.normal(size=(2, 4, len(places)))
    light = Searchlight(RDMTransformer(metric), near, min_channels=3, chunk_bytes=chunk_bytes)
    maps = light.fit(patterns).maps(patterns)
    for k, row in enumerate(near.toarray()):
        if row.sum() < 3:
            assert light.left_out_[k]
            assert np.isnan(maps[:, k]).all()
        else:
            expected = RDMTransformer(metric).fit_transform(patterns[..., row])
            assert np.allclose(maps[:, k], expected, atol=1e-12)
    assert np.array_equal(light.transform(patterns), maps.reshape(2, -1), equal_nan=True)
    lists = [np.flatnonzero(row).tolist() for row in near.toarray()]
    for same in (lists, near.toarray()):
        other = Searchlight(RDMTransformer(metric), same, min_channels=3).fit(patterns)
        assert np.allclose(other.maps(patterns), maps, equal_nan=True)


def test_a_pipeline_goes_on_to_betas_and_flat_patterns_are_the_same(rng):
    near = adjacency_neighborhoods(np.eye(30, k=1), 2)
    models = rng.normal(size=(2, 15))
    patterns = rng.normal(size=(3, 6, 30))
    betas = Searchlight(make_pipeline(RDMTransformer(), RDMRegression(models)), near)
    maps = betas.fit(patterns).maps(patterns)
    assert maps.shape == (3, 30, 2)
    flat = patterns.reshape(3, -1)
    pipe = make_pipeline(RDMTransformer(n_conditions=6), RDMRegression(models))
    assert np.allclose(Searchlight(pipe, near).fit(flat).maps(flat), maps)
    names = betas.get_feature_names_out()
    assert len(names) == 60
    assert names[0].startswith("center0_")


def test_processes_give_the_same(rng):
    near = adjacency_neighborhoods(np.eye(20, k=1))
    patterns = rng.normal(size=(2, 5, 20))
    one, two = (
        Searchlight(RDMTransformer(), near, n_jobs=n, chunk_bytes=2000).fit(patterns).maps(patterns)
        for n in (1, 2)
    )
    assert np.array_equal(one, two)


def test_memory_is_bounded(rng):
    near = adjacency_neighborhoods(np.eye(4000, k=1), 20)
    patterns = rng.normal(size=(1, 10, 4000))
    light = Searchlight(
        make_pipeline(RDMTransformer("correlation"), RDMRegression(rng.normal(size=(1, 45)))),
        near, chunk_bytes=2**18,
    ).fit(patterns)  # fmt: skip
    cut_at_once = 8 * 10 * near.sum()
    tracemalloc.start()
    light.maps(patterns)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert cut_at_once > 12e6
    assert peak < 4e6


def test_a_decoder_around_every_centre(rng):
    y = np.tile([0, 1], 30)
    runs = np.repeat(np.arange(3), 20)
    X = rng.normal(size=(60, 8))
    X[:, 3] += 3 * y
    near = adjacency_neighborhoods(np.eye(8, k=1))
    lda = LinearDiscriminantAnalysis()
    cv = LeaveOneGroupOut()
    scores = searchlight_scores(lda, X, y, near, cv=cv, groups=runs, min_channels=3)
    assert scores.shape == (8, 3)
    assert np.isnan(scores[[0, 7]]).all()
    for k in range(1, 7):
        expected = cross_val_score(lda, X[:, k - 1 : k + 2], y, cv=cv, groups=runs)
        assert np.array_equal(scores[k], expected)
    means = scores.mean(axis=1)
    assert means[[2, 3, 4]].min() > np.nanmax(means[[1, 5, 6]])


def test_haxby_slice(data_folder):
    """Categories are told apart around some voxels, and around few outside of the cortex."""
    haxby = fetch_haxby_slice(data_home=data_folder)
    trials = haxby.trials
    shown = trials["category"].isin(["face", "house"]).to_numpy()
    y, runs = trials["category"][shown].to_numpy(), trials["run"][shown].to_numpy()
    blocks = [(run, c) for run in np.unique(runs) for c in ("face", "house")]
    X = np.array([haxby.data[shown][(runs == r) & (y == c)].mean(axis=0) for r, c in blocks])
    labels = np.array([c for _, c in blocks])
    near = volume_neighborhoods(haxby.mask, 2)[::20]
    scores = searchlight_scores(
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"), X, labels, near,
        groups=np.repeat(np.unique(runs), 2), cv=LeaveOneGroupOut(),
    ).mean(axis=1)  # fmt: skip
    assert scores.max() > 0.85
    assert np.median(scores) > 0.5


BAD = [
    ({"neighborhoods": [[0, 9]]}, "names channels outside 0 to 5"),
    ({"neighborhoods": [[]]}, "neighborhoods must hold a channel"),
    ({"neighborhoods": [[0.5]]}, "boolean matrix"),
    ({"neighborhoods": np.ones((2, 3, 4), dtype=bool)}, "must have shape"),
    ({"neighborhoods": np.ones((2, 4), dtype=bool)}, "neighborhoods has 4 channels"),
    ({"min_channels": 9}, "min_channels=9 leaves no neighbourhood: the largest has 6"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_neighborhoods(rng, change, message):
    with pytest.raises(ValueError, match=message):
        Searchlight(RDMTransformer(), **change).fit(rng.normal(size=(2, 3, 6)))


def test_bad_input(rng):
    patterns = rng.normal(size=(2, 3, 6))
    light = Searchlight(RDMTransformer()).fit(patterns)
    with pytest.raises(ValueError, match=r"X must have the axes \(n_systems, 3,"):
        light.transform(rng.normal(size=(2, 2, 9)))
    with pytest.raises(ValueError, match="not a multiple of the 4 channels"):
        Searchlight(RDMTransformer(), np.eye(4, dtype=bool)).fit(rng.normal(size=(2, 6)))
    for mask, message in [
        (np.full((2, 2), 3), "mask must be boolean"),
        (np.zeros((2, 2), dtype=bool), "a voxel in it"),
        (np.ones(4, dtype=bool), "two or three axes"),
    ]:
        with pytest.raises(ValueError, match=message):
            volume_neighborhoods(mask, 1)
    with pytest.raises(ValueError, match="radius must be 0 or more"):
        volume_neighborhoods(np.ones((2, 2), dtype=bool), -1)
    with pytest.raises(ValueError, match="adjacency must be a square matrix"):
        adjacency_neighborhoods(np.ones((2, 3)))
    with pytest.raises(ValueError, match="n_steps must be 0 or more"):
        adjacency_neighborhoods(np.eye(2), -1)
    with pytest.raises(ValueError, match="min_channels=5 leaves no neighbourhood"):
        searchlight_scores(
            LinearDiscriminantAnalysis(), patterns[0], [0, 1, 0], [[0]], min_channels=5
        )


def test_crossnobis_around_voxels(data_folder):
    """Every argument of the RDM goes through: noise is that of the neighbourhood's own channels."""
    haxby = fetch_haxby_slice(data_home=data_folder)
    shown = (haxby.trials["category"] != "rest").to_numpy()
    trials = haxby.trials[shown]
    means = condition_patterns(haxby.data[shown], trials["category"], runs=trials["run"])
    near = volume_neighborhoods(haxby.mask, 2)[::5]
    distances = RDMTransformer("crossnobis", noise="diagonal")
    light = Searchlight(distances, near, min_channels=5).fit(means.patterns[None])
    maps = light.maps(means.patterns[None])[0]
    sizes = near.sum(axis=1)
    assert np.array_equal(np.isnan(maps).all(axis=1), sizes < 5)
    k = int(np.argmax(sizes))
    row = near.toarray()[k]
    assert np.allclose(maps[k], clone(distances).fit_transform(means.patterns[None][..., row])[0])
    names = means.conditions["condition"].tolist()
    pairs = [{names[i], names[j]} for i in range(8) for j in range(i + 1, 8)]
    faces_houses = maps[:, pairs.index({"face", "house"})]
    assert np.nanmax(faces_houses) > 0
    assert np.nanmedian(faces_houses) > np.nanmedian(maps[:, pairs.index({"bottle", "shoe"})])
