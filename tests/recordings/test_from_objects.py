"""Epochs of MNE and spikes of pynapple: stand-ins, and the packages where they are installed."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from neuroselect.recordings import bin_spikes, from_mne, from_pynapple


def epochs_of(metadata=None, data=None):
    """Return what from_mne needs of epochs: 2 epochs, 3 channels, 4 times."""
    data = np.arange(24.0).reshape(2, 3, 4) if data is None else data
    return SimpleNamespace(
        get_data=lambda: data,
        times=np.array([-0.1, 0.0, 0.1, 0.2]),
        ch_names=["Fz", "Cz", "Pz"],
        get_channel_types=lambda: ["eeg", "eeg", "misc"],
        events=np.array([[100, 0, 7], [200, 0, 1]]),
        event_id={"face": 1, "house": 7},
        metadata=metadata,
    )


def test_mne():
    recording = from_mne(epochs_of())
    np.testing.assert_array_equal(recording.data[1, :, 2], [20, 21, 22, 23])
    assert recording.time.tolist() == [-100, 0, 100, 200]
    assert recording.trials["event"].tolist() == ["house", "face"]
    assert recording.units.to_dict("list") == {
        "unit": [0, 1, 2],
        "name": ["Fz", "Cz", "Pz"],
        "type": ["eeg", "eeg", "misc"],
    }


def test_mne_metadata():
    metadata = pd.DataFrame({"event": [1, 2], "rt": [0.3, 0.4]}, index=[4, 9])
    recording = from_mne(epochs_of(metadata))
    assert recording.trials.columns.tolist() == ["event", "rt", "event_name"]
    assert metadata.columns.tolist() == ["event", "rt"]


def test_mne_refused():
    with pytest.raises(TypeError, match=r"epochs of MNE .*'times'.*missing from SimpleNamespace"):
        from_mne(SimpleNamespace(get_data=None))
    nameless = epochs_of()
    nameless.event_id = {"face": 1}
    with pytest.raises(ValueError, match=r"must name all events, got no name for \[7\]"):
        from_mne(nameless)
    with pytest.raises(ValueError, match="one event per epoch, got 2 for 1"):
        from_mne(epochs_of(data=np.ones((1, 3, 4))))
    with pytest.raises(ValueError, match=r"data .epochs, channels, times"):
        from_mne(epochs_of(data=np.ones((3, 4))))


def test_real_epochs():
    mne = pytest.importorskip("mne")
    data = np.arange(24.0).reshape(2, 3, 4)
    epochs = mne.EpochsArray(
        data,
        mne.create_info(["Fz", "Cz", "Pz"], 10.0, "eeg"),
        events=np.array([[0, 0, 7], [10, 0, 1]]),
        event_id={"face": 1, "house": 7},
        tmin=-0.1,
        metadata=pd.DataFrame({"rt": [0.3, 0.4]}),
        verbose=False,
    )
    recording = from_mne(epochs)
    np.testing.assert_array_equal(recording.data, data.transpose(0, 2, 1))
    np.testing.assert_allclose(recording.time, [-100, 0, 100, 200])
    assert recording.trials["event"].tolist() == ["house", "face"]
    assert recording.units["type"].tolist() == ["eeg"] * 3


SPIKES = {3: np.array([0.6, 1.05, 2.6]), 5: np.array([1.1, 2.5])}
WINDOW = {"window": (-100, 200), "bin_width": 100}


class Group(dict):
    """What from_pynapple needs of a TsGroup."""

    metadata = pd.DataFrame({"area": ["V1", "V4"]}, index=[3, 5])
    time_support = SimpleNamespace(start=np.array([0.0]), end=np.array([2.65]))


GROUP = Group({key: SimpleNamespace(t=times) for key, times in SPIKES.items()})
TRIALS = SimpleNamespace(
    start=np.array([0.5, 1.0, 2.5]),
    end=np.array([0.9, 1.9, 2.9]),
    metadata=pd.DataFrame({"go": [0.6, np.nan, 2.6], "side": ["l", "r", "l"]}),
)


def test_pynapple():
    recording = from_pynapple(GROUP, TRIALS, use_time_support=False, **WINDOW)
    expected = bin_spikes(list(SPIKES.values()), TRIALS.start, **WINDOW)
    np.testing.assert_array_equal(recording.data, expected.data)
    assert recording.trials["side"].tolist() == ["l", "r", "l"]
    assert recording.units["name"].tolist() == [3, 5]
    assert recording.units["area"].tolist() == ["V1", "V4"]
    assert recording.time_zero == "start"
    supported = from_pynapple(GROUP, TRIALS, **WINDOW).data
    assert np.isnan(supported[2, 2]).all()
    np.testing.assert_array_equal(supported[:2], expected.data[:2])


def test_pynapple_events():
    go = from_pynapple(GROUP, TRIALS, align="go", missing="drop", **WINDOW)
    assert go.trials["side"].tolist() == ["l", "l"]
    same = from_pynapple(GROUP, TRIALS, align=TRIALS.start, **WINDOW)
    np.testing.assert_array_equal(same.data, from_pynapple(GROUP, TRIALS, **WINDOW).data)
    with pytest.raises(ValueError, match=r"align must be one of \['start', 'end', 'go', 'side'\]"):
        from_pynapple(GROUP, TRIALS, align="cue", **WINDOW)
    with pytest.raises(TypeError, match="spikes must be a TsGroup of pynapple, got int"):
        from_pynapple(1, TRIALS, **WINDOW)
    with pytest.raises(TypeError, match="trials must be an IntervalSet of pynapple, got list"):
        from_pynapple(GROUP, [], **WINDOW)


def test_real_pynapple():
    nap = pytest.importorskip("pynapple")
    support = nap.IntervalSet(0, 2.65)
    group = nap.TsGroup(
        {key: nap.Ts(times, time_support=support) for key, times in SPIKES.items()},
        time_support=support,
        metadata={"area": ["V1", "V4"]},
    )
    trials = nap.IntervalSet(TRIALS.start, TRIALS.end, metadata={"side": ["l", "r", "l"]})
    recording = from_pynapple(group, trials, **WINDOW)
    expected = from_pynapple(GROUP, TRIALS, **WINDOW)
    np.testing.assert_array_equal(recording.data, expected.data)
    assert recording.units["area"].tolist() == ["V1", "V4"]
    assert recording.trials["side"].tolist() == ["l", "r", "l"]
