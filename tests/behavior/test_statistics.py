"""Tables of tests and correlations against pingouin and simulated nulls."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import kstest, pearsonr

from neuroselect.behavior import (
    choice_rdm_betas,
    choice_slopes,
    compare_groups,
    congruency_effect,
    correlate_scores,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pingouin")


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
@pytest.mark.parametrize("n", [15, 12])
@pytest.mark.parametrize("design", ["unpaired", "paired", "one sample"])
def test_t_tests_are_those_of_pingouin(design, n, alternative, rng):
    pingouin = pytest.importorskip("pingouin")
    x, y = rng.normal(0.3, 1, (12, 2)), rng.normal(0.8, 2, (n, 2))
    if design == "paired":
        y = y[:12]
    other = 0 if design == "one sample" else y
    options = {"paired": design == "paired", "alternative": alternative}
    table = compare_groups(x, None if design == "one sample" else y, **options)
    for k in range(2):
        column = other if design == "one sample" else y[:, k]
        theirs = pingouin.ttest(x[:, k], column, **options).iloc[0]
        for name in ("T", "dof", "p_val", "cohen_d"):
            assert_allclose(table[name][k], theirs[name], atol=1e-8, err_msg=name)
        assert_allclose(table["CI95"][k], theirs["CI95"], atol=0.0051)
        assert table["alternative"][k] == theirs["alternative"] == alternative


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_correlations_are_those_of_pingouin(method, rng):
    pingouin = pytest.importorskip("pingouin")
    behavior = pd.DataFrame(rng.normal(size=(20, 2)), columns=["bias", "slope"])
    neural = {"beta": behavior["bias"] + rng.normal(size=20)}
    table = correlate_scores(behavior, neural, method=method)
    assert table[["behavior", "neural"]].to_numpy().tolist() == [
        ["bias", "beta"],
        ["slope", "beta"],
    ]
    for k, name in enumerate(behavior):
        theirs = pingouin.corr(behavior[name], neural["beta"], method=method).iloc[0]
        for column in ("n", "r", "p_val"):
            assert_allclose(table[column][k], theirs[column], err_msg=column)
        assert_allclose(table["CI95"][k], theirs["CI95"], atol=0.0051)
    assert (table["q_val"] >= table["p_val"]).all()


@pytest.mark.parametrize("paired", [False, True])
def test_p_values_of_groups_that_do_not_differ_are_uniform(paired, rng):
    x, y = rng.normal(size=(2, 20, 300))
    p = compare_groups(x, y if paired else y[:17], paired=paired)["p_val"]
    assert kstest(p, "uniform").pvalue > 1e-4
    assert (compare_groups(x + 1.2, y, paired=paired)["p_val"] < 0.05).mean() > 0.8


def test_p_values_of_unrelated_scores_are_uniform(rng):
    x, y = rng.normal(size=(20, 20)), rng.normal(size=(20, 20))
    assert kstest(correlate_scores(x, y)["p_val"], "uniform").pvalue > 1e-4
    related = correlate_scores(x[:, 0], x[:, 0] + 0.7 * rng.normal(size=20))
    assert related["p_val"][0] < 0.01
    assert related["CI95"][0][0] < pearsonr(x[:, 0], x[:, 0]).statistic


def test_coverage_of_the_correlation_interval(rng):
    x = rng.normal(size=(30, 200))
    y = 0.6 * x + 0.8 * rng.normal(size=x.shape)  # correlation 0.6
    covered = [
        low <= 0.6 <= high
        for k in range(200)
        for low, high in correlate_scores(x[:, k], y[:, k])["CI95"]
    ]
    assert 0.88 < np.mean(covered) < 0.995


def test_blocked_and_interleaved_training_of_humans(groups):
    def measures(m):
        slopes, betas = choice_slopes(m), choice_rdm_betas(m)
        return {
            "relevant": slopes[:, 0], "irrelevant": slopes[:, 1],
            "congruency": congruency_effect(m), "factorised": betas[:, 0], "linear": betas[:, 1],
        }  # fmt: skip

    table = compare_groups(measures(groups.blocked), measures(groups.interleaved))
    table = table.set_index("measure")
    assert (table["n_x"] == 48).all()
    assert (table["n_y"] == 47).all()
    signs = np.sign(table["T"]).to_dict()
    assert signs == {
        "relevant": 1, "irrelevant": -1, "congruency": -1, "factorised": 1, "linear": -1,
    }  # fmt: skip
    assert (table["p_val"] < 0.05).all()


@pytest.mark.parametrize(
    ("x", "y", "options", "match"),
    [
        ([1.0, 2], [[1.0, 2]] * 3, {}, r"the same measures, got \['measure0'\] and \['measure0', "),
        ({"a": [1, 2]}, {"b": [1, 2]}, {}, r"the same measures, got \['a'\] and \['b'\]"),
        ([1.0, 2, 3], [1.0, 2], {"paired": True}, "the same subjects in x and y, got 3 and 2 rows"),
        ([1.0, np.nan], [1.0, 2], {}, "x must be finite, but subject 1 has nan for 'measure0'"),
        ([1.0], [1.0, 2], {}, r"x must hold measures of 2 or more subjects, .* got \(1, 1\)"),
        ({"a": [1, 2], "b": [1]}, None, {}, "x must have measures of equal length"),
        ([1.0, 2], [1.0, 2], {"alternative": "both"}, "The 'alternative' parameter of compare_g"),
    ],
)
def test_bad_groups(x, y, options, match):
    with pytest.raises(ValueError, match=match):
        compare_groups(x, y, **options)


def test_bad_scores():
    with pytest.raises(ValueError, match="of the same subjects, got 5 and 4 rows"):
        correlate_scores([1, 2, 3, 4, 5], [1, 2, 3, 4])
    with pytest.raises(ValueError, match="Scores that are all 1 have no correlation"):
        correlate_scores([1, 1, 1, 1], [1, 2, 3, 4])
    with pytest.raises(ValueError, match="behavior must hold measures of 4 or more subjects"):
        correlate_scores([1, 2, 3], [1, 2, 3])
