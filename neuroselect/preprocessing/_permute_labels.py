"""Labels of trials at random, for null distributions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import Bunch, check_random_state

from neuroselect.preprocessing._groups import check_columns, group_numbers, shuffled_within
from neuroselect.recordings import check_container


def permute_labels(
    recording: Mapping[str, Any],
    columns: str | list[str],
    *,
    within: str | list[str] | None = None,
    random_state: Any = None,
) -> Bunch:
    """Permute labels over the recorded trials, of each unit by itself where units are apart.

    For the null distribution of what comes out of pseudo-populations: permute, draw as for the
    observed value, repeat. Resamples share recorded trials, so that permuting the labels of
    pseudo-trials would give a null that is too narrow for the mean over resamples.

    Parameters
    ----------
    recording : dict or :class:`~sklearn.utils.Bunch`
        As :func:`neuroselect.recordings.make_container` returns it.
    columns : str or list of str
        Columns of the trials to permute; several move together.
    within : str or list of str, default=None
        Columns of the trials whose values are kept: labels are permuted among trials that have
        the same. In long form always within units.
    random_state : int, RandomState instance or None, default=None
        Seed of the permutation.

    Returns
    -------
    recording : :class:`~sklearn.utils.Bunch`
        The same with other labels; `data` is not copied. The number of trials of every unit in
        every condition is as before.

    Raises
    ------
    ValueError
        If a column is not there, has missing values, or is to be permuted within itself.

    See Also
    --------
    PseudoPopulation : What to draw from the result.

    Examples
    --------
    >>> from neuroselect.preprocessing import permute_labels
    >>> from neuroselect.recordings import make_container
    >>> trials = {"unit": [0, 0, 0, 1, 1, 1], "side": list("LLLRRL")}
    >>> recording = make_container([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], trials)
    >>> permute_labels(recording, "side", random_state=0).trials["side"].tolist()
    ['L', 'L', 'L', 'L', 'R', 'R']
    """
    recording = check_container(recording)
    trials = recording.trials
    columns = check_columns(columns, trials, "columns")
    within = check_columns(within, trials, "within")
    within += ["unit"] if "unit" in trials.columns and "unit" not in within else []
    if not columns or set(columns) & set(within):
        raise ValueError(
            f"columns must name at least one column, none of them in {within}, within which"
            f" labels are permuted; got {columns}."
        )
    group, _ = group_numbers(trials, within)
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    source = shuffled_within(group, np.random.default_rng(seed))
    place = np.argsort(group, kind="stable")
    row = np.empty_like(source)
    row[place] = source
    permuted = {column: trials[column].array.take(row) for column in columns}
    return Bunch(**{**recording, "trials": trials.assign(**permuted)})
