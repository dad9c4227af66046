"""Studies as data, and the measures of a run."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import pdist
from scipy.stats import zscore
from sklearn.linear_model import LinearRegression

from neuroselect.datasets import make_context_blobs
from neuroselect.studies import get_study, load_recording, run_study
from neuroselect.studies._networks import convergence_pass, sign_accuracy, unit_counts
from neuroselect.studies._populations import MODEL_SETS, describe_population

SCALES = [0.01, 0.1, 0.2, 0.3, 0.4, 1, 2, 3]
CONTEXT_SCALES = [0.5, 0.5, 0.5, 0.5, 0.5, 0.8, 1.35, 1.5]


@pytest.fixture(scope="module")
def result():
    return run_study(get_study("rich-lazy"), n_networks=2, max_iter=300)


def test_unknown_study_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"Unknown study 'poor-lazy'.*'rich-lazy'"):
        get_study("poor-lazy")


def test_rich_lazy_is_the_published_sweep(seed):
    networks, grid = get_study("rich-lazy").estimators(3, 10_000, seed, "cpu")
    assert grid["init_scale"].tolist() == list(np.repeat(SCALES, 3))
    assert grid["context_init_scale"].tolist() == list(np.repeat(CONTEXT_SCALES, 3))
    assert grid["network"].tolist() == [0, 1, 2] * 8
    assert grid["random_state"].is_unique
    for network, row in zip(networks, grid.itertuples(), strict=True):
        published = {
            "hidden_layer_sizes": (100,),
            "context_scale": 1 / np.sqrt(50),
            "init": "normal",
            "init_scale": row.init_scale,
            "context_init_scale": row.context_init_scale,
            "output_init_scale": 0.01,
            "bias_init": 0.1,
            "loss": "squared_error",
            "reduction": "sum",
            "solver": "sgd",
            "momentum": 0.0,
            "alpha": 0.0,
            "learning_rate_init": 0.005,
            "batch_size": None,
            "max_iter": 10_000,
            "random_state": row.random_state,
        }
        assert published.items() <= network.get_params().items()


def test_a_longer_sweep_begins_with_the_shorter_one(seed):
    study = get_study("rich-lazy")
    short, long = (study.estimators(n, 10, seed, "cpu")[1] for n in (2, 5))
    assert_array_equal(short["random_state"], long.loc[long["network"] < 2, "random_state"])


def test_initial_weights_have_the_scales_of_the_grid(result):
    for network, row in zip(result.networks, result.measures.itertuples(), strict=True):
        assert_allclose(network.initial_coefs_[0].std(), row.init_scale, rtol=0.1)
        assert_allclose(network.initial_context_coefs_.std(), row.context_init_scale, rtol=0.25)
        assert_allclose(network.initial_coefs_[1].std(), 0.01, rtol=0.35)
        assert network.coefs_[0].dtype == np.float64


def test_sign_accuracy_drops_targets_of_zero():
    assert sign_accuracy([0, 0, 1, -1], [9, -9, 3, 3]) == 0.5
    assert sign_accuracy([1, 1], [0, 2]) == 0.5  # an output of 0 has no sign
    assert np.isnan(sign_accuracy([0, 0], [1, 1]))


def test_convergence_pass():
    assert convergence_pass([10.0, 0.6, 0.5, 0.49, 3.0, 0.1]) == 4  # strictly below
    assert np.isnan(convergence_pass([10.0, 9.0]))


def test_performance_against_a_loop(result):
    X, y = make_context_blobs()
    for network, row in zip(result.networks, result.measures.to_dict("records"), strict=True):
        for task, name in enumerate("AB"):
            right = [
                np.sign(p) == np.sign(t)
                for x, t, p in zip(X, y, network.predict(X), strict=True)
                if x[-1] == task and t != 0
            ]
            assert len(right) == 20
            assert row[f"accuracy_{name}"] == np.mean(right)
        assert row["last_loss"] == network.loss_curve_[-1]


def test_weight_change_against_norms(result):
    network, row = result.networks[-1], result.measures.iloc[-1]
    first, last = network.initial_coefs_[0], network.coefs_[0]
    assert_allclose(row["distance_stimulus"], np.linalg.norm(last - first) / np.linalg.norm(first))
    assert_allclose(
        row["norm_change_context"],
        np.linalg.norm(network.context_coefs_) / np.linalg.norm(network.initial_context_coefs_) - 1,
    )


def test_unit_counts_against_a_loop(result):
    X, _ = make_context_blobs()
    for network, row in zip(result.networks, result.measures.to_dict("records"), strict=True):
        active = [(h[:25].mean() > 0, h[25:].mean() > 0) for h in network.activations(X).T]
        assert row["units_A"] == active.count((True, False))
        assert row["units_B"] == active.count((False, True))
        assert row["units_mixed"] == active.count((True, True))
        assert row["units_silent"] == active.count((False, False))
        assert row["units_specific"] == row["units_A"] + row["units_B"]


def test_unit_counts_add_up(rng):
    activity = np.maximum(0, rng.normal(-1.5, size=(4, 10, 30)))
    counts = unit_counts(activity, ["A"] * 5 + ["B"] * 5)
    assert (counts[["units_silent", "units_specific", "units_mixed"]].sum(axis=1) == 30).all()


def test_importance_of_the_exact_lesion_against_a_loop(result):
    X, y = make_context_blobs()
    network = result.networks[3]
    intact = (network.predict(X) - y) ** 2 / 2
    importance = np.zeros((100, 2))
    for unit in range(100):
        H = network.activations(X)
        H[:, unit] = 0
        change = intact - (network.readout(H, X) - y) ** 2 / 2
        importance[unit] = [(change[X[:, -1] == task] ** 2).mean() for task in (0, 1)]
    importance[importance < 0.1 * importance.mean(axis=0)] = 0
    with np.errstate(invalid="ignore"):
        expected = (importance[:, 0] - importance[:, 1]) / importance.sum(axis=1)
    assert result.task_pairs == [("A", "B")]
    assert_allclose(result.importance["lesion"][3, :, 0], expected, atol=1e-9)
    assert result.importance["taylor"].shape == (16, 100, 1)


def test_betas_of_three_models_against_scikit_learn(result):
    X, _ = make_context_blobs()
    leaf, branch = np.tile(np.arange(5) - 2, 5), np.repeat(np.arange(5) - 2, 5)
    zero = np.zeros(25)
    grid = np.tile(np.column_stack([leaf, branch]), (2, 1))
    orthogonal = np.vstack([np.column_stack([leaf, zero]), np.column_stack([zero, branch])])
    parallel = np.concatenate([leaf, branch])[:, np.newaxis]
    design = np.column_stack([zscore(pdist(points)) for points in (grid, orthogonal, parallel)])
    for network, betas in zip(
        result.networks, result.population.betas["three"].itertuples(), strict=True
    ):
        rdm = zscore(pdist(network.activations(X)))
        expected = LinearRegression().fit(design, rdm)
        assert_allclose([betas.grid, betas.orthogonal, betas.parallel], expected.coef_, atol=1e-9)
        assert_allclose(betas.r2, expected.score(design, rdm))


def test_one_function_for_one_system_and_for_many(rng):
    """A recording goes through the very function of the networks."""
    conditions = make_context_blobs(return_X_y=False).conditions
    patterns = rng.normal(size=(3, 50, 20))
    design = (conditions, ("leafiness", "branchiness"), "task")
    together = describe_population(patterns, *design)
    for k in range(3):
        alone = describe_population(patterns[[k]], *design)
        assert_allclose(alone.rdms[0], together.rdms[k])
        assert_allclose(alone.participation_ratio[0], together.participation_ratio[k])
        for name in MODEL_SETS:
            assert_allclose(alone.betas[name].iloc[0], together.betas[name].iloc[k])


def test_recording_betas_are_the_published_ones(data_folder):
    recording = load_recording("mante-monkey-a", data_home=data_folder)
    population = describe_population(
        recording.data[np.newaxis], recording.conditions, recording.features, recording.task
    )
    seven = population.betas["seven"].iloc[0].drop("r2").sort_values(ascending=False)
    assert list(seven.index[:2]) == ["orthogonal", "grid"]


def test_recording_from_a_file(data_folder):
    named = load_recording("mante-monkey-a", data_home=data_folder)
    read = load_recording(data_folder / "flesch2022" / "paper_mante_monkeyA_rdms.mat")
    assert_array_equal(read.data, named.data)
    pd.testing.assert_frame_equal(read.conditions, named.conditions)
    assert read.name == "paper_mante_monkeyA_rdms"


def test_recording_none_unknown_and_malformed(tmp_path):
    assert load_recording("none") is None
    with pytest.raises(ValueError, match="Unknown recording 'mante': neither a file nor one of"):
        load_recording("mante")
    broken = tmp_path / "broken.mat"
    broken.write_bytes(b"not a MATLAB file")
    with pytest.raises(ValueError, match=r"broken\.mat is not what its name says"):
        load_recording(broken)


def test_same_seed_same_numbers(result):
    again = run_study(get_study("rich-lazy"), n_networks=2, max_iter=300)
    pd.testing.assert_frame_equal(again.measures, result.measures)
    other = run_study(get_study("rich-lazy"), n_networks=2, max_iter=300, seed=1)
    assert not other.measures["random_state"].isin(result.measures["random_state"]).any()
