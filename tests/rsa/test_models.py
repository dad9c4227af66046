"""model_rdms against coordinates written by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import pdist, squareform

from neuroselect.rsa import model_rdms

FEATURES = ["leafiness", "branchiness"]
ALL = ["grid", "rotated_grid", "orthogonal", "parallel", "diagonal", *FEATURES]


@pytest.fixture
def blobs():
    """Two tasks x 5 branchiness x 5 leafiness; leafiness is relevant in task 0."""
    rows = list(itertools.product([0, 1], range(-2, 3), range(-2, 3)))
    return pd.DataFrame(rows, columns=["task", "branchiness", "leafiness"])


def by_hand(conditions, offset=0.0):
    """Coordinates of every model, row by row, x = relevant axis of task 0."""
    points = {name: [] for name in ALL}
    for task, b, leaf in conditions[["task", "branchiness", "leafiness"]].to_numpy():
        z = offset * task
        points["grid"].append((leaf, b, z))
        points["rotated_grid"].append((leaf, b, z) if task == 0 else (b, -leaf, z))
        points["orthogonal"].append((leaf, 0, z) if task == 0 else (0, b, z))
        points["parallel"].append((leaf if task == 0 else b, 0, z))
        points["diagonal"].append(((leaf + b) * np.cos(np.pi / 4), 0, 0))
        points["leafiness"].append((leaf, 0, 0))
        points["branchiness"].append((b, 0, 0))
    return {name: np.array(rows, dtype=float) for name, rows in points.items()}


@pytest.mark.parametrize("offset", [0.0, 1.5])
def test_models_by_hand(blobs, offset):
    rdms = model_rdms(blobs, FEATURES, "task", models=ALL, context_offset=offset)
    assert rdms.shape == (7, 50 * 49 // 2)
    for name, rdm in zip(ALL, rdms, strict=True):
        assert_allclose(rdm, pdist(by_hand(blobs, offset)[name]), atol=1e-14, err_msg=name)


def test_rotated_grid_is_a_rotation_of_the_second_plane(blobs):
    grid = model_rdms(blobs, FEATURES, "task", models="grid")[0]
    second = (blobs["task"] == 1).to_numpy()
    turned = by_hand(blobs)["grid"][:, :2].copy()
    rotation = np.array([[0.0, 1.0], [-1.0, 0.0]])
    assert np.linalg.det(rotation) == 1  # a reflection would have -1
    turned[second] = turned[second] @ rotation.T
    rotated = model_rdms(blobs, FEATURES, "task", models="rotated_grid")[0]
    assert_allclose(rotated, pdist(turned), atol=1e-14)

    reflected = by_hand(blobs)["grid"][:, :2].copy()
    reflected[second] = reflected[second][:, ::-1]
    assert abs(rotated - pdist(reflected)).max() > 1
    # Turning a plane leaves the distances within it.
    within = np.ix_(second, second)
    assert_allclose(squareform(rotated)[within], squareform(grid)[within], atol=1e-14)


def test_offset_separates_tasks_only(blobs):
    near, far = (
        model_rdms(blobs, FEATURES, "task", models=ALL, context_offset=offset)
        for offset in (0.0, 3.0)
    )
    task = blobs["task"].to_numpy()
    across = pdist(task[:, np.newaxis]) > 0
    assert_array_equal(near[:, ~across], far[:, ~across])
    assert_allclose(far[:4, across] ** 2, near[:4, across] ** 2 + 9)
    assert_array_equal(near[4:], far[4:])


def test_default_relevance_follows_the_sorted_tasks(blobs):
    default = model_rdms(blobs, FEATURES, "task", models="orthogonal")
    relevant = {0: "leafiness", 1: "branchiness"}
    assert_array_equal(
        default, model_rdms(blobs, FEATURES, "task", models="orthogonal", relevant=relevant)
    )
    named = blobs.assign(task=blobs["task"].map({0: "south", 1: "north"}))
    swapped = model_rdms(named, FEATURES[::-1], "task", models="orthogonal")
    assert_array_equal(default, swapped)  # sorted: north takes branchiness
    other = model_rdms(blobs, FEATURES[::-1], "task", models="orthogonal")
    assert abs(default - other).max() > 1


def test_levels_are_centred_and_order_of_conditions_is_kept(blobs, rng):
    shifted = blobs.assign(leafiness=blobs["leafiness"] + 7, branchiness=blobs["branchiness"] - 3)
    expected = model_rdms(blobs, FEATURES, "task", models=ALL)
    assert_allclose(model_rdms(shifted, FEATURES, "task", models=ALL), expected, atol=1e-14)

    order = rng.permutation(50)
    permuted = model_rdms(blobs.iloc[order], FEATURES, "task", models=ALL)
    for rdm, model in zip(permuted, expected, strict=True):
        assert_allclose(squareform(rdm), squareform(model)[np.ix_(order, order)], atol=1e-14)


def test_mapping_and_no_task(blobs):
    columns = blobs.to_dict("list")
    assert_array_equal(
        model_rdms(columns, FEATURES, "task", models=ALL),
        model_rdms(blobs, FEATURES, "task", models=ALL),
    )
    free = ["grid", "diagonal", "leafiness"]
    assert_array_equal(
        model_rdms(columns, FEATURES, models=free, context_offset=0),
        model_rdms(blobs, FEATURES, "task", models=free),
    )


def test_three_tasks_with_relevance(blobs):
    three = pd.concat([blobs, blobs[blobs["task"] == 1].assign(task=2)])
    relevant = {0: "leafiness", 1: "branchiness", 2: "leafiness"}
    rdm = model_rdms(three, FEATURES, "task", models="parallel", relevant=relevant)[0]
    axis = three["leafiness"].where(three["task"] != 1, three["branchiness"])
    assert_allclose(rdm, pdist(axis.to_numpy()[:, np.newaxis]))


@pytest.fixture
def factorial():
    """Category (labels) x size x gaze in three tasks, each about one of them."""
    rows = list(itertools.product(["face", "house", "tool"], [1.0, 2.0], [-3, 0, 6], "abc"))
    return pd.DataFrame(rows, columns=["category", "size", "gaze", "task"])


def test_any_factorial_design(factorial):
    features = ["category", "size", "gaze"]
    models = ["grid", "orthogonal", "category", "size", "task"]
    got = dict(zip(models, model_rdms(factorial, features, "task", models=models), strict=True))
    corners = {"face": (1, 0, 0), "house": (0, 1, 0), "tool": (0, 0, 1)}
    category = np.array([corners[name] for name in factorial["category"]]) / np.sqrt(2)
    size, gaze = (factorial[[name]].to_numpy() for name in ("size", "gaze"))
    assert_allclose(got["grid"], pdist(np.hstack([category, size, gaze])), atol=1e-14)
    assert_allclose(got["category"], pdist(factorial["category"].factorize()[0][:, None]) > 0)
    assert_allclose(got["size"], pdist(size))
    assert_allclose(got["task"], pdist(factorial["task"].factorize()[0][:, None]) > 0)
    task = factorial["task"].to_numpy()[:, np.newaxis]
    parts = category - 1 / np.sqrt(18), size - 1.5, gaze - 1.0
    relevant = np.hstack([np.where(task == t, x, 0) for t, x in zip("abc", parts, strict=True)])
    assert_allclose(got["orthogonal"], pdist(relevant), atol=1e-14)


def test_three_numeric_features(factorial):
    numbers = factorial.assign(category=factorial["category"].factorize()[0])
    features = ["category", "size", "gaze"]
    diagonal, parallel = model_rdms(numbers, features, "task", models=["diagonal", "parallel"])
    levels = numbers[features].to_numpy(dtype=float) - [1, 1.5, 1]
    assert_allclose(diagonal, pdist(levels.sum(axis=1, keepdims=True) / np.sqrt(3)), atol=1e-14)
    chosen = levels[np.arange(54), numbers["task"].factorize()[0]]
    assert_allclose(parallel, pdist(chosen[:, np.newaxis]), atol=1e-14)
    as_objects = numbers.astype({"size": object})
    assert_array_equal(model_rdms(as_objects, features, "task", models="parallel")[0], parallel)


def test_callables_need_no_features(factorial):
    rdm = model_rdms(factorial, [], models=lambda table: table[["size"]].to_numpy())
    assert_allclose(rdm[0], pdist(factorial[["size"]].to_numpy()))


@pytest.mark.parametrize("model", ["parallel", "diagonal"])
def test_labels_have_no_common_axis(factorial, model):
    features = ["category", "size", "gaze"]
    with pytest.raises(ValueError, match=rf"'category' .* must hold numbers .*\['{model}'\]"):
        model_rdms(factorial, features, "task", models=model)


def test_labels_are_complete(factorial):
    factorial.loc[3, "category"] = None
    with pytest.raises(ValueError, match="The feature 'category' of conditions must hold codes"):
        model_rdms(factorial, ["category"], models="grid")


def test_callables(blobs):
    def columns(conditions):
        return conditions[FEATURES].to_numpy()

    expected = pdist(columns(blobs))
    models = [
        columns,
        lambda conditions: pdist(columns(conditions)),
        lambda conditions: squareform(pdist(columns(conditions))),
        "grid",
    ]
    assert_allclose(model_rdms(blobs, FEATURES, models=models), [expected] * 4, atol=1e-14)
    assert_allclose(model_rdms(blobs, FEATURES, models=columns)[0], expected)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"models": ["gird"]}, r"Unknown model 'gird'.*'rotated_grid'.*'leafiness'"),
        ({"models": []}, "at least one model"),
        ({"features": ["leafiness"]}, "as many tasks as features; got 2 tasks"),
        ({"features": "leafiness", "models": "rotated_grid"}, "exactly two features, got 1"),
        ({"features": ["leafiness", "leafiness"]}, "features must name different columns"),
        ({"features": ["leafiness", "task"]}, "features must not name the task column 'task'"),
        ({"features": [], "models": "grid"}, "features must name at least one column"),
        ({"features": ["leafiness", "colour"]}, r"lacks the columns \['colour'\]"),
        ({"task": "garden"}, r"lacks the columns \['garden'\]"),
        ({"task": None}, r"\['orthogonal', 'parallel'\] depend on the task"),
        ({"task": None, "models": "grid", "context_offset": 1.0}, r"\['grid'\] depend"),
        ({"relevant": {0: "leafiness"}}, "relevant must map each of the tasks"),
        ({"relevant": {0: "leafiness", 1: "colour"}}, "relevant must map each of the tasks"),
        ({"models": lambda conditions: np.ones((3, 2))}, r"must return coordinates.*\(3, 2\)"),
        ({"models": lambda conditions: np.full(50 * 49 // 2, np.nan)}, "returned NaN"),
        (
            {"models": "rotated_grid", "relevant": dict.fromkeys([0, 1], "leafiness")},
            "exactly two tasks with different relevant features",
        ),
    ],
)
def test_bad_arguments(blobs, change, match):
    arguments = {"features": FEATURES, "task": "task", **change}
    with pytest.raises(ValueError, match=match):
        model_rdms(blobs, **arguments)


@pytest.mark.parametrize(
    ("column", "values", "match"),
    [
        ("leafiness", ["few"] * 50, "'leafiness' of conditions must hold numbers"),
        ("leafiness", [np.nan] * 50, "'leafiness' of conditions holds NaN"),
        ("task", [0, np.nan] * 25, "task column 'task' .* without missing"),
        ("task", [0, "b"] * 25, "task column 'task' .* one type"),
        ("task", [0, pd.NA] * 25, "task column 'task' .* without missing"),
        ("task", [0] * 50, r"as many tasks as features; got 1 tasks: \[0\]"),
        ("task", [0, 1, 2, 3, 4] * 10, "as many tasks as features; got 5"),
    ],
)
def test_bad_columns(blobs, column, values, match):
    conditions = {**blobs.to_dict("list"), column: values}
    with pytest.raises(ValueError, match=match):
        model_rdms(conditions, FEATURES, "task")


@pytest.mark.parametrize("change", [{"models": "rotated_grid"}, {"context_offset": 1.0}])
def test_turn_and_offset_need_two_tasks(blobs, change):
    conditions = blobs.assign(task=np.arange(50) % 3)
    relevant = {0: "leafiness", 1: "branchiness", 2: "branchiness"}
    with pytest.raises(ValueError, match="needs exactly two tasks"):
        model_rdms(conditions, FEATURES, "task", relevant=relevant, **change)


def test_columns_of_different_lengths(blobs):
    conditions = {**blobs.to_dict("list"), "task": [0, 1]}
    with pytest.raises(ValueError, match="equally long"):
        model_rdms(conditions, FEATURES, "task")
