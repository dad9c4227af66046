"""Curves of robustness against loops over the estimator's own methods."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression, LogisticRegression

from neuroselect import LesionSelectivity, MultiTaskMLP, fit_many
from neuroselect.datasets import make_context_blobs
from neuroselect.selectivity import group_lesion_scores, lesion_curve, noise_curve

X, Y = make_context_blobs()
SHARES = [0.0, 0.25, 0.5, 1.0]


@pytest.fixture(scope="module")
def nets():
    networks = [
        MultiTaskMLP((12, 8), learning_rate_init=0.02, max_iter=150, random_state=k)
        for k in range(3)
    ]
    return fit_many(networks, X, Y)


class TestLesionCurve:
    @pytest.mark.parametrize("layer", [0, -1, "input"])
    def test_ends(self, nets, layer, seed):
        curve = lesion_curve(nets[0], X, Y, layer=layer, shares=SHARES, random_state=seed)
        n_units = {0: 12, -1: 8, "input": 25}[layer]
        assert_array_equal(curve.n_removed, np.round(np.array(SHARES) * n_units))
        intact = np.broadcast_to(nets[0].score_by_task(X, Y), (20, 2))
        assert_allclose(curve.scores[0], intact, atol=1e-10)
        assert_allclose(curve.intact_scores, intact[0], atol=1e-12)
        nothing = group_lesion_scores(nets[0], X, Y, np.ones(n_units, bool), layer=layer).scores
        assert_allclose(curve.scores[-1], np.broadcast_to(nothing, (20, 2)), atol=1e-10)

    def test_random_sets_have_the_size_and_are_nested(self, seed):
        rates = np.random.default_rng(seed).normal(size=(60, 10))
        binary = 2.0 ** np.arange(10)
        counting = LinearRegression().fit(rates, rates @ binary)
        ones = np.ones((60, 10))

        def removed_units(estimator, X, y):
            return float(np.round(estimator.predict(ones - (X == 0))[0] - estimator.intercept_))

        curve = lesion_curve(counting, rates, rates @ binary, n_repeats=30, random_state=seed,
                             scoring=removed_units)  # fmt: skip
        left = curve.scores[..., 0].astype(int)[..., None] >> np.arange(10) & 1
        assert_array_equal(10 - left.sum(-1), np.broadcast_to(curve.n_removed[:, None], (11, 30)))
        assert (np.diff(left, axis=0) <= 0).all()
        assert len(np.unique(curve.scores[5])) > 15

    @pytest.mark.parametrize("order", ["most", "least"])
    def test_by_importance(self, nets, order):
        curve = lesion_curve(nets[0], X, Y, order=order, shares=np.arange(9) / 8)
        importances = LesionSelectivity(nets[0], prefit=True).fit(X, Y).importances_
        worth = (importances / importances.sum(0)).sum(1)
        ranked = sorted(range(8), key=lambda unit: worth[unit], reverse=order == "most")
        for k, scores in enumerate(curve.scores[:, 0]):
            H = nets[0].activations(X)
            H[:, ranked[:k]] = 0
            residual = (nets[0].readout(H, X) - Y) ** 2
            for task in (0, 1):
                rows = X[:, -1] == task
                r2 = 1 - residual[rows].mean() / Y[rows].var()
                assert_allclose(scores[task], r2, atol=1e-10)

    def test_most_important_first_hurts_more(self, nets):
        most, least = (
            lesion_curve(nets, X, Y, order=order, shares=[0.5]).scores.mean()
            for order in ("most", "least")
        )
        assert most < least

    def test_list_frame_and_seed(self, nets, seed):
        curve = lesion_curve(nets, X, Y, shares=SHARES, n_repeats=5, random_state=seed)
        assert curve.scores.shape == (3, 4, 5, 2)
        assert curve.intact_scores.shape == (3, 2)
        again = lesion_curve(nets, X, Y, shares=SHARES, n_repeats=5, random_state=seed)
        assert_array_equal(curve.scores, again.scores)
        frame = curve.to_frame()
        assert list(frame) == ["network", "share", "repeat", "task", "score"]
        row = frame.query("network == 1 and share == 0.5 and repeat == 3 and task == 1")
        assert row.score.item() == curve.scores[1, 2, 3, 1]

    def test_columns_of_a_data_frame(self, seed):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(rng.normal(size=(60, 4)), columns=list("abcd")).assign(rule=0)
        frame.loc[30:, "rule"] = 1
        y = np.where(frame["a"] > 0, "left", "right")
        decoder = LogisticRegression().fit(frame, y)
        curve = lesion_curve(decoder, frame, y, task="rule", order="most", shares=[0, 0.25, 1])
        assert_allclose(curve.scores[0, 0], curve.intact_scores)
        assert (curve.scores[1, 0] < curve.scores[0, 0]).all()

    def test_errors(self, nets):
        for shares in ([-0.1], [0.5, 1.1], [np.nan], [], 0.5):
            with pytest.raises(ValueError, match="shares must be a list of numbers from 0 to 1"):
                lesion_curve(nets[0], X, Y, shares=shares)
        with pytest.raises(ValueError, match=r"order must be one of \['random', .*'worst'"):
            lesion_curve(nets[0], X, Y, order="worst")
        with pytest.raises(ValueError, match="n_repeats must be an integer >= 1, got 0"):
            lesion_curve(nets[0], X, Y, n_repeats=0)
        with pytest.raises(ValueError, match="empty list"):
            lesion_curve([], X, Y)
        with pytest.raises(ValueError, match="layer=5 does not exist"):
            lesion_curve(nets[0], X, Y, layer=5)


class TestNoiseCurve:
    def test_equals_the_loop_and_spares_the_task(self, nets, seed):
        curve = noise_curve(nets[0], X, Y, noise_std=[0, 0.3], n_repeats=4, random_state=seed)
        draws = np.random.RandomState(seed)
        for repeat in range(4):
            noisy = X.copy()
            noisy[:, :-1] += 0.3 * draws.normal(size=(len(X), 25))
            assert_allclose(curve.scores[1, repeat], nets[0].score_by_task(noisy, Y))
        assert_allclose(curve.scores[0], np.broadcast_to(curve.intact_scores, (4, 2)))

    def test_named_task_column(self, nets, seed):
        frame = pd.DataFrame(X[:, :-1], columns=[f"pixel{k}" for k in range(25)])
        frame.insert(3, "rule", np.where(X[:, -1] == 0, "A", "B"))
        net = MultiTaskMLP((8,), task_column="rule", max_iter=20, random_state=0).fit(frame, Y)
        curve = noise_curve(net, frame, Y, noise_std=[0.0, 0.5], random_state=seed)
        assert curve.tasks.tolist() == ["A", "B"]
        assert_allclose(curve.intact_scores, net.score_by_task(frame, Y))

    def test_linear_decoder(self, seed):
        rng = np.random.default_rng(seed)
        rates = rng.normal(size=(4000, 3))
        weights = np.array([1.0, -2.0, 0.5])
        decoder = LinearRegression().fit(rates, rates @ weights)
        curve = noise_curve(decoder, rates, rates @ weights, noise_std=[0.5], random_state=seed,
                            scoring="neg_mean_squared_error")  # fmt: skip
        assert_allclose(-curve.scores.mean(), 0.25 * weights @ weights, rtol=0.03)

    def test_networks_share_the_noise(self, nets, seed):
        curve = noise_curve([nets[0], nets[0]], X, Y, n_repeats=3, random_state=seed)
        assert_array_equal(curve.scores[0], curve.scores[1])
        assert list(curve.to_frame())[:2] == ["network", "noise_std"]

    def test_errors(self, nets):
        with pytest.raises(ValueError, match="noise_std must be a list of numbers >= 0"):
            noise_curve(nets[0], X, Y, noise_std=[-1.0])
        with pytest.raises(ValueError, match="noise_std must be finite"):
            noise_curve(nets[0], X, Y, noise_std=[np.inf])
        with pytest.raises(ValueError, match="at least one column beside the task"):
            noise_curve(LinearRegression().fit(X[:, :1], Y), X[:, :1], Y, task=0)
