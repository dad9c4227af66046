"""Recordings out of MNE's epochs."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import Bunch

from neuroselect.recordings._container import make_container

_NEEDED = ("get_data", "times", "ch_names", "events", "event_id")


def from_mne(epochs: Any) -> Bunch:
    """Turn epochs of MNE into a recording: epochs are trials, channels are units.

    MNE need not be installed: any object with the same attributes will do.

    Parameters
    ----------
    epochs : mne.Epochs
        With the attributes `times` (s), `ch_names`, `events`, `event_id`, and `metadata` or
        None, and the method `get_data`. Dropped epochs are no trials.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        A container, see :func:`make_container`: `data` of shape (n_epochs, n_times, n_channels)
        in MNE's units (V, T, ...); `trials` with the columns of `metadata` and `event`, the name
        of the event; `units` with `unit`, `name` and `type` of the channel; `time` in ms. A
        column `event` of the metadata is kept, and the names are in `event_name`.

    Raises
    ------
    TypeError
        If an attribute is missing.
    ValueError
        If shapes do not belong together, or an event has no name in `event_id`.

    Examples
    --------
    >>> from neuroselect.recordings import from_mne
    >>> recording = from_mne(epochs)  # doctest: +SKIP
    """
    missing = [name for name in _NEEDED if not hasattr(epochs, name)]
    if missing:
        raise TypeError(
            f"epochs must be epochs of MNE with {', '.join(_NEEDED)}, {missing} missing from"
            f" {type(epochs).__name__}."
        )
    names = list(epochs.ch_names)
    units = {"unit": np.arange(len(names)), "name": names}
    if hasattr(epochs, "get_channel_types"):
        units["type"] = list(epochs.get_channel_types())
    data = np.asarray(epochs.get_data())
    if data.ndim != 3:
        raise ValueError(f"epochs must have data (epochs, channels, times), got {data.shape}.")
    return make_container(
        data.transpose(0, 2, 1),
        _trials(epochs, len(data)),
        units=units,
        time=1000 * np.asarray(epochs.times, dtype=np.float64),
        time_unit="ms",
    )


def _trials(epochs: Any, n_epochs: int) -> Any:
    import pandas as pd

    name_of = {code: name for name, code in epochs.event_id.items()}
    codes = np.asarray(epochs.events)[:, 2].tolist()
    nameless = sorted(set(codes) - set(name_of))
    if nameless:
        raise ValueError(f"epochs.event_id must name all events, got no name for {nameless}.")
    metadata = getattr(epochs, "metadata", None)
    trials = (
        pd.DataFrame(index=pd.RangeIndex(n_epochs))
        if metadata is None
        else metadata.reset_index(drop=True)
    )
    if len(trials) != len(codes):
        raise ValueError(
            f"epochs must have one event per epoch, got {len(codes)} for {len(trials)}."
        )
    trials["event_name" if "event" in trials else "event"] = [name_of[code] for code in codes]
    return trials
