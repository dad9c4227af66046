"""The papers' lesion test, against groups made by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neuroselect import LesionSelectivity, MultiTaskMLP
from neuroselect.datasets import make_context_blobs
from neuroselect.selectivity import group_lesion_scores, task_group_lesion

X, Y = make_context_blobs()
TASK = X[:, -1].astype(int)


@pytest.fixture(scope="module")
def fitted():
    nets = [
        MultiTaskMLP((40,), init_scale=0.05, learning_rate_init=0.02, max_iter=400, random_state=k)
        for k in range(2)
    ]
    return [LesionSelectivity(net, cutoff=0.5).fit(X, Y) for net in nets]


def errors(net, removed):
    H = net.activations(X)
    H[:, removed] = 0
    error = abs(net.readout(H, X) - Y)
    return np.array([error[t == TASK].mean() for t in (0, 1)])


@pytest.mark.parametrize("nan", ["keep", "remove"])
@pytest.mark.parametrize("keep", [False, True])
def test_equals_groups_by_hand(fitted, nan, keep):
    selectivity = fitted[0]
    relative = selectivity.relative_importance_[:, 0]
    silent = np.isnan(relative)
    assert silent.any()
    groups = [relative > 0.5, relative < -0.5, abs(relative) <= 0.5]
    result = task_group_lesion(selectivity, X, Y, nan=nan, keep=keep, cutoff=0.5)
    assert result.groups.tolist() == ["0", "1", "mixed"]
    assert_array_equal(result.n_units, [np.sum(group) for group in groups])
    intact = errors(selectivity.estimator_, np.zeros(40, bool))
    for group, scores in zip(groups, result.scores, strict=True):
        removed = ~group & ~silent if keep else group
        if nan == "remove":
            removed = removed | silent
        expected = errors(selectivity.estimator_, removed) / intact - 1
        assert_allclose(scores, expected, rtol=1e-8, atol=1e-8)


def test_kinds_of_trials_and_lists(fitted):
    corner = np.where(np.arange(len(X)) % 2, "congruent", "incongruent")
    result = task_group_lesion(fitted, X, Y, scoring="accuracy", subset=corner)
    assert result.scores.shape == (2, 3, 2, 2)
    assert result.n_units.shape == (2, 3)
    assert result.subsets.tolist() == ["congruent", "incongruent"]
    second = fitted[1]
    relative = second.relative_importance_[:, 0]
    alone = group_lesion_scores(
        second.estimator_, X, Y, relative > 0.9, scoring="accuracy", subset=corner
    )
    assert_array_equal(result.scores[1, 0], alone.scores)


def test_errors(fitted):
    with pytest.raises(ValueError, match="nan must be 'keep' or 'remove', got 'drop'"):
        task_group_lesion(fitted[0], X, Y, nan="drop")
    with pytest.raises(ValueError, match=r"cutoff must be in \[0, 1\), got 1"):
        task_group_lesion(fitted[0], X, Y, cutoff=1)
    with pytest.raises(ValueError, match=r"pair=1 does not exist: selectivity compared 1 pair"):
        task_group_lesion(fitted[0], X, Y, pair=1)
    with pytest.raises(ValueError, match="empty list"):
        task_group_lesion([], X, Y)
