"""What holds for every curriculum, its name and its place as a parameter."""

import copy
import pickle
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone

from neuroselect.curricula import (
    CURRICULA,
    Biased,
    Blocked,
    Interleaved,
    Replay,
    Resampled,
    check_passes,
    get_curriculum,
)

EXAMPLES = [
    Interleaved(),
    Resampled(),
    Blocked(),
    Blocked(order=[1, 0], passes=[4, 2]),
    Blocked(order=np.array([1, 0, 1]), passes=2),
    Replay(),
    Replay(every=2, order=(0, 1)),
    Replay(every=2, order=(0, 1), resampled=True),
    Biased(),
    Biased([0.25, 0.75]),
    Biased(np.array([[1, 0], [0.5, 0.5]])),
    Biased({0: 0.9, 1: 0.1}),
]
TASK = np.array([0, 1, 1, 0, 0, 1, 0])


def half_and_half(progress):
    """A callable of a module, so that it pickles."""
    return [0.5, 0.5]


def draw(curriculum, task=TASK, *, batch_size=2, max_iter=6, seed=0):
    rng = np.random.default_rng(seed)
    return list(curriculum(task, batch_size=batch_size, max_iter=max_iter, rng=rng))


def as_lists(passes):
    return [[step.tolist() for step in steps] for steps in passes]


@given(
    curriculum=st.sampled_from(list(CURRICULA)).map(get_curriculum),
    counts=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    batch_size=st.integers(1, 20) | st.none(),
    extra=st.integers(0, 6),
    seed=st.integers(0, 2**32),
)
def test_what_is_yielded(curriculum, counts, batch_size, extra, seed):
    """Exactly max_iter passes of non-empty int64 index arrays, none above the batch size."""
    task = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    max_iter = len(counts) + extra
    passes = draw(curriculum, task, batch_size=batch_size, max_iter=max_iter, seed=seed)
    assert len(passes) == max_iter
    for steps in passes:
        assert isinstance(steps, list)
        for step in steps:
            assert step.dtype == np.int64
            assert 1 <= len(step) <= (batch_size or len(task))
    checked = list(check_passes(passes, n_trials=len(task), max_iter=max_iter))
    assert as_lists(checked) == as_lists(passes)


@pytest.mark.parametrize("curriculum", EXAMPLES, ids=repr)
def test_same_generator_same_trials(curriculum, seed):
    first = as_lists(draw(curriculum, seed=seed))
    assert first == as_lists(draw(curriculum, seed=seed))
    assert first != as_lists(draw(curriculum, seed=seed + 1))


@pytest.mark.parametrize("curriculum", EXAMPLES, ids=repr)
def test_drawn_pass_by_pass(curriculum, seed):
    """Nothing is drawn before the first pass is asked for, and one pass needs no other."""
    n_passes = sum(p) if isinstance(p := getattr(curriculum, "passes", None), tuple) else 6
    rng, same = np.random.default_rng(seed), np.random.default_rng(seed)
    before = rng.bit_generator.state
    passes = curriculum(TASK, batch_size=2, max_iter=n_passes, rng=rng)
    assert rng.bit_generator.state == before
    expected = draw(curriculum, max_iter=n_passes, seed=seed)
    for steps in expected:
        state = rng.bit_generator.state
        assert as_lists([next(passes)]) == as_lists([steps])
        assert rng.bit_generator.state != state
    assert next(passes, None) is None
    list(curriculum(TASK, batch_size=2, max_iter=n_passes, rng=same))
    assert rng.bit_generator.state == same.bit_generator.state


@pytest.mark.parametrize("name", CURRICULA)
def test_a_billion_passes_cost_nothing_until_asked_for(name):
    passes = get_curriculum(name)(TASK, batch_size=2, max_iter=10**9, rng=np.random.default_rng(0))
    assert len(list(islice(passes, 3))) == 3


@pytest.mark.parametrize("name", CURRICULA)
@pytest.mark.parametrize(
    "codes",
    [("add", "multiply"), (-1, 1), (0.5, 1.5), np.array(["a", "b"], dtype=object)],
    ids=["str", "int", "float", "object"],
)
def test_only_the_order_of_codes_matters(name, codes, seed):
    relabelled = np.asarray(codes)[TASK]
    expected = as_lists(draw(get_curriculum(name), seed=seed))
    assert as_lists(draw(get_curriculum(name), relabelled, seed=seed)) == expected
    assert as_lists(draw(get_curriculum(name), relabelled.tolist(), seed=seed)) == expected


@pytest.mark.parametrize("name", ["interleaved", "resampled"])
def test_mixed_curricula_do_not_look_at_tasks(name, seed):
    curriculum = get_curriculum(name)
    assert as_lists(draw(curriculum, seed=seed)) == as_lists(
        draw(curriculum, np.zeros_like(TASK), seed=seed)
    )


@pytest.mark.parametrize("name", ["blocked", "replay"])
def test_one_task_makes_blocks_interleaved(name, seed):
    task = np.zeros(11, dtype=int)
    assert as_lists(draw(get_curriculum(name), task, seed=seed)) == as_lists(
        draw(Interleaved(), task, seed=seed)
    )


@pytest.mark.parametrize("name", ["interleaved", "resampled", "blocked", "replay"])
def test_full_batches_draw_nothing(name):
    """One step on all trials (of the block) in order; the exception is a replayed step."""
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    passes = list(get_curriculum(name)(TASK, batch_size=None, max_iter=4, rng=rng))
    assert rng.bit_generator.state == before
    blocks = [np.arange(7)] * 4
    if name in ("blocked", "replay"):
        blocks = [np.flatnonzero(k == TASK) for k in (0, 0, 1, 1)]
    assert as_lists(passes) == [[block.tolist()] for block in blocks]


@pytest.mark.parametrize("name", CURRICULA)
def test_passes_do_not_share_memory(name):
    """A caller may overwrite a pass that it is done with."""
    curriculum = get_curriculum(name)
    for batch_size in (None, 2):
        expected = as_lists(draw(curriculum, batch_size=batch_size))
        rng = np.random.default_rng(0)
        for k, steps in enumerate(curriculum(TASK, batch_size=batch_size, max_iter=6, rng=rng)):
            assert as_lists([steps]) == expected[k : k + 1]
            for step in steps:
                step[:] = -1


@pytest.mark.parametrize("curriculum", [*EXAMPLES, Biased(half_and_half)], ids=repr)
def test_curricula_are_values(curriculum):
    for twin in (
        copy.deepcopy(curriculum),
        copy.copy(curriculum),
        pickle.loads(pickle.dumps(curriculum)),
    ):
        assert twin == curriculum
        assert hash(twin) == hash(curriculum)
        assert repr(twin) == repr(curriculum)
    with pytest.raises(AttributeError, match="cannot assign"):
        curriculum.every = 3


@pytest.mark.parametrize("curriculum", EXAMPLES, ids=repr)
def test_repr_is_the_constructor_call(curriculum):
    assert eval(repr(curriculum)) == curriculum


def test_different_parameters_are_different_values():
    assert len({repr(c) for c in EXAMPLES}) == len(EXAMPLES)
    assert all(a != b for k, a in enumerate(EXAMPLES) for b in EXAMPLES[:k])


def test_stands_as_a_parameter_of_an_estimator():
    class Net(BaseEstimator):
        def __init__(self, curriculum="interleaved"):
            self.curriculum = curriculum

    net = Net(curriculum=Replay(every=5))
    assert net.get_params() == {"curriculum": Replay(every=5)}
    assert clone(net).curriculum == net.curriculum
    assert "Replay(every=5" in repr(net)


@pytest.mark.parametrize("name", CURRICULA)
def test_names(name):
    assert get_curriculum(name) == CURRICULA[name]()
    assert CURRICULA[name].__name__.lower() == name


def test_callables_are_handed_back():
    def own(task, *, batch_size, max_iter, rng):
        return iter(())

    replay = Replay(every=3)
    assert get_curriculum(own) is own
    assert get_curriculum(replay) is replay


@pytest.mark.parametrize(
    ("curriculum", "error", "message"),
    [
        ("block", ValueError, "no curriculum 'block'.*'interleaved', 'resampled', 'blocked'"),
        (Blocked, TypeError, r"got the class Blocked. Write Blocked\(\) instead"),
        (None, TypeError, "one of 'interleaved'.*or a callable; got None"),
        (3, TypeError, "got 3"),
    ],
)
def test_unknown_curricula(curriculum, error, message):
    with pytest.raises(error, match=message):
        get_curriculum(curriculum)


@pytest.mark.parametrize("name", CURRICULA)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": np.zeros((3, 1))}, r"task must hold .* got shape \(3, 1\)"),
        ({"task": []}, "at least one trial"),
        ({"task": 1}, r"got shape \(\)"),
        ({"task": [0, np.nan, np.nan]}, "task holds 2 NaN"),
        ({"batch_size": 0}, "batch_size must be an integer of at least 1, got 0"),
        ({"batch_size": 2.0}, "batch_size must be an integer of at least 1, got 2.0"),
        ({"max_iter": -1}, "max_iter must be an integer of at least 0, got -1"),
        ({"max_iter": True}, "max_iter must be an integer of at least 0, got True"),
    ],
)
def test_bad_calls_fail_at_once(name, arguments, message):
    call = {"task": TASK, "batch_size": 2, "max_iter": 6} | arguments
    with pytest.raises(ValueError, match=message):
        get_curriculum(name)(call.pop("task"), **call, rng=np.random.default_rng(0))
