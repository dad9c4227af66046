"""Are batched RDMs and their regression faster than a loop, and the same?

R1: 1,000 Euclidean RDMs (50 conditions, 100 channels) against SciPy's pdist in a loop and
rsatoolbox. R4: regression of 1,000 RDMs on 3 models against one scikit-learn fit per RDM.
One thread, variants interleaved, median of three rounds; ratios travel between machines,
seconds do not.

    python benchmarks/bench_rdm.py
"""

import argparse
import itertools
import json
import platform
import time
from importlib import metadata

import numpy as np
from scipy.spatial.distance import pdist, squareform
from scipy.stats import zscore
from sklearn.linear_model import LinearRegression
from threadpoolctl import threadpool_limits

from neuroselect.rsa import RDMRegression, condensed_rdms, model_rdms

N_CONDITIONS, N_CHANNELS, N_ROUNDS = 50, 100, 3


def interleaved(variants):
    """Median seconds and last result of each variant; one round runs all of them."""
    seconds, results = {name: [] for name in variants}, {}
    for _ in range(N_ROUNDS):
        for name, run in variants.items():
            start = time.perf_counter()
            results[name] = run()
            seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(s)) for name, s in seconds.items()}, results


def report(title, ours, seconds, differences):
    print(title)
    for name, s in seconds.items():
        difference = differences.get(name, 0.0)
        ratio = s / seconds[ours]
        print(f"  {name:28s}{s:9.4f} s{ratio:9.2f} x {ours}   difference {difference:.1e}")


def pdist_loop(patterns):
    return np.array([pdist(system) for system in patterns])


def rsatoolbox_squared(patterns):
    """Theirs are squared distances divided by the number of channels."""
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm

    return calc_rdm([Dataset(system) for system in patterns], method="euclidean").dissimilarities


def installed(package):
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def bench_rdms(patterns, label):
    variants = {
        "neuroselect": lambda: condensed_rdms(patterns),
        "pdist loop": lambda: pdist_loop(patterns),
    }
    if installed("rsatoolbox"):
        variants["rsatoolbox"] = lambda: rsatoolbox_squared(patterns)
    seconds, results = interleaved(variants)
    if "rsatoolbox" in results:
        results["rsatoolbox"] = np.sqrt(results["rsatoolbox"] * N_CHANNELS)
    ours = results["neuroselect"]
    differences = {
        name: abs(np.divide(rdms, ours, out=np.ones_like(ours), where=ours > 0) - 1).max()
        for name, rdms in results.items()
    }
    report(f"R1 {len(patterns)} Euclidean RDMs, {label}", "neuroselect", seconds, differences)
    assert differences["pdist loop"] <= 1e-12
    return seconds


def published_loop(rdms, models):
    """Per RDM: square form, lower triangle, z-score, one regression."""
    below = np.tril_indices(N_CONDITIONS, k=-1)
    design = np.column_stack([zscore(squareform(model)[below]) for model in models])
    betas = [LinearRegression().fit(design, zscore(squareform(rdm)[below])).coef_ for rdm in rdms]
    return np.array(betas)


def bench_regression(rdms):
    rows = list(itertools.product([0, 1], range(-2, 3), range(-2, 3)))
    conditions = dict(zip(["task", "b", "l"], np.transpose(rows), strict=True))
    models = model_rdms(conditions, ["l", "b"], "task", context_offset=1.0)
    regression = RDMRegression(models).fit(rdms[:1])
    variants = {
        "neuroselect": lambda: regression.transform(rdms),
        "neuroselect with r2_": lambda: RDMRegression(models).fit_transform(rdms),
        "one fit per RDM": lambda: published_loop(rdms, models),
    }
    seconds, results = interleaved(variants)
    differences = {name: abs(b - results["neuroselect"]).max() for name, b in results.items()}
    report(f"R4 regression of {len(rdms)} RDMs", "neuroselect", seconds, differences)
    assert differences["one fit per RDM"] <= 1e-12
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-systems", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", help="also write the seconds and versions to this file")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    patterns = rng.normal(size=(options.n_systems, N_CONDITIONS, N_CHANNELS))
    near = patterns.copy()
    near[:, 1::2] = near[:, ::2] + 1e-4 * near[:, 1::2] + 1e3
    near[:, ::2] += 1e3
    with threadpool_limits(1):
        seconds = {
            "R1": bench_rdms(patterns, "independent conditions"),
            "R1 near": bench_rdms(near, "offset 1e3, half of the conditions near-duplicates"),
            "R4": bench_regression(condensed_rdms(patterns)),
        }
    packages = [p for p in ("numpy", "scipy", "scikit-learn", "rsatoolbox") if installed(p)]
    versions = {package: metadata.version(package) for package in packages}
    print(f"Python {platform.python_version()}", *(f"{p} {v}" for p, v in versions.items()))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"seconds": seconds, "versions": versions}, file, indent=1)


if __name__ == "__main__":
    main()
