"""compare_importance against LesionSelectivity, variant by variant."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from neuroselect import LesionSelectivity, MultiTaskMLP, fit_many
from neuroselect.datasets import make_context_blobs
from neuroselect.selectivity import compare_importance, relative_importance

X, Y = make_context_blobs()
NETS = fit_many(
    [MultiTaskMLP((9, 7), learning_rate_init=0.02, max_iter=60, random_state=k) for k in (0, 1)],
    X,
    Y,
)


@pytest.fixture(scope="module")
def result():
    return compare_importance(NETS, X, Y, layer=0)


@pytest.mark.parametrize("network", [0, 1])
def test_columns_are_those_of_single_fits(result, network):
    assert result.importances.shape == (2 * 9 * 2, 15)
    for method, effect, value in result.importances:
        fitted = LesionSelectivity(
            NETS[network], layer=0, method=method, effect=effect, lesion_value=value, prefit=True
        ).fit(X, Y)
        column = result.importances[method, effect, value].loc[network].unstack("task")
        np.testing.assert_array_equal(column, fitted.importances_)
        forms = {"raw": {"threshold": 0}, "pruned": {}, "layer": {"normalize": "layer"}}
        for form, pruning in forms.items():
            column = result.relative_importance[method, effect, value, form].loc[network]
            expected = relative_importance(fitted.importances_, **pruning)[:, 0]
            np.testing.assert_array_equal(column, expected)


def test_correlations_are_means_over_networks_and_tasks(result):
    one, other = ("lesion", "squared", "zero"), ("taylor", "squared", "zero")
    rho = [
        spearmanr(block[one], block[other]).statistic
        for _, block in result.importances.groupby(level=["network", "task"])
    ]
    assert len(rho) == 4
    assert result.importance_correlation.loc[one, other] == pytest.approx(np.mean(rho))
    one, other = (*one, "raw"), (*other, "layer")
    rho = [
        spearmanr(block[one], block[other], nan_policy="omit").statistic
        for _, block in result.relative_importance.groupby(level="network")
    ]
    assert result.relative_correlation.loc[one, other] == pytest.approx(np.mean(rho))
    np.testing.assert_allclose(np.diag(result.importance_correlation), 1)


def test_summary(result):
    column = result.relative_importance["lesion", "squared", "zero", "pruned"]
    row = result.summary.loc["lesion", "squared", "zero", "pruned"]
    assert row["nan_share"] == np.isnan(column).mean()
    assert row["mean_absolute"] == pytest.approx(np.nanmean(np.abs(column)))


def test_decoders_of_many_tasks(rng):
    rates, task = rng.normal(size=(90, 4)), np.repeat(["a", "b", "c"], 30)
    y = rates[:, 0] > 0
    model = LogisticRegression().fit(rates, y)
    result = compare_importance(
        model, rates, y, task=task, lesion_values=["resample"], random_state=0
    )
    effects = result.importances.columns.get_level_values("effect")
    assert effects.tolist() == ["accuracy", "increase", "squared"]
    pairs = result.relative_importance.index.get_level_values("pair").unique()
    assert pairs.tolist() == ["a - b", "a - c", "b - c"]
    assert result.relative_importance.shape == (4 * 3, 9)


def test_refused():
    with pytest.raises(ValueError, match="must be a fitted estimator or a list of some, got none"):
        compare_importance([], X, Y)
    with pytest.raises(ValueError, match="must each name one variant at least"):
        compare_importance(NETS, X, Y, effects=[])
    with pytest.raises(NotFittedError):
        compare_importance(MultiTaskMLP(), X, Y)
    with pytest.raises(ValueError, match="compares tasks two by two"):
        compare_importance(LogisticRegression().fit(X, Y > 0), X, Y > 0)
