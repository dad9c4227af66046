"""Recorded trials in one labelled container, whatever file they came from.

A recording is a :class:`~sklearn.utils.Bunch` with the entries `data` (trials, times, units),
`trials` and `units` (tables with one row each), `time` (ms) and `bin_width` (ms). Units that were
not recorded together come in long form: one row of `data` per unit and trial, and the column
``trials["unit"]``. All functions take both forms, check what they are given and change nothing.

From a recording to an RDM and to classes of units:

>>> import numpy as np
>>> from neuroselect import recordings, rsa, selectivity
>>> counts = np.random.default_rng(0).poisson(2, size=(60, 40, 8))  # trials, samples, units
>>> trials = {"task": np.repeat(["look", "no-look"], 30), "target": np.tile([0, 1, 2], 20)}
>>> recording = recordings.make_container(counts, trials, time=10 * np.arange(40))
>>> epoch = recordings.bin_time(recording, 200, window=(100, 300), statistic="sum")
>>> patterns = recordings.condition_patterns(epoch, ["task", "target"]).patterns
>>> rsa.condensed_rdms(patterns[:, 0]).shape  # 15 pairs of 6 conditions
(1, 15)
>>> selectivity.unit_classes(epoch.data[:, 0], epoch.trials["task"], tolerance=5).shape
(8,)
"""

from neuroselect.recordings._bin_spikes import bin_spikes
from neuroselect.recordings._bin_time import bin_time
from neuroselect.recordings._container import check_container, is_long, make_container
from neuroselect.recordings._from_mne import from_mne
from neuroselect.recordings._from_pynapple import from_pynapple
from neuroselect.recordings._patterns import condition_patterns
from neuroselect.recordings._rsatoolbox import from_rsatoolbox, to_rsatoolbox
from neuroselect.recordings._select import select
from neuroselect.recordings._xarray import from_xarray, to_xarray

__all__ = [
    "bin_spikes",
    "bin_time",
    "check_container",
    "condition_patterns",
    "from_mne",
    "from_pynapple",
    "from_rsatoolbox",
    "from_xarray",
    "is_long",
    "make_container",
    "select",
    "to_rsatoolbox",
    "to_xarray",
]
