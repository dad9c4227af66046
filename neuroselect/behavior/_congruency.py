"""What an irrelevant feature that asks for the other response costs."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.behavior._checks import check_choice_matrices, relevant_first, signed_levels


def congruency_effect(choice_matrices: ArrayLike) -> NDArray[np.float64]:
    """Accuracy where both features ask for the same response, minus where they differ [1]_.

    Expected accuracy is the share of choices of the rewarded side, in the corners of the grid
    in which neither feature is at its middle level (2 x 2 cells of 5 x 5), averaged over the two
    tasks.

    Parameters
    ----------
    choice_matrices : array-like of shape (n_subjects, 2, n_levels, n_levels)
        Shares of accept choices in the aligned frame, as in
        :func:`~neuroselect.behavior.choice_curves`.

    Returns
    -------
    effect : ndarray of shape (n_subjects,)
        From -1 to 1; 0 for a subject who ignores the irrelevant feature.

    Raises
    ------
    ValueError
        If the matrices are not square, not of two tasks, or hold anything but shares.

    See Also
    --------
    choice_slopes : Steepness along either feature.
    choice_rdm_betas : One boundary or two, from the geometry of the choices.

    References
    ----------
    .. [1] Flesch, Nagy, Saxe & Summerfield (2023), PLOS Computational Biology 19, e1010808,
       :doi:`10.1371/journal.pcbi.1010808`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.behavior import congruency_effect
    >>> rows = np.repeat([0.0, 0.0, 0.5, 1.0, 1.0], 5).reshape(5, 5)
    >>> diagonal = np.tri(5)[:, ::-1]  # accept where the sum of both features is large
    >>> float(congruency_effect([rows, rows.T])[0]), float(congruency_effect([diagonal] * 2)[0])
    (0.0, 0.5)
    """
    m = relevant_first(check_choice_matrices(choice_matrices))
    level = signed_levels(m.shape[-1])
    accuracy = 0.5 + level[:, np.newaxis] * (m - 0.5)
    same = np.outer(level, level)
    return accuracy[..., same > 0].mean(axis=(1, 2)) - accuracy[..., same < 0].mean(axis=(1, 2))
