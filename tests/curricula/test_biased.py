"""Tasks drawn with given probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, chisquare

from neuroselect.curricula import Biased

ALPHA = 1e-9  # so small that any seed passes
TASK = np.repeat(["A", "B", "C"], [10, 20, 30])


def task_counts(curriculum, max_iter, rng, task=TASK, batch_size=10):
    """Trials per task in each pass, (max_iter, n_tasks)."""
    names = np.unique(task)
    passes = curriculum(task, batch_size=batch_size, max_iter=max_iter, rng=rng)
    drawn = np.array([task[np.concatenate(steps)] for steps in passes])
    return (drawn[:, :, None] == names).sum(axis=1)


def assert_drawn_with(counts, probabilities):
    """Binomial test of each task's count over the passes ``counts`` (n_passes, n_tasks)."""
    for count, p in zip(counts.sum(axis=0), probabilities, strict=True):
        assert binomtest(int(count), int(counts.sum()), p).pvalue > ALPHA


@given(
    weights=st.lists(st.integers(0, 5), min_size=3, max_size=3).filter(any),
    seed=st.integers(0, 2**32),
)
def test_probabilities_are_respected(weights, seed):
    probabilities = np.array(weights) / sum(weights)
    counts = task_counts(Biased(probabilities), 20, np.random.default_rng(seed))
    assert_drawn_with(counts, probabilities)
    assert np.all(counts[:, probabilities == 0] == 0)


def test_default_is_balanced_whatever_the_numbers_of_trials(rng):
    assert_drawn_with(task_counts(Biased(), 100, rng), [1 / 3] * 3)


def test_trials_of_a_batch_draw_their_tasks_independently(rng):
    """The number of trials of a task in a batch is binomial, not fixed."""
    passes = Biased([0.3, 0.7])(np.repeat([0, 1], 30), batch_size=6, max_iter=400, rng=rng)
    n_first = [int((step < 30).sum()) for steps in passes for step in steps]
    assert len(n_first) == 4000
    observed = np.bincount(n_first, minlength=7)
    expected = binom.pmf(np.arange(7), 6, 0.3) * 4000
    assert chisquare(observed, expected).pvalue > ALPHA


@given(
    counts=st.lists(st.integers(1, 8), min_size=2, max_size=3),
    batch_size=st.integers(1, 30) | st.none(),
    seed=st.integers(0, 2**32),
)
def test_each_deck_is_dealt_out_before_it_is_shuffled_again(counts, batch_size, seed):
    """A task's trials, in the order of showing, are permutations one after the other."""
    task = np.repeat(np.arange(len(counts)), counts)
    rng = np.random.default_rng(seed)
    passes = list(Biased()(task, batch_size=batch_size, max_iter=5, rng=rng))
    size = min(batch_size or len(task), len(task))
    assert all(len(steps) == -(-len(task) // size) for steps in passes)
    assert {len(step) for steps in passes for step in steps} == {size}
    shown = np.concatenate([step for steps in passes for step in steps])
    for k, n in enumerate(counts):
        own = shown[task[shown] == k]
        for start in range(0, len(own), n):
            deck = own[start : start + n]
            assert len(np.unique(deck)) == len(deck)


def test_decks_are_shuffled(rng):
    """Every place in the deck holds every trial equally often."""
    passes = Biased([1, 0])(np.array([0] * 4 + [1]), batch_size=1, max_iter=1600, rng=rng)
    decks = np.concatenate([step for steps in passes for step in steps]).reshape(2000, 4)
    for place in decks.T:
        for count in np.bincount(place, minlength=4):
            assert binomtest(int(count), 2000, 1 / 4).pvalue > ALPHA


def test_phases_take_turns_over_equal_spans(rng):
    phases = np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 0.1, 0.9]])
    counts = task_counts(Biased(phases), 101, rng)
    for row, part in zip(phases, np.split(counts, [34, 68]), strict=True):
        assert_drawn_with(part, row)
        assert np.all(part[:, row == 0] == 0)


def test_mapping_names_tasks(rng):
    counts = task_counts(Biased({"C": 0.75, "A": 0.25}), 100, rng)
    assert_drawn_with(counts, [0.25, 0, 0.75])


@pytest.mark.parametrize("as_mapping", [False, True])
def test_callable_of_progress(as_mapping, rng):
    seen = []

    def ramp(progress):
        seen.append(progress)
        row = [1 - progress, 0, progress]
        return dict(zip("ABC", row, strict=True)) if as_mapping else row

    counts = task_counts(Biased(ramp), 101, rng)
    assert seen == [k / 100 for k in range(101)]
    assert counts[0].tolist() == [60, 0, 0]
    assert counts[-1].tolist() == [0, 0, 60]
    for start in range(0, 100, 25):
        # A sum of binomials varies less than the binomial of their mean probability.
        part = counts[start : start + 25]
        assert_drawn_with(part, [1 - (start + 12) / 100, 0, (start + 12) / 100])


def test_callable_is_asked_pass_by_pass_and_one_pass_is_the_start(rng):
    seen = []
    curriculum = Biased(lambda progress: seen.append(progress) or [1, 0, 0])
    passes = curriculum(TASK, batch_size=5, max_iter=3, rng=rng)
    assert seen == []
    next(passes)
    assert seen == [0.0]
    next(curriculum(TASK, batch_size=5, max_iter=1, rng=rng))
    assert seen == [0.0, 0.0]


def test_forms_of_the_same_probabilities_draw_the_same(seed):
    row = [0.2, 0.3, 0.5]
    forms = [row, [row], [row, row], dict(zip("CBA", row[::-1], strict=True)), lambda _: row]
    first, *others = (task_counts(Biased(f), 4, np.random.default_rng(seed)) for f in forms)
    for other in others:
        assert np.array_equal(first, other)


def test_given_arrays_are_not_kept():
    row = np.array([0.25, 0.75])
    table = {"A": 0.25, "B": 0.75}
    curricula = Biased(row), Biased(table)
    row[:], table["A"] = 0, 3
    assert curricula == (Biased([0.25, 0.75]), Biased({"A": 0.25, "B": 0.75}))


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        ([0.5, 0.4, 0.2], r"must sum to 1 over the tasks.*Divide by the sum"),
        ([0.5, 0.25, 0.25 + 2e-9], "must sum to 1"),
        ([[1, 0, 0], [1, 1, 0]], r"must sum to 1.*with sum \[1.0, 2.0\]"),
        ([1.5, -0.5, 0], "finite and not negative"),
        ([np.nan, 0.5, 0.5], "finite and not negative"),
        ([0.5, 0.5], r"expected 3 \(tasks \['A', 'B', 'C'\]\), got shape \(2,\)"),
        ([[0.5, 0.5]], r"expected 3 .*got shape \(2,\)"),
        ([], r"must have shape \(n_tasks,\) or \(n_phases, n_tasks\), got \(0,\)"),
        (0.5, r"must have shape .* got \(\)"),
        (np.ones((1, 1, 1)), r"must have shape .* got \(1, 1, 1\)"),
        ("even", "must hold numbers.*got 'even'"),
        ([[1, 0], [1]], "must hold numbers"),
        ({"A": 0.5, "D": 0.5}, r"not there: 'D'. Known tasks: \['A', 'B', 'C'\]"),
        ({"A": 0.5, "B": 0.4}, "must sum to 1"),
        ({}, "must have shape"),
        ([[1, 0, 0]] * 6, "max_iter=5 is too few for 6 phases"),
    ],
)
def test_bad_probabilities(probabilities, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Biased(probabilities)(TASK, batch_size=5, max_iter=5, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("late", "message"),
    [
        ([1, 1, 0], r"probabilities\(0.5\) must sum to 1"),
        ([1, 0], r"probabilities\(0.5\) must hold one number per task: expected 3"),
        ({"D": 1}, r"probabilities\(0.5\) names tasks that are not there: 'D'"),
        (None, r"probabilities\(0.5\) must"),
    ],
)
def test_bad_probabilities_of_a_callable_are_noticed_at_their_pass(late, message):
    curriculum = Biased(lambda progress: [1, 0, 0] if progress < 0.5 else late)
    passes = curriculum(TASK, batch_size=5, max_iter=5, rng=np.random.default_rng(0))
    assert len([next(passes), next(passes)]) == 2
    with pytest.raises((TypeError, ValueError), match=message):
        next(passes)
