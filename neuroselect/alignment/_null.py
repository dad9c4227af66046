"""Is the alignment of two systems more than chance?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from neuroselect.alignment._match_units import read_groups, shuffled_trials
from neuroselect.alignment._systems import check_same_trials, read_system
from neuroselect.utils._p_values import monte_carlo_p_values


def alignment_test(
    measure: Callable[..., float],
    a: ArrayLike,
    b: ArrayLike,
    *,
    n_permutations: int = 1000,
    greater_is_better: bool = True,
    groups: ArrayLike | None = None,
    baseline: Sequence[ArrayLike] | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Test an alignment against systems whose trials have nothing to do with each other.

    Null hypothesis: which trial of one system goes with which of the other does not matter. The
    trials of b are shuffled (exchangeable, or the groups are), and the measure is taken again.

    Parameters
    ----------
    measure : callable
        ``measure(a, b)`` returns a number: `linear_cka`, `cca_similarity`,
        `procrustes_similarity`, `rsa_similarity`, or one of your own.
    a, b : array-like of shape (n_trials, n_units)
        Activity of the same trials.
    n_permutations : int, default=1000
        Number of shuffles.
    greater_is_better : bool, default=True
        False for distances.
    groups : array-like of shape (n_trials,), default=None
        Trials of one group, such as repeats of a stimulus, or neighbours in time, stay together
        and in order: groups change places as a whole, and must be of one size.
    baseline : pair of array-like, default=None
        Another pair of systems, such as two networks before training. Untrained networks, whose
        trials share their stimuli, are aligned far better than shuffled trials: being above
        the null does not say that training aligned them.
    random_state : int, RandomState instance or None, default=None
        Shuffles.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        ``score``; ``null`` (n_permutations,); ``p_value``, one-sided, (1 + count) / (1 +
        n_permutations); ``z``, the score in standard deviations of the null; ``baseline_score``,
        or None.

    Raises
    ------
    ValueError
        If there are no permutations, or groups differ in size.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.alignment import alignment_test, linear_cka
    >>> a = np.random.default_rng(0).normal(size=(30, 5))
    >>> alignment_test(linear_cka, a, a[:, :3], n_permutations=99, random_state=0).p_value
    0.01
    """
    a, b = read_system(a, "a"), read_system(b, "b")
    check_same_trials(a, b)
    if n_permutations < 1:
        raise ValueError(f"n_permutations must be at least 1, got {n_permutations!r}.")
    random_state = check_random_state(random_state)
    groups = read_groups(groups, len(a))
    score = float(measure(a, b))
    null = np.array(
        [measure(a, b[shuffled_trials(groups, random_state)]) for _ in range(n_permutations)]
    )
    spread = null.std()
    return Bunch(
        score=score,
        null=null,
        p_value=float(
            monte_carlo_p_values(score, null, "greater" if greater_is_better else "less")
        ),
        z=float((score - null.mean()) / spread) if spread > 0 else np.nan,
        baseline_score=None if baseline is None else float(measure(*baseline)),
    )
