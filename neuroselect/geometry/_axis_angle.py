"""Do two tasks share the axis of a variable?"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from neuroselect.geometry._regression_axes import fit_axes
from neuroselect.geometry._rows import read_rows, transformed
from neuroselect.geometry._subspace_angle import subspace_angle
from neuroselect.geometry._targeted import (
    TargetedDimensionalityReduction,
    variable_values,
)
from neuroselect.geometry._trials import generator, orders_within
from neuroselect.preprocessing._groups import check_columns, group_numbers
from neuroselect.utils._p_values import ALTERNATIVES, monte_carlo_p_values
from neuroselect.utils._sklearn import Interval, StrOptions, validate_params


@validate_params(
    {
        "variable": [str],
        "task": [str],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "transform": [StrOptions({"sqrt"}), None],
        "permute": [StrOptions({"variable", "task"})],
        "n_permutations": [Interval(Integral, 0, None, closed="left")],
        "alternative": [StrOptions(set(ALTERNATIVES)), None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def axis_angle_test(
    recording: Mapping[str, Any],
    variable: str,
    task: str,
    *,
    n_components: int = 1,
    transform: str | None = "sqrt",
    permute: str = "variable",
    n_permutations: int = 200,
    alternative: str | None = None,
    random_state: Any = None,
) -> Bunch:
    """Angle between the axes of a variable in two tasks, with a null distribution.

    The axes are those of :class:`TargetedDimensionalityReduction`, one fit per task. Two
    questions have two null distributions, both by permutation of the labels of single trials,
    within units where these were not recorded together:

    - ``permute="variable"``: are the axes closer than those of a variable without any code? The
      variable is permuted within tasks. Small angles speak for a shared code.
    - ``permute="task"``: are the axes farther apart than noise explains, if both tasks
      have one and the same code? The task is permuted within values of the variable. Large
      angles speak for different codes: noise alone turns estimated axes away from each other.

    Parameters
    ----------
    recording : dict or :class:`~sklearn.utils.Bunch`
        In one of both forms of :func:`~neuroselect.recordings.make_container`.
    variable : str
        Column of the trials, as of :class:`TargetedDimensionalityReduction`.
    task : str
        Column of the trials with two values.
    n_components, transform
        As of :class:`TargetedDimensionalityReduction`.
    permute : {"variable", "task"}, default="variable"
        The null distribution.
    n_permutations : int, default=200
        Its number of draws; 0 for none.
    alternative : {"greater", "less", "two-sided"} or None, default=None
        Whether the angle is tested to be greater than the null, less, or either. None is "less"
        for the permuted variable and "greater" for the permuted task.
    random_state : int, RandomState instance or None, default=None
        Source of the permutations.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        angle : float
            Directed, from 0 to 180 degrees: more than 90 if the tasks code the variable in
            opposite ways.
        null : ndarray of shape (n_permutations,)
            Angles after permutation.
        p_value : float
            (k + 1) / (n_permutations + 1), k permutations being as extreme.
        axes : ndarray of shape (2, n_units)
            As `TargetedDimensionalityReduction.axis_`.
        tasks : list
            The two tasks, sorted.

    Raises
    ------
    ValueError
        If the task has other than two values, or as `TargetedDimensionalityReduction.fit`.

    See Also
    --------
    subspace_angle : The angle between any two axes.
    cross_task_decoding : The same question asked of decoders.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.geometry import axis_angle_test
    >>> from neuroselect.recordings import make_container
    >>> rng = np.random.default_rng(0)
    >>> rule, side = np.repeat([0, 1], 100), np.tile([0, 1], 100)
    >>> axes = rng.normal(size=(2, 20))
    >>> rates = axes[rule] * side[:, None] + rng.normal(size=(200, 20))
    >>> session = make_container(rates, {"rule": rule, "side": side})
    >>> options = {"transform": None, "n_permutations": 99, "random_state": 0}
    >>> result = axis_angle_test(session, "side", "rule", permute="task", **options)
    >>> bool(60 < result.angle < 120), result.p_value
    (True, 0.01)
    """
    reader = TargetedDimensionalityReduction(variable)
    rows = read_rows(reader, recording, None, [variable])
    check_columns(variable, rows.trials, "variable")
    check_columns(task, rows.trials, "task")
    tasks, code = np.unique(rows.trials[task].to_numpy(), return_inverse=True)
    if len(tasks) != 2 or task == variable:
        raise ValueError(
            f"task must name a column other than the variable that has two values, {task!r} has"
            f" {len(tasks)}: {tasks[:10].tolist()}."
        )
    values = transformed(rows.values, transform)
    design = variable_values(rows.trials, variable)
    condition, _ = group_numbers(rows.trials, [variable])

    def axes_of(code: NDArray, order: NDArray | slice) -> NDArray[np.float64]:
        axes = []
        for k in range(2):
            own = code == k
            unit = None if rows.unit is None else rows.unit[own]
            of_task = design[order][own, np.newaxis], condition[order][own]
            fit = fit_axes(values[own], unit, rows.n_units, *of_task, n_components)
            axes.append(fit.denoised[0].mean(axis=0))
        return np.stack(axes)

    axes = axes_of(code, slice(None))
    null = np.empty(n_permutations)
    kept = code if permute == "variable" else condition
    group = kept if rows.unit is None else kept * rows.n_units + rows.unit
    for k, order in enumerate(orders_within(group, n_permutations, generator(random_state))):
        moved = (code, order) if permute == "variable" else (code[order], slice(None))
        null[k] = subspace_angle(*axes_of(*moved), directed=True)
    angle = subspace_angle(*axes, directed=True)
    alternative = alternative or {"variable": "less", "task": "greater"}[permute]
    p_value = float(monte_carlo_p_values(angle, null, alternative))
    return Bunch(angle=angle, null=null, p_value=p_value, axes=axes, tasks=tasks.tolist())
