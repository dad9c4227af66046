"""Type-I errors of the tests in docs/geometry.md: p-values on simulated recordings without effect.

    python docs/geometry_calibration.py

prints the table of that page: the share of p-values up to .05 and .1, and the Kolmogorov-Smirnov
test of all of them against the uniform distribution.
"""

import argparse

import numpy as np
from scipy.stats import kstest

from neuroselect.geometry import (
    axis_angle_test,
    cross_condition_generalization,
    cross_task_decoding,
    parallelism_score,
    shattering_dimensionality,
)
from neuroselect.recordings import make_container

N_DRAWS = 39
SIDES = [0, 0, 1, 1]


def random_places(rng, n_trials=12, n_units=8):
    """Four conditions at random places, which is what the geometric null says."""
    code = np.repeat(np.arange(4), n_trials)
    places = rng.normal(size=(4, n_units))
    return places[code] + 1.5 * rng.normal(size=(len(code), n_units)), code


def ccgp(rng, seed):
    """Generalisation of one dichotomy."""
    activity, code = random_places(rng)
    options = {"n_null": N_DRAWS, "random_state": seed}
    return cross_condition_generalization(activity, code, SIDES, **options).p_values[0]


def parallelism(rng, seed):
    """Parallelism of one dichotomy."""
    activity, code = random_places(rng)
    return parallelism_score(activity, code, SIDES, n_null=N_DRAWS, random_state=seed).p_values[0]


def shattering(rng, seed):
    """Mean accuracy of all dichotomies."""
    code = np.repeat(np.arange(4), 10)
    options = {"n_splits": 2, "n_resamples": 1, "n_permutations": N_DRAWS, "random_state": seed}
    return shattering_dimensionality(rng.normal(size=(40, 5)), code, **options).p_value


def cross_task(rng, seed):
    """Decoding of the relevant feature of the other task."""
    code = np.repeat(np.arange(8), 12)
    trials = {"task": code // 4, "colour": code // 2 % 2, "motion": code % 2}
    options = {"n_splits": 2, "n_resamples": 2, "n_permutations": N_DRAWS, "random_state": seed}
    activity = rng.normal(size=(96, 5))
    result = cross_task_decoding(activity, trials, ["colour", "motion"], "task", **options)
    return result.role_p_values[1, 0, 0]


def axis_angle(rng, seed, permute="variable"):
    """Two tasks without a code, or with one and the same."""
    code = np.repeat(np.arange(4), 10)
    trials = {"task": code // 2, "direction": code % 2}
    axis = rng.normal(size=(4, 10)) if permute == "task" else np.zeros((4, 10))
    rates = trials["direction"][:, None, None] * axis + rng.normal(size=(40, 4, 10))
    options = {"transform": None, "n_permutations": N_DRAWS, "random_state": seed}
    recording = make_container(rates, trials, time=[0, 50, 100, 150])
    return axis_angle_test(recording, "direction", "task", permute=permute, **options).p_value


def axis_angle_same_code(rng, seed):
    """Two tasks with one and the same code."""
    return axis_angle(rng, seed, "task")


TESTS = {
    "`cross_condition_generalization`, conditions at random places": ccgp,
    "`parallelism_score`, conditions at random places": parallelism,
    "`shattering_dimensionality`, no information": shattering,
    "`cross_task_decoding`, no information": cross_task,
    '`axis_angle_test`, no code (`permute="variable"`)': axis_angle,
    '`axis_angle_test`, one code (`permute="task"`)': axis_angle_same_code,
}


def simulate(test, n_simulations, seed):
    """p-values, spread evenly between their possible values k / (N_DRAWS + 1)."""
    rng = np.random.default_rng(seed)
    p = np.array([test(rng, seed + k) for k in range(n_simulations)])
    return p, p - rng.uniform(0, 1, n_simulations) / (N_DRAWS + 1)


def print_table(description, heading, tests, simulate):
    """Simulate all tests, print the table."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--n-simulations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"| {heading} | p ≤ .05 | p ≤ .1 | Kolmogorov-Smirnov p |")
    print("|---|---|---|---|")
    for name, test in tests.items():
        p, spread = simulate(test, options.n_simulations, options.seed)
        shares = " | ".join(f"{100 * np.mean(p <= level):.1f} %" for level in (0.05, 0.1))
        print(f"| {name} | {shares} | {kstest(spread, 'uniform').pvalue:.2f} |", flush=True)


if __name__ == "__main__":
    print_table(__doc__.splitlines()[0], "test, and what the simulations have", TESTS, simulate)
