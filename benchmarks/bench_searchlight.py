"""Is a searchlight faster than rsatoolbox's, and the same?

R3: correlation RDMs of 20 conditions in spheres around 5,000 voxels. One thread, interleaved,
median of three rounds. Also the peak memory beyond the output.

    python benchmarks/bench_searchlight.py
"""

import contextlib
import io
import time
import tracemalloc

import numpy as np
from rsatoolbox.util.searchlight import get_searchlight_RDMs
from threadpoolctl import threadpool_limits

from neuroselect.rsa import RDMTransformer, Searchlight, volume_neighborhoods

N_CENTERS, N_CONDITIONS, N_ROUNDS = 5000, 20, 3


def ours(patterns, near, dtype):
    light = Searchlight(RDMTransformer("correlation"), near)
    return light.fit(patterns.astype(dtype)).maps(patterns.astype(dtype))[0]


def theirs(patterns, near):
    lists = np.split(near.indices, near.indptr[1:-1])
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        return get_searchlight_RDMs(
            patterns[0], np.arange(len(lists)), lists, np.arange(N_CONDITIONS),
            method="correlation", verbose=False,
        ).dissimilarities  # fmt: skip


def main():
    mask = np.ones((20, 20, 13), dtype=bool)
    near = volume_neighborhoods(mask, 2)
    patterns = np.random.default_rng(0).normal(size=(1, N_CONDITIONS, int(mask.sum())))
    near = near[:N_CENTERS]
    variants = {
        "neuroselect": lambda: ours(patterns, near, np.float64),
        "rsatoolbox": lambda: theirs(patterns, near),
    }
    seconds, results = {name: [] for name in variants}, {}
    with threadpool_limits(1):
        for _ in range(N_ROUNDS):
            for name, run in variants.items():
                start = time.perf_counter()
                results[name] = run()
                seconds[name].append(time.perf_counter() - start)
        tracemalloc.start()
        output = variants["neuroselect"]()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    median = {name: float(np.median(s)) for name, s in seconds.items()}
    worst = abs(results["neuroselect"] - results["rsatoolbox"]).max()
    print(
        f"R3 {N_CENTERS} centres of {near.sum() / N_CENTERS:.0f} voxels, {N_CONDITIONS} conditions"
    )
    for name, s in median.items():
        print(f"  {name:12s}{s:8.3f} s")
    print(f"  ratio {median['rsatoolbox'] / median['neuroselect']:.1f} x, difference {worst:.1e}")
    print(f"  peak memory beyond the output {(peak - output.nbytes) / 2**20:.0f} MiB")
    assert worst <= 1e-10


if __name__ == "__main__":
    main()
