"""Do recordings larger than memory go through binning, condition patterns and an RDM?

A recording of 2,000 trials x 50 samples x 20,000 units (8 GB in float32, times --scale) lies on
disk. Each step runs in a process of its own, which prints its seconds, the memory that it took
beyond what it started with (resident, without the cached pages of the file), the size of its
result (of the bins, on the way to the RDMs), and the difference from plain NumPy, pandas or
SciPy on some units.

    python benchmarks/bench_recordings.py --scale 0.05
    python benchmarks/bench_recordings.py --scale 1 --folder /scratch
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist

from neuroselect.recordings import bin_time, condition_patterns, make_container
from neuroselect.rsa import condensed_rdms

N_TRIALS, N_TIMES, N_UNITS, N_CONDITIONS = 2000, 50, 20_000, 24
SAMPLE = 7  # units compared with the references


def write(path, n_units, seed):
    """Write trials with a mean per condition and unit, in blocks."""
    rng = np.random.default_rng(seed)
    means = rng.gamma(2.0, 4.0, size=(N_CONDITIONS, n_units)).astype(np.float32)
    data = np.memmap(path, dtype=np.float32, mode="w+", shape=(N_TRIALS, N_TIMES, n_units))
    for trial in range(N_TRIALS):
        noise = rng.standard_normal((N_TIMES, n_units), dtype=np.float32)
        data[trial] = means[trial % N_CONDITIONS] + noise
    data.flush()


def recording_of(path, n_units):
    data = np.memmap(path, dtype=np.float32, mode="r", shape=(N_TRIALS, N_TIMES, n_units))
    condition = np.arange(N_TRIALS) % N_CONDITIONS
    trials = {"task": condition % 2, "level": condition // 2}
    return make_container(data, trials, time=np.arange(N_TIMES) * 20.0)


def bins(recording):
    return bin_time(recording, 100).data


def check_bins(recording, binned, sample):
    reference = recording.data[:, :, sample].astype(np.float64)
    reference = reference.reshape(N_TRIALS, N_TIMES // 5, 5, len(sample)).mean(axis=2)
    return abs(binned[..., sample] - reference).max()


def patterns(recording):
    return condition_patterns(recording, ["task", "level"]).patterns


def check_patterns(recording, means, sample):
    flat = recording.data[:, :, sample].astype(np.float64).reshape(N_TRIALS, -1)
    by = [recording.trials["task"], recording.trials["level"]]
    reference = pd.DataFrame(flat).groupby(by).mean().to_numpy()
    return abs(means[..., sample].reshape(len(means), -1) - reference).max()


def rdms(recording):
    means = patterns(bin_time(recording, 100))
    return condensed_rdms(means.transpose(1, 0, 2))  # one per bin


def check_rdms(recording, result, sample):
    means = patterns(bin_time(recording, 100, window=(0, 100)))
    return abs(result[0] / pdist(means[:, 0]) - 1).max()


RUNS = {
    "bin_time": (bins, check_bins),
    "condition_patterns": (patterns, check_patterns),
    "bins, patterns, RDMs": (rdms, check_rdms),
}


class Peak(threading.Thread):
    """Highest resident memory of this process that no file backs, sampled."""

    def __init__(self):
        super().__init__(daemon=True)
        self.first = self.peak = self.read()
        self.done = threading.Event()

    @staticmethod
    def read():
        """Bytes now."""
        try:
            status = Path("/proc/self/status").read_text()
        except OSError:  # not Linux: the peak of everything
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        (line,) = (line for line in status.splitlines() if line.startswith("RssAnon"))
        return int(line.split()[1]) * 1024

    def run(self):
        """Look every 5 ms."""
        while not self.done.wait(0.005):
            self.peak = max(self.peak, self.read())

    def stop(self):
        """Bytes at the highest beyond those at the start."""
        self.done.set()
        return max(self.peak, self.read()) - self.first


def measure(name, path, n_units):
    recording = recording_of(path, n_units)
    sample = np.linspace(0, n_units - 1, SAMPLE).astype(int)
    small = make_container(np.ones((2, 2, 1)), {"task": [0, 1], "level": 0}, time=[0, 100])
    condition_patterns(bin_time(small, 100), "task")  # imports are not what is measured
    peak = Peak()
    peak.start()
    start = time.perf_counter()
    run, check = RUNS[name]
    result = run(recording)
    seconds, highest = time.perf_counter() - start, peak.stop()
    return {
        "seconds": seconds,
        "peak": highest,
        "peak_with_file": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "result": N_TIMES // 5 * N_TRIALS * n_units * 4 if run is rdms else result.nbytes,
        "difference": float(check(recording, result, sample)),
    }


def report(path, n_units, size):
    rows = {}
    for name in RUNS:
        command = [sys.executable, __file__, "--measure", name, str(path), str(n_units)]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rows[name] = row = json.loads(out)
        beyond = row["peak"] - row["result"]
        print(
            f"  {name:22s}{row['seconds']:8.1f} s   peak {row['peak'] / 2**20:7.0f} MiB, result"
            f" {row['result'] / 2**20:6.0f}, beyond it {beyond / 2**20:5.0f}"
            f" (with cached pages of the file {row['peak_with_file'] / 2**20:6.0f})"
            f"   difference {row['difference']:.1e}"
        )
        assert beyond < max(size / 4, 2**29), "memory grows with the recording"
    assert rows["bin_time"]["difference"] <= 1e-5  # float32, of values up to about 50
    assert rows["condition_patterns"]["difference"] <= 1e-10
    assert rows["bins, patterns, RDMs"]["difference"] <= 1e-12
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=0.05, help="share of the 20,000 units")
    parser.add_argument("--folder", help="where the recording is written for the time being")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", help="also write the results and versions to this file")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        name, path, n_units = options.measure
        print(json.dumps(measure(name, path, int(n_units))))
        return
    n_units = max(SAMPLE, round(N_UNITS * options.scale))
    size = 4 * N_TRIALS * N_TIMES * n_units
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "recording.float32"
        write(path, n_units, options.seed)
        print(f"{N_TRIALS} trials x {N_TIMES} samples x {n_units} units, {size / 2**20:.0f} MiB")
        rows = report(path, n_units, size)
    versions = {package: metadata.version(package) for package in ("numpy", "scipy", "pandas")}
    print(f"Python {platform.python_version()}", *(f"{p} {v}" for p, v in versions.items()))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"results": rows, "versions": versions}, file, indent=1)


if __name__ == "__main__":
    main()
