"""The study of two rules: its networks are the paper's, its page says what its tables say."""

import re

import numpy as np
import pandas as pd
import pytest

from neuroselect.behavior import choice_slopes, compare_groups, congruency_effect
from neuroselect.report import write_report
from neuroselect.report._page_continual import findings
from neuroselect.studies import get_study, run_study
from neuroselect.studies._continual import recorded_passes
from neuroselect.studies._continual_measures import CHOICES, distances, second_rule_on_first


@pytest.fixture(scope="module")
def study():
    return get_study("continual")


@pytest.fixture(scope="module")
def result(study):
    return run_study(study, n_networks=3, max_iter=30, seed=1)


def test_networks_have_the_published_settings(study):
    networks, grid = study.estimators(2, 200, 0, "cpu")
    assert len(networks) == len(grid) == 20
    by = {row.condition: net for row, net in zip(grid.itertuples(), networks, strict=True)}
    expected = {
        "vanilla, blocked": ("none", 4, 0.03, False, 400),
        "vanilla, interleaved": ("none", 5, 0.2, False, 200),
        "manual gate, blocked": ("manual", 1, 0.01, True, 400),
        "Oja, blocked": ("oja", 1, 0.03, True, 400),
    }
    for condition, settings in expected.items():
        net = by[condition]
        found = (net.gating, net.context_scale, net.learning_rate_init, net.center_inputs)
        assert (*found, net.max_iter) == settings
        assert (net.batch_size, net.loss, net.init_scale) == (1, "expected_reward", 0.01)
        assert net.output_init_scale == net.bias_init == 0.1
    assert by["Oja, blocked"].hebbian_rate == 0.05
    assert by["sluggish, interleaved"].sluggishness < 0.05
    assert grid.groupby("condition")["random_state"].apply(tuple).nunique() == 1


def test_records_hold_the_ends_of_both_blocks():
    for passes in (2, 7, 40, 400):
        chosen = recorded_passes(passes)
        assert {0, passes // 2, passes} <= set(chosen)
        assert len(chosen) <= 43


def test_the_expected_results(result):
    """Vanilla networks forget; gated ones do not; a sluggish signal ends in one boundary."""
    means = result.measures.groupby("condition").mean(numeric_only=True)
    assert means.loc["vanilla, blocked", "forgotten_A"] > 0.2
    for kind in ("manual gate", "Oja"):
        assert means.loc[f"{kind}, blocked", "forgotten_A"] < 0.05
        assert means.loc[f"{kind}, blocked", "units_specific"] > 50
    assert means.loc["Oja, blocked", "context_correlation"] < -0.5
    sluggish = means.loc["sluggish, interleaved"]
    assert sluggish["beta_linear"] > sluggish["beta_factorised"]
    assert sluggish["congruency"] > 0.3
    assert means.loc["vanilla, interleaved", "accuracy_A"] > 0.95
    assert means.filter(like="interleaved", axis=0)["forgotten_A"].isna().all()


def test_measures_are_those_of_the_choices(result):
    for condition, matrices in result.choices.items():
        own = result.measures[result.measures["condition"] == condition]
        assert np.allclose(own[["slope_relevant", "slope_irrelevant"]], choice_slopes(matrices))
        assert np.allclose(own["congruency"], congruency_effect(matrices))


def test_what_the_second_rule_leaves_of_the_first(result):
    """By hand: of 20 stimuli with a reward in the first task, 8 agree, 8 do not, 4 are neutral."""
    level = np.arange(5) - 2.0
    by_rows, by_columns = np.broadcast_arrays(level[:, None], level)
    choices = np.stack([[by_rows, by_columns], [by_rows, by_rows]]) / 4 + 0.5
    found = second_rule_on_first(choices, ["A", "B"])
    assert found.name == "as_B_A"
    assert found.tolist() == [8 / 20, 1.0]
    means = result.measures.groupby("condition").mean(numeric_only=True)
    assert means.loc["vanilla, blocked", "as_B_A"] < 0.75
    assert (result.measures["as_B_A"] >= 0.35).all()


def test_people_are_compared_by_the_same_functions(study, data_folder):
    result = run_study(study, n_networks=2, max_iter=2)
    people = result.human_measures
    assert people.groupby("group").size().to_dict() == {"blocked": 48, "interleaved": 47}
    blocked, mixed = (people[people["group"] == g] for g in ("blocked", "interleaved"))
    tests = result.group_tests[result.group_tests["kind"] == "humans"].set_index("measure")
    for name in CHOICES:
        row = compare_groups({name: blocked[name]}, {name: mixed[name]}).iloc[0]
        assert tests.loc[name, "T"] == pytest.approx(row["T"])
    # Blocked training helps people: two boundaries rather than one.
    assert tests.loc["beta_factorised", "T"] > 0
    assert tests.loc["congruency", "T"] < 0
    fits = result.fits
    assert fits.groupby("group")["subjects"].sum().to_dict() == {"blocked": 48, "interleaved": 47}
    for group, own in fits.groupby("group"):
        counted = (people.loc[people["group"] == group, "sluggishness"].value_counts()).to_dict()
        assert {v: n for v, n in zip(own["sluggishness"], own["subjects"], strict=True) if n} == (
            counted
        )
        # The same number of subjects at every value: means have the order of sums.
        assert own.loc[own["log_likelihood"].idxmax(), "sluggishness"] == own["best"].iloc[0]
    assert any("Sluggishness that makes the choices of people" in s for s in findings(result))
    near = distances(result)
    assert len(near) == 20
    row = near.iloc[0]
    difference = result.choices[row["condition"]].mean(0) - result.humans[row["group"]].mean(0)
    assert row["distance"] == pytest.approx(np.sqrt(np.mean(difference**2)))
    assert any("People, blocked against interleaved" in s for s in findings(result))


def test_the_page_says_what_its_tables_say(tmp_path, monkeypatch, data_folder):
    page = write_report("continual", n_networks=2, max_iter=4, out=tmp_path / "report")
    text = page.read_text(encoding="utf-8")
    assert "not at hand" not in text
    learning = pd.read_csv(page.parent / "tables/learning.csv")
    lost = learning.set_index("condition").loc["vanilla, blocked", "forgotten_A"]
    sentence = re.search(r"lost while the second is learned: (.*?)\.</li>", text)[1]
    assert f"{lost:.2f}" in sentence
    worst = learning.loc[learning["forgotten_A"].idxmax()]
    kind, left = worst["condition"].removesuffix(", blocked"), worst["as_B_A"]
    assert f"by {kind} networks, down to {worst['accuracy_A']:.2f};" in text
    assert f"following the second rule alone would leave {left:.2f}." in text
    assert {p.stem for p in (page.parent / "tables").glob("*.csv")} >= {
        "choice-measures", "distances", "fits", "group-tests", "learning", "networks", "units",
    }  # fmt: skip
    assert text.count("<figure") == 14
    monkeypatch.setenv("NEUROSELECT_DATA", str(tmp_path / "none"))
    monkeypatch.setattr(
        "neuroselect.datasets.fetch_flesch2023_choices",
        lambda: (_ for _ in ()).throw(OSError("no network: put it into\nthe folder")),
    )
    alone = write_report("continual", n_networks=1, max_iter=2, out=tmp_path / "alone")
    text = alone.read_text(encoding="utf-8")
    assert "The choices of people are not at hand, and not shown. no network: put it into" in text
    assert not (alone.parent / "tables/distances.csv").exists()
    assert not (alone.parent / "tables/fits.csv").exists()
