import numpy as np
import pytest
from scipy.io import savemat
from scipy.spatial.distance import pdist, squareform

from neuroselect.datasets import fetch_mante_monkey_a
from neuroselect.datasets._mante import read_mante

LAYOUT = {"respmat": np.ones((762, 72)), "rdm": np.zeros((72, 72))}


@pytest.fixture(scope="module")
def macaque(data_folder):
    return fetch_mante_monkey_a(data_home=data_folder, download_if_missing=False)


def test_shapes(macaque):
    assert macaque.data.shape == (72, 762)
    assert macaque.data.dtype == macaque.rdm.dtype == np.float64
    assert macaque.data.flags.c_contiguous
    assert macaque.rdm.shape == (72, 72)
    assert list(macaque.conditions.columns) == ["motion", "colour", "context"]
    assert len(macaque.conditions) == 72
    assert len(macaque.units) == 762
    assert macaque.units["unit"].is_unique
    for text in ("10.1038/nature12742", "10.1016/j.neuron.2022.01.005", "218 to 651", "licence"):
        assert text in macaque.DESCR


def test_order_of_conditions(macaque):
    for row, condition in macaque.conditions.iterrows():
        motion, colour = condition["motion"] + 2.5, condition["colour"] + 2.5
        assert row == motion + 6 * colour + 36 * condition["context"]
    assert not macaque.conditions.duplicated().any()
    levels = np.arange(6) - 2.5
    np.testing.assert_array_equal(np.unique(macaque.conditions["motion"]), levels)
    np.testing.assert_array_equal(np.unique(macaque.conditions["colour"]), levels)


def test_patterns_have_the_stored_rdm(macaque):
    np.testing.assert_allclose(squareform(pdist(macaque.data)), macaque.rdm, rtol=1e-12, atol=1e-14)


def test_unit_of_the_responses(macaque):
    # Spikes per sample over 434 samples, averaged over trials: times 434 they are fractions
    # whose denominator is a number of trials. Other windows leave most of them irrational.
    def is_mean_of_counts(values):
        n_trials = np.arange(1, 200)[:, None]
        counts = values * n_trials
        return (np.abs(counts - counts.round()) < 1e-7).any(axis=0)

    rates = macaque.data[macaque.data > 0][::500]
    assert is_mean_of_counts(rates * (651 - 218 + 1)).all()
    assert is_mean_of_counts(rates * (651 - 218)).mean() < 0.5


def test_features_drive_the_population_more_where_they_are_relevant(macaque):
    # Would notice swapped labels of the features, or of the contexts (not of both at once).
    def drive(feature, context):
        rows = (macaque.conditions["context"] == context).to_numpy()
        levels = macaque.conditions.loc[rows, feature].to_numpy()
        return np.linalg.norm(levels @ macaque.data[rows])

    assert drive("motion", 1) > 2 * drive("motion", 0)
    assert drive("colour", 0) > 1.2 * drive("colour", 1)


def test_each_call_returns_its_own_arrays(data_folder, macaque):
    again = fetch_mante_monkey_a(data_home=str(data_folder))
    again.data[:] = 0
    assert macaque.data.max() > 0


def test_environment_variable(data_folder, macaque, monkeypatch):
    monkeypatch.setenv("NEUROSELECT_DATA", str(data_folder))
    np.testing.assert_array_equal(fetch_mante_monkey_a().data, macaque.data)


def test_missing_file(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"paper_mante_monkeyA_rdms.mat does not exist.*Get https://raw"
    ):
        fetch_mante_monkey_a(data_home=tmp_path, download_if_missing=False)


def test_read_expected_layout(tmp_path, rng):
    respmat, rdm = rng.random((762, 72)), rng.random((72, 72))
    savemat(tmp_path / "a.mat", {"rdms_monkeyA": {"respmat": respmat, "rdm": rdm, "name": "A"}})
    patterns, stored = read_mante(tmp_path / "a.mat")
    np.testing.assert_array_equal(patterns, respmat.T)
    np.testing.assert_array_equal(stored, rdm)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"other": 1.0}, "rdms_monkeyA.respmat must be a finite real array of shape"),
        ({"rdms_monkeyA": 1.0}, "rdms_monkeyA.respmat must be"),
        ({"rdms_monkeyA": {**LAYOUT, "respmat": np.ones((72, 762))}}, r"got shape \(72, 762\)"),
        ({"rdms_monkeyA": {**LAYOUT, "rdm": np.ones(72)}}, "rdms_monkeyA.rdm must be"),
        ({"rdms_monkeyA": {**LAYOUT, "respmat": np.full((762, 72), np.nan)}}, "finite"),
        ({"rdms_monkeyA": {**LAYOUT, "respmat": np.full((762, 72), 1j)}}, "complex128"),
        ({"rdms_monkeyA": {**LAYOUT, "rdm": "text"}}, "dtype <U4"),
    ],
)
def test_other_layouts(content, match, tmp_path):
    savemat(tmp_path / "a.mat", content)
    with pytest.raises(ValueError, match=match):
        read_mante(tmp_path / "a.mat")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 500, b"\x89HDF\r\n\x1a\n" * 100])
def test_not_a_matlab_file(content, tmp_path):
    path = tmp_path / "a.mat"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.mat (cannot be read as a MATLAB file|does not have)"):
        read_mante(path)


def test_truncated_file(tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, {"rdms_monkeyA": LAYOUT}, do_compression=True)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"a\.mat (cannot be read as a MATLAB file|does not have)"):
        read_mante(path)


def test_absent_path_is_not_called_malformed(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_mante(tmp_path / "a.mat")
