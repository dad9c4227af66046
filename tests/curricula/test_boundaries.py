"""Where blocked curricula change the task."""

from functools import partial

import numpy as np
import pytest

from neuroselect.curricula import Blocked, Replay

TASK = np.array(list("BACABCCAB"))


def seen_changes(curriculum, max_iter):
    """Changes of the task that most steps of a pass show."""
    passes = curriculum(TASK, batch_size=1, max_iter=max_iter, rng=np.random.default_rng(0))
    names = [np.sort(TASK[np.concatenate(steps)])[1] for steps in passes]  # of three
    return [
        (k, np.flatnonzero(names[k - 1] == TASK).tolist())
        for k in range(1, max_iter)
        if names[k] != names[k - 1]
    ]


@pytest.mark.parametrize("cls", [Blocked, partial(Replay, every=3)])
@pytest.mark.parametrize(
    ("order", "passes"),
    [
        (None, None),
        (["B"], None),
        (["C", "A", "C"], (2, 1, 4)),
        (["A", "A", "B"], (2, 3, 2)),
        (["A", "C", "B"], (0, 3, 4)),
        (["A", "B", "A"], (3, 0, 4)),
    ],
)
def test_boundaries_are_where_the_task_changes(cls, order, passes):
    curriculum = cls(order=order, passes=passes)
    found = curriculum.boundaries(TASK, max_iter=7)
    assert [(k, trials.tolist()) for k, trials in found] == seen_changes(curriculum, 7)


def test_errors_are_those_of_the_call():
    with pytest.raises(ValueError, match="order names tasks that are not there: 'D'"):
        Blocked(order=["D"]).boundaries(TASK, max_iter=2)
    with pytest.raises(ValueError, match="max_iter=2 is too few for 3 blocks"):
        Replay().boundaries(TASK, max_iter=2)
