"""What networks that tell classes apart have in common."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted


class ClassOutput(ClassifierMixin):
    """Target and output of a classifier: one output for each class, a softmax over them."""

    _metric = staticmethod(accuracy_score)

    def _read_target(self, y, dtype):
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        self.classes_, target = np.unique(y, return_inverse=True)
        self.n_outputs_ = len(self.classes_)
        return target.astype(np.int64)

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
