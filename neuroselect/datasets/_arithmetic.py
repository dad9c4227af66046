"""Arithmetic with two numbers; the context says which operation."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from numbers import Integral, Real

import numpy as np
from sklearn.utils import Bunch, check_random_state

from neuroselect.utils._sklearn import Interval, validate_params

Operation = Callable[[np.ndarray, np.ndarray], np.ndarray]

OPERATIONS: dict[str, Operation] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
}

DESCR = """\
Arithmetic tasks after T. George, "What makes neurons picky?" (2020),
https://github.com/TomGeorge1234/WhatMakesNeuronsPicky

Every trial has two numbers, x0 and x1, drawn independently and uniformly from [0, 1], and a
task, which says by which operation the target follows from them. The columns of `data` are x0,
x1 and the code of the task: 0 for the first of `task_names`, 1 for the second, and so on.
"""


def resolve_operation(operation: str | Operation) -> Operation:
    """Return the function (x0, x1) -> target that a name stands for; callables pass."""
    if callable(operation):
        return operation
    if operation in OPERATIONS:
        return OPERATIONS[operation]
    weighted = re.fullmatch(r"add(\d+(?:\.\d+)?)", str(operation))
    if weighted is None:
        raise ValueError(
            f"operations holds {operation!r}. Expected {', '.join(map(repr, OPERATIONS))},"
            " 'add<weight>' (e.g. 'add1.5' for x0 + 1.5 * x1) or a callable (x0, x1) -> target."
        )
    weight = float(weighted[1])
    return lambda x0, x1: x0 + weight * x1


def operation_names(operations: Sequence[str | Operation]) -> list[str]:
    """Name the tasks; names that occur more than once get the task's code appended."""
    names = [op if isinstance(op, str) else getattr(op, "__name__", repr(op)) for op in operations]
    count = Counter(names)
    return [f"{name}_{k}" if count[name] > 1 else name for k, name in enumerate(names)]


def task_shares(fraction: float | Sequence[float] | None, n_tasks: int) -> np.ndarray:
    """Return the share of each task, shape (n_tasks,), non-negative with sum 1."""
    if fraction is None:
        return np.full(n_tasks, 1 / n_tasks)
    if isinstance(fraction, Real):
        if n_tasks != 2:
            raise ValueError(
                f"fraction={fraction} is the share of the first of two tasks, but there are"
                f" {n_tasks} operations. Pass one share per task, or None for equal shares."
            )
        fraction = (fraction, 1 - fraction)
    shares = np.asarray(fraction, dtype=np.float64)
    if shares.shape != (n_tasks,):
        raise ValueError(
            f"fraction has shape {shares.shape}, but there are {n_tasks} operations."
            " Pass one share per task."
        )
    if not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError(f"fraction must lie between 0 and 1, got shares {shares.tolist()}.")
    if not np.isclose(shares.sum(), 1, rtol=0, atol=1e-6):
        raise ValueError(
            f"The shares in fraction must sum to 1, got {shares.tolist()} with sum {shares.sum()}."
        )
    return shares / shares.sum()


def trial_counts(shares: np.ndarray, n_trials: int) -> np.ndarray:
    """Round shares to counts with sum n_trials (largest remainders, ties to the first task)."""
    exact = shares * n_trials
    counts = np.floor(exact).astype(int)
    by_remainder = np.argsort(counts - exact, kind="stable")
    counts[by_remainder[: n_trials - counts.sum()]] += 1
    return counts


def apply_operation(function: Operation, x0: np.ndarray, x1: np.ndarray, name: str) -> np.ndarray:
    """Return function(x0, x1) if it is one finite real number per trial, else raise."""
    target = np.asarray(function(x0, x1))
    if target.shape != x0.shape or target.dtype.kind not in "biuf":
        raise ValueError(
            f"Operation {name!r} must return one real number per trial, shape {x0.shape};"
            f" got an array of shape {target.shape} and dtype {target.dtype}."
        )
    if not np.isfinite(target).all():
        raise ValueError(
            f"Operation {name!r} returned {np.sum(~np.isfinite(target))} targets that are NaN or"
            " infinite. It must be finite for all x0, x1 in [0, 1]."
        )
    return target


@validate_params(
    {
        "n_trials": [Interval(Integral, 1, None, closed="left")],
        "operations": [list, tuple],
        "fraction": [Interval(Real, 0, 1, closed="both"), "array-like", None],
        "random_state": ["random_state"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_arithmetic_tasks(
    n_trials: int = 1000,
    *,
    operations: Sequence[str | Operation] = ("add", "multiply"),
    fraction: float | Sequence[float] | None = None,
    random_state: int | np.random.RandomState | None = None,
    return_X_y: bool = True,
) -> tuple[np.ndarray, np.ndarray] | Bunch:
    """Make arithmetic tasks: two numbers, and a cue that says how to combine them [1]_.

    Parameters
    ----------
    n_trials : int, default=1000
        Number of trials of all tasks together.
    operations : list or tuple of str or callable, default=("add", "multiply")
        One task each, with the codes 0, 1, ... in this order: "add" (x0 + x1), "subtract"
        (x0 - x1), "multiply" (x0 * x1), "add<weight>" (e.g. "add1.5": x0 + 1.5 * x1), or a
        function of two arrays of shape (n_trials_of_the_task,) that returns the targets.
    fraction : float, array-like of shape (n_tasks,) or None, default=None
        With two tasks, the share of trials of the first; or the share of each task. Shares lie
        between 0 and 1 and sum to 1; the counts are exact up to rounding. None is equal shares.
    random_state : int, RandomState instance or None, default=None
        Source of the numbers and of the order of the tasks. One seed gives the same numbers
        for all `operations` and `fraction`.
    return_X_y : bool, default=True
        Return ``(X, y)`` instead of a Bunch.

    Returns
    -------
    (X, y) : tuple if ``return_X_y`` is True
        ``X`` of shape (n_trials, 3): x0 and x1, uniform on [0, 1), and the code of the task.
        ``y`` of shape (n_trials,). The tasks are shuffled.
    tasks : :class:`~sklearn.utils.Bunch` otherwise
        ``data``, ``target`` (the X and y above), ``feature_names``, ``task_names`` (the names
        of the operations), ``conditions`` (DataFrame, one row per trial, with `task`, `x0`,
        `x1`) and ``DESCR``.

    Raises
    ------
    ValueError
        If an operation is unknown or does not return one finite number per trial, or if
        `fraction` does not fit the operations.

    See Also
    --------
    make_context_blobs : One image, two features, and a context that says which one counts.

    References
    ----------
    .. [1] T. George (2020), "What makes neurons picky?",
       https://github.com/TomGeorge1234/WhatMakesNeuronsPicky

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.datasets import make_arithmetic_tasks
    >>> X, y = make_arithmetic_tasks(10, operations=("add", "add1.5"), fraction=0.2)
    >>> np.bincount(X[:, -1].astype(int))
    array([2, 8])
    >>> bool(np.allclose(y, X[:, 0] + np.where(X[:, 2] == 0, 1.0, 1.5) * X[:, 1]))
    True
    """
    if not operations:
        raise ValueError("operations is empty. Pass at least one operation.")
    functions = [resolve_operation(operation) for operation in operations]
    names = operation_names(operations)
    counts = trial_counts(task_shares(fraction, len(functions)), n_trials)

    random_state = check_random_state(random_state)
    x = random_state.uniform(size=(n_trials, 2))
    task = random_state.permutation(np.repeat(np.arange(len(functions)), counts))
    y = np.empty(n_trials)
    for code in np.flatnonzero(counts):
        rows = task == code
        y[rows] = apply_operation(functions[code], *x[rows].T, names[code])
    X = np.column_stack([x, task])
    if return_X_y:
        return X, y

    import pandas as pd

    return Bunch(
        data=X,
        target=y,
        feature_names=["x0", "x1", "task"],
        task_names=names,
        conditions=pd.DataFrame({"task": task, "x0": x[:, 0], "x1": x[:, 1]}),
        DESCR=DESCR,
    )
