"""Are pseudo-populations drawn without a loop over units faster than with one, and the same?

P1: 1,000 resamples of 319 units, 4 conditions and about 116,000 trials (the size of Park et al.
2025), without and with replacement, against the loop over units and conditions that is usual
(timed on fewer resamples, and multiplied). Agreement: the mean pseudo-trial of every unit and
condition, over resamples, against the mean of its trials, in standard errors; and the trials that
are on both sides of a split, of which there must be none. Seconds of one processor; ratios travel
between machines, seconds do not.

    python benchmarks/bench_pseudopopulation.py
"""

import argparse
import json
import platform
import time
from importlib import metadata

import numpy as np
from threadpoolctl import threadpool_limits

from neuroselect.preprocessing import PseudoPopulation
from neuroselect.recordings import make_container

N_UNITS, N_CONDITIONS, N_TRIALS, N_SPLITS = 319, 4, 15, 3


def make_cells(rng):
    """Units with 15 to 166 trials of each condition, in random order."""
    counts = rng.integers(N_TRIALS, 167, size=(N_UNITS, N_CONDITIONS))
    unit = np.repeat(np.arange(N_UNITS), counts.sum(axis=1))
    condition = np.repeat(np.tile(np.arange(N_CONDITIONS), N_UNITS), counts.ravel())
    order = rng.permutation(len(unit))
    trials = {"unit": unit[order], "condition": condition[order]}
    return make_container(rng.gamma(2.0, 3.0, size=len(unit)), trials)


def loop_over_units(recording, n_resamples, replace, rng):
    """Shuffle, cut into folds and draw, one unit and condition at a time."""
    grouped = recording.trials.groupby(["unit", "condition"]).indices
    drawn = np.empty((n_resamples, N_CONDITIONS, N_TRIALS, N_UNITS))
    for resample in drawn:
        for (unit, condition), rows in grouped.items():
            shuffled = rng.permutation(rows)
            if replace:
                folds = [shuffled[k::N_SPLITS] for k in range(N_SPLITS)]
                taken = np.concatenate([rng.choice(fold, N_TRIALS // N_SPLITS) for fold in folds])
            else:
                taken = shuffled[:N_TRIALS]
            resample[condition, :, unit] = recording.data[taken]
    return drawn


def bias(drawn, expected):
    """Largest difference of the mean over resamples from the mean of all trials, in errors."""
    means = drawn.mean(axis=2)
    error = means.std(axis=0, ddof=1) / np.sqrt(len(means))
    return float((abs(means.mean(axis=0) - expected) / np.maximum(error, 1e-9)).max())


def trials_on_both_sides(plan, recording):
    """Count, over 20 resamples, the recorded trials that a split has twice."""
    numbered = make_container(np.arange(len(recording.data), dtype=float), recording.trials)
    pairs = plan.set_params(n_resamples=20).split(numbered)
    return sum(len(np.intersect1d(train.data, test.data)) for train, test in pairs)


def bench(recording, replace, n_resamples, n_loop, seed):
    plan = PseudoPopulation(
        "condition",
        n_trials=N_TRIALS,
        n_splits=N_SPLITS,
        n_resamples=n_resamples,
        replace=replace,
        random_state=seed,
    )
    start = time.process_time()
    drawn = plan.draw(recording).data.reshape(n_resamples, N_CONDITIONS, N_TRIALS, N_UNITS)
    ours = time.process_time() - start
    start = time.process_time()
    looped = loop_over_units(recording, n_loop, replace, np.random.default_rng(seed))
    loop = (time.process_time() - start) * n_resamples / n_loop
    expected = (
        recording.trials.assign(x=recording.data).groupby(["condition", "unit"])["x"].mean()
    ).to_numpy()
    expected = expected.reshape(N_CONDITIONS, N_UNITS)
    shared = trials_on_both_sides(plan, recording)
    print(f"P1 {n_resamples} resamples, {'with' if replace else 'without'} replacement")
    print(f"  neuroselect      {ours:8.2f} s   largest bias {bias(drawn, expected):.1f} errors")
    print(
        f"  loop over units  {loop:8.2f} s   {loop / ours:.1f} x   largest bias"
        f" {bias(looped, expected):.1f} errors ({n_loop} resamples)"
    )
    print(f"  trials on both sides of a split: {shared}")
    assert bias(drawn, expected) < 6
    assert shared == 0
    return {"neuroselect": ours, "loop": loop}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-resamples", type=int, default=1000)
    parser.add_argument("--n-loop", type=int, default=20, help="resamples of the loop")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", help="also write the seconds and versions to this file")
    options = parser.parse_args()
    recording = make_cells(np.random.default_rng(options.seed))
    with threadpool_limits(1):
        seconds = {
            f"replace={replace}": bench(
                recording, replace, options.n_resamples, options.n_loop, options.seed
            )
            for replace in (False, True)
        }
    versions = {p: metadata.version(p) for p in ("numpy", "pandas", "scikit-learn")}
    print(f"Python {platform.python_version()}", *(f"{p} {v}" for p, v in versions.items()))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"seconds": seconds, "versions": versions}, file, indent=1)


if __name__ == "__main__":
    main()
