"""Interleaved and resampled trials."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare, hypergeom

from neuroselect.curricula import Interleaved, Resampled
from neuroselect.curricula._shuffled import draw_subsets

ALPHA = 1e-9  # so small that any seed passes


@given(n_trials=st.integers(1, 40), batch_size=st.integers(1, 50), seed=st.integers(0, 2**32))
def test_every_trial_once_per_pass(n_trials, batch_size, seed):
    rng = np.random.default_rng(seed)
    passes = Interleaved()(np.zeros(n_trials), batch_size=batch_size, max_iter=4, rng=rng)
    for steps in passes:
        assert np.array_equal(np.sort(np.concatenate(steps)), np.arange(n_trials))
        *full, last = map(len, steps)
        assert set(full) <= {batch_size}
        assert last == n_trials - batch_size * len(full)


def test_the_order_is_one_permutation_per_pass(seed):
    """The stream of draws is part of the contract: a seed gives the same network for ever."""
    rng = np.random.default_rng(seed)
    expected = [rng.permutation(23) for _ in range(5)]
    same = np.random.default_rng(seed)
    passes = Interleaved()(np.zeros(23), batch_size=4, max_iter=5, rng=same)
    for steps, order in zip(passes, expected, strict=True):
        assert np.array_equal(np.concatenate(steps), order)
    assert rng.bit_generator.state == same.bit_generator.state


@pytest.mark.parametrize("batch_size", [None, 9, 10])
def test_large_batches_are_full_batches(batch_size):
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    for curriculum in (Interleaved(), Resampled()):
        for steps in curriculum(np.zeros(9), batch_size=batch_size, max_iter=3, rng=rng):
            assert len(steps) == 1
            assert steps[0].tolist() == list(range(9))
    assert rng.bit_generator.state == before


@given(n_trials=st.integers(2, 40), batch_size=st.integers(1, 39), seed=st.integers(0, 2**32))
def test_resampled_batches_hold_no_trial_twice(n_trials, batch_size, seed):
    batch_size = min(batch_size, n_trials - 1)
    rng = np.random.default_rng(seed)
    for steps in Resampled()(np.zeros(n_trials), batch_size=batch_size, max_iter=3, rng=rng):
        assert len(steps) == int(np.ceil(n_trials / batch_size))
        for step in steps:
            assert len(np.unique(step)) == len(step) == batch_size
            assert set(step) <= set(range(n_trials))


@pytest.mark.parametrize(("n_trials", "size"), [(20, 6), (40, 3)])
def test_resampled_batches_are_uniform_and_independent(n_trials, size, rng):
    """Each trial is in a batch with probability size / n; neighbours overlap by chance."""
    passes = Resampled()(np.zeros(n_trials), batch_size=size, max_iter=1000, rng=rng)
    batches = [step for steps in passes for step in steps]
    counts = np.bincount(np.concatenate(batches), minlength=n_trials)
    for count in counts:
        assert binomtest(int(count), len(batches), size / n_trials).pvalue > ALPHA
    overlaps = [len(np.intersect1d(a, b)) for a, b in zip(batches[::2], batches[1::2], strict=True)]
    chance = hypergeom(n_trials, size, size)
    error = abs(np.mean(overlaps) - chance.mean()) / (chance.std() / np.sqrt(len(overlaps)))
    assert error < 6


@pytest.mark.parametrize("n_subsets", [2, 3000])
def test_every_subset_is_equally_probable(n_subsets, rng):
    """Both ways of drawing: one after the other, and all at once."""
    drawn = [draw_subsets(6, 2, n_subsets, rng) for _ in range(6000 // n_subsets)]
    subsets = np.sort(np.concatenate(drawn), axis=1)
    kinds, counts = np.unique(subsets, axis=0, return_counts=True)
    assert len(kinds) == 15
    assert chisquare(counts).pvalue > ALPHA
