"""How long does a session take from NWB file to bins, as a whole and row by row?

A synthetic session of five minutes: 500 units, 1,000 trials, 10 bins of 20 ms around an event.
The row-by-row reader asks pynwb for the spike times of one unit after another and counts
with a histogram per trial on sorted times, as is done in many scripts.
"""

import argparse
import datetime
import tempfile
import time
from pathlib import Path

import numpy as np
import pynwb

from neuroselect.datasets import load_nwb

WINDOW, WIDTH = (-50.0, 150.0), 20.0


def write_session(path, n_units, n_trials, minutes, seed=0):
    rng = np.random.default_rng(seed)
    file = pynwb.NWBFile("synthetic", "bench", datetime.datetime.now(datetime.timezone.utc))
    file.add_trial_column("go_time", "time of the go cue (s)")
    file.add_trial_column("context", "which rule applies")
    seconds = 60 * minutes
    step = seconds / n_trials
    for k in range(n_trials):
        go = k * step + 0.06 + 0.01 * rng.uniform()
        context = "motion" if k % 2 else "colour"
        file.add_trial(k * step, (k + 1) * step, go_time=go, context=context)
    for rate in rng.gamma(2, 5, size=n_units):
        file.add_unit(
            spike_times=np.sort(rng.uniform(0, seconds, size=rng.poisson(rate * seconds)))
        )
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)


def row_by_row(path, n_rows=None):
    """Return counts, and the seconds that a unit took."""
    edges = np.arange(WINDOW[0], WINDOW[1] + WIDTH, WIDTH) / 1000
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        events = np.array([file.trials["go_time"][k] for k in range(len(file.trials))])
        n_units = len(file.units) if n_rows is None else n_rows
        counts = np.empty((len(events), len(edges) - 1, n_units))
        started = time.perf_counter()
        for unit in range(n_units):
            times = file.units["spike_times"][unit]
            for trial, event in enumerate(events):
                counts[trial, :, unit] = np.histogram(times - event, bins=edges)[0]
    return counts, (time.perf_counter() - started) / n_units


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=500)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--rows", type=int, default=5, help="units to read row by row")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "session.nwb"
        write_session(path, arguments.units, arguments.trials, arguments.minutes)
        print(f"{path.stat().st_size / 2**20:.1f} MiB, pynwb {pynwb.__version__}")
        load_nwb(path, align="go_time", window=WINDOW, bin_width=WIDTH)  # loads the schema
        started = time.perf_counter()
        recording = load_nwb(path, align="go_time", window=WINDOW, bin_width=WIDTH)
        ours = time.perf_counter() - started
        counts, per_unit = row_by_row(path, arguments.rows)
    differ = int((counts != recording.data[:, :, : arguments.rows]).sum())
    print(f"load_nwb: {recording.data.shape} in {ours:.2f} s")
    print(
        f"row by row: {per_unit * arguments.units:.0f} s ({arguments.rows} units measured), ratio"
        f" {per_unit * arguments.units / ours:.0f}; {differ} of {counts.size} counts differ"
    )


if __name__ == "__main__":
    main()
