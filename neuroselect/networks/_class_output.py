"""What networks that tell classes apart have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from neuroselect.networks._continue import check_same, encode_classes
from neuroselect.utils._sklearn import fit_context

if TYPE_CHECKING:
    from typing_extensions import Self


class ClassOutput(ClassifierMixin):
    """Target and output of a classifier: one output for each class, a softmax over them."""

    _metric = staticmethod(accuracy_score)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        *,
        tasks: ArrayLike | None = None,
    ) -> Self:
        """Train for one more pass: see `MultiTaskMLP.partial_fit`.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_features + 1)
            Trials of this pass.
        y : array-like of shape (n_trials,)
            Class of each trial.
        sample_weight : array-like of shape (n_trials,), default=None
            Weights of the trials; only their ratios matter.
        classes : array-like of shape (n_classes,), default=None
            Labels of all tasks. The first call needs them.
        tasks : array-like of shape (n_tasks,), default=None
            Codes of all tasks, in the first call, if its trials are not of all tasks.

        Returns
        -------
        self : object
        """
        if classes is None and not hasattr(self, "coefs_"):
            raise ValueError(
                "classes must be passed on the first call to partial_fit: the labels of all tasks,"
                " such as np.unique(y) of all trials."
            )
        return self._train_one_pass(X, y, sample_weight, tasks, classes)

    def _read_target(self, y, dtype, continued=False, classes=None):
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        if continued:
            check_same(classes, self.classes_, "classes")
        else:
            self.classes_ = np.unique(y if classes is None else column_or_1d(classes))
            self.n_outputs_ = len(self.classes_)
        return encode_classes(y, self.classes_)

    def _present(self, output):
        # In float64: probabilities add up to 1, and their logarithms are exact.
        shifted = output.astype(np.float64) - output.max(-1, keepdims=True)
        p = np.exp(shifted)
        return p / p.sum(-1, keepdims=True)

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_features + 1)

        Returns
        -------
        p : ndarray of shape (n_trials, n_classes), float64
            In the order of ``classes_``.
        """
        return self._present(self._raw_output(X))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Most probable class.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_features + 1)

        Returns
        -------
        labels : ndarray of shape (n_trials,)
        """
        check_is_fitted(self)
        return self.classes_[self._raw_output(X).argmax(-1)]
