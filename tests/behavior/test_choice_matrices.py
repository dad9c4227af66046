"""Choice matrices from trials, and their alignment."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neuroselect.behavior import align_choices, choice_matrices


@pytest.fixture
def trials(rng):
    """Trials of 3 subjects, 2 tasks, 4 x 4 levels; 2 per cell and some at random."""
    index = pd.MultiIndex.from_product(
        [["s1", "s2", "s3"], ["a", "b"], range(4), range(4), range(2)],
        names=["subject", "task", "leafiness", "branchiness", "repeat"],
    )
    table = index.to_frame(index=False)
    table = pd.concat([table, table.sample(100, random_state=int(rng.integers(99)))])
    return table.assign(choice=rng.integers(0, 2, len(table))).sample(frac=1, random_state=0)


def test_shares_and_counts(trials):
    shares, counts = choice_matrices(trials, return_counts=True)
    assert shares.shape == counts.shape == (3, 2, 4, 4)
    assert counts.sum() == len(trials)
    for (s, subject), (t, task) in [((0, "s1"), (1, "b")), ((2, "s3"), (0, "a"))]:
        for row, column in [(0, 3), (2, 1)]:
            cell = trials[
                (trials.subject == subject) & (trials.task == task) & (trials.leafiness == row)
            ]
            cell = cell[cell.branchiness == column]
            assert np.isclose(shares[s, t, row, column], cell.choice.mean())
            assert counts[s, t, row, column] == len(cell)


def test_order_of_features_and_one_subject(trials):
    swapped = choice_matrices(trials, ["branchiness", "leafiness"])
    assert_array_equal(swapped, choice_matrices(trials).swapaxes(2, 3))
    one = choice_matrices(trials[trials.subject == "s2"], subject=None)
    assert_array_equal(one[0], choice_matrices(trials)[1])


def test_matrices_of_real_trials(scan):
    shares, counts = choice_matrices(scan.trials, return_counts=True)
    assert_allclose(shares, scan.choice_matrices)
    assert (counts == 12).all()


def test_alignment_of_real_trials(scan):
    shown = choice_matrices(scan.trials, ["shown_leafiness", "shown_branchiness"])
    codes = scan.subjects["code"].to_numpy()
    turned = np.column_stack([np.isin(codes, [2, 3]), np.isin(codes, [2, 4])])
    assert_allclose(align_choices(shown, turned), scan.choice_matrices)


def test_alignment_undoes_itself(rng):
    m = rng.random((5, 2, 4, 4))
    turned = rng.integers(0, 2, (5, 2))
    for relevant in [(0, 1), (1, 0)]:
        once = align_choices(m, turned, relevant=relevant)
        back = turned if relevant == (0, 1) else turned[:, ::-1]
        assert_array_equal(align_choices(once, back, relevant=relevant), m)
    counts = rng.integers(1, 9, (5, 2, 4, 4))
    assert_array_equal(align_choices(counts, [False, True]), counts[..., ::-1])
    assert align_choices(counts[0], [False, True]).shape == (1, 2, 4, 4)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.assign(choice=t.choice + 1), "'choice' must hold choices, 1 .* got"),
        (lambda t: t.assign(choice=0.5), r"1 \(accept\) or 0 \(reject\), got .*0.5.* in row 0"),
        (lambda t: t.assign(choice=np.nan), r"missing values in \['choice'\]. Drop these trials"),
        (lambda t: t[(t.subject != "s2") | (t.task == "a")], "Subject s2 has trials of one task"),
        (lambda t: t[t.task == "a"], r"'task' must hold two tasks, got \['a'\]"),
        (lambda t: t.assign(task=t.repeat + 2 * (t.task == "a")), "must hold two tasks, got"),
        (
            lambda t: t[(t.leafiness != 1) | (t.branchiness != 2) | (t.subject != "s3")],
            r"2 cell\(s\) of the grid have no trial, .* s3, task a, leafiness 1 and branchiness 2",
        ),
        (lambda t: t[t.leafiness > 0], "must form a grid, .* got 3 levels of 'leafiness' and 4"),
        (lambda t: t.assign(leafiness=np.arange(len(t))), r"Bin continuous features"),
        (lambda t: t.assign(leafiness="many"), "'leafiness' of trials must hold numbers"),
        (lambda t: t.drop(columns="task"), r"lacks the columns \['task'\]; it has"),
        (lambda t: t[:0], "trials has no rows"),
    ],
)
def test_bad_trials(change, match, trials):
    with pytest.raises(ValueError, match=match):
        choice_matrices(change(trials))


def test_bad_alignment(rng, trials):
    m = rng.random((5, 2, 4, 4))
    with pytest.raises(ValueError, match=r"each of the 5 subjects .* got shape \(2, 2\)"):
        align_choices(m, np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"relevant must be \(0, 1\) or \(1, 0\), got \(0, 0\)"):
        align_choices(m, [True, False], relevant=(0, 0))
    with pytest.raises(ValueError, match="features must name two different columns"):
        choice_matrices(trials, ["leafiness", "leafiness"])
