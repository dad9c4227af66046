"""Spectra of populations, and planes of tasks in maps."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.distance import pdist

from neuroselect.displays import GeometryDisplay, SpectrumDisplay
from neuroselect.geometry import explained_variance, participation_ratio


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


class TestSpectrum:
    def test_means_and_bands_of_groups(self, rng):
        spectra = np.sort(rng.uniform(size=(9, 5)), axis=1)[:, ::-1]
        groups = np.array([3.0, 0.1, 0.1] * 3)
        display = SpectrumDisplay(spectra, groups=groups, coverage=0.5)
        shares = spectra / spectra.sum(axis=1, keepdims=True)
        assert display.names_ == [0.1, 3.0]
        for k, name in enumerate(display.names_):
            members = shares[groups == name]
            assert_allclose(display.means_[k], members.mean(axis=0))
            assert_allclose(display.low_[k], np.quantile(members, 0.25, axis=0))
            assert_allclose(display.high_[k], np.quantile(members, 0.75, axis=0))

    @pytest.mark.parametrize("cumulative", [False, True])
    def test_drawn_lines(self, rng, cumulative):
        activity = rng.normal(size=(4, 30, 6)) * [3, 2, 1, 1, 1, 1]
        display = SpectrumDisplay.from_activity(activity, groups=["a", "a", "b", "b"])
        display.plot(cumulative=cumulative, n_components=4)
        shares = explained_variance(activity)
        shares = shares.cumsum(axis=1) if cumulative else shares
        for line, members in zip(display.lines_, (shares[:2], shares[2:]), strict=True):
            assert line.get_xdata().tolist() == [1, 2, 3, 4]
            assert_allclose(line.get_ydata(), members.mean(axis=0)[:4])
        ratios = participation_ratio(activity)
        assert_allclose(display.ratios_, [ratios[:2].mean(), ratios[2:].mean()])
        upright = [line.get_xdata()[0] for line in display.ax_.lines if line.get_linestyle() == ":"]
        assert_allclose(upright, display.ratios_)
        assert [text.get_text() for text in display.ax_.get_legend().texts] == ["a", "b"]

    def test_one_system_has_neither_legend_nor_band(self):
        _, ax = plt.subplots()
        display = SpectrumDisplay([3.0, 1.0]).plot(ax)
        assert display.ax_ is ax
        assert display.figure_ is ax.figure
        assert ax.get_legend() is None
        assert_allclose(display.lines_[0].get_ydata(), [0.75, 0.25])
        assert_allclose(display.low_, display.high_)

    @pytest.mark.parametrize(
        ("arguments", "options", "match"),
        [
            (np.ones((1, 1, 2)), {}, "spectra must have shape"),
            ([[1.0, 0.0]], {"groups": [1, 2]}, "groups must have one value for each of the 1"),
            ([1.0], {"participation_ratios": [1, 2]}, "participation_ratios must have one value"),
            ([[1.0, 0.0], [np.nan, 0.0]], {}, "spectrum of system 1 has no variance"),
            ([1.0], {"coverage": 2}, "coverage must be from 0 to 1, got 2"),
        ],
    )
    def test_bad_input(self, arguments, options, match):
        with pytest.raises(ValueError, match=match):
            SpectrumDisplay(arguments, **options)


class TestPlanes:
    levels = np.array(list(itertools.product([0, 1, 4], [-1, 1])) * 2, dtype=float)
    tasks = np.repeat(["A", "B"], 6)

    def test_cells_of_each_grid(self, rng):
        display = GeometryDisplay(rng.normal(size=(12, 3)), self.levels, self.tasks)
        assert display.faces_.shape == (4, 4)
        sides = {tuple(sorted(side)) for face in display.faces_.tolist()
                 for side in zip(face, [*face[1:], face[0]], strict=True)}  # fmt: skip
        assert sides == {tuple(edge) for edge in display.edges_.tolist()}
        missing = GeometryDisplay(rng.normal(size=(11, 3)), self.levels[1:], self.tasks[1:])
        assert len(missing.faces_) == 3

    @pytest.mark.parametrize("n_dims", [2, 3])
    @pytest.mark.parametrize("planes", [None, True, False])
    def test_drawn_planes(self, rng, n_dims, planes):
        points = rng.normal(size=(12, n_dims))
        display = GeometryDisplay(points, self.levels, self.tasks).plot(planes=planes)
        polygons = [c for c in display.ax_.collections if "Poly" in type(c).__name__]
        drawn = n_dims == 3 if planes is None else planes
        assert len(polygons) == 2 * drawn
        if drawn and n_dims == 2:
            corners = polygons[1].get_paths()[0].vertices[:4]
            assert_allclose(corners, points[display.faces_[2]])

    def test_relevant_features_by_task(self, rng):
        conditions = pd.DataFrame(self.levels, columns=["x", "y"]).assign(task=self.tasks)
        rdm = pdist(rng.normal(size=(12, 4)))
        make = GeometryDisplay.from_rdm
        default = make(rdm, conditions, ["x", "y"], "task")
        swapped = make(rdm, conditions, ["y", "x"], "task", relevant={"A": "x", "B": "y"})
        assert_allclose(swapped.relevant, default.relevant)
        assert_allclose(default.relevant, np.r_[self.levels[:6, 0], self.levels[6:, 1]])
        with pytest.raises(ValueError, match=r"relevant must map each of the tasks \['A', 'B'\]"):
            make(rdm, conditions, ["x", "y"], "task", relevant={"A": "x"})
