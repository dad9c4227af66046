"""What a lesion takes from a task's score, for any scorer of scikit-learn's interface."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.metrics import get_scorer


def score_drops(lesions, values: list[NDArray], y: NDArray, task: NDArray, effect) -> NDArray:
    """Score of each task intact minus lesioned, (n_units, n_tasks), the mean over ``values``."""
    scorer = effect if callable(effect) else get_scorer(effect)
    y = y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y)
    trials = [np.flatnonzero(task == k) for k in range(task.max() + 1)]

    def scores(respond):
        return np.array([_score(scorer, effect, *respond(rows), y[rows]) for rows in trials])

    intact = scores(lesions.responder())
    drops = np.zeros((lesions.n_units, len(trials)))
    for value in values:
        for unit in range(lesions.n_units):
            drops[unit] += intact - scores(lesions.responder(unit, value))
    return drops / len(values)


def _score(scorer, effect, estimator, X, y):
    try:
        score = scorer(estimator, X, y)
    except (AttributeError, TypeError, ValueError) as error:
        answers = [a for a in ("predict", "predict_proba") if hasattr(estimator, a)]
        kind = "classifier" if is_classifier(estimator) else "regressor"
        raise ValueError(
            f"effect={effect!r} cannot score the trials of a task: {error} The estimator is a"
            f" {kind} with {' and '.join(answers)}. Choose a scorer that needs nothing else, such"
            " as 'accuracy' for classifiers and 'r2' for regressors."
        ) from error
    if np.ndim(score) or not np.isfinite(score):
        raise ValueError(
            f"effect={effect!r} must give one finite number for the trials of each task, got"
            f" {score!r} for a task of {len(y)} trials."
        )
    return float(score)


class _Answers(BaseEstimator):
    """What a lesioned network answered to some trials, as an estimator for scorers."""

    def __init__(self, X, output):
        self.X = X
        self.output = output

    def fit(self, X, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def _answer(self, X):
        if X is not self.X:
            raise ValueError(
                "a scorer of a lesioned network must ask for the very trials that it was given,"
                " not for a part or a copy of them."
            )
        return self.output


class RegressorAnswers(RegressorMixin, _Answers):
    """Predictions that are known already."""

    def predict(self, X):
        return self._answer(X)


class ClassifierAnswers(ClassifierMixin, _Answers):
    """Probabilities that are known already."""

    def __init__(self, X, output, classes):
        super().__init__(X, output)
        self.classes = classes

    @property
    def classes_(self):
        return self.classes

    def predict_proba(self, X):
        return self._answer(X)

    def predict(self, X):
        return self.classes[self._answer(X).argmax(axis=1)]
