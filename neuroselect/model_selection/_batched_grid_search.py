"""Grid search over networks, all candidates and folds trained together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from joblib import parallel_config
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags, indexable

from neuroselect.networks._base import BaseMultiTaskMLP
from neuroselect.networks._fit_many import take_rows, train_jobs
from neuroselect.utils._sklearn import fit_context

if TYPE_CHECKING:
    from typing_extensions import Self


class BatchedGridSearchCV(GridSearchCV):
    """`GridSearchCV` that trains the networks of all candidates and folds together.

    The parameters, attributes, methods and results are those of
    :class:`sklearn.model_selection.GridSearchCV`; only training is organised differently: the
    networks of all candidates and folds train in stacks, as in `fit_many`, before
    scikit-learn scores them. A network that diverges, or whose parameters are refused, fails
    alone, as ``error_score`` says.

    Parameters
    ----------
    estimator : MultiTaskMLP, MultiTaskMLPClassifier, MultiTaskCNNClassifier, or Pipeline that \
ends in one
        What to search over. Steps of a pipeline before the network are fitted once per fold
        and setting of their own parameters.
    param_grid : dict or list of dict
        Values to try of each parameter.
    scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        As in :class:`sklearn.model_selection.GridSearchCV`. ``n_jobs`` is the number of processes
        that train stacks side by side; ``pre_dispatch`` has no effect.

    Attributes
    ----------
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, scorer_, n_splits_, \
refit_time_, multimetric_, classes_, n_features_in_, feature_names_in_
        As in :class:`sklearn.model_selection.GridSearchCV`. A fit time in ``cv_results_`` is the
        time of all training, shared equally.

    See Also
    --------
    neuroselect.networks.fit_many : Train any networks together.

    Notes
    -----
    Given metadata for the networks' `fit` (``sample_weight``), each network is fitted by itself.

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP
    >>> from neuroselect.datasets import make_context_blobs
    >>> from neuroselect.model_selection import BatchedGridSearchCV
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLP((20,), learning_rate_init=0.01)
    >>> grid = {"init_scale": [0.01, 1], "random_state": [0, 1]}
    >>> search = BatchedGridSearchCV(net, grid).fit(X, y)
    >>> len(search.cv_results_["params"]), search.n_splits_
    (4, 5)
    """

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params) -> Self:
        """Train all candidates on all folds, score them, and refit the best.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_features + 1)
            Trials.
        y : array-like of shape (n_trials,) or (n_trials, n_outputs)
            Targets.
        **params : dict of str to object
            Metadata for the splitter, `fit` and the scorer, as in scikit-learn.

        Returns
        -------
        self : BatchedGridSearchCV
        """
        _last_step(self.estimator)
        X, y = indexable(X, y)
        routed = self._get_routed_params_for_fit(params)
        splitter = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(splitter.split(X, y, **routed.splitter.split))
        candidates = list(ParameterGrid(self.param_grid))
        start, outcomes = time.perf_counter(), []
        if not routed.estimator.fit:
            outcomes = self._train(candidates, splits, X, y)
        share = (time.perf_counter() - start) / max(1, len(outcomes))

        settings = self.get_params(deep=False)
        trained = _Trained(clone(self.estimator), iter(outcomes))
        search = GridSearchCV(**{**settings, "estimator": trained, "cv": splits, "n_jobs": None})
        known = {name: value for name, value in params.items() if name != "groups"}
        with parallel_config(backend="sequential"):  # outcomes are handed out in their order
            search.fit(X, y, **known)
        for name, value in vars(search).items():
            if name.endswith("_"):
                setattr(self, name, value)
        if hasattr(self, "best_estimator_"):
            self.best_estimator_ = self.best_estimator_.estimator
        if outcomes:
            self.cv_results_["mean_fit_time"][:] = share
            self.cv_results_["std_fit_time"][:] = 0.0
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags = get_tags(self.estimator).transformer_tags
        return tags

    def _train(self, candidates, splits, X, y) -> list:
        """Fit each candidate on each fold; a list of fitted estimators or exceptions."""
        prepared, jobs, prefixes = [], [], {}
        for candidate in candidates:
            for fold, (train, _) in enumerate(splits):
                estimator = clone(self.estimator).set_params(**clone(candidate, safe=False))
                rows = take_rows(X, train), take_rows(y, train)
                try:
                    estimator, inputs = _fit_prefix(estimator, candidate, fold, rows, prefixes)
                    network = _last_step(estimator)
                    network._validate_params()
                    job = network._make_job(network._read_trials(inputs, rows[1]))
                except (ValueError, TypeError) as error:
                    prepared.append((error, None))
                    continue
                prepared.append((estimator, len(jobs)))
                jobs.append(job)
        results = train_jobs(jobs, n_jobs=self.n_jobs, chunk_bytes="auto", verbose=self.verbose)
        return [
            estimator if k is None else _learned(estimator, jobs[k], results[k])
            for estimator, k in prepared
        ]


class _Trained(BaseEstimator):
    """Stand in for an estimator that has been trained elsewhere: `fit` hands it out."""

    def __init__(self, estimator, outcomes: Iterator):
        self.estimator, self.outcomes = estimator, outcomes

    def __sklearn_clone__(self):
        return _Trained(clone(self.estimator), self.outcomes)

    def __sklearn_tags__(self):
        return self.estimator.__sklearn_tags__()

    def __getattr__(self, name):
        if name in ("estimator", "outcomes"):
            raise AttributeError(name)
        return getattr(self.estimator, name)

    def get_params(self, deep=True):
        return self.estimator.get_params(deep)

    def set_params(self, **params):
        self.estimator.set_params(**params)
        return self

    def get_metadata_routing(self):
        return self.estimator.get_metadata_routing()

    def fit(self, X, y=None, **params):
        outcome = next(self.outcomes, None)
        if outcome is None:  # all folds are through: the best candidate, on all trials
            self.estimator.fit(X, y, **params)
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            self.estimator = outcome
        return self


def _last_step(estimator) -> BaseMultiTaskMLP:
    """Return the network, or the one that a pipeline ends in."""
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(last, BaseMultiTaskMLP):
        raise TypeError(
            "BatchedGridSearchCV searches over networks (MultiTaskMLP, MultiTaskMLPClassifier,"
            f" MultiTaskCNNClassifier) or pipelines that end in one; got {estimator!r}. Use"
            " GridSearchCV for other estimators."
        )
    return last


def _fit_prefix(estimator, candidate, fold, rows, prefixes):
    """Fit what comes before the network, once for equal parameters; the network's input."""
    if not isinstance(estimator, Pipeline) or len(estimator.steps) == 1:
        return estimator, rows[0]
    own = estimator.steps[-1][0]
    key = fold, repr({k: v for k, v in candidate.items() if k.split("__")[0] != own})
    if key not in prefixes:
        prefix = estimator[:-1]
        prefixes[key] = prefix, prefix.fit_transform(*rows)
    prefix, inputs = prefixes[key]
    return Pipeline([*prefix.steps, estimator.steps[-1]]), inputs


def _learned(estimator, job, result):
    """Put the trained weights into the estimator; the exception if they diverged."""
    try:
        _last_step(estimator)._learn(job, result)
    except ValueError as error:
        return error
    return estimator
