"""Scores of many versions of an estimator's output, for groups of trials."""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if


def scores_outputs(estimator, scoring) -> bool:
    """Whether scores are measured here, of the outputs of any number of networks at once."""
    return scoring in (None, "accuracy") or (
        not is_classifier(estimator) and scoring in ("r2", "mae_increase")
    )


class GroupScorer:
    """Scores an estimator on groups of trials, whatever was done to its activity or input.

    Parameters
    ----------
    estimator : object
        Fitted.
    X : ndarray or DataFrame of shape (n_trials, n_columns)
    y : array-like of shape (n_trials,) or (n_trials, n_outputs)
    member : ndarray of shape (n_groups, n_trials), bool
        The trials of each group.
    scoring : None, str or callable
        None: R² of a regressor, accuracy of a classifier and of one that chooses by reward
        (``loss="expected_reward"``). "accuracy": of a regressor the share
        of trials with the right sign, targets of 0 dropped. "mae_increase": relative
        increase of the mean absolute error. Others are scikit-learn's.
    outputs : ndarray of shape (n_networks, n_trials, n_outputs), default=None
        Raw outputs, of several networks like the estimator, with nothing done. Then all outputs
        and scores have a first axis of networks; `scoring` must be one of `scores_outputs`.

    Attributes
    ----------
    intact : ndarray of shape (n_groups,) or (n_networks, n_groups)
        Scores with nothing done.
    """

    def __init__(self, estimator, X, y, member, scoring, outputs=None):
        self._estimator, self._X, self._member = estimator, X, member
        self._classifies = is_classifier(estimator)
        self._y = self._read_y(y)
        self._rows = [np.flatnonzero(rows) for rows in member]
        self._measure = self._choose(scoring)
        if self._measure is None:
            self._scorer = check_scoring(estimator, scoring=scoring)
        if outputs is not None:
            self._check_outputs(outputs)
        if scoring == "mae_increase":
            predicted = self._predictions(X, 1) if outputs is None else outputs[:, np.newaxis]
            self._error = self._mean(abs(predicted - self._y))
        if outputs is None:
            self.intact = self._intact(X, scoring)
        else:
            self.intact = self.of_outputs(outputs[:, np.newaxis])[:, 0]

    def _read_y(self, y):
        y = check_array(y, dtype=None, ensure_2d=False, input_name="y")
        if len(y) != len(self._X):
            raise ValueError(
                f"y must have one target for each of the {len(self._X)} trials of X, got {len(y)}."
            )
        return y if self._classifies else y.astype(np.float64).reshape(len(y), -1)

    def _choose(self, scoring):
        """The function of predictions that gives the scores; None for a scorer."""
        if self._classifies:
            if scoring == "mae_increase":
                raise ValueError(
                    "scoring='mae_increase' compares numbers, but"
                    f" {type(self._estimator).__name__} predicts classes. Use scoring=None, its"
                    " accuracy."
                )
            return self._accuracy if scoring in (None, "accuracy") else None
        if not (scoring is None or isinstance(scoring, str)):
            return None
        by_reward = getattr(self._estimator, "loss", None) == "expected_reward"
        own = {
            None: self._sign_accuracy if by_reward else self._r2,
            "r2": self._r2,
            "accuracy": self._sign_accuracy,
            "mae_increase": self._mae_increase,
        }
        return own.get(scoring)

    def _intact(self, X, scoring):
        if self._measure is not None:
            return self.of_inputs(X)[0]
        try:
            return self.of_inputs(X)[0]
        except (AttributeError, ValueError) as error:
            raise ValueError(
                f"scoring={scoring!r} cannot be had from the predictions of"
                f" {type(self._estimator).__name__}: {error} Choose a scorer that needs no more"
                f" than it has, such as {'accuracy' if self._classifies else 'r2'!r}."
            ) from error

    def of_networks(self, networks: slice) -> GroupScorer:
        """The same for some of the networks whose outputs were given."""
        part = copy(self)
        part.intact = self.intact[networks]
        if hasattr(self, "_error"):
            part._error = self._error[networks]
        return part

    def of_outputs(self, outputs: NDArray) -> NDArray[np.float64]:
        """Scores (..., n_versions, n_groups) of a network's raw outputs.

        ``outputs`` has the shape (..., n_versions, n_trials, n_outputs), before what the
        classifier makes of them.
        """
        if self._measure is None:
            versions = (Answers(self._estimator, output) for output in outputs)
            return np.array([self._of_version(version) for version in versions])
        if self._classifies:
            outputs = self._estimator.classes_[outputs.argmax(-1)]
        return self._measure(outputs)

    def of_inputs(self, X, n_versions: int = 1) -> NDArray[np.float64]:
        """Scores (n_versions, n_groups) of inputs: several versions of all trials in a row."""
        if self._measure is not None:
            return self._measure(self._predictions(X, n_versions))
        n_trials = len(self._y)
        return np.array(
            [
                [
                    self._scorer(
                        self._estimator, take_rows(X, k * n_trials + rows), self._y_of(rows)
                    )
                    if len(rows)
                    else np.nan
                    for rows in self._rows
                ]
                for k in range(n_versions)
            ]
        )

    def _of_version(self, answers):
        return [
            self._scorer(answers.of_rows(rows), take_rows(self._X, rows), self._y_of(rows))
            if len(rows)
            else np.nan
            for rows in self._rows
        ]

    def _y_of(self, rows):
        y = self._y[rows]
        return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y

    def _predictions(self, X, n_versions):
        predicted = np.asarray(self._estimator.predict(X))
        if self._classifies:
            return predicted.reshape(n_versions, *self._y.shape)
        predicted = predicted.reshape(n_versions, len(self._y), -1)
        self._check_outputs(predicted)
        return predicted

    def _check_outputs(self, outputs):
        if not self._classifies and outputs.shape[-1] != self._y.shape[1]:
            raise ValueError(
                f"y must have {outputs.shape[-1]} output(s) as the estimator's predictions do,"
                f" got {self._y.shape[1]}."
            )

    def _sum(self, of_trials):
        """Sums over the trials of each group, (..., n_groups, n_outputs)."""
        weights = self._member.astype(np.float64)
        if of_trials.shape[-1] == 1:  # one product instead of one for each version
            return (of_trials[..., 0] @ weights.T)[..., None]
        return weights @ of_trials

    def _mean(self, of_trials, counted=None):
        counted = np.ones((len(self._y), 1)) if counted is None else counted
        with np.errstate(invalid="ignore"):  # a group without trials has no score
            return self._sum(of_trials) / self._sum(counted.astype(np.float64))

    def _r2(self, predicted):
        residual = predicted.astype(np.float64)
        residual -= self._y
        residual *= residual
        residual = self._sum(residual)
        total = np.full(residual.shape[-2:], np.nan)
        for k, rows in enumerate(self._rows):
            if len(rows) > 1:
                total[k] = np.square(self._y[rows] - self._y[rows].mean(0)).sum(0)
        # A constant target is explained fully or not at all, as in scikit-learn.
        constant = np.where(residual == 0, 1.0, 0.0)
        share = np.divide(residual, total, out=np.zeros_like(residual), where=total != 0)
        return np.where(total == 0, constant, 1 - share).mean(-1)

    def _mae_increase(self, predicted):
        error = self._mean(abs(np.subtract(predicted, self._y, dtype=np.float64)))
        change = (error - self._error).mean(-1)
        before = np.broadcast_to(self._error.mean(-1), change.shape)
        out = np.where(change > 0, np.inf, change)
        return np.divide(change, before, out=out, where=before != 0)

    def _sign_accuracy(self, predicted):
        counted = self._y != 0
        right = (np.sign(predicted) == np.sign(self._y)) & counted
        return self._mean(right.astype(np.float64), counted).mean(-1)

    def _accuracy(self, predicted):
        right = predicted == self._y
        if self._y.ndim == 2:  # of several outputs all must be right
            right = right.all(-1)
        return self._mean(right[..., None].astype(np.float64))[..., 0]


class Answers:
    """Stands in for a network before a scorer, with outputs that are there already."""

    def __init__(self, estimator, output):
        self._estimator, self._output = estimator, output
        if is_classifier(estimator):
            self.classes_ = estimator.classes_

    def of_rows(self, rows):
        """The same for some of the trials."""
        return Answers(self._estimator, self._output[rows])

    def predict(self, X):
        if is_classifier(self._estimator):
            return self.classes_[self._output.argmax(-1)]
        return self._estimator._present(self._output)

    @available_if(lambda self: is_classifier(self._estimator))
    def predict_proba(self, X):
        return self._estimator._present(self._output)

    def __sklearn_tags__(self):
        return self._estimator.__sklearn_tags__()


def take_rows(X, rows):
    """Rows of an array or a DataFrame."""
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]
