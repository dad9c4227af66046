"""Is the parametric geometry fitted faster than as published, and to objectives as low?

G1: RDMs of two 5 x 5 planes with noise against bounded L-BFGS-B with gradients by finite
differences from random starts, as published (100 starts for each RDM; fewer are timed). A
start of ours is the whole fit, polish included, divided by its descents. One thread and seconds
of its own, so that a busy machine matters little; ratios travel between machines, seconds do not.
The recording of macaque A follows if $NEUROSELECT_DATA holds it.

    python benchmarks/bench_parametric_geometry.py
"""

import argparse
import itertools
import json
import platform
import time
from importlib import metadata

import numpy as np
from scipy.optimize import minimize
from scipy.spatial.distance import pdist
from threadpoolctl import threadpool_limits

from neuroselect.datasets import fetch_mante_monkey_a
from neuroselect.geometry import ParametricGeometry
from neuroselect.rsa import condensed_rdms

BOUNDS = np.array([(0, 1)] * 4 + [(-90, 90), (0, 2)])
PUBLISHED_STARTS = 100
FLOORS = {"restart": 30, "fit": 100}


def coordinates(theta, x, y, task):
    """The published model; theta is (rel A, rel B, irr A, irr B, degrees, kappa)."""
    c_rel_a, c_rel_b, c_irr_a, c_irr_b, degrees, kappa = theta
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    u, v = (1 - c_rel_b) * x, (1 - c_irr_b) * y
    first = np.column_stack([(1 - c_irr_a) * x, (1 - c_rel_a) * y, np.zeros_like(x)])
    second = np.column_stack([u * cos + v * sin, v * cos - u * sin, np.full_like(x, kappa)])
    return np.where(task[:, np.newaxis] == 0, first, second)


def rescaled(rdm, rescale):
    low = rdm.min() if rescale == "minmax" else 0.0
    return (rdm - low) / (rdm.max() - low or 1.0)


def published_ends(rdm, design, rescale, starts):
    """Objective at the end of each start."""
    target = rescaled(rdm, rescale)

    def objective(theta):
        return np.sum((rescaled(pdist(coordinates(theta, *design)), rescale) - target) ** 2)

    return [minimize(objective, x0, method="L-BFGS-B", bounds=BOUNDS).fun for x0 in starts]


def simulate(n_systems, noise, rng):
    """RDMs of patterns in 10 channels, two planes and noise."""
    rows = np.array(list(itertools.product([0, 1], np.arange(5) - 2.0, np.arange(5) - 2.0)))
    task, y, x = rows.T
    patterns = noise * rng.normal(size=(n_systems, len(rows), 10))
    for system in patterns:
        system[:, :3] += coordinates(rng.uniform(*BOUNDS.T), x, y, task)
    return condensed_rdms(patterns), (x, y, task)


def seconds_of(run):
    start = time.process_time()
    return run(), time.process_time() - start


def compare(title, rdms, design, rescale, n_timed, rng):
    x, y, task = design
    columns = {"x": x, "y": y, "task": task}
    model = ParametricGeometry(columns, ["y", "x"], "task", rescale=rescale, random_state=0)
    _, ours = seconds_of(lambda: model.fit(rdms))
    starts = rng.uniform(*BOUNDS.T, size=(len(rdms), n_timed, len(BOUNDS)))
    ends, theirs = seconds_of(
        lambda: [published_ends(r, design, rescale, s) for r, s in zip(rdms, starts, strict=True)]
    )
    gaps = model.objective_ - np.min(ends, axis=1)
    gap = gaps.max()
    restart = theirs / (len(rdms) * n_timed)
    ratios = {
        "restart": restart / (ours / model.start_objectives_.size),
        "fit": restart * PUBLISHED_STARTS / (ours / len(rdms)),
    }
    print(
        f"G1 {title:24s}{ours / len(rdms) * 1e3:8.1f} ms an RDM; published {restart * 1e3:6.1f} ms"
        f" a start; ratio per start {ratios['restart']:6.0f}, of {PUBLISHED_STARTS} starts"
        f" {ratios['fit']:6.0f}; objective - best published: at most {gap:.1e},"
        f" below -1e-3 in {np.mean(gaps < -1e-3):.0%}"
    )
    assert gap <= 1e-6
    return {"ours": ours / len(rdms), "published_start": restart, **ratios}


def macaque():
    recording = fetch_mante_monkey_a()
    names = ["motion", "colour", "context"]
    columns = [recording.conditions[name].to_numpy(dtype=float) for name in names]
    return condensed_rdms(recording.data), columns


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-systems", type=int, default=16)
    parser.add_argument("--n-timed", type=int, default=8, help="published starts for each RDM")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", help="also write the seconds and versions to this file")
    options = parser.parse_args()
    rng, results = np.random.default_rng(options.seed), {}
    with threadpool_limits(1):
        for rescale, noise in itertools.product(["minmax", "max"], [0.1, 0.3, 1.0]):
            rdms, design = simulate(options.n_systems, noise, rng)
            title = f"{rescale}, noise {noise}"
            results[title] = compare(title, rdms, design, rescale, options.n_timed, rng)
        try:
            results["macaque"] = compare("minmax, macaque A", *macaque(), "minmax", 40, rng)
        except OSError as error:
            print(f"macaque A left out: {error}")
    for name, floor in FLOORS.items():
        typical = float(np.median([result[name] for result in results.values()]))
        print(f"median ratio, {name}: {typical:.0f} (floor {floor})")
    versions = {package: metadata.version(package) for package in ("numpy", "scipy")}
    print(f"Python {platform.python_version()}", *(f"{p} {v}" for p, v in versions.items()))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"results": results, "versions": versions}, file, indent=1)


if __name__ == "__main__":
    main()
