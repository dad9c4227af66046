"""Pseudo-populations: balance, folds apart, no bias, chance on noise."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from neuroselect import (
    PseudoPopulation,
    RDMRegression,
    RDMTransformer,
    model_rdms,
    participation_ratio,
    unit_classes,
)
from neuroselect.preprocessing import ResampledFolds, permute_labels
from neuroselect.recordings import condition_patterns, make_container, select


def cells_of(counts, rng, n_times=None):
    """Cells with ``counts[unit, condition]`` trials; an entry of `data` is its own row."""
    counts = np.asarray(counts)
    unit = np.repeat(np.arange(len(counts)), counts.sum(axis=1))
    condition = np.concatenate([np.repeat(np.arange(counts.shape[1]), row) for row in counts])
    order = rng.permutation(len(unit))
    trials = {"unit": unit[order], "rule": condition[order] // 2, "side": condition[order] % 2}
    data, time = np.arange(len(unit), dtype=float), None
    if n_times:
        data = np.stack([data] * n_times, axis=1) + np.arange(n_times) / 10
        time = np.arange(n_times) * 50.0
    units = {"depth": np.arange(len(counts)) * 100.0}
    return make_container(data, trials, units=units, time=time)


def noise_cells(rng, n_units=12, n_trials=8):
    unit = np.repeat(np.arange(n_units), 2 * n_trials)
    trials = {"unit": unit, "side": np.tile([0, 1], n_units * n_trials)}
    return make_container(rng.normal(size=len(unit)), trials)


BY = ["rule", "side"]


@st.composite
def plans(draw):
    """Numbers of trials, and a plan that they are enough for."""
    shape = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    n_splits = draw(st.integers(1, 4))
    least = draw(st.integers(n_splits, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    replace = draw(st.booleans())
    n_trials = draw(st.integers(n_splits, 20 if replace else least))
    settings = {"n_trials": n_trials, "n_splits": n_splits, "replace": replace}
    return cells_of(rng.integers(least, 15, size=shape), rng), settings


@given(plans(), st.integers(0, 2**20))
def test_balanced_conditions_and_disjoint_folds(plan, seed):
    recording, settings = plan
    pseudo = PseudoPopulation(BY, n_resamples=2, random_state=seed, **settings).draw(recording)
    trials = recording.trials
    drawn = pseudo.data.astype(int)  # the numbers of rows
    for unit, rows in enumerate(drawn.T):
        assert (trials["unit"].to_numpy()[rows] == unit).all()
        for column in BY:
            np.testing.assert_array_equal(trials[column].to_numpy()[rows], pseudo.trials[column])
    sizes = pseudo.trials.groupby([*BY, "resample"]).size()
    assert (sizes == settings["n_trials"]).all()
    per_fold = pseudo.trials.groupby(["resample", "fold", *BY]).size().unstack(BY)
    assert (per_fold.nunique(axis=1) == 1).all()
    assert per_fold.to_numpy().max() - per_fold.to_numpy().min() <= 1
    for resample in range(2):
        here = pseudo.trials["resample"].to_numpy() == resample
        if not settings["replace"]:
            assert all(len(set(rows)) == here.sum() for rows in drawn[here].T)
        for fold in range(settings["n_splits"]):
            in_fold = pseudo.trials["fold"].to_numpy()[here] == fold
            assert not set(drawn[here][in_fold].ravel()) & set(drawn[here][~in_fold].ravel())


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("n_times", [None, 3])
def test_draw_split_and_rows_are_the_same_draws(replace, n_times, seed, rng):
    recording = cells_of(rng.integers(6, 12, size=(5, 4)), rng, n_times)
    plan = PseudoPopulation(
        BY, n_trials=6, n_splits=3, n_resamples=4, replace=replace, random_state=seed
    )
    whole = plan.draw(recording)
    rows = np.stack(list(plan.rows(recording)))
    assert whole.data.shape == (4 * 4 * 6, *([n_times] if n_times else []), 5)
    first = whole.data[:, 0] if n_times else whole.data
    np.testing.assert_array_equal(
        first, recording.data.ravel()[:: n_times or 1][rows.reshape(96, 5)]
    )
    cv = ResampledFolds(whole.trials["fold"], whole.trials["resample"])
    pairs = list(plan.split(recording))
    assert len(pairs) == plan.get_n_splits() == cv.get_n_splits() == 12
    for (train, test), indices in zip(pairs, cv.split(whole.data), strict=True):
        for part, index in zip((train, test), indices, strict=True):
            np.testing.assert_array_equal(part.data, whole.data[index])
            pd.testing.assert_frame_equal(
                part.trials, whole.trials.iloc[index].reset_index(drop=True)
            )
    fewer = clone(plan).set_params(n_resamples=2).draw(recording)
    np.testing.assert_array_equal(fewer.data, whole.data[:48])
    other = clone(plan).set_params(random_state=seed + 1).draw(recording)
    assert (other.data != whole.data).any()


def test_same_trials_in_another_period(rng):
    """The rows serve arrays that run along the same trials."""
    recording = cells_of(rng.integers(6, 12, size=(5, 4)), rng)
    plan = PseudoPopulation(BY, n_trials=5, random_state=0)
    late = make_container(-recording.data, recording.trials)
    np.testing.assert_array_equal(plan.draw(late).data, -plan.draw(recording).data)


def slow_draw(groups, n_trials, n_splits, replace, rng):
    """The obvious loop over the conditions of a cell."""
    drawn = []
    for rows in groups:
        shuffled = rng.permutation(rows)
        for j in range(n_trials):
            pool = shuffled[j % n_splits :: n_splits]
            drawn.append(rng.choice(pool) if replace else shuffled[j])
    return drawn


@pytest.mark.parametrize("counts", [[5, 7], [20, 30]], ids=["most drawn", "few drawn"])
@pytest.mark.parametrize("replace", [False, True])
def test_distribution_of_the_slow_loop(replace, counts, rng):
    """How often each trial is drawn, and how often two are drawn in the same fold."""
    recording = cells_of([counts], rng)
    n = 1000
    plan = PseudoPopulation(
        BY, n_trials=4, n_splits=2, n_resamples=n, replace=replace, random_state=rng.integers(2**30)
    )
    fast = plan.draw(recording).data.reshape(n, 8)
    groups = [np.asarray(rows) for rows in recording.trials.groupby(BY).groups.values()]
    slow = np.array([slow_draw(groups, 4, 2, replace, rng) for _ in range(n)])
    for position in (0, 3, 4, 7):
        drawn = [np.unique(draws[:, position], return_counts=True)[1] for draws in (fast, slow)]
        assert len(drawn[0]) == len(drawn[1]) == counts[position // 4]
        assert chisquare(drawn[0]).pvalue > 1e-5  # every trial equally often
    for pair in ((0, 2), (1, 3), (4, 6)):  # in the same fold
        alike = [np.mean(draws[:, pair[0]] == draws[:, pair[1]]) for draws in (fast, slow)]
        assert abs(alike[0] - alike[1]) < (0.12 if replace else 1e-12)
        assert (alike[0] > 0) == replace


@pytest.mark.parametrize("replace", [False, True])
def test_condition_means_are_unbiased(replace, rng):
    recording = cells_of(rng.integers(5, 12, size=(4, 4)), rng)
    recording.data[:] = rng.normal(size=len(recording.data))
    plan = PseudoPopulation(
        BY, n_trials=5, n_resamples=2000, replace=replace, random_state=rng.integers(2**30)
    )
    drawn = plan.draw(recording).data.reshape(2000, 4, 5, 4).mean(axis=2)
    expected = (
        recording.trials.assign(x=recording.data).groupby([*BY, "unit"])["x"].mean().unstack()
    )
    error = drawn.std(axis=0) / np.sqrt(2000)
    assert (abs(drawn.mean(axis=0) - expected.to_numpy()) < 5 * error + 1e-12).all()


def neighbour_scores(pseudo, apart):
    """Accuracy of the nearest neighbour per resample, leaving out the fold or only the trial."""
    fold, resample = pseudo.trials["fold"].to_numpy(), pseudo.trials["resample"].to_numpy()
    scores = []
    for r in np.unique(resample):
        here = resample == r
        x, y = pseudo.data[here], pseudo.trials["side"].to_numpy()[here]
        distance = ((x[:, np.newaxis] - x) ** 2).sum(axis=-1)
        out = fold[here][:, np.newaxis] == fold[here] if apart else np.eye(len(x), dtype=bool)
        distance[out] = np.inf
        scores.append(np.mean(y[distance.argmin(axis=1)] == y))
    return np.array(scores)


def test_no_leakage(rng):
    """On noise a nearest neighbour is at chance, and not if trials were on both sides."""
    plan = PseudoPopulation(
        "side", n_trials=30, n_splits=3, n_resamples=3, replace=True, random_state=0
    )
    pseudos = [plan.draw(noise_cells(rng, n_units=2)) for _ in range(30)]
    apart = [neighbour_scores(pseudo, apart=True).mean() for pseudo in pseudos]
    assert abs(np.mean(apart) - 0.5) < 5 * np.std(apart) / np.sqrt(30)
    shared = [neighbour_scores(pseudo, apart=False).mean() for pseudo in pseudos]
    assert np.mean(shared) > 0.6


@pytest.mark.parametrize("replace", [False, True])
def test_permutation_null_is_calibrated(replace):
    """On noise, p-values of the mean over resamples are uniform."""
    rng = np.random.default_rng(int(replace))
    plan = PseudoPopulation(
        "side", n_trials=8, n_splits=2, n_resamples=3, replace=replace, random_state=0
    )

    def score(recording):  # ties are broken at random
        return neighbour_scores(plan.draw(recording), apart=True).mean() + 1e-9 * rng.random()

    ranks = []
    for _ in range(40):
        recording = noise_cells(rng, n_units=3)
        nulls = [score(permute_labels(recording, "side", random_state=k)) for k in range(9)]
        ranks.append(np.sum(nulls >= score(recording)))
    assert chisquare(np.bincount(ranks, minlength=10).reshape(5, 2).sum(axis=1)).pvalue > 1e-5


class TestWhatComesOut:
    def test_tables_and_extra_entries(self, rng):
        recording = make_container(
            **{
                **cells_of([[6, 6], [2, 6], [9, 9]], rng),
                "DESCR": "words",
                "units": {"name": [*"abc"]},
            }
        )
        pseudo = PseudoPopulation("side", min_trials=5, n_trials=5, random_state=0).draw(recording)
        assert list(pseudo.trials) == ["side", "resample", "fold"]
        assert pseudo.trials["side"].tolist() == [0] * 5 + [1] * 5
        assert pseudo.units["name"].tolist() == ["a", "c"]
        assert pseudo.n_units_dropped == 1
        assert pseudo.DESCR == "words"
        left = select(pseudo, trials={"side": 1})
        assert left.data.shape == (5, 2)

    def test_counts(self, rng):
        counts = rng.integers(1, 9, size=(4, 4))
        table = PseudoPopulation(BY).counts(cells_of(counts, rng))
        np.testing.assert_array_equal(table, counts)
        assert table.columns.names == BY
        assert table[(1, 0)].tolist() == counts[:, 2].tolist()

    def test_fewest_trials_by_default(self, rng):
        recording = cells_of([[9, 7], [8, 12]], rng)
        assert len(PseudoPopulation("side").draw(recording).data) == 14
        assert len(PseudoPopulation("side", min_trials=8).draw(recording).data) == 16

    def test_one_resample_serves_scikit_learns_splitters(self, rng):
        """Without replacement no trial is in two pseudo-trials, whatever the splitter."""
        recording = noise_cells(rng)
        pseudo = PseudoPopulation("side", n_splits=4, random_state=0).draw(recording)
        ours, theirs = ResampledFolds(pseudo.trials["fold"]), PredefinedSplit(pseudo.trials["fold"])
        for (train, test), (train_, test_) in zip(ours.split(), theirs.split(), strict=True):
            np.testing.assert_array_equal(train, train_)
            np.testing.assert_array_equal(test, test_)

    def test_measures_take_it(self, rng):
        recording = cells_of(rng.integers(6, 9, size=(7, 4)), rng)
        plan = PseudoPopulation(BY, n_trials=6, n_resamples=3, random_state=0)
        pseudo = plan.draw(recording)
        stacked = pseudo.data.reshape(3, 24, 7)
        assert unit_classes(pseudo.data, pseudo.trials["rule"]).shape == (7,)
        assert unit_classes(stacked, pseudo.trials["rule"][:24]).shape == (3, 7)
        assert participation_ratio(stacked).shape == (3,)
        patterns = pseudo.data.reshape(3, 4, 6, 7).mean(axis=2)
        by_table = condition_patterns(pseudo, ["resample", *BY])
        np.testing.assert_allclose(patterns.reshape(12, 7), by_table.patterns)
        models = model_rdms(by_table.conditions[:4], ["side", "rule"], models=["side", "rule"])
        geometry = make_pipeline(RDMTransformer(), RDMRegression(models))
        assert geometry.fit_transform(patterns).shape == (3, 2)

    def test_inputs_are_not_changed(self, rng):
        recording = cells_of([[6, 6]], rng)
        data, trials = recording.data.copy(), recording.trials.copy()
        PseudoPopulation("side").draw(recording).data[:] = -1
        np.testing.assert_array_equal(recording.data, data)
        pd.testing.assert_frame_equal(recording.trials, trials)

    def test_clone_and_repr(self):
        plan = PseudoPopulation(BY, n_trials=5)
        assert clone(plan).get_params() == plan.get_params()
        assert "n_trials=5" in repr(plan)
        assert "PseudoPopulation" in estimator_html_repr(plan)


class TestRefused:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"by": "colour"}, r"by must name columns of the trials, \['unit', 'rule', 'side'\]"),
            ({"by": []}, "at least one column"),
            ({"by": ["side", "unit"]}, "other than"),
            ({"by": ["side", "side"]}, "name each column once"),
            ({"n_trials": 7}, r"1 of 2 units have fewer: \[0\].*unit 0, 4 with {'side': 1}"),
            ({"n_splits": 6, "replace": True}, r"one per fold.*1 of 2 units"),
            ({"n_splits": 6}, "n_trials is 4, as the unit with fewest"),
            ({"n_trials": 2, "n_splits": 3}, "n_splits=3 folds need"),
            ({"min_trials": 99}, "leaves no unit: the best has 7 trials"),
            ({"n_trials": 0}, "n_trials"),
            ({"n_splits": 2.5}, "n_splits"),
        ],
    )
    def test_settings(self, settings, message, rng):
        recording = cells_of([[6, 4], [8, 7]], rng)
        with pytest.raises(ValueError, match=message):
            PseudoPopulation(**{"by": "side", **settings}).draw(recording)

    def test_split_without_folds(self, rng):
        plan = PseudoPopulation("side", n_splits=1)
        recording = cells_of([[6, 4]], rng)
        assert len(plan.draw(recording).data) == 8
        with pytest.raises(ValueError, match="n_splits must be at least 2"):
            next(plan.split(recording))

    def test_unit_without_a_condition(self, rng):
        with pytest.raises(ValueError, match=r"1 trials of every unit.*unit 1, 0 with"):
            PseudoPopulation("side").draw(cells_of([[6, 4], [3, 0]], rng))

    def test_units_recorded_together(self):
        together = make_container(np.ones((4, 3)), {"side": [0, 0, 1, 1]})
        with pytest.raises(ValueError, match="not recorded together"):
            PseudoPopulation("side").draw(together)

    def test_missing_condition(self):
        recording = make_container(np.ones(3), {"unit": [0, 0, 0], "side": [0, 1, np.nan]})
        with pytest.raises(ValueError, match=r"1 of the 3 trials have no 'side'.*select"):
            PseudoPopulation("side").draw(recording)


class TestPermuteLabels:
    def test_counts_stay_and_labels_move(self, seed, rng):
        recording = cells_of(rng.integers(20, 40, size=(3, 4)), rng)
        permuted = permute_labels(recording, "side", within="rule", random_state=seed)
        counts = PseudoPopulation(BY).counts
        pd.testing.assert_frame_equal(counts(permuted), counts(recording))
        np.testing.assert_array_equal(permuted.trials["rule"], recording.trials["rule"])
        agree = np.mean(permuted.trials["side"] == recording.trials["side"])
        assert 0.3 < agree < 0.7
        assert permuted.data is recording.data
        again = permute_labels(recording, "side", within="rule", random_state=seed)
        pd.testing.assert_frame_equal(again.trials, permuted.trials)

    def test_columns_move_together(self, rng):
        recording = cells_of(rng.integers(5, 9, size=(3, 4)), rng)
        recording.trials["both"] = 2 * recording.trials["rule"] + recording.trials["side"]
        permuted = permute_labels(recording, [*BY, "both"], random_state=0).trials
        np.testing.assert_array_equal(permuted["both"], 2 * permuted["rule"] + permuted["side"])

    def test_every_order_is_equally_likely(self, rng):
        recording = make_container(np.zeros((3, 1)), {"label": list("abc")})
        orders = [
            "".join(permute_labels(recording, "label", random_state=int(k)).trials["label"])
            for k in rng.integers(2**30, size=600)
        ]
        _, counts = np.unique(orders, return_counts=True)
        assert len(counts) == 6
        assert chisquare(counts).pvalue > 1e-5

    @pytest.mark.parametrize(
        ("columns", "within", "message"),
        [
            ("side", "side", r"none of them in \['side', 'unit'\]"),
            ([], None, "at least one column"),
            ("unit", None, "at least one column"),
            ("x", None, "columns must name columns of the trials"),
            ("side", "x", "within must name columns of the trials"),
        ],
    )
    def test_refused(self, columns, within, message, rng):
        with pytest.raises(ValueError, match=message):
            permute_labels(cells_of([[6, 4]], rng), columns, within=within)


class TestResampledFolds:
    def test_refused(self):
        with pytest.raises(ValueError, match="one entry per trial"):
            ResampledFolds([0, 1], [0])
        with pytest.raises(ValueError, match="at least 2 values in every resample"):
            ResampledFolds([0, 1, 0], [0, 0, 1])
        with pytest.raises(ValueError, match="X has 3 trials, but fold has 2"):
            next(ResampledFolds([0, 1]).split(np.ones((3, 1))))

    def test_rows_in_any_order(self, rng):
        fold, resample = rng.permutation(np.tile([0, 1, 2], 8)), np.repeat([3, 5], 12)
        order = rng.permutation(24)
        cv = ResampledFolds(fold[order], resample[order])
        for train, test in cv.split(np.ones((24, 1)), np.ones(24)):
            assert len(set(resample[order][np.r_[train, test]])) == 1
            assert len(set(fold[order][test])) == 1
            assert not set(fold[order][test]) & set(fold[order][train])


def test_scaling_inside_the_folds(rng):
    """A Pipeline works on pseudo-trials as on any others."""
    recording = noise_cells(rng, n_units=60)
    recording.data[recording.trials["side"] == 1] += 2
    pseudo = PseudoPopulation("side", random_state=0).draw(recording)
    decoder = make_pipeline(
        StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
    )
    cv = ResampledFolds(pseudo.trials["fold"])
    assert cross_val_score(decoder, pseudo.data, pseudo.trials["side"], cv=cv).mean() > 0.8
