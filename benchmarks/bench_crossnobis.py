"""Is crossnobis with the precision of its noise faster than rsatoolbox, and the same?

R2: per data set, the precision of the noise of residuals with shrunk correlations, and the
crossnobis RDM leaving one run out, against rsatoolbox's prec_from_residuals and calc_rdm. Both get
the precision of rsatoolbox for the comparison of RDMs, because its shrinkage differs by 1 / (n -
1)^2 from the published formula; the difference of the two precisions is printed, too. One thread,
variants interleaved, median of rounds; ratios travel between machines, seconds do not.

    python benchmarks/bench_crossnobis.py
"""

import argparse
import platform
from importlib import metadata

import numpy as np
from bench_rdm import interleaved
from rsatoolbox.data import Dataset
from rsatoolbox.data.noise import prec_from_residuals
from rsatoolbox.rdm import calc_rdm
from threadpoolctl import threadpool_limits

from neuroselect.rsa import condensed_rdms, noise_precision

PACKAGES = ("numpy", "scipy", "scikit-learn", "rsatoolbox")


def datasets_of(patterns):
    n_runs, n_conditions, n_channels = patterns.shape[1:]
    labels = {
        "condition": [f"c{k:03}" for k in range(n_conditions)] * n_runs,
        "run": np.repeat([f"r{k:02}" for k in range(n_runs)], n_conditions),
    }
    return [Dataset(p.reshape(-1, n_channels), obs_descriptors=dict(labels)) for p in patterns]


def theirs(datasets, residuals):
    rdms = []
    for dataset, own in zip(datasets, residuals, strict=True):
        noise = prec_from_residuals(own, method="shrinkage_diag")
        rdm = calc_rdm(dataset, "crossnobis", "condition", noise=noise, cv_descriptor="run")
        rdms.append(rdm.dissimilarities[0])
    return np.array(rdms)


def precisions_of(residuals):
    return np.array([noise_precision(own, covariance="shrunk_diagonal") for own in residuals])


def ours(patterns, residuals):
    noise = precisions_of(residuals)[:, np.newaxis]
    return condensed_rdms(patterns, "crossnobis", noise=noise)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-systems", type=int, default=20)
    parser.add_argument("--shape", type=int, nargs=3, default=(8, 20, 100), help="runs conditions"
                        " channels")  # fmt: skip
    parser.add_argument("--n-residuals", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    n_runs, n_conditions, n_channels = options.shape
    signal = rng.normal(size=(options.n_systems, 1, n_conditions, n_channels))
    patterns = signal + rng.normal(size=(options.n_systems, *options.shape))
    residuals = rng.normal(size=(options.n_systems, options.n_residuals, n_channels))
    residuals = residuals @ (np.eye(n_channels) + 0.1 * rng.normal(size=(n_channels,) * 2))
    datasets = datasets_of(patterns)
    with threadpool_limits(1):
        seconds, _ = interleaved(
            {
                "neuroselect": lambda: ours(patterns, residuals),
                "neuroselect, RDMs only": lambda: condensed_rdms(patterns, "crossnobis"),
                "rsatoolbox": lambda: theirs(datasets, residuals),
            }
        )
    own = np.array([prec_from_residuals(r, method="shrinkage_diag") for r in residuals])
    expected = theirs(datasets, residuals)
    rdms = condensed_rdms(patterns, "crossnobis", noise=own[:, np.newaxis])
    difference = abs(rdms - expected).max() / expected.std()
    precisions = abs(precisions_of(residuals) - own).max() / abs(own).max()
    print(f"R2 precision and crossnobis of {options.n_systems} data sets, {n_runs} runs x"
          f" {n_conditions} conditions x {n_channels} channels")  # fmt: skip
    for name, s in seconds.items():
        milliseconds = 1e3 * s / options.n_systems
        print(f"  {name:26s}{milliseconds:9.3f} ms{s / seconds['neuroselect']:9.2f} x neuroselect")
    print(f"  difference of RDMs {difference:.1e} of their standard deviation, of precisions"
          f" {precisions:.1e} of the largest entry")  # fmt: skip
    assert difference <= 1e-10
    versions = (f"{package} {metadata.version(package)}" for package in PACKAGES)
    print(f"Python {platform.python_version()}", *versions)


if __name__ == "__main__":
    main()
