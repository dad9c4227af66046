import functools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.model_selection import GroupKFold, GroupShuffleSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils import Bunch

from neuroselect.datasets import fetch_mnist, make_digit_tasks
from neuroselect.datasets._digits import draw_trials

EXPECTED = {  # None: left out
    "parity": lambda digit: digit % 2,
    "magnitude": lambda digit: int(digit >= 5),
    "prime": lambda digit: 0 if digit > 1 and all(digit % k for k in range(2, digit)) else 1,
    "parity_subset": lambda digit: digit % 2 if str(digit) in "048139" else None,
}
# One image per digit; every pixel of an image is its digit, so that pixels tell the digit.
LABELS = np.arange(10)
IMAGES = np.repeat(LABELS[:, None], 4, axis=1)


def is_permutation(rows, others):
    return sorted(map(tuple, rows)) == sorted(map(tuple, others))


def test_defaults_against_a_loop(seed):
    X, y = make_digit_tasks(random_state=seed)
    digits = load_digits()
    trials = [
        (*(pixel / 16 for pixel in image), task, rule(digit))
        for task, rule in enumerate(EXPECTED.values())
        for image, digit in zip(digits.data.tolist(), digits.target.tolist(), strict=True)
        if rule(digit) is not None
    ]
    assert X.dtype == np.float64
    assert y.dtype == np.int64
    assert is_permutation(np.column_stack([X, y]).tolist(), trials)


def test_bunch_agrees_with_arrays(seed):
    X, y = make_digit_tasks(n_trials=50, random_state=seed)
    tasks = make_digit_tasks(n_trials=50, random_state=seed, return_X_y=False)
    np.testing.assert_array_equal(tasks.data, X)
    np.testing.assert_array_equal(tasks.target, y)
    assert tasks.task_names == ["parity", "magnitude", "prime", "parity_subset"]
    assert tasks.image_shape == (8, 8)
    assert len(tasks.feature_names) == 65
    assert tasks.feature_names[:2] == ["pixel_0_0", "pixel_0_1"]
    assert tasks.feature_names[-2:] == ["pixel_7_7", "task"]
    for text in ("George", "10.24432/C50P49", "10.1109/5.726791"):
        assert text in tasks.DESCR


def test_conditions_describe_the_trials(seed):
    tasks = make_digit_tasks(random_state=seed, return_X_y=False)
    digits = load_digits()
    assert list(tasks.conditions.columns) == ["task", "digit", "image"]
    task, digit, image = tasks.conditions.to_numpy().T
    np.testing.assert_array_equal(tasks.data[:, -1], task)
    np.testing.assert_array_equal(tasks.data[:, :-1], digits.data[image] / 16)
    np.testing.assert_array_equal(digit, digits.target[image])
    rules = [EXPECTED[name] for name in tasks.task_names]
    assert tasks.target.tolist() == [rules[k](d) for k, d in zip(task, digit, strict=True)]


@pytest.mark.parametrize("splitter", [GroupShuffleSplit(3, random_state=0), GroupKFold(3)])
def test_split_by_image_shares_no_image(splitter, seed):
    tasks = make_digit_tasks(random_state=seed, return_X_y=False)
    image = tasks.conditions["image"]
    for train, test in splitter.split(tasks.data, groups=image):
        pixels = [{row.tobytes() for row in tasks.data[part, :-1]} for part in (train, test)]
        assert not pixels[0] & pixels[1]
        assert set(tasks.data[test, -1]) == {0, 1, 2, 3}


def test_labels_can_be_decoded(seed):
    tasks = make_digit_tasks(random_state=seed, return_X_y=False)
    split = GroupShuffleSplit(1, random_state=seed)
    train, test = next(split.split(tasks.data, groups=tasks.conditions["image"]))
    X, y, task = tasks.data[:, :-1], tasks.target, tasks.conditions["task"].to_numpy()
    for k in range(4):
        rows, unseen = train[task[train] == k], test[task[test] == k]
        decoder = KNeighborsClassifier(3).fit(X[rows], y[rows])
        assert decoder.score(X[unseen], y[unseen]) > 0.95


def test_order_is_shuffled(seed):
    X, y = make_digit_tasks(random_state=seed)
    first = X[: len(X) // 2, -1]
    share = np.bincount(first.astype(int)) / np.bincount(X[:, -1].astype(int))
    assert (np.abs(share - 0.5) < 5 * 0.5 / np.sqrt(1000)).all()
    assert abs(y[: len(y) // 2].mean() - y.mean()) < 5 * 0.5 / np.sqrt(3000)


def test_random_state(seed):
    X, y = make_digit_tasks(n_trials=300, random_state=seed)
    again, y_again = make_digit_tasks(n_trials=300, random_state=np.random.RandomState(seed))
    np.testing.assert_array_equal(X, again)
    np.testing.assert_array_equal(y, y_again)
    other, _ = make_digit_tasks(n_trials=300, random_state=seed + 1)
    assert not is_permutation(X.tolist(), other.tolist())


def test_each_call_returns_its_own_arrays(seed):
    images, labels = IMAGES.copy(), LABELS.copy()
    tasks = make_digit_tasks(images=(images, labels), random_state=seed, return_X_y=False)
    tasks.data[:] = -1
    tasks.target[:] = -1
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize("n_trials", [1, 4, 7, 1001, 4 * 1078 + 3])
def test_trials_are_spread_equally(n_trials, seed):
    tasks = make_digit_tasks(n_trials=n_trials, random_state=seed, return_X_y=False)
    counts = np.bincount(tasks.conditions["task"], minlength=4)
    assert counts.sum() == n_trials == len(tasks.data) == len(tasks.target)
    assert counts.max() - counts.min() <= 1
    assert (np.diff(counts) <= 0).all()
    assert not tasks.conditions[["task", "image"]].duplicated().any()


@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4), n_trials=st.integers(1, 30))
def test_drawing_trials(sizes, n_trials):
    pools = [np.arange(size) + 10 * k for k, size in enumerate(sizes)]
    names = [f"task{k}" for k in range(len(sizes))]

    def feasible(n):
        dealt = [len(range(k, n, len(sizes))) for k in range(len(sizes))]
        return all(n_k <= size for n_k, size in zip(dealt, sizes, strict=True))

    if feasible(n_trials):
        task, image = draw_trials(pools, names, n_trials, np.random.RandomState(0))
        assert len(set(image)) == n_trials
        np.testing.assert_array_equal(image // 10, task)
    else:
        most = max(n for n in range(31) if feasible(n))
        with pytest.raises(ValueError, match=f"Pass n_trials={most} or fewer"):
            draw_trials(pools, names, n_trials, np.random.RandomState(0))


def test_every_image_is_as_likely():
    drawn = [
        draw_trials([np.arange(5)], ["a"], 2, np.random.RandomState(seed))[1]
        for seed in range(1000)
    ]
    share = np.bincount(np.concatenate(drawn)) / 1000
    assert (np.abs(share - 2 / 5) < 5 * np.sqrt(0.4 * 0.6 / 1000)).all()


@pytest.mark.parametrize(
    "rule",
    [
        {1: 0, 7: 1},
        {1: 0, 7: 1, 3: -1},
        {1: 0, 7: 1, 3: np.nan},
        {np.int64(1): False, np.uint8(7): True},
        lambda digit: np.select([digit == 1, digit == 7], [0, 1], -1),
        lambda digit: np.select([digit == 1, digit == 7], [0.0, 1.0], np.nan),
        lambda digit: [-1, 0, -1, -1, -1, -1, -1, 1, -1, -1],
    ],
)
def test_mappings_and_callables(rule, seed):
    tasks = make_digit_tasks(rules=[rule], random_state=seed, return_X_y=False)
    digits = load_digits().target
    assert len(tasks.target) == np.isin(digits, [1, 7]).sum()
    assert tasks.target.dtype == np.int64
    np.testing.assert_array_equal(tasks.target, tasks.conditions["digit"] == 7)


def test_rules_may_have_many_classes(seed):
    rules = (lambda digit: digit, "parity", lambda digit: (digit % 3).astype(np.uint8))
    X, y = make_digit_tasks(images=(IMAGES, LABELS), rules=rules, random_state=seed)
    for row, label in zip(X, y, strict=True):
        digit = round(row[0] * 9)
        assert label == [digit, digit % 2, digit % 3][int(row[-1])]


def test_task_names():
    def ends(digit):
        return digit > 7

    rules = ["parity", ends, functools.partial(ends), {0: 0, 1: 1}, "parity"]
    tasks = make_digit_tasks(images=(IMAGES, LABELS), rules=rules, return_X_y=False)
    assert tasks.task_names == ["parity_0", "ends", "partial", "dict", "parity_4"]


def test_given_arrays_equal_the_named_ones(seed):
    digits = load_digits()
    X, y = make_digit_tasks(random_state=seed)
    for images in (
        digits,
        (digits.images, digits.target),
        (digits.data, digits.target),
        (digits.images.astype(np.uint8), digits.target.astype(np.uint8)),
        (digits.data.tolist(), digits.target.astype(float).tolist()),
        Bunch(data=digits.data, target=digits.target, image_shape=(8, 8)),
    ):
        got, labels = make_digit_tasks(images=images, random_state=seed)
        np.testing.assert_array_equal(got, X)
        np.testing.assert_array_equal(labels, y)


def test_mnist(data_folder, monkeypatch, seed):
    monkeypatch.setenv("NEUROSELECT_DATA", str(data_folder))
    mnist = fetch_mnist()
    tasks = make_digit_tasks(images="mnist", n_trials=400, random_state=seed, return_X_y=False)
    image = tasks.conditions["image"].to_numpy()
    assert tasks.image_shape == (28, 28)
    assert tasks.data.shape == (400, 785)
    np.testing.assert_array_equal(tasks.data[:, :-1], mnist.data[image] / 255)
    np.testing.assert_array_equal(tasks.conditions["digit"], mnist.target[image])
    X, y = make_digit_tasks(images=mnist, n_trials=400, random_state=seed)
    np.testing.assert_array_equal(X, tasks.data)
    np.testing.assert_array_equal(y, tasks.target)


def test_images_that_are_not_square(seed):
    images = np.arange(60).reshape(10, 2, 3)
    flat = Bunch(data=images.reshape(10, 6), target=LABELS, image_shape=[2, 3])
    for given_images in ((images, LABELS), flat):
        tasks = make_digit_tasks(images=given_images, random_state=seed, return_X_y=False)
        assert tasks.image_shape == (2, 3)
        assert tasks.feature_names[3] == "pixel_1_0"
        row = tasks.conditions["image"].to_numpy()
        np.testing.assert_array_equal(tasks.data[:, 3], images[row, 1, 0] / 59)


@pytest.mark.parametrize("rule", ["odd", "Parity", "", None, 3, ["parity"]])
def test_unknown_rule(rule):
    match = r"rules holds .*'parity', 'magnitude', 'prime', 'parity_subset', a mapping .*callable"
    with pytest.raises(ValueError, match=match):
        make_digit_tasks(rules=("parity", rule))


@pytest.mark.parametrize(
    ("rule", "match"),
    [
        ({"1": 0, 2: 1}, r"mapping with the keys \['1'\], which are no digits"),
        ({10: 0, 2: 1}, r"mapping with the keys \[10\]"),
        ({1: "odd", 2: "even"}, r"must give one number per digit, shape \(10,\); .*<U"),
        ({1: None, 2: 1}, "must give one number per digit.*object"),
        (lambda digit: 1, r"must give one number per digit.* shape \(\)"),
        (lambda digit: digit[:5], r"must give one number per digit.* shape \(5,\)"),
        (lambda digit: digit + 1j, "must give one number per digit.*complex128"),
        ({1: 0.5, 2: 1}, r"gives the labels .*0.5.* whole numbers from 0; .* -1 or NaN"),
        ({1: -2, 2: 1}, "gives the labels .* whole numbers from 0"),
        ({1: np.inf, 2: 1}, "gives the labels .* whole numbers from 0"),
        ({1: 1e300, 2: 1}, "gives the labels .* whole numbers from 0"),
        ({}, "Rule 'dict' leaves no trial of these images"),
        (lambda digit: np.full(10, -1), "Rule '<lambda>' leaves no trial of these images"),
        ({1: 3, 2: 3}, "Rule 'dict' gives all its 359 images the same class 3. A task needs two"),
    ],
)
def test_bad_rules(rule, match):
    with pytest.raises(ValueError, match=match):
        make_digit_tasks(rules=["parity", rule])


def test_rules_that_these_images_cannot_serve():
    some = np.array([5, 6, 7])
    images = (IMAGES[some], LABELS[some])
    with pytest.raises(ValueError, match="Rule 'magnitude' gives all its 3 images the same class"):
        make_digit_tasks(images=images, rules=["parity", "magnitude"])
    with pytest.raises(ValueError, match="Rule 'parity_subset' leaves no trial"):
        make_digit_tasks(images=images, rules=["parity_subset"])


@pytest.mark.parametrize(
    ("images", "match"),
    [
        ((np.ones((10, 6)), LABELS), r"6 pixels per image, .* of shape \(2, 2\). Pass images that"),
        (
            Bunch(data=np.ones((10, 6)), target=LABELS, image_shape=(2, 2)),
            r"6 pixels per image, .* of shape \(2, 2\)",
        ),
        (
            Bunch(data=np.ones((10, 6)), target=LABELS, image_shape=(6,)),
            r"6 pixels per image, .* of shape \(6,\)",
        ),
        ((np.ones((10, 4, 4, 3)), LABELS), r"images must be numbers of .*got .*\(10, 4, 4, 3\)"),
        ((np.ones(10), LABELS), r"images must be numbers of .*got .*\(10,\)"),
        ((np.ones((0, 4)), []), r"images must be numbers of .*got .*\(0, 4\)"),
        ((np.ones((10, 0)), LABELS), r"images must be numbers of .*got .*\(10, 0\)"),
        ((np.full((10, 4), "a"), LABELS), "images must be numbers of .*<U1"),
        ((np.full((10, 4), 1j), LABELS), "images must be numbers of .*complex"),
        ((IMAGES - 1, LABELS), "images must be finite and non-negative.* between -1.0 and 8.0"),
        ((np.full((10, 4), np.nan), LABELS), "images must be finite and non-negative"),
        ((np.full((10, 4), np.inf), LABELS), "images must be finite and non-negative"),
        ((np.zeros((10, 4)), LABELS), "images must be .* not all zero"),
        ((IMAGES, LABELS[:9]), r"There are 10 images, but the labels have shape \(9,\)"),
        ((IMAGES, LABELS[:, None]), r"There are 10 images, but the labels have shape \(10, 1\)"),
        ((IMAGES[:9], LABELS), r"There are 9 images, but the labels have shape \(10,\)"),
        ((IMAGES, LABELS + 1), r"must be digits, the numbers 0 to 9; got \[1, 2, .*10\]"),
        ((IMAGES, LABELS - 1), r"must be digits, the numbers 0 to 9; got \[-1, 0"),
        ((IMAGES, LABELS / 2), r"must be digits, the numbers 0 to 9; got \[0.0, 0.5"),
        ((IMAGES, np.full(10, np.nan)), "must be digits, the numbers 0 to 9; got .*nan"),
        ((IMAGES, LABELS.astype(str)), r"must be digits.*<U.* Convert texts with"),
        ((IMAGES, LABELS.astype(str).astype(object)), "must be digits.*dtype object"),
        ((IMAGES,), r"images is a tuple of 1. Pass \(images, labels\)"),
        ((IMAGES, LABELS, (2, 2)), "images is a tuple of 3. Pass"),
        (Bunch(images=IMAGES), r"Bunch with \['images'\]. It must have 'data' and 'target'"),
    ],
)
def test_bad_images(images, match):
    with pytest.raises(ValueError, match=match):
        make_digit_tasks(images=images)


def test_too_many_trials():
    most = 4 * 1078 + 3
    match = (
        f"n_trials={most + 1} asks for 1079 trials of task 'parity_subset', but only 1078 images"
        f" have a digit that it uses. Pass n_trials={most} or fewer, or None"
    )
    with pytest.raises(ValueError, match=re.escape(match)):
        make_digit_tasks(n_trials=most + 1)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"images": "fashion"},
        {"images": IMAGES},
        {"rules": "parity"},
        {"n_trials": 0},
        {"n_trials": 10.0},
        {"random_state": "seed"},
        {"return_X_y": 2},
    ],
)
def test_bad_parameters(kwargs):
    (name,) = kwargs
    with pytest.raises(ValueError, match=f"The {name!r} parameter of make_digit_tasks must be"):
        make_digit_tasks(**kwargs)


def test_no_rule():
    with pytest.raises(ValueError, match="rules is empty"):
        make_digit_tasks(rules=())
