"""Are choice models of many subjects fitted faster as one batch, and as well?

Simulated subjects (50 cells, 12 trials each) from as many starting points each: as one batch, and
in a loop over subjects and starts of scipy.optimize.minimize (L-BFGS-B with analytic gradients).
The loop is timed on the first subjects and scaled up. One thread; ratios travel between
machines, seconds do not. The batch's objective must not exceed the loop's for any subject.

    python benchmarks/bench_choice_model.py
"""

import argparse
import json
import platform
import time
from importlib import metadata

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from threadpoolctl import threadpool_limits

from neuroselect.behavior import ChoiceModel, fit_choices

N_TRIALS, LEVELS = 12, np.arange(5) - 2.0
LEAF, BRANCH = np.meshgrid(LEVELS, LEVELS, indexing="ij")
BOUNDS = np.array([[np.pi / 2, 1.5 * np.pi], [0, np.pi], [0, 20], [-1, 1], [0, 0.5]])


def probability(x):
    """Accept probabilities (2, 5, 5) and their gradient (5, 2, 5, 5)."""
    angle = x[:2, np.newaxis, np.newaxis]
    slope, offset, lapse = x[2:]
    u = BRANCH * np.sin(angle) - LEAF * np.cos(angle) - offset
    sigmoid = expit(slope * u)
    steep = (1 - 2 * lapse) * sigmoid * (1 - sigmoid)
    turn = steep * slope * (BRANCH * np.cos(angle) + LEAF * np.sin(angle))
    gradient = np.zeros((5, 2, 5, 5))
    gradient[0, 0], gradient[1, 1] = turn
    gradient[2], gradient[3], gradient[4] = steep * u, -steep * slope, 1 - 2 * sigmoid
    return lapse + (1 - 2 * lapse) * sigmoid, gradient


def binomial(x, y):
    p, gradient = probability(x)
    p = np.clip(p, 1e-300, 1 - 1e-16)
    value = -N_TRIALS * (y * np.log(p) + (1 - y) * np.log1p(-p)).sum()
    return value, (gradient * N_TRIALS * ((1 - y) / (1 - p) - y / p)).sum(axis=(1, 2, 3))


def published(x, y):
    p, gradient = probability(x)
    left = 1 - abs(y - p) + 1e-10
    return -np.log(left).sum(), (gradient * np.sign(p - y) / left).sum(axis=(1, 2, 3))


OBJECTIVES = {"binomial": binomial, "published": published}


def loop(objective, shares, starts):
    """Lowest objective of each subject, by SciPy from each start."""
    return np.array(
        [
            min(
                minimize(
                    OBJECTIVES[objective], start, (y,), jac=True, method="L-BFGS-B", bounds=BOUNDS
                ).fun
                for start in starts
            )
            for y in shares
        ]
    )


def simulated(n_subjects, rng):
    truth = np.column_stack(
        [
            np.radians(rng.uniform(140, 220, n_subjects)),
            np.radians(rng.uniform(50, 130, n_subjects)),
            rng.uniform(0.5, 5, n_subjects), rng.uniform(-0.5, 0.5, n_subjects),
            rng.uniform(0, 0.15, n_subjects),
        ]
    )  # fmt: skip
    return rng.binomial(N_TRIALS, [probability(x)[0] for x in truth]) / N_TRIALS


def bench(objective, shares, n_starts, n_loop, rng):
    model = ChoiceModel(objective, n_starts=n_starts, random_state=0)
    fit_choices(shares[:1], N_TRIALS, model)  # warm up
    start = time.perf_counter()
    ours = [fitted.objective_ for fitted in fit_choices(shares, N_TRIALS, model)]
    seconds = time.perf_counter() - start
    starts = rng.uniform(*BOUNDS.T, size=(n_starts, 5))
    start = time.perf_counter()
    theirs = loop(objective, shares[:n_loop], starts)
    scaled = (time.perf_counter() - start) * len(shares) / n_loop
    worst = (np.array(ours[:n_loop]) - theirs).max()
    print(
        f"{objective:10s} {len(shares)} subjects x {n_starts} starts  batch {seconds:7.2f} s"
        f"   SciPy loop {scaled:7.1f} s   {scaled / seconds:6.1f} x"
        f"   objective above the loop's at most {worst:.1e} ({n_loop} subjects)"
    )
    assert worst <= {"binomial": 1e-6, "published": 1e-4}[objective]
    return {"batch": seconds, "loop": scaled, "worst": worst}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-subjects", type=int, default=60)
    parser.add_argument("--n-starts", type=int, default=100)
    parser.add_argument("--n-loop", type=int, default=6, help="subjects that the loop is timed on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", help="also write the seconds and versions to this file")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    shares = simulated(options.n_subjects, rng)
    with threadpool_limits(1):
        results = {
            objective: bench(
                objective, shares, options.n_starts, min(options.n_loop, len(shares)), rng
            )
            for objective in OBJECTIVES
        }
    versions = {package: metadata.version(package) for package in ("numpy", "scipy")}
    print(f"Python {platform.python_version()}", *(f"{p} {v}" for p, v in versions.items()))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"results": results, "versions": versions}, file, indent=1)


if __name__ == "__main__":
    main()
