"""Decoding of real recordings, with pseudo-populations and transformers in a Pipeline."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline

from neuroselect import LesionSelectivity, PseudoPopulation
from neuroselect.datasets import fetch_haxby_slice, fetch_park2025
from neuroselect.preprocessing import (
    NoiseNormalizer,
    SquareRootTransformer,
    UnitScaler,
    permute_labels,
)
from neuroselect.recordings import make_container, select

TASKS = ["look", "no_look"]
DECODER = make_pipeline(
    SquareRootTransformer(),
    UnitScaler(),
    LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
)
PLAN = PseudoPopulation(
    ["task", "direction"], n_trials=15, n_splits=3, n_resamples=2, min_trials=15, random_state=0
)


def park_cells(period, data_folder):
    """Mean rate of each trial over the period."""
    park = fetch_park2025(period, data_home=data_folder, download_if_missing=False)
    return make_container(park.data.mean(axis=1), park.trials, units=park.units)


def transfer(recording):
    """Accuracy of direction: task of the training trials x task of the test trials."""
    scores = []
    for train, test in PLAN.split(recording):
        for task in TASKS:
            part = select(train, trials={"task": task})
            decoder = DECODER.fit(part.data, part.trials["direction"])
            for other in TASKS:
                part = select(test, trials={"task": other})
                scores.append(decoder.score(part.data, part.trials["direction"]))
    return np.reshape(scores, (-1, 2, 2)).mean(axis=0)


def test_park_counts(data_folder):
    counts = PLAN.counts(park_cells("late_delay", data_folder))
    assert counts.shape == (319, 4)
    assert counts.to_numpy().sum() == 116_032
    assert counts.min().tolist() == [18, 6, 40, 19]


@pytest.mark.slow
def test_park_direction_within_and_across_tasks(data_folder):
    cells = park_cells("late_delay", data_folder)
    observed = transfer(cells)
    nulls = np.array(
        [
            transfer(permute_labels(cells, "direction", within="task", random_state=seed))
            for seed in range(19)
        ]
    )
    assert abs(nulls.mean(axis=0) - 0.5).max() < 0.08
    above = (nulls < observed).all(axis=0)  # p = 1 / 20
    assert above[0, 0]
    assert above[1, 1]
    assert above[1, 0]
    early = transfer(park_cells("early_delay", data_folder))
    assert early.min() > 0.9  # cells were chosen, and directions named, by this period


@pytest.mark.slow
def test_park_lesions_of_a_decoder(data_folder):
    cells = park_cells("late_delay", data_folder)
    importances, by_importance, at_random = 0, [], []
    rng = np.random.default_rng(0)
    for k, (train, test) in enumerate(PLAN.split(cells)):
        decoder = DECODER.fit(train.data, train.trials["direction"])
        y, task = test.trials["direction"], test.trials["task"]
        if k < 3:  # one resample to find the important cells, the other to lesion them
            lesions = LesionSelectivity(decoder, prefit=True).fit(test.data, y, task=task)
            assert lesions.tasks_.tolist() == TASKS
            assert len(lesions.to_frame()) == test.data.shape[1]
            importances = importances + lesions.importances_.sum(axis=1)
            continue
        order = np.argsort(-importances)
        for scores, units in (
            (by_importance, order[:60]),
            (at_random, rng.permutation(order)[:60]),
        ):
            lesioned = test.data.copy()
            lesioned[:, units] = 0
            scores.append(decoder.score(lesioned, y))
    assert np.mean(by_importance) < np.mean(at_random)


def test_haxby_leave_one_run_out(data_folder):
    pytest.importorskip("nibabel")
    haxby = fetch_haxby_slice(data_home=data_folder, download_if_missing=False)
    seen = select(haxby, trials="category != 'rest'")
    y, run = seen.trials["category"], seen.trials["run"]
    X = np.column_stack([seen.data, run])
    scaler = UnitScaler(group_column=-1, unseen="own")

    def accuracy(*steps):
        decoder = make_pipeline(scaler, *steps)
        return cross_val_score(decoder, X, y, groups=run, cv=LeaveOneGroupOut())

    scores = accuracy(LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))
    assert len(scores) == 12
    assert scores.min() > 0.4  # of eight categories: chance is 0.125
    assert scores.mean() > 0.65
    raw, normalized = accuracy(NearestCentroid()), accuracy(NoiseNormalizer(), NearestCentroid())
    assert normalized.mean() > raw.mean() + 0.1 > 0.4
