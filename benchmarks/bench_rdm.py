"""Are batched RDMs, their regression and comparison faster than a loop, and the same?

R1: 1,000 Euclidean RDMs (50 conditions, 100 channels) against SciPy's pdist in a loop and
rsatoolbox. R4: regression of 1,000 RDMs on 3 models against one scikit-learn fit per RDM;
Spearman's, Kendall's and the whitened coefficients of 1,000 RDMs with 3 models against
rsatoolbox. One thread, variants interleaved, median of three rounds; ratios travel between
machines, seconds do not. --large: one RDM of 20,000 conditions (1.6 GB), its peak of memory, and
1,000 of its entries against pdist; with --device also on a graphics card.

    python benchmarks/bench_rdm.py
    python benchmarks/bench_rdm.py --large
"""

import argparse
import itertools
import json
import platform
import resource
import time
from importlib import metadata

import numpy as np
from scipy.spatial.distance import pdist, squareform
from scipy.stats import zscore
from sklearn.linear_model import LinearRegression
from threadpoolctl import threadpool_limits

from neuroselect.rsa import RDMRegression, compare_rdms, condensed_rdms, model_rdms

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


def three_models():
    rows = list(itertools.product([0, 1], range(-2, 3), range(-2, 3)))
    conditions = dict(zip(["task", "b", "l"], np.transpose(rows), strict=True))
    return model_rdms(conditions, ["l", "b"], "task", context_offset=1.0)


def bench_regression(rdms):
    models = three_models()
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


def bench_comparisons(rdms):
    """Each row: the seconds of a method, and its ratio to rsatoolbox's."""
    from rsatoolbox.rdm.compare import compare

    models, all_seconds = three_models(), {}
    for method in ("spearman", "tau-a", "tau-b", "cosine_cov", "corr"):
        variants = {
            "neuroselect": lambda method=method: compare_rdms(rdms, models, method),
            "rsatoolbox": lambda method=method: compare(rdms, models, method),
        }
        seconds, results = interleaved(variants)
        difference = abs(results["rsatoolbox"] - results["neuroselect"]).max()
        title = f"R4 {method}, {len(rdms)} RDMs with {len(models)} models"
        report(title, "neuroselect", seconds, {"rsatoolbox": difference})
        assert difference <= 1e-10
        all_seconds[method] = seconds
    return all_seconds


def bench_large(rng, n_conditions, n_channels, device):
    """Seconds, and peak of memory beyond patterns and result."""
    patterns = rng.normal(size=(n_conditions, n_channels))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    start = time.perf_counter()
    rdm = condensed_rdms(patterns, device=device)[0]
    seconds = time.perf_counter() - start
    beyond = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before - rdm.nbytes
    chosen = np.sort(rng.choice(n_conditions, size=46, replace=False))
    first, second = np.triu_indices(46, k=1)
    i, j = chosen[first], chosen[second]
    places = i * n_conditions - i * (i + 1) // 2 + j - i - 1
    difference = abs(rdm[places] / pdist(patterns[chosen]) - 1).max()
    print(
        f"{n_conditions} conditions x {n_channels} channels on {device}: {seconds:.1f} s, result"
        f" {rdm.nbytes / 1e9:.2f} GB, patterns {patterns.nbytes / 1e9:.2f} GB, peak beyond both"
        f" {beyond / 1e9:.2f} GB, difference {difference:.1e}"
    )
    assert difference <= 1e-12
    # A copy of the patterns and a few chunks.
    assert beyond <= 1.5 * patterns.nbytes + 2**28
    return {"neuroselect": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-systems", type=int, default=1000)
    parser.add_argument("--large", action="store_true", help="one RDM of 20,000 conditions only")
    parser.add_argument("--device", default="cpu", help="of the large RDM")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", help="also write the seconds and versions to this file")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    if options.large:
        with threadpool_limits(1):
            bench_large(rng, 20_000, 1_000, options.device)
        return
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
        if installed("rsatoolbox"):
            seconds |= bench_comparisons(condensed_rdms(patterns))
    packages = [p for p in ("numpy", "scipy", "scikit-learn", "rsatoolbox") if installed(p)]
    versions = {package: metadata.version(package) for package in packages}
    print(f"Python {platform.python_version()}", *(f"{p} {v}" for p, v in versions.items()))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"seconds": seconds, "versions": versions}, file, indent=1)


if __name__ == "__main__":
    main()
