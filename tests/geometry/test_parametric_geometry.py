"""The parametric geometry, against the published way to fit it and against known truth."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.spatial.distance import pdist

from neuroselect.datasets import fetch_mante_monkey_a
from neuroselect.geometry import ParametricGeometry
from neuroselect.geometry._parametric_model import Fit, SmoothFit, derivatives_of, make_pairs
from neuroselect.rsa import condensed_rdms, model_rdms

BOUNDS = [(0, 1)] * 4 + [(-90, 90), (0, 2)]


def design(n_levels):
    levels = np.arange(n_levels) - (n_levels - 1) / 2
    rows = np.array(list(itertools.product([0, 1], levels, levels)))
    return dict(zip(["task", "b", "l"], rows.T, strict=True))


def coordinates(theta, conditions):
    """Points of the published model; theta is (rel A, rel B, irr A, irr B, degrees, kappa)."""
    c_rel_a, c_rel_b, c_irr_a, c_irr_b, degrees, kappa = theta
    points, phi = [], np.deg2rad(degrees)
    for task, b, l in zip(*conditions.values(), strict=True):  # noqa: E741
        if task == 0:
            points.append([(1 - c_irr_a) * b, (1 - c_rel_a) * l, 0])
        else:
            x, y = (1 - c_rel_b) * b, (1 - c_irr_b) * l
            turned = [x * np.cos(phi) + y * np.sin(phi), -x * np.sin(phi) + y * np.cos(phi)]
            points.append([*turned, kappa])
    return np.array(points)


def rescaled(rdm, rescale):
    if rescale == "max":
        return rdm / rdm.max()
    return (rdm - rdm.min()) / (rdm.max() - rdm.min())


def published_objective(theta, conditions, rdm, rescale):
    model = pdist(coordinates(theta, conditions))
    model = rescaled(model, rescale) if np.ptp(model) else np.zeros_like(model)
    return np.sum((model - rescaled(rdm, rescale)) ** 2)


def published_fit(conditions, rdm, rescale, n_starts, rng):
    """Lowest objective of L-BFGS-B with gradients by finite differences."""
    ends = []
    for _ in range(n_starts):
        start = [rng.uniform(*bound) for bound in BOUNDS]
        arguments = (conditions, rdm, rescale)
        ends.append(minimize(published_objective, start, arguments, "L-BFGS-B", bounds=BOUNDS).fun)
    return min(ends)


def simulated(conditions, rng, noise, n_channels=10):
    theta = [
        *rng.uniform(0, 0.7, 2),
        *rng.uniform(0, 1, 2),
        rng.uniform(-90, 90),
        rng.uniform(0, 2),
    ]
    points = np.pad(coordinates(theta, conditions), ((0, 0), (0, n_channels - 3)))
    return theta, pdist(points + noise * rng.normal(size=points.shape))


def make(conditions, **options):
    options = {"random_state": 0, **options}
    return ParametricGeometry(conditions, ["l", "b"], "task", **options)


def invariants(theta):
    c_rel_a, c_rel_b, c_irr_a, c_irr_b, degrees, kappa = theta
    a, b = 1 - c_rel_a, 1 - c_rel_b
    return [degrees, (1 - c_irr_a) / a, (1 - c_irr_b) / b, b / a, kappa / a]


@pytest.fixture(scope="module")
def thetas():
    rng = np.random.default_rng(5)
    return np.column_stack([rng.uniform(0.1, 1, (20, 5)), rng.uniform(-1.5, 1.5, 20)])


@pytest.mark.parametrize("rescale", ["minmax", "max"])
def test_linear_form_is_the_published_model(rescale, thetas, rng):
    conditions = design(3)
    pairs = make_pairs(
        np.column_stack([conditions["b"], conditions["l"]]), conditions["task"].astype(int)
    )
    rdm = rng.uniform(size=153)
    target = pairs.mean(rescaled(rdm, rescale)[np.newaxis])
    within = ((rescaled(rdm, rescale) - target[0, pairs.group]) ** 2).sum()
    fit = Fit(thetas, pairs, target, offset=rescale == "minmax")
    for (p, q, r, s, kappa, phi), loss in zip(thetas, fit.loss, strict=True):
        published = (1 - q, 1 - r, 1 - p, 1 - s, np.rad2deg(phi), kappa)
        expected = published_objective(published, conditions, rdm, rescale)
        assert_allclose(loss + within, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", [Fit, SmoothFit])
@pytest.mark.parametrize("offset", [True, False])
def test_gradient_and_curvature(kind, offset, thetas, rng):
    pairs = make_pairs(rng.normal(size=(7, 2)), np.array([0, 0, 1, 1, 0, 1, 1]))
    # Increasing with a distance: a free scale must not be held up at its lower end.
    target = Fit(thetas[:1], pairs, np.zeros((1, 1)), offset=offset).rescaled
    target = target + 0.1 * rng.uniform(size=target.shape)
    fit = kind(thetas, pairs, target, offset=offset)
    steps = 1e-6 * np.eye(6)
    up, down = ([kind(thetas + sign * e, pairs, target, offset=offset) for e in steps]
                for sign in (1, -1))  # fmt: skip
    numerical = [(a.loss - b.loss) / 4e-6 for a, b in zip(up, down, strict=True)]
    assert_allclose(fit.gradient(), np.transpose(numerical), rtol=1e-5, atol=1e-5)
    jacobian = [(a.rescaled - b.rescaled) / 2e-6 for a, b in zip(up, down, strict=True)]
    jacobian = np.stack(jacobian, axis=1)
    if kind is SmoothFit:  # that of variable projection: what scale and origin take up is left out
        base = np.stack([np.ones_like(fit.rescaled), fit.rescaled], axis=2)[:, :, not offset :]
        root = np.sqrt(pairs.counts)[:, np.newaxis]
        derivative = np.stack(
            [(a.distances - b.distances) / 2e-6 for a, b in zip(up, down, strict=True)], axis=2
        )
        for k in range(len(thetas)):
            change, taken = root * derivative[k] / fit.span[k], root * base[k]
            left = change - taken @ np.linalg.lstsq(taken, change, rcond=None)[0]
            assert_allclose(fit.curvature()[k], left.T @ left, rtol=1e-4, atol=1e-4)
        return
    expected = (jacobian * pairs.counts) @ jacobian.transpose(0, 2, 1)
    assert_allclose(fit.curvature(), expected, rtol=1e-4, atol=1e-4)


def test_derivatives_of_the_functions_are_of_the_right_rank(thetas):
    pairs = make_pairs(np.array([[0.0, 0], [1, 0], [0, 1]] * 2), np.repeat([0, 1], 3))
    for derivative in derivatives_of(thetas):
        assert np.linalg.matrix_rank(pairs.features @ derivative.T) == 6


@pytest.mark.parametrize("rescale", ["minmax", "max"])
def test_never_above_the_published_fit(rescale, rng):
    conditions = design(3)
    rdms = [simulated(conditions, rng, noise)[1] for noise in (0.05, 0.2, 0.5)]
    reached = make(conditions, rescale=rescale).fit(rdms).objective_
    published = [published_fit(conditions, rdm, rescale, 8, rng) for rdm in rdms]
    assert (reached <= np.array(published) + 1e-6).all()


@pytest.mark.parametrize("rescale", ["minmax", "max"])
def test_recovers_what_is_identifiable(rescale, rng):
    conditions = design(4)
    truth, rdms = zip(*(simulated(conditions, rng, noise=0) for _ in range(6)), strict=True)
    model = make(conditions, rescale=rescale)
    result = model.fit_transform(rdms)
    assert_allclose(model.objective_, 0, atol=1e-12)
    assert_allclose(model.r2_, 1, atol=1e-12)
    expected = np.array([invariants(theta) for theta in truth])
    assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
    assert_allclose(model.model_rdms_, [rescaled(rdm, rescale) for rdm in rdms], atol=1e-6)


def test_noise_of_patterns_moves_the_result_little(rng):
    conditions = design(5)
    theta = [0.1, 0.2, 0.6, 0.5, 35.0, 0.9]
    points = np.pad(coordinates(theta, conditions), ((0, 0), (0, 50)))
    noise = 0.05 * rng.normal(size=(20, *points.shape))
    result = make(conditions, n_starts=5).fit_transform(condensed_rdms(points + noise))
    assert_allclose(result[:, 0], 35, atol=5)
    assert_allclose(result[:, 1:], np.tile(invariants(theta)[1:], (20, 1)), rtol=0.15)


def test_named_models_are_points_of_the_family():
    conditions = design(5)
    models = ("grid", "rotated_grid", "orthogonal", "parallel")
    rdms = model_rdms(conditions, ["l", "b"], "task", models=models, context_offset=1.5)
    model = make(conditions).fit(rdms)
    assert_allclose(model.objective_, 0, atol=1e-9)
    assert_allclose(model.relative_compression_, [[1, 1], [1, 1], [0, 0], [0, 0]], atol=1e-4)
    assert_allclose(model.relevant_ratio_, 1, rtol=1e-4)
    assert_allclose(model.separation_, 1.5, rtol=1e-4)
    # The second task's relevant axis lies along x unless turned onto the first's.
    assert_allclose(abs(model.rotation_), [0, 90, 0, 90], atol=0.01)


def test_quantities_that_a_plane_without_extent_does_not_have():
    conditions = design(3)
    point = pdist(coordinates([1, 0, 1, 0.5, 0, 1], conditions))  # the first task is one point
    line = pdist(coordinates([0, 1, 0.5, 0, 30, 1], conditions))  # no x in the second task
    same = pdist(coordinates([0, 1, 1, 0, -30, 1], conditions))  # y alone in both
    model = make(conditions).fit([point, line, same])
    assert_allclose(model.objective_, 0, atol=1e-9)
    assert_allclose(model.rotation_, [np.nan, 30, 30], atol=0.01)
    assert_allclose(model.relative_compression_[0], [np.nan, 0.5], rtol=1e-3)
    assert np.isnan(model.relative_compression_[1:, 1]).all()
    assert_allclose(model.relevant_ratio_, [np.nan, 0, 0], atol=1e-6)
    assert_allclose(model.separation_, [np.nan, 1, 1], rtol=1e-3)


@pytest.mark.parametrize("rescale", ["minmax", "max"])
def test_a_model_without_any_distance_is_no_solution(rescale):
    outlier = np.zeros((2, 153))
    outlier[0, 40] = 1  # nothing would be closer to this than nothing at all
    outlier[1] = 1 - outlier[0]
    model = make(design(3), rescale=rescale).fit(outlier)
    assert_allclose(model.model_rdms_.max(axis=1), 1)
    assert model.objective_[0] > 1
    assert_allclose(
        model.objective_,
        ((model.model_rdms_ - [rescaled(rdm, rescale) for rdm in outlier]) ** 2).sum(axis=1),
    )


def test_units_of_rdms_and_features(rng):
    conditions = design(3)
    _, rdm = simulated(conditions, rng, 0.1)
    model = make(conditions).fit(rdm[np.newaxis])
    assert_allclose(make(conditions).fit(7 * rdm[np.newaxis]).objective_, model.objective_)
    assert_allclose(make(conditions).fit([rdm + 3]).rotation_, model.rotation_, atol=1e-3)
    stretched = make({**conditions, "l": 100 * conditions["l"]}).fit([rdm])
    assert_allclose(stretched.objective_, model.objective_)
    assert_allclose(
        stretched.relative_compression_, model.relative_compression_ * [[100, 0.01]], rtol=1e-3
    )


def test_order_of_conditions_and_features_does_not_matter(rng):
    conditions = design(3)
    points = coordinates([0.2, 0.1, 0.6, 0.3, -25, 1.2], conditions)
    points = points + 0.05 * rng.normal(size=points.shape)
    model = make(conditions).fit([pdist(points)])
    order = rng.permutation(len(points))
    shuffled = {name: column[order] for name, column in conditions.items()}
    other = ParametricGeometry(
        shuffled, ("b", "l"), "task", relevant={1: "b", 0: "l"}, random_state=3
    ).fit([pdist(points[order])])
    for name in ("objective_", "rotation_", "relative_compression_", "separation_"):
        assert_allclose(getattr(other, name), getattr(model, name), rtol=1e-3)


def test_a_system_does_not_depend_on_its_company(rng):
    conditions = design(3)
    rdms = np.array([simulated(conditions, rng, 0.2)[1] for _ in range(4)])
    model = make(conditions, random_state=np.random.RandomState(1)).fit(rdms)
    assert_allclose(model.transform(rdms[2:3])[0], model.transform(rdms)[2], rtol=1e-4)
    assert model.start_objectives_.shape == (4, 80)
    assert (model.start_objectives_ >= model.objective_[:, np.newaxis] - 1e-9).all()
    assert_allclose(
        model.objective_,
        ((model.model_rdms_ - [rescaled(rdm, "minmax") for rdm in rdms]) ** 2).sum(axis=1),
    )


@pytest.mark.parametrize("n_starts", [1, 2, 3])
def test_few_starts(n_starts, rng):
    conditions = design(3)
    rdms = [simulated(conditions, rng, 0.1)[1] for _ in range(2)]
    few, many = make(conditions, n_starts=n_starts).fit(rdms), make(conditions).fit(rdms)
    assert few.start_objectives_.shape == (2, 4 * n_starts)
    assert (many.objective_ <= few.objective_ + 1e-9).all()


def test_only_what_is_identifiable_has_a_name():
    conditions = design(3)
    rdms = model_rdms(conditions, ["l", "b"], "task")
    model = make(conditions).fit(rdms[:1])
    names = model.get_feature_names_out().tolist()
    assert names == [
        "rotation", "relative_compression_0.0", "relative_compression_1.0", "relevant_ratio",
        "separation",
    ]  # fmt: skip
    assert model.set_output(transform="pandas").transform(rdms[:1]).columns.tolist() == names
    public = {name for name in vars(model) if name.endswith("_") and name[0] != "_"}
    assert public == {
        "objective_", "r2_", "rotation_", "relative_compression_", "relevant_ratio_",
        "separation_", "model_rdms_", "start_objectives_", "tasks_", "n_features_in_",
    }  # fmt: skip


def test_macaque(data_folder):
    macaque = fetch_mante_monkey_a()
    rdm = condensed_rdms(macaque.data)
    conditions = macaque.conditions
    model = ParametricGeometry(conditions, ["colour", "motion"], "context", random_state=0)
    model.fit(rdm)
    slow = {"task": conditions["context"], "b": conditions["motion"], "l": conditions["colour"]}
    rng = np.random.default_rng(0)
    published = published_fit(slow, rdm[0], "minmax", 8, rng)
    assert model.objective_[0] <= published + 1e-6
    assert_allclose(model.objective_[0], published, atol=1e-4)  # of a start that got there
    assert_allclose(
        model.fit(macaque.rdm[np.triu_indices(72, 1)][np.newaxis]).objective_, published
    )


class TestBadInput:
    rdm = np.arange(153.0)[np.newaxis]

    @pytest.mark.parametrize(
        ("X", "match"),
        [
            (rdm[:, :150], "X has 150 pairs of conditions, but the 18 rows of conditions have 153"),
            (np.full((2, 153), 0.1), r"RDMs of 2 system\(s\), first system 0, are constant"),
            (np.where(rdm == 4, np.nan, rdm), "RDMs must be finite, but system 0, pair 4 is NaN"),
        ],
    )
    def test_rdms(self, X, match):
        with pytest.raises(ValueError, match=match):
            make(design(3)).fit(X)

    def test_no_positive_value(self):
        with pytest.raises(ValueError, match=r"largest dissimilarity, which is 0 in system 0"):
            make(design(3), rescale="max").fit(-self.rdm)
        assert np.isfinite(make(design(3)).fit(-self.rdm).objective_).all()

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            ({"task": np.arange(18) % 3}, r"in their order only if there are as many"),
            ({"b": list("pqr") * 6}, "The feature 'b' of conditions must hold numbers, not labels"),
            ({"b": np.ones(18)}, "The feature 'b' of conditions has the same level throughout"),
            (
                {"b": design(3)["l"]},
                r"conditions do not determine the model: .* 6 parameters, of which .* fix \d",
            ),
        ],
    )
    def test_designs(self, change, match):
        with pytest.raises(ValueError, match=match):
            make({**design(3), **change}).fit(self.rdm)

    def test_same_relevant_feature(self):
        with pytest.raises(ValueError, match=r"exactly two tasks with different relevant features"):
            make(design(3), relevant={0: "b", 1: "b"}).fit(self.rdm)

    def test_one_feature(self):
        with pytest.raises(ValueError, match=r"features must name two columns .* got \['b'\]"):
            ParametricGeometry(design(3), ["b"], "task").fit(self.rdm)

    def test_missing_column(self):
        with pytest.raises(ValueError, match=r"conditions lacks the columns \['cue'\]"):
            ParametricGeometry(design(3), ["b", "l"], "cue").fit(self.rdm)
