import numpy as np
import pytest
from scipy.io import loadmat, savemat

from neuroselect.datasets import fetch_flesch2022_choices, fetch_flesch2023_choices
from neuroselect.datasets._choices_2022 import read_choices
from neuroselect.datasets._choices_2023 import read_groups
from neuroselect.datasets._mat_files import read_variables

PHASES = {"scan": 32, "training": 30}


@pytest.fixture(scope="module", params=list(PHASES))
def phase(request):
    return request.param


@pytest.fixture(scope="module")
def choices(phase, data_folder):
    return fetch_flesch2022_choices(phase, data_home=data_folder, download_if_missing=False)


@pytest.fixture(scope="module")
def groups(data_folder):
    return fetch_flesch2023_choices(data_home=data_folder, download_if_missing=False)


def slopes(matrices):
    """Least-squares slope along (relevant, irrelevant) of each garden: (2, n_subjects, 2)."""
    levels = np.arange(5) - 2.0
    north, south = matrices[:, 0], matrices[:, 1]
    curves = [[north.mean(axis=2), north.mean(axis=1)], [south.mean(axis=1), south.mean(axis=2)]]
    return np.moveaxis(np.array(curves) @ levels / 10, 1, 2)


def test_shapes(choices, phase):
    n_subjects = PHASES[phase]
    assert choices.choice_matrices.shape == (n_subjects, 2, 5, 5)
    assert choices.choice_matrices.dtype == np.float64
    assert len(choices.trials) == n_subjects * {"scan": 600, "training": 1150}[phase]
    assert len(choices.subjects) == n_subjects
    assert choices.levels.tolist() == [-2, -1, 0, 1, 2]
    assert choices.task_names == ["north", "south"]
    for text in ("10.1016/j.neuron.2022.01.005", "no licence", *choices.trials.columns):
        assert text in choices.DESCR


def test_subjects_19_and_28_were_not_trained(choices, phase):
    numbers = choices.subjects["subject"].tolist()
    missing = set(range(1, 33)) - set(numbers)
    assert numbers == sorted(numbers)
    assert missing == (set() if phase == "scan" else {19, 28})
    assert choices.trials["subject"].unique().tolist() == numbers


def test_codes_of_rewards_agree_between_the_phases(data_folder):
    # With subjects shifted by one the codes would not: neighbours mostly have different ones.
    scan, training = (
        fetch_flesch2022_choices(phase, data_home=data_folder).subjects.set_index("subject")["code"]
        for phase in PHASES
    )
    assert (scan[training.index] == training).all()
    assert (scan.to_numpy()[:30] == training.to_numpy()).mean() < 0.7


def test_matrices_are_the_means_of_the_trials(choices):
    # An independent road: the aligned frame of the trials comes from the codes of rewards.
    trials = choices.trials[choices.trials["part"] == choices.trials["part"].max()]
    cells = ["subject", "task", "leafiness", "branchiness"]
    shares = trials.groupby(cells)["choice"].mean().to_numpy()
    np.testing.assert_allclose(
        shares.reshape(choices.choice_matrices.shape), choices.choice_matrices
    )


def test_every_cell_has_the_same_number_of_trials(choices, phase):
    counts = choices.trials.groupby(["part", "subject", "task", "leafiness", "branchiness"]).size()
    per_part = counts.groupby("part").unique()
    expected = {"scan": [12], "training": [1, 4, 18]}[phase]
    assert [n.tolist() for n in per_part] == [[n] for n in expected]


def test_rewards_follow_the_relevant_feature_of_the_aligned_frame(choices):
    trials = choices.trials
    north = trials["task"] == 0
    assert (trials["garden"] == np.where(north, "north", "south")).all()
    relevant = np.where(north, trials["leafiness"], trials["branchiness"])
    irrelevant = np.where(north, trials["branchiness"], trials["leafiness"])
    np.testing.assert_array_equal(trials["reward"], 25 * relevant)
    np.testing.assert_array_equal(trials["irrelevant_reward"], 25 * irrelevant)
    assert set(trials["choice"]) == {0, 1}
    assert set(trials["shown_leafiness"]) == set(trials["shown_branchiness"]) == {1, 2, 3, 4, 5}


def test_every_subject_follows_the_rule_of_either_garden(choices):
    relevant, irrelevant = np.moveaxis(slopes(choices.choice_matrices), 2, 0)
    assert (relevant > 0).all()
    assert (relevant.mean(axis=1) > 0.2).all()
    assert (np.abs(irrelevant.mean(axis=1)) < 0.03).all()


def test_subjects_choose_by_reward_and_permuted_rewards_are_at_chance(choices, rng):
    trials = choices.trials[choices.trials["part"] == choices.trials["part"].max()]
    trials = trials[trials["reward"] != 0]
    correct = trials["choice"] == (trials["reward"] > 0)
    accuracy = correct.groupby([trials["subject"], trials["garden"]]).mean().unstack()
    assert (accuracy > 0.5).all(axis=None)
    assert (accuracy.mean() > 0.85).all()
    permuted = rng.permutation(trials["reward"].to_numpy()) > 0
    assert abs((trials["choice"] == permuted).mean() - 0.5) < 0.02


def test_runs_of_the_scanner(data_folder):
    choices = fetch_flesch2022_choices(data_home=data_folder)
    content = read_variables(data_folder / "flesch2022/RTandCP_scan_granada.mat", ("results",))
    stored = content["results"]["choicemat"]["orig_singleRuns"]
    cells = ["subject", "run", "shown_leafiness", "shown_branchiness"]
    for garden, trials in choices.trials.groupby("garden"):
        shares = trials.groupby(cells)["choice"].mean().to_numpy().reshape(32, 6, 5, 5)
        np.testing.assert_array_equal(shares, stored[garden])


def test_training_is_learning(data_folder):
    trials = fetch_flesch2022_choices("training", data_home=data_folder).trials
    trials = trials[trials["reward"] != 0]
    accuracy = (trials["choice"] == (trials["reward"] > 0)).groupby(trials["part"]).mean()
    assert accuracy.is_monotonic_increasing
    assert accuracy[1] < 0.65
    assert accuracy[3] > 0.85
    assert (trials["run"] == 0).all()


def structs(n_subjects=2, n_trials=3, **other):
    grid, rows = np.zeros((n_subjects, 5, 5)), np.ones((n_subjects, n_trials, 5))
    content = {
        "code": np.arange(n_subjects) + 1,
        "choicemat": {"aligned": {"north": grid, "south": grid}},
        "singletrials": {"north": {"data": rows}, "south": {"data": rows}},
    }
    return {"results": {**content, **other}}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"other": 1.0}, "results.code must be a finite real array"),
        (structs(code=np.array([1, 5])), "results.code must hold nothing but 1, 2, 3, 4, got 5"),
        (structs(choicemat=1), r"results.choicemat.aligned.north must be .* \(2, 5, 5\)"),
        (structs(n_trials=4), r"singletrials.north.data .* \(2, 3, 5\), got shape \(2, 4, 5\)"),
    ],
)
def test_other_layouts(content, match, tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, content)
    with pytest.raises(ValueError, match=match):
        read_choices(path, read_variables(path, ("results",)), "results", 3, (1, 2))


def test_turned_features(tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, structs(n_subjects=4))
    _, trials, codes = read_choices(
        path, read_variables(path, ("results",)), "results", 3, (1, 2, 3, 4)
    )
    assert codes.tolist() == [1, 2, 3, 4]
    one = trials[(trials["task"] == 0) & (trials["trial"] == 0)]
    assert one["leafiness"].tolist() == [-2, 2, 2, -2]  # shown is level 1 of either feature
    assert one["branchiness"].tolist() == [-2, 2, -2, 2]


def test_bad_phase():
    with pytest.raises(ValueError, match="The 'phase' parameter of fetch_flesch2022_choices must"):
        fetch_flesch2022_choices("test")


def test_shapes_of_the_groups(groups):
    assert groups.blocked.shape == (48, 2, 5, 5)
    assert groups.interleaved.shape == (47, 2, 5, 5)
    assert groups.levels.tolist() == [-2, -1, 0, 1, 2]
    for text in ("10.1371/journal.pcbi.1010808", "10.1073/pnas.1800755115", "licence"):
        assert text in groups.DESCR
    for matrices in (groups.blocked, groups.interleaved):
        np.testing.assert_array_equal(4 * matrices, np.round(4 * matrices))
        assert (matrices.min(), matrices.max()) == (0, 1)


@pytest.mark.parametrize("group", ["blocked", "interleaved"])
def test_both_groups_follow_the_rules(groups, group):
    relevant, irrelevant = np.moveaxis(slopes(groups[group]), 2, 0)
    assert (relevant > 0).mean() > 0.97
    assert (relevant.mean(axis=1) > 0.2).all()
    assert (np.abs(irrelevant.mean(axis=1)) < 0.06).all()


def test_interleaved_training_leaves_more_of_the_irrelevant_feature(groups):
    # The finding of the paper; it would be lost with the groups or the axes swapped.
    blocked, interleaved = (slopes(groups[g])[..., 1].mean() for g in ("blocked", "interleaved"))
    assert 0 < blocked < interleaved


@pytest.mark.parametrize(("group", "name"), [("blocked", "b200"), ("interleaved", "int")])
def test_curves_are_the_authors(groups, group, name, data_folder):
    stored = loadmat(data_folder / "flesch2023/choices_exp1a.mat")
    north, south = groups[group][:, 0], groups[group][:, 1]
    relevant = (north.mean(axis=2) + south.mean(axis=1)) / 2
    irrelevant = (north.mean(axis=1) + south.mean(axis=2)) / 2
    np.testing.assert_allclose(relevant, stored[f"choices_{name}_rel"], atol=1e-14)
    np.testing.assert_allclose(irrelevant, stored[f"choices_{name}_irrel"], atol=1e-14)


def test_other_layout_of_the_groups(tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, {"cmat_b_north": np.zeros((48, 5, 5)), "cmat_b_south": np.zeros((5, 5, 48))})
    match = r"cmat_b_south must be .* \(48, 5, 5\), got shape \(5, 5, 48\)"
    with pytest.raises(ValueError, match=match):
        read_groups(path)
