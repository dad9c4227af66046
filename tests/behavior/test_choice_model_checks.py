"""scikit-learn's checks of ChoiceModel, on the suite's data made into trials."""

import numpy as np
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import validate_data

from neuroselect.behavior import ChoiceModel


class AnyData(ChoiceModel):
    """Take the first and the last column for features, a digit of the first for the task."""

    def _split(self, X, reset):
        X = validate_data(self, X, dtype=np.float64, reset=reset, ensure_min_samples=1 + reset)
        return X[:, [0, -1]], np.floor(20 * X[:, 0]) % 2


LABELS = "choices are 0 and 1, not other labels"
EXPECTED = dict.fromkeys(
    [
        "check_classifier_data_not_an_array",
        "check_classifiers_classes",
        "check_classifier_not_supporting_multiclass",
        "check_estimators_dtypes",
        "check_fit2d_1feature",
        "check_positive_only_tag_during_fit",
        "check_sample_weights_not_an_array",
        "check_sample_weights_not_overwritten",
        "check_sample_weights_pandas_series",
        "check_sample_weights_shape",
    ],
    LABELS,
)
EXPECTED["check_classifiers_regression_target"] = "shares are targets, too"


@parametrize_with_checks([AnyData(n_starts=2)], expected_failed_checks=lambda _: EXPECTED)
def test_scikit_learn(estimator, check):
    check(estimator)
