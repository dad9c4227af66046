"""BatchedGridSearchCV gives the results of GridSearchCV."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from neuroselect import MultiTaskMLP, MultiTaskMLPClassifier
from neuroselect.curricula import Replay
from neuroselect.datasets import make_context_blobs
from neuroselect.model_selection import BatchedGridSearchCV

X, Y = make_context_blobs()
NET = MultiTaskMLP((8,), max_iter=10, learning_rate_init=0.01, random_state=0)
GRID = {"init_scale": [0.1, 1.0], "random_state": [0, 1]}


def both(estimator, grid, X=X, y=Y, fit=None, **settings):
    return [
        cls(estimator, grid, **settings).fit(X, y, **(fit or {}))
        for cls in (GridSearchCV, BatchedGridSearchCV)
    ]


def assert_same(plain, batched, atol=1e-10):
    timed = ("fit_time", "score_time")
    assert set(plain.cv_results_) == set(batched.cv_results_)
    for name, expected in plain.cv_results_.items():
        got = batched.cv_results_[name]
        if name == "params" or name.startswith("param_"):
            assert repr(got) == repr(expected)
        elif not name.endswith(timed):
            np.testing.assert_allclose(got, expected, atol=atol, err_msg=name)
    assert plain.n_splits_ == batched.n_splits_
    assert plain.multimetric_ == batched.multimetric_
    learned = {name for name in vars(plain) if name.endswith("_")}
    assert learned == {name for name in vars(batched) if name.endswith("_")}
    if hasattr(plain, "best_index_"):
        assert plain.best_index_ == batched.best_index_
        assert repr(plain.best_params_) == repr(batched.best_params_)
        assert type(plain.best_estimator_) is type(batched.best_estimator_)


@pytest.mark.parametrize("cv", [None, 3, KFold(4, shuffle=True, random_state=0)])
def test_equals_grid_search(cv):
    plain, batched = both(NET, GRID, cv=cv, return_train_score=True)
    assert_same(plain, batched)
    assert batched.best_score_ == pytest.approx(plain.best_score_, abs=1e-10)
    np.testing.assert_allclose(batched.predict(X), plain.predict(X), atol=1e-10)
    assert batched.score(X, Y) == pytest.approx(plain.score(X, Y))
    assert batched.n_features_in_ == 26


def test_mixtures_of_architectures_and_curricula():
    grid = [
        {"hidden_layer_sizes": [(5,), (4, 3)], "activation": ["tanh", "relu"]},
        {"curriculum": ["blocked", Replay(every=3)], "batch_size": [7]},
        {"learning_rate_init": [0.001, 0.1], "solver": ["sgd", "adam"]},
    ]
    assert_same(*both(NET, grid, cv=KFold(3, shuffle=True, random_state=1)))


def test_classifier_and_several_metrics():
    labels = np.where(Y < 0, "left", "right")
    net = MultiTaskMLPClassifier((8,), max_iter=10, random_state=0)
    scoring = ["accuracy", "neg_log_loss"]
    plain, batched = both(net, GRID, y=labels, scoring=scoring, refit="neg_log_loss", cv=3)
    assert_same(plain, batched)
    assert batched.classes_.tolist() == ["left", "right"]
    np.testing.assert_allclose(batched.predict_proba(X), plain.predict_proba(X), atol=1e-10)
    plain, batched = both(net, GRID, y=labels, scoring=scoring, refit=False, cv=3)
    assert_same(plain, batched)
    assert not hasattr(batched, "best_estimator_")


def test_pipelines_and_data_frames():
    frame = pd.DataFrame(X[:, :-1], columns=[f"p{k}" for k in range(25)])
    frame["task"] = np.where(X[:, -1] == 0, "north", "south")
    columns = ColumnTransformer(
        [("scale", StandardScaler(), list(frame)[:-1])],
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    pipe = make_pipeline(columns, clone(NET).set_params(task_column="task"))
    grid = {
        "multitaskmlp__init_scale": [0.1, 1.0],
        "columntransformer__scale": [StandardScaler(), MinMaxScaler()],
    }
    plain, batched = both(pipe, grid, X=frame, cv=ShuffleSplit(3, random_state=0))
    assert_same(plain, batched)
    np.testing.assert_allclose(batched.predict(frame), plain.predict(frame), atol=1e-10)


def test_groups_reach_the_splitter():
    groups = np.arange(50) % 7
    fit = {"groups": groups}
    assert_same(*both(NET, GRID, cv=GroupKFold(3), fit=fit))


def test_sample_weight_reaches_each_network():
    weight = np.random.default_rng(0).uniform(size=50)
    assert_same(*both(NET, GRID, cv=3, fit={"sample_weight": weight}))


def test_metadata_routing():
    with sklearn.config_context(enable_metadata_routing=True):
        net = clone(NET).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        weight = np.random.default_rng(0).uniform(size=50)
        fit = {"sample_weight": weight, "groups": np.arange(50) % 7}
        assert_same(*both(net, GRID, cv=GroupKFold(3), fit=fit))


STEEP = {"activation": ["identity"], "solver": ["sgd"], "learning_rate_init": [1e-3, 1e6]}


@pytest.mark.filterwarnings("ignore:One or more of the test scores:UserWarning")
def test_a_diverging_network_fails_alone():
    settings = {"cv": 3, "error_score": np.nan}
    with pytest.warns(sklearn.exceptions.FitFailedWarning, match="not finite"):
        plain = GridSearchCV(NET, STEEP, **settings).fit(X, Y)
    with pytest.warns(sklearn.exceptions.FitFailedWarning, match=r"3 fits failed(?s:.*)not finite"):
        batched = BatchedGridSearchCV(NET, STEEP, **settings).fit(X, Y)
    assert_same(plain, batched)
    assert np.isnan(batched.cv_results_["mean_test_score"][1])
    with pytest.raises(ValueError, match="not finite"):
        BatchedGridSearchCV(NET, STEEP, cv=3, error_score="raise").fit(X, Y)


@pytest.mark.filterwarnings("ignore:One or more of the test scores:UserWarning")
def test_a_refused_parameter_fails_alone():
    grid = {"init_scale": [1.0, -1.0]}
    with pytest.warns(sklearn.exceptions.FitFailedWarning, match="'init_scale' parameter"):
        batched = BatchedGridSearchCV(NET, grid, cv=3).fit(X, Y)
    assert np.isnan(batched.cv_results_["mean_test_score"]).tolist() == [False, True]


def test_times_clone_pickle_and_jobs():
    search = BatchedGridSearchCV(NET, GRID, cv=3, n_jobs=2).fit(X, Y)
    assert (search.cv_results_["mean_fit_time"] > 0).all()
    assert len(set(search.cv_results_["mean_fit_time"])) == 1
    assert search.n_jobs == 2
    assert search.cv == 3
    copy = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(copy.predict(X), search.predict(X))
    assert not hasattr(clone(search), "best_score_")
    one = BatchedGridSearchCV(NET, GRID, cv=3).fit(X, Y)
    np.testing.assert_array_equal(
        one.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"]
    )


def test_not_a_network():
    with pytest.raises(TypeError, match=r"searches over networks.*got Ridge\(\)"):
        BatchedGridSearchCV(Ridge(), {"alpha": [1]}).fit(X, Y)
    with pytest.raises(TypeError, match="pipelines that end in one"):
        BatchedGridSearchCV(make_pipeline(StandardScaler(), Ridge()), {}).fit(X, Y)


def test_unknown_parameter():
    with pytest.raises(ValueError, match="Invalid parameter 'depth'"):
        BatchedGridSearchCV(NET, {"depth": [1]}).fit(X, Y)
