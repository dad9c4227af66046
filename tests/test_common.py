"""scikit-learn's checks on every estimator, and those that its suite leaves out.

The suite's data have no task column, hence ``task_column=None`` for networks.
"""

import itertools

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from neuroselect import (
    BatchedGridSearchCV,
    ContextGatedClassifier,
    ContextGatedRegressor,
    LesionSelectivity,
    MultiTaskCNNClassifier,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    RDMRegression,
    RDMTransformer,
)
from neuroselect.alignment import ProcrustesAlignment, UnitMatching
from neuroselect.behavior import ChoiceModel
from neuroselect.geometry import DemixedPCA, ParametricGeometry, TargetedDimensionalityReduction
from neuroselect.preprocessing import (
    BaselineSubtractor,
    NoiseNormalizer,
    SoftNormalizer,
    SquareRootTransformer,
    UnitScaler,
    UnitSelector,
)
from neuroselect.rsa import GeoTopologicalTransformer, Searchlight
from neuroselect.selectivity import MixedSelectivity, TaskClusters

SMALL = {"task_column": None, "learning_rate_init": 0.02}
# Images of one row: the suite's data have any number of columns.
STRIPES = {
    "image_shape": (1, -1), "conv_channels": (6, 8), "pool_size": 1, "batch_size": None, **SMALL,
}  # fmt: skip

# RDMRegression's models fix the number of pairs. These checks bring data of another width,
# with models of which they pass: name -> width.
USUAL_WIDTH = 3
OTHER_WIDTH = {
    "check_array_api_input": 10,
    "check_dtype_object": 10,
    "check_estimators_dtypes": 5,
    "check_estimators_fit_returns_self": 2,
    "check_estimators_overwrite_params": 2,
    "check_fit2d_1sample": 10,
    "check_fit_check_is_fitted": 2,
    "check_fit_idempotent": 2,
    "check_n_features_in": 2,
    "check_n_features_in_after_fitting": 4,
    "check_positive_only_tag_during_fit": 4,
    "check_readonly_memmap_input": 2,
}


def one_model(n_pairs):
    return RDMRegression(np.arange(n_pairs, dtype=float).reshape(1, -1) ** 2)


# ParametricGeometry needs two tasks: all of its checks get RDMs of these eight conditions.
TWO_TASKS = np.array(list(itertools.product([0, 1], [-1.0, 1.0], [-1.0, 1.0])))


def two_planes():
    columns = dict(zip(["task", "x", "y"], TWO_TASKS.T, strict=True))
    return ParametricGeometry(columns, ["x", "y"], "task", n_starts=2, random_state=0)


@pytest.fixture(autouse=True)
def rdms_of_two_tasks(monkeypatch):
    original = estimator_checks._enforce_estimator_tags_X

    def enforce(estimator, X, *args, **kwargs):
        X = original(estimator, X, *args, **kwargs)
        if not isinstance(estimator, ParametricGeometry):
            return X
        stretch = 1 + np.column_stack([np.ones(len(X)), np.tanh(X.astype(float)) / 2])[:, :3]
        points = TWO_TASKS * np.pad(stretch, ((0, 0), (0, 3 - stretch.shape[1])))[:, np.newaxis]
        return np.array([pdist(system) for system in points]).astype(X.dtype)

    monkeypatch.setattr(estimator_checks, "_enforce_estimator_tags_X", enforce)


MINI_BATCHES = "batches hold other trials once a trial is repeated instead of weighted"

NO_FIT_TRANSFORM = "a search has its estimator's transform, but no fit_transform"

# The checks of ChoiceModel that its data reach; tests/behavior/test_choice_model_checks.py runs
# all of them on data made into trials.
NO_TRIALS = "its data are not two features and a column of two tasks"
NEED_TRIALS = [
    "check_all_zero_sample_weights_error",
    "check_array_api_input",
    "check_classifier_data_not_an_array",
    "check_classifier_not_supporting_multiclass",
    "check_classifiers_classes",
    "check_classifiers_one_label",
    "check_classifiers_one_label_sample_weights",
    "check_classifiers_regression_target",
    "check_classifiers_train",
    "check_dict_unchanged",
    "check_dont_overwrite_parameters",
    "check_dtype_object",
    "check_estimators_dtypes",
    "check_estimators_fit_returns_self",
    "check_estimators_nan_inf",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_f_contiguous_array_estimator",
    "check_fit2d_predict1d",
    "check_fit_check_is_fitted",
    "check_fit_idempotent",
    "check_fit_score_takes_y",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_pipeline_consistency",
    "check_positive_only_tag_during_fit",
    "check_readonly_memmap_input",
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weights_list",
    "check_sample_weights_not_an_array",
    "check_sample_weights_not_overwritten",
    "check_sample_weights_pandas_series",
    "check_sample_weights_shape",
    "check_supervised_y_2d",
]

EXPECTED_FAILURES = {
    # As of GridSearchCV itself around the same network.
    "BatchedGridSearchCV": {
        "check_supervised_y_2d": "the network's warning comes once per fit",
        "check_transformer_data_not_an_array": NO_FIT_TRANSFORM,
        "check_transformer_general": NO_FIT_TRANSFORM,
        "check_transformer_preserve_dtypes": NO_FIT_TRANSFORM,
    },
    "ParametricGeometry": {"check_estimators_nan_inf": "its data have 5 pairs"},
    "ChoiceModel": dict.fromkeys(NEED_TRIALS, NO_TRIALS),
    "RDMRegression": {
        name: f"its data have {width} pairs, the models {USUAL_WIDTH}"
        for name, width in OTHER_WIDTH.items()
    },
    "TaskClusters": {"check_clustering": "its data have negative values, variances have none"},
}

ESTIMATORS = [
    MultiTaskMLP((10,), **SMALL),
    MultiTaskMLP((6, 5), activation="tanh", solver="sgd", momentum=0.9, **SMALL),
    MultiTaskMLPClassifier((10,), **SMALL),
    MultiTaskMLPClassifier((10,), batch_size=10, **SMALL),
    MultiTaskCNNClassifier((10,), max_iter=100, **STRIPES),
    ContextGatedClassifier((10,), **SMALL),
    ContextGatedRegressor((10,), loss="expected_reward", center_inputs=True, **SMALL),
    LesionSelectivity(MultiTaskCNNClassifier((6,), random_state=0, **STRIPES), layer=0),
    LesionSelectivity(MultiTaskMLP((6,), max_iter=50, random_state=0, **SMALL)),
    LesionSelectivity(
        MultiTaskMLPClassifier((6,), max_iter=50, random_state=0, **SMALL), method="taylor"
    ),
    BatchedGridSearchCV(
        MultiTaskMLP((10,), max_iter=100, random_state=0, **SMALL), {"init_scale": [0.5, 1]}, cv=2
    ),
    LesionSelectivity(LinearRegression()),
    LesionSelectivity(LogisticRegression()),
    LesionSelectivity(
        LogisticRegression(), effect="accuracy", lesion_value="resample", n_draws=2, random_state=0
    ),
    ChoiceModel(),
    MixedSelectivity(),
    MixedSelectivity(test="permutation", n_permutations=20, random_state=0),
    RDMTransformer(),
    RDMTransformer("sqeuclidean"),
    RDMTransformer("mahalanobis", missing="nan"),
    one_model(USUAL_WIDTH),
    two_planes(),
    GeoTopologicalTransformer(),
    BaselineSubtractor((0, 1)),
    DemixedPCA(n_components=1),
    NoiseNormalizer(),
    NoiseNormalizer("diagonal"),
    ProcrustesAlignment(),
    Searchlight(RDMTransformer()),
    SoftNormalizer(),
    SoftNormalizer(range_over="conditions"),
    SquareRootTransformer(),
    TargetedDimensionalityReduction("direction", transform=None),
    TaskClusters(),
    UnitMatching(),
    UnitMatching("semi", absolute=True),
    UnitScaler(),
    UnitSelector(),
]


def expected_failures(estimator):
    expected = dict(EXPECTED_FAILURES.get(type(estimator).__name__, {}))
    if getattr(estimator, "batch_size", None) == 10:
        expected["check_sample_weight_equivalence_on_dense_data"] = MINI_BATCHES
    return expected


@pytest.mark.filterwarnings("ignore:One or more of the test scores:UserWarning")
@pytest.mark.filterwarnings("ignore:Scoring failed:UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_scikit_learn(estimator, check):
    check(estimator)


LEFT_OUT = [
    estimator_checks.check_param_validation,
    estimator_checks.check_set_output_transform,
    estimator_checks.check_set_output_transform_pandas,
    estimator_checks.check_transformer_get_feature_names_out,
    estimator_checks.check_transformer_get_feature_names_out_pandas,
    estimator_checks.check_dataframe_column_names_consistency,
]


@pytest.mark.filterwarnings("ignore:X (has|does not have):UserWarning")
@pytest.mark.parametrize("check", LEFT_OUT, ids=lambda check: check.__name__)
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_checks_left_out_by_the_suite(estimator, check):
    if isinstance(estimator, BatchedGridSearchCV) and check.__name__ != "check_param_validation":
        pytest.skip(NO_FIT_TRANSFORM)
    if "transform" in check.__name__ and not hasattr(estimator, "fit_transform"):
        pytest.skip("a transformer's check")
    if isinstance(estimator, ChoiceModel) and "column_names" in check.__name__:
        pytest.skip(NO_TRIALS)
    if isinstance(estimator, RDMRegression):
        width = {"check_dataframe_column_names_consistency": 8}.get(check.__name__, 5)
        estimator = one_model(3 if "feature_names_out" in check.__name__ else width)
    check(type(estimator).__name__, estimator)


@pytest.mark.parametrize(("name", "width"), OTHER_WIDTH.items())
def test_regression_on_models_as_wide_as_the_data(name, width):
    estimator = one_model(width)
    (check,) = (
        check for _, check in estimator_checks_generator(estimator) if check.func.__name__ == name
    )
    if name == "check_estimators_dtypes":  # cast to integers, one of its RDMs is constant
        with pytest.raises(ValueError, match="constant over pairs"):
            check(estimator)
    else:
        check(estimator)
