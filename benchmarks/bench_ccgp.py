"""Is generalisation of all dichotomies faster than one fit per choice of conditions, and the same?

Cross-condition generalisation of the 35 balanced dichotomies of 8 conditions: our closed form,
which shares training sets among dichotomies, against one pipeline of scikit-learn per dichotomy
and held-out pair (560 fits a population). Also the cost of a null draw. One thread, variants
interleaved, median of three rounds; ratios travel between machines, seconds do not.

    python benchmarks/bench_ccgp.py
"""

import argparse
import time

import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from neuroselect.geometry import cross_condition_generalization

N_ROUNDS, N_NULL = 3, 50


def loop(activity, code, sides):
    scores = []
    for side in sides:
        correct = []
        for i in np.flatnonzero(side):
            for j in np.flatnonzero(~side):
                test = np.isin(code, [i, j])
                decoder = RidgeClassifier(alpha=activity.shape[1], class_weight="balanced")
                pipeline = make_pipeline(StandardScaler(), decoder)
                pipeline.fit(activity[~test], side[code[~test]])
                correct.append(pipeline.score(activity[test], side[code[test]]))
        scores.append(np.mean(correct))
    return np.array(scores)


def bench(n_units, n_trials, rng):
    code = np.repeat(np.arange(8), n_trials)
    activity = rng.normal(size=(8, n_units))[code] + 3 * rng.normal(size=(len(code), n_units))
    seconds = {"neuroselect": [], "one fit per choice": [], "a null draw": []}
    for _ in range(N_ROUNDS):
        start = time.perf_counter()
        ours = cross_condition_generalization(activity, code, n_null=0)
        seconds["neuroselect"].append(time.perf_counter() - start)
        start = time.perf_counter()
        theirs = loop(activity, code, ours.dichotomies)
        seconds["one fit per choice"].append(time.perf_counter() - start)
        start = time.perf_counter()
        cross_condition_generalization(activity, code, n_null=N_NULL, random_state=0)
        both = time.perf_counter() - start
        seconds["a null draw"].append((both - seconds["neuroselect"][-1]) / N_NULL)
    medians = {name: float(np.median(s)) for name, s in seconds.items()}
    difference = abs(ours.scores - theirs).max()
    print(f"{n_units} units, {n_trials} trials per condition; difference {difference:.1e}")
    for name, s in medians.items():
        print(f"  {name:20s}{s:9.4f} s{s / medians['neuroselect']:9.2f} x neuroselect")
    assert difference <= 1e-9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    rng = np.random.default_rng(parser.parse_args().seed)
    with threadpool_limits(1):
        for n_units, n_trials in ((30, 20), (100, 50), (300, 10)):
            bench(n_units, n_trials, rng)


if __name__ == "__main__":
    main()
