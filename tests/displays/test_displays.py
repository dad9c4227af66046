"""Displays: the numbers they hold, and what they draw."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import pdist, squareform
from scipy.stats import t

from neuroselect import LesionSelectivity, MultiTaskMLP
from neuroselect.datasets import make_context_blobs
from neuroselect.displays import (
    GeometryDisplay,
    LearningCurveDisplay,
    RDMDisplay,
    SelectivityDisplay,
    SweepDisplay,
)
from neuroselect.displays._style import spread


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def network():
    X, y = make_context_blobs()
    return MultiTaskMLP((30,), learning_rate_init=0.02, max_iter=50, random_state=0).fit(X, y)


def texts(ax):
    return [text.get_text() for text in ax.texts]


class TestSweep:
    scale = np.repeat([0.01, 0.3, 3.0], 4)

    def test_mean_and_t_interval(self, rng):
        values = rng.normal(size=12)
        display = SweepDisplay(self.scale, {"x": values})
        mean, low, high = display.intervals_["x"]
        groups = values.reshape(3, 4)
        half = t.ppf(0.975, 3) * groups.std(axis=1, ddof=1) / 2
        assert_allclose(mean, groups.mean(axis=1))
        assert_allclose([low, high], [mean - half, mean + half])

    def test_missing_values_are_left_out(self):
        values = np.r_[1.0, np.nan, 3.0, np.nan, np.full(4, np.nan), 5.0, [np.nan] * 3]
        display = SweepDisplay(self.scale, {"x": values})
        assert_allclose(display.intervals_["x"].mean, [2, np.nan, 5])
        assert_allclose(np.isnan(display.intervals_["x"].low), [False, True, True])
        assert display.plot() is display

    def test_drawn_data(self, rng):
        frame = pd.DataFrame({"init_scale": self.scale, "a": rng.normal(size=12), "b": 1.0})
        display = SweepDisplay.from_frame(
            frame, {"first": "a", "second": "b"}, references={"first": 0.3}, reference_name="monkey"
        ).plot()
        ax = display.ax_
        assert ax.get_xscale() == "log"
        assert display.figure_ is ax.figure
        lines = {line.get_label(): line for line in ax.lines}
        assert_array_equal(lines["first"].get_xdata(), [0.01, 0.3, 3])
        assert_allclose(lines["first"].get_ydata(), display.intervals_["first"].mean)
        points = next(line for line in ax.lines if len(line.get_xdata()) == 12)
        assert_array_equal(points.get_ydata(), frame["a"])
        dashed = next(line for line in ax.lines if list(line.get_ydata()) == [0.3, 0.3])
        assert dashed.get_color() == lines["first"].get_color()
        assert texts(ax) == ["first", "second"]
        assert [text.get_text() for text in ax.get_legend().texts] == ["monkey"]

    def test_draws_into_given_axes(self):
        _, ax = plt.subplots()
        assert SweepDisplay([0.1, 1.0], {"x": [1, 2]}).plot(ax, yscale="log").ax_ is ax
        assert ax.get_yscale() == "log"

    def test_both_ends_of_the_scale_are_labelled(self):
        scales = [0.01, 0.1, 0.2, 0.3, 0.4, 1, 2, 3]
        ax = SweepDisplay(scales, {"x": scales}).plot().ax_
        assert_allclose(ax.get_xticks(), scales)
        labels = [label.get_text() for label in ax.get_xticklabels()]
        assert labels[0] == "0.01"
        assert labels[-1] == "3"

    def test_bad_input(self):
        with pytest.raises(ValueError, match="init_scale must hold one positive number"):
            SweepDisplay([0.0, 1.0], {"x": [1, 2]})
        with pytest.raises(ValueError, match=r"values\['x'\] has shape \(3,\)"):
            SweepDisplay([0.1, 1.0], {"x": [1, 2, 3]})


class TestSelectivity:
    def test_bars_and_nan_share_add_up_to_one(self, rng):
        values = rng.uniform(-1, 1, size=(4, 50))
        values[rng.uniform(size=values.shape) < 0.3] = np.nan
        display = SelectivityDisplay.from_arrays(values).plot()
        heights = [bar.get_height() for bar in display.bars_]
        assert len(heights) == 10
        assert_allclose(sum(heights) + display.nan_share, 1)
        known = values[np.isfinite(values)]
        assert_allclose(heights[0], ((known >= -1) & (known < -0.8)).sum() / 200)
        assert_allclose(heights[-1], (known >= 0.8).sum() / 200)
        assert texts(display.ax_) == [f"important to neither: {np.isnan(values).mean():.1%}"]

    def test_from_estimator(self, network):
        X, y = make_context_blobs()
        selectivity = LesionSelectivity(network, prefit=True).fit(X, y)
        display = SelectivityDisplay.from_estimator(selectivity)
        other = SelectivityDisplay.from_arrays(selectivity.relative_importance_[:, 0])
        assert_array_equal(display.shares, other.shares)
        assert display.n_units == 30
        assert display.task_pair == ("0", "1")

    def test_several_beside(self, rng):
        values = rng.uniform(-1, 1, size=(3, 40))
        values[1, :10] = np.nan
        bars, *others = (SelectivityDisplay.from_arrays(v) for v in values)
        bars.plot(beside={"second": others[0], "third": others[1]}, label="first")
        labels = [text.get_text() for text in bars.ax_.get_legend().get_texts()]
        assert labels == ["first (0%)", "second (25%)", "third (0%)"]
        outlines = [patch for patch in bars.ax_.patches if not hasattr(patch, "get_height")]
        for outline, other in zip(outlines, others, strict=True):
            assert_allclose(outline.get_data().values, other.shares)
        assert len({outline.get_edgecolor() for outline in outlines}) == 2

    def test_bad_input(self):
        with pytest.raises(ValueError, match=r"in \[-1, 1\] or NaN; got 2 units, 1"):
            SelectivityDisplay.from_arrays([0.0, 1.5])
        with pytest.raises(ValueError, match="at least one unit"):
            SelectivityDisplay.from_arrays([])


class TestRDM:
    def test_drawn_matrix_and_tasks(self, rng):
        patterns = rng.normal(size=(6, 4))
        tasks = ["A"] * 4 + ["B"] * 2
        display = RDMDisplay.from_patterns(patterns, tasks=tasks).plot()
        assert_allclose(display.image_.get_array(), squareform(pdist(patterns)), atol=1e-12)
        assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["A", "B"]
        assert_allclose(display.ax_.get_xticks(), [1.5, 4.5])
        assert_allclose(display.ax_.lines[0].get_ydata(), [3.5, 3.5])

    def test_without_tasks(self, rng):
        display = RDMDisplay(pdist(rng.normal(size=(5, 3)))).plot()
        assert display.ax_.get_xlabel() == "condition"
        assert not display.ax_.lines

    def test_bad_input(self):
        with pytest.raises(ValueError, match="condensed or square"):
            RDMDisplay(np.zeros((2, 3)))
        with pytest.raises(ValueError, match="each of the 3 conditions"):
            RDMDisplay(np.zeros((3, 3)), tasks=["A", "B"])

    def test_model_beside_data(self, rng):
        data, model = rng.uniform(1, 9, size=(2, 10))
        display = RDMDisplay({"data": data, "model": model}, labels=list("abcde")).plot()
        assert len(display.axes_) == len(display.images_) == 2
        assert [ax.get_title() for ax in display.axes_] == ["data", "model"]
        assert_array_equal(display.images_[1].get_array(), squareform(model))
        assert display.images_[0].get_clim() == display.images_[1].get_clim()
        assert display.images_[0].get_clim()[1] == max(data.max(), model.max())
        assert [t.get_text() for t in display.ax_.get_yticklabels()] == list("abcde")
        assert len(display.figure_.axes) == 3  # one colour bar
        plt.close(display.figure_)
        figure, axes = plt.subplots(1, 2)
        assert display.plot(axes).figure_ is figure
        with pytest.raises(ValueError, match="ax must be one axes per RDM, 2, got 1"):
            display.plot(axes[0])
        plt.close(figure)

    def test_scales(self):
        rdm = [3.0, 3.0, 5.0, 9.0, 4.0, np.nan]
        shown = RDMDisplay({"x": rdm}, scale="rank").plot().images_[0].get_array()
        assert_allclose(squareform(shown.filled(-1), checks=False), [0, 0, 5 / 7, 1, 3 / 7, -1])
        assert shown.mask.sum() == 2
        plt.close("all")
        shown = RDMDisplay(rdm, scale="max").plot().image_.get_array()
        assert shown.max() == 1
        signed = RDMDisplay([-1.0, 2.0, 3.0]).plot()
        assert signed.image_.get_clim() == (-1, 3)
        plt.close("all")

    @pytest.mark.parametrize(("n_rdms", "given"), [(1, False), (2, False), (1, True)])
    def test_many_labels_keep_out_of_each_others_way(self, n_rdms, given, rng):
        rdms = {str(k): rng.uniform(size=1225) for k in range(n_rdms)}
        ax = plt.subplots()[1] if given else None
        display = RDMDisplay(rdms, labels=[f"image {k}" for k in range(50)]).plot(ax)
        display.figure_.canvas.draw()
        boxes = [text.get_window_extent() for text in display.ax_.get_yticklabels()]
        assert all(upper.y0 >= lower.y1 for upper, lower in itertools.pairwise(boxes))
        wide = np.array([[text.get_position()[0] for text in display.ax_.get_xticklabels()]])
        step = np.diff(display.ax_.transData.transform(np.c_[wide[0], wide[0]])[:, 0])
        assert step.min() > np.sqrt(2) * boxes[0].height  # turned by 45 degrees
        plt.close("all")

    def test_bad_panels(self):
        with pytest.raises(ValueError, match=r"same conditions, got numbers .*\{'a': 3, 'b': 2\}"):
            RDMDisplay({"a": [1, 2, 3], "b": [1]})
        with pytest.raises(ValueError, match="at least one RDM"):
            RDMDisplay({})
        with pytest.raises(ValueError, match="scale must be 'raw', 'max' or 'rank', got 'log'"):
            RDMDisplay([1, 2, 3], scale="log")
        with pytest.raises(ValueError, match="labels must name each of the 3 conditions"):
            RDMDisplay([1, 2, 3], labels=["a"])


class TestGeometry:
    conditions = make_context_blobs(return_X_y=False).conditions

    def from_rdm(self, points, n_components):
        return GeometryDisplay.from_rdm(
            pdist(points), self.conditions, ["leafiness", "branchiness"], "task",
            n_components=n_components, task_names=["A", "B"],
        )  # fmt: skip

    @pytest.mark.parametrize("n_components", [2, 3])
    def test_map_keeps_the_distances_of_as_many_dimensions(self, n_components, rng):
        points = rng.normal(size=(50, n_components))
        display = self.from_rdm(points, n_components).plot()
        assert_allclose(pdist(display.coordinates), pdist(points))
        assert display.ax_.name == ("3d" if n_components == 3 else "rectilinear")

    def test_squared_distances(self, rng):
        points = rng.normal(size=(50, 2))
        design = self.conditions, ["leafiness", "branchiness"], "task"
        display = GeometryDisplay.from_rdm(
            pdist(points, "sqeuclidean"), *design, n_components=2, squared=True
        )
        assert_allclose(pdist(display.coordinates), pdist(points))

    @pytest.mark.parametrize("n_components", [2, 3])
    def test_axes_of_other_dimensions(self, n_components, rng):
        display = self.from_rdm(rng.normal(size=(50, 3)), n_components)
        ax = plt.figure().add_subplot(projection="3d" if n_components == 2 else None)
        with pytest.raises(ValueError, match=f"ax must have {n_components} dimensions as the map"):
            display.plot(ax)

    def test_edges_join_neighbours_within_a_task(self, rng):
        display = self.from_rdm(rng.normal(size=(50, 3)), 3)
        levels = self.conditions[["leafiness", "branchiness"]].to_numpy()
        expected = {
            (i, j)
            for i in range(50)
            for j in range(i)
            if abs(levels[i] - levels[j]).sum() == 1 and i // 25 == j // 25
        }
        assert {(j, i) for i, j in display.edges_.tolist()} == expected
        assert len(expected) == 2 * 40

    def test_drawn_points(self, rng):
        display = self.from_rdm(rng.normal(size=(50, 2)), 2).plot()
        first, second = display.ax_.collections
        assert_allclose(first.get_offsets(), display.coordinates[:25])
        assert_allclose(second.get_offsets(), display.coordinates[25:])
        sizes = first.get_sizes()  # in task A leafiness, the fast index, is relevant
        assert (np.diff(sizes[:5]) > 0).all()
        assert_allclose(sizes, np.tile(sizes[:5], 5))
        labels = [text.get_text() for text in display.ax_.get_legend().texts]
        assert labels == ["task A", "task B"]

    def test_bad_input(self):
        with pytest.raises(ValueError, match="coordinates must have shape"):
            GeometryDisplay(np.zeros((4, 5)), np.zeros((4, 2)), ["A"] * 4)
        with pytest.raises(ValueError, match="one row per condition"):
            GeometryDisplay(np.zeros((4, 2)), np.zeros((3, 2)), ["A"] * 4)


class TestLearningCurve:
    def test_drawn_data(self, rng):
        curves = np.exp(rng.normal(size=(4, 3000)))
        display = LearningCurveDisplay(curves, [0.1, 0.1, 3, 3], n_points=50).plot()
        assert display.passes_[[0, -1]].tolist() == [1, 3000]
        assert len(display.passes_) <= 50
        assert_allclose(display.medians_[3.0], np.median(curves[2:, display.passes_ - 1], axis=0))
        strong = [line for line in display.ax_.lines if not line.get_label().startswith("_")]
        assert [line.get_label() for line in strong] == ["0.1", "3"]
        assert_allclose(strong[0].get_ydata(), display.medians_[0.1])
        assert display.ax_.get_xscale() == display.ax_.get_yscale() == "log"

    def test_from_estimators(self, network):
        display = LearningCurveDisplay.from_estimators([network, network], [1, 1])
        assert_array_equal(display.loss_curves[1], network.loss_curve_)

    def test_bad_input(self):
        with pytest.raises(ValueError, match=r"loss_curves must have shape .* got \(2, 3\)"):
            LearningCurveDisplay(np.ones((2, 3)), [1])


def test_spread_keeps_order_distance_and_centre(rng):
    positions = rng.uniform(0, 5, size=8)
    moved = spread(positions, gap=0.5)
    assert_array_equal(np.argsort(moved), np.argsort(positions))
    assert np.diff(np.sort(moved)).min() >= 0.5 - 1e-12
    assert_allclose(moved.mean(), positions.mean())
    apart = np.array([3.0, 1.0, 2.0])
    assert_array_equal(spread(apart, gap=0.5), apart)
