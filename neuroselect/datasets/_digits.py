"""Handwritten digits; the task says what to tell about them."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from neuroselect.datasets._arithmetic import operation_names
from neuroselect.datasets._digit_images import N_DIGITS, load_images
from neuroselect.utils._sklearn import Interval, StrOptions, validate_params

Rule = str | Callable[[np.ndarray], ArrayLike] | Mapping[int, int]

LEFT_OUT = -1

# Digits of class 0, digits of class 1, in the order of the publication.
RULES: dict[str, tuple[tuple[int, ...], ...]] = {
    "parity": ((0, 2, 4, 6, 8), (1, 3, 5, 7, 9)),
    "magnitude": ((0, 1, 2, 3, 4), (5, 6, 7, 8, 9)),
    "prime": ((2, 3, 5, 7), (0, 1, 4, 6, 8, 9)),
    "parity_subset": ((0, 4, 8), (1, 3, 9)),
}

DESCR = """\
Digit tasks after T. George, "What makes neurons picky?" (2020),
https://github.com/TomGeorge1234/WhatMakesNeuronsPicky

Every trial has the image of a handwritten digit and a task, which says how to classify it: by
parity (even 0, odd 1), magnitude (below five 0, from five 1), whether it is a prime (2, 3, 5, 7
are 0, the others 1), by parity on {0, 4, 8} against {1, 3, 9} without the other digits, or by a
rule of one's own. The columns of `data` are the pixels, from 0 (background) to 1 (ink), row by
row, and the code of the task: 0 for the first of `task_names`, 1 for the second, and so on.
`conditions` tells the digit and the image of each trial: an image occurs in several tasks, so
split trials into training and test sets by groups of equal `image`.

Images: "digits", 8 x 8 pixels, come with scikit-learn (Alpaydin & Kaynak 1998, Optical
Recognition of Handwritten Digits, doi:10.24432/C50P49); "mnist", 28 x 28 pixels, is the test set
of MNIST (LeCun, Bottou, Bengio & Haffner 1998, doi:10.1109/5.726791).
"""


def rule_labels(rule: Rule) -> np.ndarray:
    """Return the class of each digit under a rule, shape (10,), -1 where it is left out."""
    if isinstance(rule, str) and rule in RULES:
        rule = {digit: label for label, digits in enumerate(RULES[rule]) for digit in digits}
    if isinstance(rule, Mapping):
        unknown = [key for key in rule if key not in range(N_DIGITS)]
        if unknown:
            raise ValueError(f"rules holds a mapping with the keys {unknown}, which are no digits.")
        labels = np.asarray([rule.get(digit, LEFT_OUT) for digit in range(N_DIGITS)])
    elif callable(rule):
        labels = np.asarray(rule(np.arange(N_DIGITS)))
    else:
        raise ValueError(
            f"rules holds {rule!r}. Expected {', '.join(map(repr, RULES))}, a mapping from digits"
            " to class labels, or a callable that returns the labels of an array of digits."
        )
    if labels.shape != (N_DIGITS,) or labels.dtype.kind not in "biuf":
        raise ValueError(
            f"Rule {rule!r} must give one number per digit, shape ({N_DIGITS},); got an array of"
            f" shape {labels.shape} and dtype {labels.dtype}."
        )
    labels = np.where(np.isnan(labels), LEFT_OUT, labels.astype(np.float64))
    whole = (labels == np.floor(labels)) & (labels < 2**53)
    if not (whole & (labels >= LEFT_OUT)).all():
        raise ValueError(
            f"Rule {rule!r} gives the labels {labels.tolist()}. Class labels are whole numbers from"
            " 0; digits to leave out get -1 or NaN."
        )
    return labels.astype(np.int64)


def task_pools(labels: np.ndarray, names: Sequence[str]) -> list[np.ndarray]:
    """Return for each task the images it can show, from the labels (n_tasks, n_images)."""
    pools = [np.flatnonzero(row != LEFT_OUT) for row in labels]
    for row, pool, name in zip(labels, pools, names, strict=True):
        classes = np.unique(row[pool]).tolist()
        if len(classes) < 2:
            raise ValueError(
                f"Rule {name!r} leaves no trial of these images."
                if not classes
                else f"Rule {name!r} gives all its {len(pool)} images the same class {classes[0]}."
                " A task needs two classes or more."
            )
    return pools


def draw_trials(
    pools: Sequence[np.ndarray],
    names: Sequence[str],
    n_trials: int | None,
    random_state: np.random.RandomState,
) -> tuple[np.ndarray, np.ndarray]:
    """Return task and image of each trial, shuffled; within a task no image comes twice."""
    n_tasks, sizes = len(pools), np.array([len(pool) for pool in pools])
    counts = sizes
    if n_trials is not None:
        counts = n_trials // n_tasks + (np.arange(n_tasks) < n_trials % n_tasks)
    short = np.flatnonzero(counts > sizes)
    if len(short):
        first = short[0]
        # The smallest task sets the limit; those before it may have one trial more.
        most = n_tasks * sizes.min() + np.argmin(sizes)
        raise ValueError(
            f"n_trials={n_trials} asks for {counts[first]} trials of task {names[first]!r}, but"
            f" only {sizes[first]} images have a digit that it uses. Pass n_trials={most} or fewer,"
            " or None for all images in all tasks."
        )
    image = np.concatenate(
        [random_state.permutation(pool)[:n] for pool, n in zip(pools, counts, strict=True)]
    )
    order = random_state.permutation(len(image))
    return np.repeat(np.arange(n_tasks), counts)[order], image[order]


@validate_params(
    {
        "images": [StrOptions({"digits", "mnist"}), tuple, Bunch],
        "rules": [list, tuple],
        "n_trials": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_digit_tasks(
    *,
    images: str | tuple[ArrayLike, ArrayLike] | Bunch = "digits",
    rules: Sequence[Rule] = ("parity", "magnitude", "prime", "parity_subset"),
    n_trials: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    return_X_y: bool = True,
) -> tuple[np.ndarray, np.ndarray] | Bunch:
    """Make digit tasks: one handwritten digit, and a task that says what to tell about it [1]_.

    Parameters
    ----------
    images : {"digits", "mnist"}, tuple or Bunch, default="digits"
        Images, and the digit that each shows: "digits" are the 1,797 of
        :func:`sklearn.datasets.load_digits` (8 x 8 pixels, no download), "mnist" the 10,000 of
        MNIST's test set (28 x 28 pixels, see :func:`fetch_mnist`). Or arrays
        ``(images, labels)``, or a Bunch with `data`, `target` and, if the images are not
        square, `image_shape`: images of shape (n_images, n_rows, n_columns) or
        (n_images, n_pixels), finite and non-negative, and labels of shape (n_images,), 0 to 9.
    rules : list or tuple of str, callable or mapping
        One task each, with the codes 0, 1, ... in this order; all four by default:

        - "parity": 0 for even, 1 for odd digits;
        - "magnitude": 0 below five, 1 from five;
        - "prime": 0 for 2, 3, 5 and 7, 1 for the others;
        - "parity_subset": 0 for 0, 4 and 8, 1 for 1, 3 and 9, without the other digits;
        - a mapping from digits to class labels (whole numbers from 0), which leaves out the
          digits that it lacks or maps to -1 or NaN;
        - a function that is called once with the digits 0 to 9, shape (10,), and returns
          their labels, -1 or NaN for digits to leave out.
    n_trials : int or None, default=None
        Number of trials of all tasks together, divided equally among the tasks (where it is
        not divisible, the first ones have one more), drawn without repeating an image within
        a task. None shows each image once in every task that uses its digit.
    random_state : int, RandomState instance or None, default=None
        Source of the choice and of the order of the trials.
    return_X_y : bool, default=True
        Return ``(X, y)`` instead of a Bunch.

    Returns
    -------
    (X, y) : tuple if ``return_X_y`` is True
        ``X`` of shape (n_trials, n_pixels + 1): pixels from 0 to 1, flattened row by row, and
        the code of the task as last column. The pixels are divided by 16 for "digits", by 255
        for "mnist", else by the largest of all given images: pass the images of an experiment
        together. ``y`` of shape (n_trials,), int64: class labels. The trials are shuffled.
    tasks : :class:`~sklearn.utils.Bunch` otherwise
        ``data``, ``target`` (the X and y above), ``feature_names``, ``task_names`` (the rules),
        ``conditions`` (DataFrame, one row per trial, with `task`, `digit` and `image`, the
        row of the image among all), ``image_shape`` and ``DESCR``.

    Raises
    ------
    ValueError
        If a rule is unknown, or leaves less than two classes of these images; if images and
        labels do not fit together; or if `n_trials` is more than there are.
    OSError
        If MNIST is not in the data folder and cannot be downloaded.

    See Also
    --------
    fetch_mnist : MNIST, for another data folder or the training set.
    make_arithmetic_tasks : Two numbers, and a cue that says how to combine them.

    Notes
    -----
    An image is a trial of several tasks. A test set of images that training has not seen
    therefore takes a split by groups of trials with the same image, as in the example, in
    cross-validation :class:`sklearn.model_selection.GroupKFold`.

    Which class is 0 and which is 1 follows the publication. It matters where tasks share their
    outputs: "parity" and "prime" give the same label to three digits of ten; were primes 1, it
    would be seven.

    References
    ----------
    .. [1] T. George (2020), "What makes neurons picky?",
       https://github.com/TomGeorge1234/WhatMakesNeuronsPicky

    Examples
    --------
    >>> from sklearn.model_selection import GroupShuffleSplit
    >>> from neuroselect.datasets import make_digit_tasks
    >>> tasks = make_digit_tasks(random_state=0, return_X_y=False)
    >>> tasks.data.shape, tasks.task_names
    ((6469, 65), ['parity', 'magnitude', 'prime', 'parity_subset'])

    Keep a fifth of the images, with all their trials, for the test:

    >>> image = tasks.conditions["image"].to_numpy()
    >>> split = GroupShuffleSplit(n_splits=1, test_size=0.2, random_state=0)
    >>> train, test = next(split.split(tasks.data, groups=image))
    >>> len(set(image[train])), len(set(image[test])), len(set(image[train]) & set(image[test]))
    (1437, 360, 0)
    """
    if not rules:
        raise ValueError("rules is empty. Pass at least one rule.")
    tables = np.stack([rule_labels(rule) for rule in rules])
    names = operation_names(
        [r if isinstance(r, str) else getattr(r, "__name__", type(r).__name__) for r in rules]
    )
    pixels, digits, image_shape = load_images(images)
    labels = tables[:, digits]
    pools = task_pools(labels, names)
    task, image = draw_trials(pools, names, n_trials, check_random_state(random_state))
    X = np.column_stack([pixels, np.zeros(len(pixels))])[image]
    X[:, -1] = task
    y = labels[task, image]
    if return_X_y:
        return X, y

    import pandas as pd

    return Bunch(
        data=X,
        target=y,
        feature_names=[
            *(f"pixel_{row}_{column}" for row, column in np.ndindex(image_shape)),
            "task",
        ],
        task_names=names,
        conditions=pd.DataFrame({"task": task, "digit": digits[image], "image": image}),
        image_shape=image_shape,
        DESCR=DESCR,
    )
