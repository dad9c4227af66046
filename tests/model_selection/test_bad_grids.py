"""Candidates that cannot be trained: what is said, and that the others are not lost."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV

from neuroselect import MultiTaskMLP, fit_many
from neuroselect.consolidation import EWC
from neuroselect.curricula import Biased, Blocked, Replay
from neuroselect.datasets import make_context_blobs
from neuroselect.model_selection import BatchedGridSearchCV

X, Y = make_context_blobs()
NET = MultiTaskMLP((4,), max_iter=3, random_state=0)
SEARCHES = pytest.mark.parametrize("search", [GridSearchCV, BatchedGridSearchCV])

BAD = {
    "device": ("cuda", r"device='cuda' is not available here\. Expected one of \['cpu'"),
    "blocked": (Blocked([0, 2]), "order names tasks that are not there: 2"),
    "replay": (Replay(order=[2, 0]), "order names tasks that are not there: 2"),
    "biased": (Biased({0: 0.5, "B": 0.5}), r"not there: 'B'\. Known tasks: \[0, 1\]"),
    "probabilities": (Biased([0.2, 0.3, 0.5]), r"one number per task: expected 2"),
    "consolidation": (EWC(), "needs a curriculum that shows the tasks in blocks"),
}


@pytest.fixture(params=BAD)
def bad(request, monkeypatch):
    """A parameter, a good and a bad value, and what is said of the latter."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    value, message = BAD[request.param]
    if request.param in ("device", "consolidation"):
        return (
            request.param,
            {"device": "cpu", "consolidation": None}[request.param],
            value,
            message,
        )
    return "curriculum", "interleaved", value, message


def test_one_network(bad):
    name, _, value, message = bad
    with pytest.raises(ValueError, match=message):
        clone(NET).set_params(**{name: value}).fit(X, Y)


def test_many_networks(bad, tmp_path):
    name, good, value, message = bad
    networks = [clone(NET).set_params(**{name: v}) for v in (good, value)]
    with pytest.raises(ValueError, match=message):
        fit_many(networks, X, Y, checkpoint=tmp_path / "sweep")
    assert not (tmp_path / "sweep").exists()  # said before anything is trained


@SEARCHES
@pytest.mark.filterwarnings("ignore:One or more of the test scores:UserWarning")
def test_a_candidate_fails_alone(search, bad):
    name, good, value, message = bad
    with pytest.warns(FitFailedWarning, match=rf"3 fits failed(?s:.*){message}"):
        fitted = search(NET, {name: [good, value]}, cv=3).fit(X, Y)
    scores = fitted.cv_results_["mean_test_score"]
    assert np.isnan(scores).tolist() == [False, True]
    assert fitted.best_params_[name] == good
    with pytest.raises(ValueError, match=message):
        search(NET, {name: [good, value]}, cv=3, error_score="raise").fit(X, Y)


@SEARCHES
def test_tasks_are_a_parameter_of_consolidation(search):
    grid = {"task_column": [None], "curriculum": ["blocked"], "consolidation": [EWC()]}
    with pytest.raises(ValueError, match="protects earlier tasks, but task_column is None"):
        search(NET, grid, cv=3, error_score="raise").fit(X, Y)
