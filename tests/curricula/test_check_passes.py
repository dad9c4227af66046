"""What a curriculum of one's own may yield."""

import numpy as np
import pytest

from neuroselect.curricula import check_passes

GOOD = [[[0, 1], [2]], [np.array([2, 2], dtype=np.uint8)]]


def test_good_passes_become_int64():
    first, second = check_passes(GOOD, n_trials=3, max_iter=2)
    assert [step.tolist() for step in first] == [[0, 1], [2]]
    assert second[0].tolist() == [2, 2]
    assert {step.dtype for step in (*first, *second)} == {np.dtype(np.int64)}


def test_passes_are_taken_one_at_a_time():
    taken = []

    def passes():
        for k in range(3):
            taken.append(k)
            yield [[k]]

    checked = check_passes(passes(), n_trials=3, max_iter=3)
    assert taken == []
    next(checked)
    assert taken == [0]
    assert len(list(checked)) == 2


@pytest.mark.parametrize(
    ("passes", "error", "message"),
    [
        (None, TypeError, "must return an iterator over passes.*got NoneType"),
        ([[[0]], 3], TypeError, "Pass 1 of the curriculum must be a list.*got int"),
        ([[[0]], []], ValueError, "Pass 1 of the curriculum has no steps"),
        ([[[0], []], [[0]]], ValueError, r"Step 1 of pass 0 .*at least one.*shape \(0,\)"),
        ([[[0]], [[[0, 1]]]], ValueError, r"Step 0 of pass 1 .*one-dimensional.*\(1, 2\)"),
        ([[0, 1], [[0]]], ValueError, r"Step 0 of pass 0 .*one-dimensional.*shape \(\)"),
        ([[[0.0]], [[0]]], TypeError, "Step 0 of pass 0 .*integer trial indices, got float64.$"),
        ([[[True, False, True]]] * 2, TypeError, "got bool. Use np.flatnonzero"),
        ([[[0]], [[1], [0, 3]]], ValueError, "Step 1 of pass 1 .* trial 3, .* from 0 to 2"),
        ([[[-1, 3]]] * 2, ValueError, "names trial -1"),
        ([[[0]]], ValueError, "stopped after 1 of max_iter=2 passes"),
        ([], ValueError, "stopped after 0 of max_iter=2 passes"),
        ([[[0]]] * 3, ValueError, "yields more than max_iter=2 passes"),
    ],
)
def test_bad_passes(passes, error, message):
    with pytest.raises(error, match=message):
        list(check_passes(passes, n_trials=3, max_iter=2))
