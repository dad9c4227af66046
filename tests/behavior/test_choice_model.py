"""ChoiceModel: gradients, recovery, agreement with SciPy, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime, minimize
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from neuroselect.behavior import (
    ChoiceModel,
    bayesian_model_selection,
    choice_model_table,
    fit_choice_models,
    fit_choices,
)
from neuroselect.behavior._psychometric import Cells, layout, objective_of

LEVELS = np.arange(5) - 2.0
VARIANTS = [
    {},
    {"boundary": "shared"},
    {"slope": "per_task"},
    {"lapse": "per_task"},
    {"boundary": "shared", "slope": "per_task", "lapse": "per_task"},
]
# Boundary angles (degrees), slope, offset, lapse.
TRUTHS = np.array(
    [
        [180, 90, 2, 0, 0.05],
        [150, 110, 1, 0.5, 0],
        [200, 70, 4, -0.5, 0.1],
        [135, 135, 1.5, 0, 0.02],
    ]
)


def probability(angles, slope, offset, lapse):
    """Accept probabilities (2, 5, 5) of papers.md's formula, one cell at a time."""
    p = np.empty((2, 5, 5))
    for task, angle in enumerate(np.broadcast_to(angles, 2)):
        direction = np.cos(np.radians(angle - 90)), np.sin(np.radians(angle - 90))
        s, lam = np.broadcast_to(slope, 2)[task], np.broadcast_to(lapse, 2)[task]
        for i, leaf in enumerate(LEVELS):
            for j, branch in enumerate(LEVELS):
                u = branch * direction[0] + leaf * direction[1]
                p[task, i, j] = lam + (1 - 2 * lam) / (1 + np.exp(-s * (u - offset)))
    return p


def trials_of(p, n, rng):
    """X and y of n trials per cell, in random order."""
    task, leaf, branch = np.meshgrid([0, 1], LEVELS, LEVELS, indexing="ij")
    X = np.repeat(np.stack([branch, leaf, task], axis=-1).reshape(-1, 3), n, axis=0)
    y = (rng.random(len(X)) < np.repeat(p.ravel(), n)).astype(int)
    order = rng.permutation(len(X))
    return X[order], y[order]


def cells_of(shares, n):
    leaf, branch = np.meshgrid(LEVELS, LEVELS, indexing="ij")
    features = np.broadcast_to(np.stack([branch, leaf], -1).reshape(25, 2), (len(shares), 2, 25, 2))
    counts = np.full((len(shares), 2, 25), float(n))
    return Cells(features, shares.reshape(counts.shape) * n, counts)


def reference(kind, shares, n, rng, n_starts, variant=None):
    """Lowest objective of bounded L-BFGS-B with analytic gradients from many starts."""
    variant = layout("per_task", "shared", "shared") if variant is None else variant
    one = objective_of(kind, cells_of(shares[None], n), variant, np.array([0]))

    def objective(x):
        value, gradient, _ = one(x[None], np.array([0]))
        return value[0], gradient[0]

    return min(
        minimize(
            objective, rng.uniform(*variant.bounds.T), jac=True, method="L-BFGS-B",
            bounds=variant.bounds,
        ).fun
        for _ in range(n_starts)
    )  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize(("kind", "width"), [("binomial", 0), ("published", 0.1), ("published", 0)])
def test_gradients(kind, width, variant, rng):
    parts = layout(
        *({"boundary": "per_task", "slope": "shared", "lapse": "shared"} | variant).values()
    )
    cells = cells_of(rng.binomial(7, 0.5, (3, 2, 5, 5)) / 7, 7)
    objective = objective_of(kind, cells, parts, np.arange(3), width)
    low, high = parts.bounds.T
    x = low + (high - low) * rng.uniform(0.1, 0.6, (3, len(low)))
    x[:, [name.startswith("slope") for name in parts.names]] /= 5
    _, gradient, curvature = objective(x, np.arange(3))
    for k in range(3):
        numeric = approx_fprime(x[k], lambda z, k=k: objective(z[None], np.array([k]))[0][0], 1e-7)
        assert_allclose(gradient[k], numeric, rtol=1e-4, atol=1e-4 * abs(gradient[k]).max())
        assert np.linalg.eigvalsh(curvature[k]).min() > -1e-9 * abs(curvature[k]).max()


@pytest.mark.parametrize("kind", ["binomial", "published"])
def test_objectives_are_those_of_the_paper(kind, rng):
    p = probability((170, 100), 1.5, 0.2, 0.05)
    y = rng.binomial(6, p) / 6
    x = np.array([[np.radians(170), np.radians(100), 1.5, 0.2, 0.05]])
    value = objective_of(
        kind, cells_of(y[None], 6), layout("per_task", "shared", "shared"), np.array([0])
    )(x, np.array([0]))[0]
    expected = {
        "binomial": -6 * (y * np.log(p) + (1 - y) * np.log(1 - p)).sum(),
        "published": -np.log(1 - abs(y - p) + 1e-10).sum(),
    }
    assert_allclose(value, expected[kind])


@pytest.mark.parametrize("truth", TRUTHS)
def test_shares_without_noise_give_the_parameters_back(truth):
    p = probability(truth[:2], *truth[2:])
    for objective in ("binomial", "published"):
        (model,) = fit_choices([p], 100, ChoiceModel(objective, random_state=0))
        found = [*model.boundary_angles_, model.slope_, model.offset_, model.lapse_]
        assert_allclose(found, truth, atol=2e-3)
        assert np.isclose(model.bias_, (180 - truth[0] + truth[1] - 90) / 2, atol=1e-3)


def test_parameters_of_simulated_subjects_are_recovered(rng):
    angles = np.column_stack([rng.uniform(140, 220, 40), rng.uniform(50, 130, 40)])
    slope, offset = rng.uniform(0.8, 2.5, 40), rng.uniform(-0.6, 0.6, 40)
    lapse = rng.uniform(0, 0.2, 40)
    p = [probability(*truth) for truth in zip(angles, slope, offset, lapse, strict=True)]
    table = choice_model_table(fit_choices(rng.binomial(100, p) / 100, 100))
    for column, truth, error in [
        ("boundary_0", angles[:, 0], 4), ("boundary_1", angles[:, 1], 4), ("slope", slope, 0.8),
        ("offset", offset, 0.1), ("lapse", lapse, 0.03),
    ]:  # fmt: skip
        assert np.corrcoef(table[column], truth)[0, 1] > 0.8, column
        assert np.median(abs(table[column] - truth)) < error, column
    assert abs((table["boundary_0"] - angles[:, 0]).mean()) < 2


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_fit_is_never_worse_than_scipy(variant, rng):
    angles = 135 if "boundary" in variant else (165, 100)
    slope = (0.9, 1.8) if "slope" in variant else 1.3
    lapse = (0.02, 0.15) if "lapse" in variant else 0.08
    y = rng.binomial(12, probability(angles, slope, 0.3, lapse)) / 12
    (model,) = fit_choices([y], 12, ChoiceModel(**variant, random_state=0))
    assert model.objective_ <= reference("binomial", y, 12, rng, 8, model._layout()) + 1e-7
    assert model.n_params_ == len(model._layout().names)
    assert model.start_objectives_.shape == (20,)
    assert model.objective_ <= model.start_objectives_[0] == model.start_objectives_.min()


def test_humans_in_the_scanner(scan):
    rng = np.random.default_rng(0)
    models = fit_choices(scan.choice_matrices, 12, ChoiceModel(random_state=0))
    for k in rng.choice(32, 4, replace=False):
        best = reference("binomial", scan.choice_matrices[k], 12, rng, 20)
        assert models[k].objective_ <= best + 1e-8
    table = choice_model_table(models, scan.subjects["subject"])
    assert table["n_trials"].eq(600).all()
    assert table["slope"].median() > 1
    assert abs(table["boundary_0"].mean() - 180) < 10
    assert abs(table["boundary_1"].mean() - 90) < 15
    assert np.isfinite(table.to_numpy(float)).all()


def test_published_objective_of_humans(scan):
    rng = np.random.default_rng(1)
    some = rng.choice(32, 3, replace=False)
    models = fit_choices(scan.choice_matrices[some], 12, ChoiceModel("published", random_state=0))
    for k, model in zip(some, models, strict=True):
        assert (
            model.objective_ <= reference("published", scan.choice_matrices[k], 12, rng, 20) + 1e-5
        )
        y = scan.choice_matrices[k]
        p = probability(model.boundary_angles_, model.slope_, model.offset_, model.lapse_)
        assert_allclose(-np.log(1 - abs(y - p) + 1e-10).sum(), model.objective_)


@pytest.mark.parametrize("objective", ["binomial", "published"])
def test_many_subjects_equal_the_loop(objective, rng):
    data = [trials_of(probability(t[:2], *t[2:]), 6, rng) for t in TRUTHS[:3]]
    data[1] = (data[1][0][:250], data[1][1][:250])  # other cells, other counts
    data[2] = (*data[2], rng.integers(0, 3, len(data[2][1])))
    model = ChoiceModel(objective, n_starts=5, random_state=3)
    for together, subject in zip(fit_choice_models(data, model), data, strict=True):
        alone = clone(model).fit(*subject)
        assert_allclose(together.objective_, alone.objective_, rtol=1e-6)
        if objective == "binomial":
            assert_allclose(together.boundary_angles_, alone.boundary_angles_, atol=0.02)
        assert_array_equal(together.predict(subject[0]), alone.predict(subject[0]))
        assert together.n_features_in_ == 3


def test_trials_shares_and_matrices_are_one_fit(rng):
    X, y = trials_of(probability((170, 95), 1.5, 0, 0.05), 8, rng)
    table = pd.DataFrame(X, columns=["branchiness", "leafiness", "task"]).assign(y=y)
    cells = table.groupby(["task", "leafiness", "branchiness"])["y"].mean().reset_index()
    model = ChoiceModel(random_state=0)
    single = clone(model).fit(X, y)
    shares = clone(model).fit(cells[["branchiness", "leafiness", "task"]], cells["y"], [8] * 50)
    (matrix,) = fit_choices([cells["y"].to_numpy().reshape(2, 5, 5)], 8, model)
    for other in (shares, matrix):
        for name in ("objective_", "nll_", "bic_", "aic_", "bias_", "slope_", "n_trials_"):
            assert np.isclose(getattr(other, name), getattr(single, name), atol=1e-4), name
    p = single.predict_proba(X)
    assert_allclose(p.sum(axis=1), 1)
    nll = -np.log(p[np.arange(len(y)), y]).sum()
    assert_allclose([single.nll_, single.objective_, -single.log_likelihood(X, y) * 400], nll)
    assert_allclose(single.bic_, 2 * nll + 5 * np.log(400))
    assert_allclose(single.aic_, 2 * nll + 10)
    assert single.score(X, y) == (single.predict(X) == y).mean()
    assert_array_equal(single.predict(X), p.argmax(axis=1))
    names = shares.feature_names_in_.tolist()
    assert names == ["branchiness", "leafiness", "task"]


def test_information_criteria_of_the_published_objective(rng):
    y = rng.binomial(12, probability((170, 95), 1.5, 0, 0.05)) / 12
    (model,) = fit_choices([y], 12, ChoiceModel("published", n_starts=2, random_state=0))
    assert_allclose(model.bic_, 2 * model.objective_ + 5 * np.log(50))
    assert model.nll_ > model.objective_


def test_names_of_tasks(rng):
    X, y = trials_of(probability((180, 90), 2, 0, 0), 4, rng)
    frame = pd.DataFrame(
        {"b": X[:, 0], "l": X[:, 1], "garden": np.where(X[:, 2], "south", "north")}
    )
    model = ChoiceModel(n_starts=3, random_state=0).fit(frame, y)
    assert model.tasks_.tolist() == ["north", "south"]
    assert_allclose(
        model.predict_proba(frame),
        ChoiceModel(n_starts=3, random_state=0).fit(X, y).predict_proba(X),
    )
    with pytest.raises(ValueError, match=r"X has the task 'west'.* known are \['north', 'south'\]"):
        model.predict(frame.assign(garden="west"))


def test_cross_validated_likelihood_and_selection_find_the_model(rng):
    two = [trials_of(probability((175, 95), 2, 0, 0.02), 12, rng) for _ in range(6)]
    one = [trials_of(probability((135, 135), 2, 0, 0.02), 12, rng) for _ in range(6)]
    for X, y, better in [(*two[0], "per_task"), (*one[0], "shared")]:
        for scoring in ("neg_log_loss", lambda model, X, y: model.log_likelihood(X, y)):
            score = {
                boundary: cross_val_score(
                    ChoiceModel(boundary=boundary, n_starts=4, random_state=0), X, y, cv=3,
                    scoring=scoring,
                ).mean()
                for boundary in ("per_task", "shared")
            }  # fmt: skip
            assert score["per_task"] > np.log(0.5)
            if better == "per_task":
                assert score["per_task"] > score["shared"] + 0.05
            else:
                assert score["shared"] > score["per_task"] - 0.01
    for data, best in [(two, 0), (one, 1)]:
        evidence = [
            [-model.bic_ / 2 for model in fit_choice_models(data, ChoiceModel(boundary=boundary))]
            for boundary in ("per_task", "shared")
        ]
        result = bayesian_model_selection(np.transpose(evidence))
        assert result.protected_exceedance.argmax() == best
        assert result.frequencies[best] > 0.7


def test_learned_shapes_of_variants(rng):
    X, y = trials_of(probability((160, 100), (1, 3), 0, (0, 0.2)), 30, rng)
    model = ChoiceModel(slope="per_task", lapse="per_task", random_state=0).fit(X, y)
    assert model.slope_.shape == model.lapse_.shape == (2,)
    assert model.slope_[0] < model.slope_[1]
    assert model.lapse_[0] < model.lapse_[1]
    assert {"slope_0", "lapse_1"} <= set(choice_model_table([model]).columns)
    shared = ChoiceModel(boundary="shared", random_state=0).fit(X, y)
    assert shared.boundary_angles_.shape == (2,)
    assert np.ptp(shared.boundary_angles_) == 0
    assert shared.nll_ > model.nll_


X8 = np.array([[b, leaf, t] for b in (-1, 1) for leaf in (-1, 1) for t in (0, 1)], dtype=float)
Y8 = np.array([0, 0, 1, 0, 0, 1, 1, 1])


@pytest.mark.parametrize(
    ("X", "y", "match"),
    [
        (X8, Y8 + 1, r"y must hold choices, 1 \(accept\) or 0 \(reject\), .* got 2"),
        (X8, 2 * Y8 - 1, "from 0 to 1, got -1. Code responses as 0 and 1"),
        (X8, np.where(Y8, "yes", "no"), "Unknown label type: y must hold choices, .* got 'no'"),
        (X8, np.where(Y8, np.nan, 0), "y contains NaN"),
        (X8[:, :2], Y8, "X must have 3 columns, branchiness, leafiness and task, got n_f.* 2"),
        (X8 * [1, 1, 0], Y8, r"must hold two tasks, got 1: \[0.0\]. A boundary needs trials"),
        (X8 + [[0, 0, 2 * k] for k in range(8)], Y8, "must hold two tasks, got 8"),
        (X8, None, "requires y to be passed, but the target y is None"),
    ],
)
def test_bad_trials(X, y, match):
    with pytest.raises(ValueError, match=match):
        ChoiceModel().fit(X, y)
    with pytest.raises(ValueError, match="Subject 1: .*" + match):
        fit_choice_models([(X8, Y8), (X, y)], ChoiceModel(n_starts=1))


def test_other_errors(matrices):
    with pytest.raises(ValueError, match="contain at least one non-zero number"):
        ChoiceModel().fit(X8, Y8, np.zeros(8))
    with pytest.raises(
        ValueError, match=r"number of trials of each of the 8 rows, .* shape \(3,\)"
    ):
        ChoiceModel(n_starts=1).fit(X8, Y8).score(X8, Y8, [1, 2, 3])
    with pytest.raises(ValueError, match="The 'boundary' parameter of ChoiceModel must be a str"):
        ChoiceModel(boundary="both").fit(X8, Y8)
    with pytest.raises(ValueError, match="The 'objective' parameter of ChoiceModel must be a str"):
        fit_choice_models([(X8, Y8)], ChoiceModel("likelihood"))
    with pytest.raises(ValueError, match="data holds no subject"):
        fit_choice_models([])
    with pytest.raises(ValueError, match=r"data must hold \(X, y\) or .* got ndarray"):
        fit_choice_models([X8])
    with pytest.raises(ValueError, match="positive number of trials for each cell, got 0"):
        fit_choices(matrices, np.zeros(5))
    with pytest.raises(ValueError, match=r"counts must fit the shape \(7, 2, 5, 5\) .* got \(3,\)"):
        fit_choices(matrices, [1, 2, 3])
    with pytest.raises(ValueError, match="levels must be the 5 levels of the grid in rising order"):
        fit_choices(matrices, levels=[1, 2, 3, 3, 5])
    with pytest.raises(ValueError, match="subjects must name 1 models, got 2"):
        choice_model_table([ChoiceModel(n_starts=1).fit(X8, Y8)], ["a", "b"])
