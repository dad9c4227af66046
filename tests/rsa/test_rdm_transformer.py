"""RDMTransformer: layouts, composition and errors."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from neuroselect.rsa import RDMRegression, RDMTransformer, condensed_rdms


@pytest.fixture
def patterns(rng):
    return rng.normal(size=(6, 4, 3))  # systems, conditions, channels


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "correlation", "cosine"])
def test_three_axes_equal_flattened(patterns, metric):
    expected = condensed_rdms(patterns, metric)
    transformer = RDMTransformer(metric)
    assert_array_equal(transformer.fit_transform(patterns), expected)
    assert_array_equal(transformer.fit(patterns[:2]).transform(list(patterns)), expected)
    assert (transformer.n_features_in_, transformer.n_conditions_) == (12, 4)
    assert_array_equal(transformer.transform(patterns.reshape(6, 12)), expected)

    flat = RDMTransformer(metric, n_conditions=4)
    assert_array_equal(flat.fit_transform(patterns.reshape(6, 12)), expected)
    assert_array_equal(flat.transform(patterns), expected)
    assert flat.n_channels_ == 3
    assert_array_equal(flat.fit_transform(patterns), expected)


def test_a_column_is_a_condition_on_one_channel(patterns):
    X = patterns[:, :, 0]
    expected = condensed_rdms(X[:, :, np.newaxis])
    assert_array_equal(RDMTransformer().fit_transform(X), expected)


def test_rows_do_not_depend_on_each_other(patterns):
    transformer = RDMTransformer().fit(patterns)
    together = transformer.transform(patterns)
    for row, system in zip(together, patterns, strict=True):
        assert_allclose(transformer.transform(system[np.newaxis])[0], row, rtol=1e-13)


def test_pipeline_with_names(patterns):
    models = {"a": [1, 2, 3, 4, 5, 7], "b": [1, 0, 0, 1, 0, 0]}
    pipeline = make_pipeline(RDMTransformer(), RDMRegression(models)).set_output(transform="pandas")
    betas = pipeline.fit_transform(patterns)
    assert isinstance(betas, pd.DataFrame)
    assert list(betas.columns) == ["a", "b"]
    expected = RDMRegression(models).fit_transform(condensed_rdms(patterns))
    assert_array_equal(betas.to_numpy(), expected)
    assert_array_equal(
        pipeline[:1].get_feature_names_out(),
        ["rdm_0_1", "rdm_0_2", "rdm_0_3", "rdm_1_2", "rdm_1_3", "rdm_2_3"],
    )
    copy = pickle.loads(pickle.dumps(pipeline))
    assert_array_equal(copy.transform(patterns).to_numpy(), expected)
    assert_array_equal(clone(pipeline).fit_transform(patterns).to_numpy(), expected)


def test_data_frames(patterns):
    X = pd.DataFrame(patterns.reshape(6, 12), columns=[f"c{i}" for i in range(12)])
    transformer = RDMTransformer(n_conditions=4).set_output(transform="pandas").fit(X)
    rdms = transformer.transform(X.set_axis(list("uvwxyz")))
    assert list(rdms.index) == list("uvwxyz")
    assert_allclose(rdms.to_numpy(), condensed_rdms(patterns), rtol=1e-14)
    assert_array_equal(transformer.feature_names_in_, X.columns)


@pytest.mark.parametrize(
    ("parameters", "shape", "match"),
    [
        ({"n_conditions": 5}, (6, 12), "12 features of X cannot be split into n_conditions=5"),
        ({"n_conditions": 3}, (6, 4, 3), "n_conditions=3, but X holds 4 conditions"),
        ({}, (6, 1, 12), "n_conditions=1 conditions"),
        ({}, (2, 3, 4, 3), "got 4 axes"),
        ({}, (6, 1), r"1 feature\(s\)"),
        ({"metric": "correlation"}, (6, 12), "undefined on one channel.*12 conditions"),
        ({"metric": "cosine", "n_conditions": 12}, (6, 12), "undefined on one channel"),
        ({"metric": "cityblock"}, (6, 12), "'metric' parameter of RDMTransformer must be"),
        ({"n_conditions": 1}, (6, 12), "'n_conditions' parameter of RDMTransformer must be"),
    ],
)
def test_bad_layouts(parameters, shape, match):
    X = np.arange(np.prod(shape), dtype=float).reshape(shape)
    with pytest.raises(ValueError, match=match):
        RDMTransformer(**parameters).fit(X)


def test_transform_needs_the_fitted_layout(patterns):
    transformer = RDMTransformer().fit(patterns)
    with pytest.raises(ValueError, match=r"X has 3 conditions, but .* fitted with 4 conditions"):
        transformer.transform(patterns.transpose(0, 2, 1))
    with pytest.raises(ValueError, match=r"X has 9 features, but .* expecting 12"):
        transformer.transform(patterns[:, :3])


@pytest.mark.parametrize("step", ["fit", "transform"])
def test_nan_is_located(patterns, step):
    transformer = RDMTransformer().fit(patterns)
    patterns[1, 2, 0] = np.nan
    with pytest.raises(ValueError, match="system 1, condition 2, channel 0 is NaN"):
        getattr(transformer, step)(patterns)
