"""Recorded cells whose part in decoding a direction depends on the task."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neuroselect import LesionSelectivity, PseudoPopulation
from neuroselect.datasets import fetch_park2025
from neuroselect.preprocessing import SquareRootTransformer
from neuroselect.recordings import make_container


def test_park_units_differ_between_tasks_and_not_between_permuted_ones(data_folder):
    park = fetch_park2025("late_delay", data_home=data_folder, download_if_missing=False)
    cells = make_container(park.data.mean(axis=1), park.trials, units=park.units)
    plan = PseudoPopulation(
        ["task", "direction"], n_trials=60, n_splits=2, min_trials=60, random_state=0
    )
    train, test = next(iter(plan.split(cells)))
    decoder = make_pipeline(SquareRootTransformer(), StandardScaler(), LogisticRegression(C=0.01))
    decoder.fit(train.data, train.trials["direction"])
    y, task = test.trials["direction"].to_numpy(), test.trials["task"].to_numpy()
    assert decoder.score(test.data, y) > 0.7
    for lesion_value in ("zero", "mean"):
        lesions = LesionSelectivity(
            decoder,
            lesion_value=lesion_value,
            prefit=True,
            n_permutations=999,
            random_state=0,
        )
        found = lesions.fit(test.data, y, task=task)
        assert found.p_values_.shape == (51, 1)
        assert np.sum(found.q_values_ < 0.05) >= 3
        rng = np.random.default_rng(0)
        chance = [
            np.min(lesions.fit(test.data, y, task=rng.permutation(task)).q_values_) < 0.05
            for _ in range(10)
        ]
        assert sum(chance) <= 3  # of ten, each with a chance of 0.05 at most
