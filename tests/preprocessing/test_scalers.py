"""Square roots, soft normalisation, z-scores, baselines and selection of units."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import VarianceThreshold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from neuroselect.preprocessing import (
    BaselineSubtractor,
    NoiseNormalizer,
    SoftNormalizer,
    SquareRootTransformer,
    UnitScaler,
    UnitSelector,
    flatten_time,
)

PER_UNIT = [
    SquareRootTransformer(0.375),
    SoftNormalizer(),
    SoftNormalizer(range_over="conditions"),
    UnitScaler(),
    UnitSelector(min_rate=0.1),
    NoiseNormalizer(),
]


@pytest.fixture
def rates(rng):
    """Trials, times, units."""
    return rng.gamma(2.0, 4.0, size=(20, 6, 5))


@pytest.mark.parametrize("transformer", PER_UNIT, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_axis_of_time(transformer, dtype, rates):
    """What is learnt per unit is learnt over trials and times; the shape stays."""
    rates, y = rates.astype(dtype), np.tile([0, 1], 10)
    before = rates.copy()
    out = clone(transformer).fit(rates, y).transform(rates)
    assert out.shape == rates.shape
    assert out.dtype == dtype
    np.testing.assert_array_equal(rates, before)
    if not isinstance(transformer, (SoftNormalizer, NoiseNormalizer)):
        flat = clone(transformer).fit(rates.reshape(120, 5), np.repeat(y, 6))
        np.testing.assert_allclose(out.reshape(120, 5), flat.transform(rates.reshape(120, 5)))
    fitted = clone(transformer).fit(rates, y)
    np.testing.assert_allclose(fitted.transform(rates[:, 2]), out[:, 2], rtol=1e-5)
    for name in (
        n for n in vars(fitted) if n.endswith("_") and isinstance(vars(fitted)[n], np.ndarray)
    ):
        assert vars(fitted)[name].dtype in (np.float64, bool)


@pytest.mark.parametrize("transformer", PER_UNIT[:5], ids=repr)
def test_missing_values_stay_missing(transformer, rates):
    rates[0, 0, 0] = rates[3, :, 2] = np.nan
    rates[:, :, 4] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = clone(transformer).fit(rates, np.tile([0, 1], 10)).transform(rates)
    if isinstance(transformer, UnitSelector):
        rates = rates[:, :, :4]  # the empty one is dropped
    np.testing.assert_array_equal(np.isnan(out), np.isnan(rates))


def test_noise_normalizer_refuses_missing_values(rates):
    rates[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        NoiseNormalizer().fit(rates, np.tile([0, 1], 10))


def test_pipeline_with_time_and_names(rates):
    y = np.tile([0, 1], 10)
    decoder = make_pipeline(
        BaselineSubtractor((-100, 0), time=np.arange(-100, 200, 50)),
        UnitScaler(),
        FunctionTransformer(flatten_time),
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5),
    )
    assert decoder.fit(rates, y).predict(rates).shape == (20,)
    table = pd.DataFrame(rates[:, 0], columns=list("abcde"))
    pipe = make_pipeline(SquareRootTransformer(), UnitSelector(min_variance=0.0), NoiseNormalizer())
    out = pipe.set_output(transform="pandas").fit_transform(table, y)
    assert list(out) == list("abcde")


class TestSquareRoot:
    def test_variance_of_counts_is_stable(self, rng):
        counts = rng.poisson([4.0, 10.0, 50.0], size=(20000, 3))
        roots = SquareRootTransformer(0.375).fit_transform(counts.astype(float))
        np.testing.assert_allclose(roots.var(axis=0), 0.25, atol=0.015)
        back = SquareRootTransformer(0.375).fit(roots).inverse_transform(roots)
        np.testing.assert_allclose(back, counts, atol=1e-12)

    def test_negative_values(self):
        with pytest.raises(ValueError, match=r"Negative values.*lowest is -2.*before they are"):
            SquareRootTransformer().fit([[1.0, -2.0]])
        with pytest.raises(ValueError, match="Negative values"):
            SquareRootTransformer().fit([[1.0]]).transform([[-1.0]])


class TestSoftNormalizer:
    def test_by_hand(self, rates):
        flat = rates.reshape(-1, 5)
        expected = rates / (np.ptp(flat, axis=0) + 5)
        normalizer = SoftNormalizer().fit(rates)
        np.testing.assert_allclose(normalizer.transform(rates), expected)
        np.testing.assert_allclose(normalizer.inverse_transform(expected), rates)

    def test_range_over_conditions(self, rates):
        y = np.array(["b", "a", "a", "c"] * 5)
        means = np.concatenate([rates[y == k].mean(axis=0) for k in "abc"])
        normalizer = SoftNormalizer(2.0, range_over="conditions").fit(rates, y)
        np.testing.assert_allclose(normalizer.range_, np.ptp(means, axis=0))
        assert (normalizer.range_ < SoftNormalizer().fit(rates).range_).all()

    def test_no_range_and_no_constant(self):
        out = SoftNormalizer(0.0).fit_transform([[3.0, 0.0], [3.0, 2.0]])
        np.testing.assert_array_equal(out, [[3, 0], [3, 1]])

    def test_conditions_are_needed(self, rates):
        with pytest.raises(ValueError, match=r"requires y to be passed.*condition of each trial"):
            SoftNormalizer(range_over="conditions").fit(rates)
        with pytest.raises(ValueError, match="continuous"):
            SoftNormalizer(range_over="conditions").fit(rates, np.linspace(0, 1.5, 20))


class TestUnitScaler:
    def test_standard_scaler(self, rates):
        X = rates[:, 0]
        X[3, 1] = np.nan
        X[:, 2] = 0.1  # constant but for the rounding of its mean
        for settings in ({}, {"with_mean": False}, {"with_std": False}):
            ours, theirs = UnitScaler(**settings).fit(X), StandardScaler(**settings).fit(X)
            np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-12)
        assert UnitScaler().fit(X).scale_[2] == 1

    @pytest.mark.parametrize("form", ["array", "frame", "frame of names"])
    def test_groups_are_scaled_apart(self, form, rates):
        X, run = rates[:, 0], np.repeat([2, 0, 1, 5], 5)
        expected = np.empty_like(X)
        for k in run:
            expected[run == k] = StandardScaler().fit_transform(X[run == k])
        if form == "array":
            given, column = np.insert(X, 1, run, axis=1), 1
        else:
            codes = run if form == "frame" else run.astype(str)
            given, column = pd.DataFrame(X, columns=list("abcde")).assign(run=codes), "run"
        scaler = UnitScaler(group_column=column).fit(given)
        np.testing.assert_allclose(scaler.transform(given), expected, atol=1e-12)
        assert scaler.mean_.shape == (4, 5)
        assert scaler.n_features_in_ == 6
        np.testing.assert_allclose(scaler.transform(given[:3]), expected[:3], atol=1e-12)
        names = scaler.get_feature_names_out()
        assert list(names) == (list("abcde") if form != "array" else ["x0", "x2", "x3", "x4", "x5"])
        if form != "array":
            assert list(scaler.set_output(transform="pandas").transform(given)) == list("abcde")

    def test_unseen_groups(self, rates):
        X = np.column_stack([rates[:, 0], np.repeat([0, 1], 10)])
        train, test = X[:10], X[10:]
        with pytest.raises(ValueError, match=r"holds 1.0, which is none of the groups \[0.0\]"):
            UnitScaler(group_column=-1).fit(train).transform(test)
        scaler = UnitScaler(group_column=-1, unseen="own").fit(train)
        np.testing.assert_allclose(
            scaler.transform(X)[10:], StandardScaler().fit_transform(test[:, :-1]), atol=1e-12
        )
        with pytest.raises(ValueError, match="needs at least 2 trials of a new group, got 1"):
            scaler.transform(test[:1])

    @pytest.mark.parametrize(
        ("column", "X", "message"),
        [
            ("run", np.ones((4, 3)), "must name a column of a DataFrame X"),
            (3, np.ones((4, 3)), "must be the position of one of the 3 columns"),
            (0, np.ones((4, 1)), "at least one column beside"),
            (0, np.ones((4, 2, 3)), "three axes.*flatten_time"),
            (0, np.array([[np.nan, 1.0], [0.0, 1.0]]), "1 missing values"),
        ],
    )
    def test_refused(self, column, X, message):
        with pytest.raises(ValueError, match=message):
            UnitScaler(group_column=column).fit(X)


class TestBaseline:
    def test_by_hand_in_both_forms(self, rates):
        time = 50.0 * np.arange(6) - 125
        out = BaselineSubtractor((-100, 0), time=time).fit_transform(rates)
        np.testing.assert_allclose(out, rates - rates[:, 1:3].mean(axis=1, keepdims=True))
        long = rates.transpose(0, 2, 1).reshape(-1, 6)
        long_out = BaselineSubtractor((1, 3)).fit_transform(long)
        np.testing.assert_allclose(long_out, out.transpose(0, 2, 1).reshape(-1, 6))

    def test_missing_values(self):
        out = BaselineSubtractor((0, 2)).fit_transform([[1.0, np.nan, 3.0], [np.nan, np.nan, 3.0]])
        np.testing.assert_array_equal(out, [[0, np.nan, 2], [np.nan] * 3])

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"window": (0, 2), "time": [1.0]}, r"for each of the 3 times.*got shape \(1,\)"),
            ({"window": (50, 90), "time": [0, 100, 200]}, "at least one of the times 0 to 200"),
            ({"window": (0, 1, 2)}, "two numbers"),
            ({"window": ("a", "b")}, "two numbers"),
        ],
    )
    def test_refused(self, settings, message):
        with pytest.raises(ValueError, match=message):
            BaselineSubtractor(**settings).fit(np.ones((2, 3)))


class TestUnitSelector:
    def test_variance_threshold(self, rates):
        X = rates[:, 0]
        X[:, 1] = 0.1
        for limit in (0.0, 20.0):
            try:
                expected = VarianceThreshold(limit).fit(X).get_support()
            except ValueError:
                continue
            ours = UnitSelector(min_variance=limit).fit(X).get_support()
            np.testing.assert_array_equal(ours, expected)

    def test_each_rule(self):
        X = np.array([[0.0, 4.0, 1.0, np.nan, 2.0], [0.1, 6.0, 1.0, 8.0, np.nan]])
        X = np.vstack([X, X, [[0.0, 5.0, 1.0, np.nan, 3.0]]])

        def kept(**settings):
            return UnitSelector(**{"min_variance": None, **settings}).fit(X).get_support(True)

        assert kept().tolist() == [0, 1, 2, 3, 4]
        assert kept(min_variance=0.0).tolist() == [0, 1, 4]
        assert kept(min_rate=1.0).tolist() == [1, 2, 3, 4]
        assert kept(max_missing=0.4).tolist() == [0, 1, 2, 4]
        assert kept(max_missing=0.0).tolist() == [0, 1, 2]

    def test_none_left(self):
        with pytest.raises(ValueError, match="None of the 2 units passes min_rate=9"):
            UnitSelector(min_rate=9).fit(np.eye(2))


def test_flatten_time():
    activity = np.arange(12).reshape(2, 2, 3)
    assert flatten_time(activity)[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert flatten_time(activity[:, 0]).shape == (2, 3)
    with pytest.raises(ValueError, match=r"got shape \(3,\)"):
        flatten_time([1, 2, 3])
