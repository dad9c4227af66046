"""Persistent homology, against spanning trees and shapes whose homology is known."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from scipy.spatial.distance import pdist, squareform

from neuroselect.geometry import betti_curves, persistence_diagrams, total_persistence


def circle(n_points):
    angle = np.arange(n_points) * 2 * np.pi / n_points
    return np.column_stack([np.cos(angle), np.sin(angle)])


def test_pieces_are_the_edges_of_the_spanning_tree(rng):
    rdms = np.array([pdist(rng.normal(size=(9, 3))) for _ in range(3)])
    for rdm, (pieces, _) in zip(rdms, persistence_diagrams(rdms), strict=True):
        tree = minimum_spanning_tree(squareform(rdm)).data
        assert_allclose(np.sort(pieces[:, 1]), [*np.sort(tree), np.inf], rtol=1e-14)
        assert_allclose(pieces[:, 0], 0)
        assert_allclose(total_persistence([pieces]), tree.sum())
        thresholds = np.linspace(0, rdm.max() * 1.1, 12)
        n_pieces = [connected_components(squareform(rdm) * (squareform(rdm) <= t))[0]
                    for t in thresholds]  # fmt: skip
        assert betti_curves([pieces], thresholds)[0].tolist() == n_pieces


def test_a_circle_is_one_long_loop(rng):
    points = circle(24) + 0.02 * rng.normal(size=(24, 2))
    _, loops = persistence_diagrams(pdist(points))
    lifetimes = np.sort(np.diff(loops)[:, 0])
    assert lifetimes[-1] > 1.2
    assert lifetimes[:-1].sum() < 0.1 * lifetimes[-1]
    assert betti_curves([loops], [0.8, 1.0, 1.3])[0].tolist() == [1, 1, 1]


def test_no_loop_in_a_line_and_two_in_two_circles(rng):
    line = np.linspace(0, 1, 12)[:, np.newaxis]
    two = np.concatenate([circle(12), circle(12) + 10])
    assert len(persistence_diagrams(pdist(line))[1]) == 0
    _, loops = persistence_diagrams(pdist(two))
    # A regular 12-gon is joined along its sides, and filled by triangles four sides wide.
    expected = [2 * np.sin(np.pi / 12), 2 * np.sin(np.pi / 3)]
    lifetimes = np.diff(loops)[:, 0]
    long = lifetimes > 0.1  # where the circles meet there is a brief one
    assert_allclose(loops[long], [expected, expected], rtol=1e-12)
    assert_allclose(total_persistence([loops], power=2), [(lifetimes**2).sum()])


def test_an_octahedron_is_hollow():
    corners = np.concatenate([np.eye(3), -np.eye(3)])
    diagrams = persistence_diagrams(pdist(corners), max_dim=2)
    assert [len(d) for d in diagrams] == [6, 0, 1]
    assert_allclose(diagrams[2], [[np.sqrt(2), 2]], rtol=1e-12)


def test_systems(rng):
    rdms = [pdist(circle(8)), pdist(rng.normal(size=(8, 3)))]
    diagrams = persistence_diagrams(rdms)
    assert total_persistence(diagrams).shape == (2, 2)
    curves = betti_curves(diagrams, [0.0, 0.5, 1.0])
    assert curves.shape == (2, 2, 3)
    for k, rdm in enumerate(rdms):
        single = persistence_diagrams(rdm)
        assert_allclose(total_persistence(single), total_persistence(diagrams)[k])
        assert (betti_curves(single, [0.0, 0.5, 1.0]) == curves[k]).all()
    only_pieces = persistence_diagrams(rdms[0], max_dim=0)
    assert [d.shape for d in only_pieces] == [(8, 2)]
    assert [d.tolist() for d in persistence_diagrams(np.zeros(3))] == [[[0, np.inf]], []]


def test_without_ripser(monkeypatch):
    monkeypatch.setitem(sys.modules, "ripser", None)
    with pytest.raises(ImportError, match=r'needs the package ripser: .*"neuroselect\[topology\]"'):
        persistence_diagrams([1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: persistence_diagrams([1.0] * 4), "rdm has 4 entries, which is no number of pairs"),
        (lambda: persistence_diagrams([-1.0]), "rdm must hold distances of at least 0"),
        (lambda: persistence_diagrams([1.0], max_dim=-1), "max_dim must be an integer .* got -1"),
        (lambda: persistence_diagrams(np.ones((1, 1, 3))), r"got shape \(1, 1, 3\)"),
        (lambda: total_persistence([]), "diagrams is empty"),
        (lambda: total_persistence([np.ones((2, 3))]), r"got shapes \[\(2, 3\)\]"),
        (lambda: total_persistence([np.ones((2, 2))], power=0), "power must be above 0, got 0"),
        (lambda: betti_curves([np.ones((2, 2))], [np.inf]), "list of finite distances"),
    ],
)
def test_bad_input(call, match):
    with pytest.raises(ValueError, match=match):
        call()
