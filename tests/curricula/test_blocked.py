"""Blocks of one task each, with and without replay."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from neuroselect.curricula import Blocked, Replay

TASK = np.array(["A", "B", "B", "A", "C", "A", "B", "A"])


@st.composite
def schedules(draw):
    """Trials of up to four tasks, an order of tasks (repeats allowed) and passes per block."""
    counts = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    task = np.repeat(np.arange(len(counts)), counts)
    task = np.random.default_rng(draw(st.integers(0, 2**32))).permutation(task)
    order = draw(st.lists(st.integers(0, len(counts) - 1), min_size=1, max_size=5))
    n = len(order)
    return task, order, draw(st.lists(st.integers(0, 7), min_size=n, max_size=n))


def draw_passes(curriculum, task, batch_size, max_iter, seed=0):
    rng = np.random.default_rng(seed)
    return list(curriculum(task, batch_size=batch_size, max_iter=max_iter, rng=rng))


def tasks_of_passes(curriculum, max_iter):
    """One letter per task in each pass, such as "A" or, were blocks mixed, "AB"."""
    return [
        "".join(np.unique(TASK[np.concatenate(steps)]))
        for steps in draw_passes(curriculum, TASK, 2, max_iter)
    ]


@given(schedules(), st.integers(1, 10) | st.none(), st.integers(0, 2**32))
def test_every_trial_of_the_task_once_per_pass(schedule, batch_size, seed):
    task, order, n_passes = schedule
    passes = draw_passes(Blocked(order, n_passes), task, batch_size, sum(n_passes), seed)
    for name, steps in zip(np.repeat(order, n_passes), passes, strict=True):
        own = np.flatnonzero(task == name)
        assert np.array_equal(np.sort(np.concatenate(steps)), own)
        size = min(batch_size or len(own), len(own))
        *full, last = map(len, steps)
        assert set(full) <= {size}
        assert last == len(own) - size * len(full)


def test_trials_are_shuffled_within_a_block(rng):
    """Every position of a pass holds every trial equally often."""
    passes = Blocked()(np.zeros(5), batch_size=1, max_iter=2000, rng=rng)
    orders = np.array([np.concatenate(steps) for steps in passes])
    for position in orders.T:
        for count in np.bincount(position, minlength=5):
            assert binomtest(int(count), 2000, 1 / 5).pvalue > 1e-9


@pytest.mark.parametrize(
    ("curriculum", "max_iter", "expected"),
    [
        (Blocked(), 3, "A B C"),
        (Blocked(), 8, "A A A B B B C C"),
        (Blocked(order=("C", "A")), 5, "C C C A A"),
        (Blocked(order=("A", "B", "A")), 3, "A B A"),
        (Blocked(passes=2), 6, "A A B B C C"),
        (Blocked(order=["B", "A"], passes=[1, 3]), 4, "B A A A"),
        (Blocked(passes=(0, 1, 2)), 3, "B C C"),
        (Replay(every=100), 8, "A A A B B B C C"),
        (Replay(100, order=("C", "A"), passes=(1, 2)), 3, "C A A"),
    ],
    ids=repr,
)
def test_order_and_passes(curriculum, max_iter, expected):
    assert tasks_of_passes(curriculum, max_iter) == expected.split()


@given(schedules(), st.integers(2, 12), st.integers(1, 10) | st.none(), st.integers(0, 2**32))
def test_replay_share_is_exact(schedule, every, batch_size, seed):
    """Steps number every, 2 every, ... of a block are on earlier tasks; no other step is."""
    task, order, n_passes = schedule
    curriculum = Replay(every, order, n_passes)
    passes = iter(draw_passes(curriculum, task, batch_size, sum(n_passes), seed))
    shown = set()
    for name, n in zip(order, n_passes, strict=True):
        earlier = np.flatnonzero(np.isin(task, list(shown - {name})))
        own = np.flatnonzero(task == name)
        steps, sizes = [], []
        for _ in range(n):
            drawn = next(passes)
            size = min(batch_size or len(own), len(own))
            sizes += [min(size, len(own) - start) for start in range(0, len(own), size)]
            steps += drawn
            kept = [s for s in drawn if set(s) <= set(own)]
            assert len(np.unique(np.concatenate([own[:0], *kept]))) == sum(map(len, kept))
        assert len(steps) == len(sizes)
        replayed = [k for k, step in enumerate(steps, start=1) if not set(step) <= set(own)]
        assert replayed == (list(range(every, len(steps) + 1, every)) if len(earlier) else [])
        for k in range(1, len(steps) + 1):
            size = min(sizes[k - 1], len(earlier)) if k in replayed else sizes[k - 1]
            assert len(np.unique(steps[k - 1])) == len(steps[k - 1]) == size
            assert set(steps[k - 1]) <= set(earlier if k in replayed else own)
        shown |= {name} if n else set()


def test_replay_of_the_arithmetic_experiment():
    """500 trials a task, batches of 10: 10 passes of task 1, then every 10th step on it."""
    task = np.repeat([1, 2], 500)
    passes = draw_passes(Replay(every=10), task, 10, 20)
    tasks = np.array([np.unique(task[step]) for steps in passes for step in steps])
    assert tasks.shape == (1000, 1)
    assert np.all(tasks[:500] == 1)
    assert np.array_equal(np.flatnonzero(tasks[500:, 0] == 1), np.arange(9, 500, 10))


def test_resampled_replay_draws_every_batch_afresh(rng):
    """As published: 50 batches of 10 a pass, uniform, without replacement inside each."""
    task = np.repeat([1, 2], [45, 60])
    curriculum = Replay(every=10, passes=(200, 200), resampled=True)
    passes = list(curriculum(task, batch_size=10, max_iter=400, rng=rng))
    assert {len(steps) for steps in passes[:200]} == {5}  # the rest of 5 trials makes a whole batch
    assert {len(steps) for steps in passes[200:]} == {6}
    steps = np.array([step for steps in passes for step in steps])
    assert all(len(set(step)) == 10 for step in steps)
    shown = task[steps]
    assert (shown == shown[:, :1]).all()
    assert (shown[:1000] == 1).all()
    assert np.array_equal(np.flatnonzero(shown[1000:, 0] == 1), np.arange(9, 1200, 10))
    counts = np.bincount(steps[:1000].ravel(), minlength=45)
    for count in counts:
        assert binomtest(int(count), 1000, 10 / 45).pvalue > 1e-8
    assert len(set(np.concatenate(passes[0]))) < 45  # a pass may leave trials out
    whole = Replay(resampled=True)(task, batch_size=None, max_iter=2, rng=rng)
    assert [steps[0].tolist() for steps in whole] == [list(range(45)), list(range(45, 105))]


def test_replay_counts_steps_across_passes():
    """Two steps a pass, every third replayed: passes take turns in which step it is."""
    task = np.repeat(["A", "B"], 4)
    passes = draw_passes(Replay(every=3), task, 2, 6)[3:]
    assert [[task[step][0] for step in steps] for steps in passes] == [
        ["B", "B"],
        ["A", "B"],
        ["B", "A"],
    ]


def test_a_replayed_batch_is_as_large_as_the_one_that_it_replaces():
    """Batches of 3 and 2 trials; a single earlier trial makes batches of 1."""
    for n_earlier, expected in [(4, [3, 2]), (1, [3, 1])]:
        task = np.repeat(["A", "B"], [n_earlier, 5])
        for steps in draw_passes(Replay(every=2), task, 3, 6)[3:]:
            assert [len(step) for step in steps] == expected
            assert [task[step[0]] for step in steps] == ["B", "A"]


def test_replay_is_uniform_over_all_earlier_trials(rng):
    """Earlier tasks weigh as much as they have trials, and batches are drawn afresh."""
    task = np.repeat([0, 1, 2], [2, 6, 4])
    curriculum = Replay(every=2, passes=(1, 1, 3000))
    passes = list(curriculum(task, batch_size=2, max_iter=3002, rng=rng))[2:]
    replayed = [steps[1] for steps in passes]
    counts = np.bincount(np.concatenate(replayed), minlength=8)
    assert len(counts) == 8
    for count in counts:
        assert binomtest(int(count), len(replayed), 2 / 8).pvalue > 1e-9
    pairs = {tuple(np.sort(step)) for step in replayed}
    assert len(pairs) == 28


def test_replay_leaves_the_current_task_out_of_what_is_earlier():
    """A, B, A: the second block of A replays B alone; A after A replays nothing."""
    assert tasks_of_passes(Replay(2, ("A", "B", "A")), 3) == ["A", "AB", "AB"]
    assert tasks_of_passes(Replay(2, ("A", "A")), 4) == ["A"] * 4
    assert tasks_of_passes(Replay(2, ("A", "B"), (0, 4)), 4) == ["B"] * 4


@given(schedules(), st.integers(1, 10), st.integers(0, 2**32))
def test_replay_too_rare_to_happen_is_blocked(schedule, batch_size, seed):
    task, order, n_passes = schedule
    assume(sum(n_passes))
    blocked, replay = (
        draw_passes(curriculum, task, batch_size, sum(n_passes), seed)
        for curriculum in (Blocked(order, n_passes), Replay(10**6, order, n_passes))
    )
    for steps, same in zip(blocked, replay, strict=True):
        assert [s.tolist() for s in steps] == [s.tolist() for s in same]


@pytest.mark.parametrize("make", [Blocked, Replay])
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"order": ("A", "D", 3)}, r"not there: 'D', 3. Known tasks: \['A', 'B', 'C'\]"),
        ({"passes": (1, 2)}, r"one number per block: expected 3, got 2 \(\(1, 2\)\)"),
        ({"passes": (1, 2, 3)}, "makes 6 passes over 3 blocks, but max_iter=5. Set max_iter=6"),
        ({"passes": 2}, "passes=2 makes 6 passes over 3 blocks, but max_iter=5"),
        ({"order": "ABABAB"}, "sequence of task codes or None, got 'ABABAB'"),
        ({"order": 1}, "sequence of task codes or None, got 1"),
        ({"order": ()}, "at least one task"),
        ({"order": tuple("ABABAB")}, "max_iter=5 is too few for 6 blocks.*at least 6"),
        ({"passes": -1}, "passes must be an integer of at least 0, got -1"),
        ({"passes": (1, -1, 5)}, r"passes\[1\] must be an integer of at least 0, got -1"),
        ({"passes": (1, 2.5, 5)}, r"passes\[1\] must be an integer of at least 0, got 2.5"),
        ({"passes": 2.5}, "passes must be an integer, a sequence.*got 2.5"),
        ({"passes": "2"}, "passes must be an integer, a sequence.*got '2'"),
    ],
)
def test_bad_schedules(make, parameters, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make(**parameters)(TASK, batch_size=2, max_iter=5, rng=np.random.default_rng(0))


@pytest.mark.parametrize("every", [1, 0, -3, 2.0, True, "2"])
def test_bad_distance_of_replay(every):
    with pytest.raises(ValueError, match="every must be an integer of at least 2, got"):
        Replay(every)


def test_codes_of_another_type_are_unknown():
    with pytest.raises(ValueError, match=r"not there: '0'. Known tasks: \[0, 1\]"):
        Blocked(order=("0",))([0, 1], batch_size=1, max_iter=1, rng=np.random.default_rng(0))
