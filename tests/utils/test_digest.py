"""Digests are equal for equal values only, in every process."""

import subprocess
import sys
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroselect.curricula import Biased, Blocked, Replay
from neuroselect.utils._digest import digest

LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats()
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | LEAVES, inner)
    ),
    max_leaves=6,
)


def same(a, b):
    """Compare as digests do: types count, NaN is itself, the order of a mapping is nothing."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        rest = list(b.items())
        for item in a.items():
            match = [k for k, other in enumerate(rest) if same(item, other)]
            if not match:
                return False
            del rest[match[0]]
        return not rest
    return repr(a) == repr(b)


@settings(max_examples=50, deadline=None)
@given(VALUES, VALUES)
def test_equal_if_and_only_if_values_are(a, b):
    assert (digest(a) == digest(b)) == same(a, b)
    assert digest([a, b]) == digest([deepcopy(a), deepcopy(b)])


class Called:
    def __init__(self, value):
        self.value = value

    def __call__(self, x):
        return self.value * x


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1, [2]], [[1], 2]),
        (("ab", "c"), ("a", "bc")),
        (0.0, -0.0),
        (1, True),
        (np.zeros(2), np.zeros(2, dtype="float32")),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.array(["A", "B"]), np.array(["A", "C"])),
        (np.array(["A", "B"], dtype=object), np.array(["A", "C"], dtype=object)),
        (np.random.SeedSequence(1), np.random.SeedSequence(2)),
        (np.random.SeedSequence(1).spawn(2)[0], np.random.SeedSequence(1).spawn(2)[1]),
        (np.random.default_rng(1), np.random.default_rng(2)),
        (Blocked(passes=2), Blocked(passes=3)),
        (Blocked(), Replay()),
        (Biased(lambda p: [p, 1 - p]), Biased(lambda p: [1 - p, p])),
        (lambda: 1, lambda: 2),
        (lambda k=1: k, lambda k=2: k),
        (partial(max, 1), partial(max, 2)),
        ([].append, [1].append),
        (max, min),
        (np, np.linalg),
        (np.tanh, np.exp),
        (Called(1), Called(2)),
        (int, float),
    ],
)
def test_differences_that_count(a, b):
    assert digest(a) == digest(a)
    assert digest(a) != digest(b)


def test_what_a_function_closes_over_counts():
    def power(exponent):
        return lambda x: x**exponent

    assert digest(power(2)) == digest(power(2))
    assert digest(power(2)) != digest(power(3))


def test_methods_know_their_object():
    class Ramp:
        def __init__(self, slope):
            self.slope = slope

        def at(self, progress):
            return self.slope * progress

    assert digest(Ramp(1).at) == digest(Ramp(1).at)
    assert digest(Ramp(1).at) != digest(Ramp(2).at)


def test_layout_and_order_do_not_count(rng):
    array = rng.random((5, 4))
    assert digest(array) == digest(np.asfortranarray(array)) == digest(array[::-1][::-1])
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a", "b", "c"}) == digest({"c", "b", "a"})
    objects = np.array(["A", "B"], dtype=object)
    assert digest(objects) == digest(objects.copy())


def test_values_within_themselves():
    def countdown(n):
        return countdown(n - 1) if n else 0

    ring = [1]
    ring.append(ring)
    assert digest(countdown) == digest(countdown)
    assert digest(ring) != digest([1, [1]])


def test_the_same_in_every_process():
    code = (
        "from neuroselect.utils._digest import digest; from neuroselect.curricula import Biased;"
        "print(digest([{'a', 'b', 'c'}, Biased({'x': .5, 'y': .5}), lambda p: p in {1, 2, 3}]))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12"
    ]
    assert runs[0] == runs[1]


def test_an_object_without_a_value():
    with pytest.raises(TypeError, match="cannot be told from other objects of its class"):
        digest([object()])
