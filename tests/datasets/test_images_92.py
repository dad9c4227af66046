import numpy as np
import pytest
from scipy.io import loadmat, savemat
from scipy.spatial.distance import squareform
from scipy.stats import spearmanr

from neuroselect.datasets import fetch_92_images
from neuroselect.datasets._images_92 import read_rdms


@pytest.fixture(scope="module")
def images(data_folder):
    return fetch_92_images(data_home=data_folder, download_if_missing=False)


def test_shapes(images):
    assert images.brain_rdms.shape == (8, 4186)
    assert images.model_rdms.shape == (8, 4186)
    assert images.judgement_rdms.shape == (16, 4186)
    assert all(images[name].dtype == np.float64 for name in images if name.endswith("_rdms"))
    assert len(images.model_names) == 8
    assert images.judgements["subject"].tolist() == list(range(1, 17))
    assert images.brain["session"].tolist() == [1, 2] * 4
    assert images.brain["subject"].tolist() == [s for s in ("BE", "KO", "SN", "TI") for _ in "12"]
    for text in ("10.1016/j.neuron.2008.10.043", "10.3389/fpsyg.2013.00128", "terms"):
        assert text in images.DESCR


def test_condensed_in_the_order_of_scipy(images, data_folder):
    stored = loadmat(data_folder / "kriegeskorte2008/92_brainRDMs.mat")["RDMs"]
    for row, (subject, session) in enumerate(np.ndindex(4, 2)):
        square = stored[0, subject, session]["RDM"].astype(np.float64)
        np.testing.assert_array_equal(squareform(images.brain_rdms[row]), square)
        assert stored[0, subject, session]["name"].item() == (
            f"hIT | {images.brain['subject'][row]} | Session: {images.brain['session'][row]}"
        )


def test_sessions_of_one_subject_are_alike_and_permuted_images_are_not(images, rng):
    sessions = images.brain_rdms.reshape(4, 2, -1)

    def permuted(rdm):
        order = rng.permutation(92)
        return squareform(squareform(rdm)[np.ix_(order, order)])

    reliability = [spearmanr(first, second)[0] for first, second in sessions]
    null = [spearmanr(a, permuted(b))[0] for a, b in sessions for _ in range(10)]
    assert min(reliability) > 0.09
    assert np.mean(reliability) > 0.2
    assert abs(np.mean(null)) < 0.05


def test_categories_are_those_of_the_models(images):
    animate = images.conditions["animate"].to_numpy()
    category = images.conditions["category"].to_numpy()
    animacy, four = (squareform(rdm) for rdm in images.model_rdms[:2])
    assert images.model_names[:2] == ["animacy", "FaceBodyManmadeNatobj"]
    np.testing.assert_array_equal(animacy, animate[:, None] != animate)
    species_free = np.array(
        [name.removeprefix("human ").removeprefix("animal ") for name in category]
    )
    np.testing.assert_array_equal(four, species_free[:, None] != species_free)
    assert animate.sum() == 48


def test_animate_and_inanimate_images_differ_in_every_brain(images):
    between = images.model_rdms[0] == 1
    for rdm in images.brain_rdms.reshape(4, 2, -1).mean(axis=1):
        assert rdm[between].mean() > rdm[~between].mean() + 0.03


def test_faces_are_most_alike_in_brains_and_judgements(images):
    # The files do not name the categories: faces, not bodies, are the tight cluster.
    category = images.conditions["category"].to_numpy()
    monkey = images.model_rdms[images.model_names.index("monkeyIT")]
    for rdm in (images.brain_rdms.mean(axis=0), images.judgement_rdms.mean(axis=0), monkey):
        square = squareform(rdm)

        def within(name, square=square):
            block = square[np.ix_(category == name, category == name)]
            return block.sum() / (len(block) * (len(block) - 1))

        tightness = {name: within(name) for name in np.unique(category)}
        assert min(tightness, key=tightness.get) == "human face"
        assert tightness["animal face"] < tightness["animal body"]


def test_judges_tell_humans_from_animals_and_objects(images):
    category = images.conditions["category"].to_numpy()
    square = squareform(images.judgement_rdms.mean(axis=0))

    def between(a, b):
        return square[np.ix_(category == a, category == b)].mean()

    assert between("human body", "human face") < between("human body", "animal body")
    assert between("animal body", "animal face") < between("human face", "animal face")


SQUARE = 1.0 - np.eye(92)


@pytest.mark.parametrize(
    ("structs", "match"),
    [
        ([{"RDM": SQUARE, "name": "a"}], r"RDMs must be structs of shape \(2,\), got shape \(\)"),
        (
            [{"RDM": SQUARE, "name": "a"}, {"RDM": SQUARE[1:], "name": "b"}],
            r"RDMs\(2\).RDM must be .* \(92, 92\), got shape \(91, 92\)",
        ),
        ([{"RDM": np.triu(SQUARE), "name": "a"}] * 2, r"RDMs\(1\).RDM must be symmetric"),
        ([{"RDM": SQUARE + 1, "name": "a"}] * 2, "diagonal of zeros"),
        ([{"RDM": SQUARE, "name": 1}] * 2, r"RDMs\(1\).name must be a text, got int"),
    ],
)
def test_other_layouts(structs, match, tmp_path):
    dtype = [("RDM", object), ("name", object)]
    array = np.array([tuple(s.values()) for s in structs], dtype=dtype)
    savemat(tmp_path / "a.mat", {"RDMs": array})
    with pytest.raises(ValueError, match=match):
        read_rdms(tmp_path / "a.mat", "RDMs", (2,))
