"""Two boundaries or one: the geometry of choices."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist
from scipy.stats import zscore

from neuroselect.behavior._checks import check_choice_matrices, signed_levels

MODEL_NAMES = ("factorised", "linear")


def choice_rdms(choice_matrices: ArrayLike) -> NDArray[np.float64]:
    """Absolute differences between the choice shares of all cells of both tasks.

    Parameters
    ----------
    choice_matrices : array-like of shape (n_subjects, 2, n_levels, n_levels)
        Shares of accept choices in the aligned frame, as in
        :func:`~neuroselect.behavior.choice_curves`.

    Returns
    -------
    rdms : ndarray of shape (n_subjects, n_pairs)
        Condensed, over the ``2 * n_levels**2`` cells: first task first, second axis of the grid
        fastest.

    Raises
    ------
    ValueError
        If the matrices are not square, not of two tasks, or hold anything but shares.

    Examples
    --------
    >>> from neuroselect.behavior import choice_rdms
    >>> choice_rdms([[[0.0, 0.0], [1.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]]).shape
    (1, 28)
    """
    m = check_choice_matrices(choice_matrices)
    return np.array([pdist(cells.reshape(-1, 1), "cityblock") for cells in m])


def choice_rdm_models(n_levels: int = 5) -> NDArray[np.float64]:
    """Return the choice RDMs of two orthogonal boundaries and of one diagonal boundary.

    Parameters
    ----------
    n_levels : int, default=5
        Levels of either feature.

    Returns
    -------
    models : ndarray of shape (2, n_pairs)
        Factorised: shares of 0, 0, .5, 1, 1 along the relevant feature of each task. Linear: 0 on
        one side of the anti-diagonal, .5 on it, 1 beyond, in both tasks.

    See Also
    --------
    choice_rdm_betas : How much of either is in choices.

    Examples
    --------
    >>> from neuroselect.behavior import choice_rdm_models
    >>> choice_rdm_models().shape
    (2, 1225)
    """
    level = signed_levels(n_levels)
    rows = np.repeat(level, n_levels).reshape(n_levels, n_levels)
    steps = np.arange(n_levels)
    diagonal = np.sign(steps[:, np.newaxis] + steps - (n_levels - 1.0))
    return choice_rdms(np.array([[rows, rows.T], [diagonal, diagonal]]) / 2 + 0.5)


def choice_rdm_betas(choice_matrices: ArrayLike) -> NDArray[np.float64]:
    """How far choices follow two orthogonal boundaries, and how far one diagonal [1]_.

    The RDM of the choice shares of all cells is z-scored over pairs and regressed, without
    constant, on the z-scored models of :func:`choice_rdm_models`.

    Parameters
    ----------
    choice_matrices : array-like of shape (n_subjects, 2, n_levels, n_levels)
        Shares of accept choices in the aligned frame, as in
        :func:`~neuroselect.behavior.choice_curves`.

    Returns
    -------
    betas : ndarray of shape (n_subjects, 2)
        Factorised, then linear. NaN for a subject whose choice shares are all the same: there
        is nothing to explain.

    Raises
    ------
    ValueError
        If the matrices are not square, not of two tasks, or hold anything but shares.

    See Also
    --------
    neuroselect.rsa.RDMRegression : The same regression of any RDMs.

    References
    ----------
    .. [1] Flesch, Nagy, Saxe & Summerfield (2023), PLOS Computational Biology 19, e1010808,
       :doi:`10.1371/journal.pcbi.1010808`

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.behavior import choice_rdm_betas
    >>> rows = np.repeat([0.0, 0.0, 0.5, 1.0, 1.0], 5).reshape(5, 5)
    >>> choice_rdm_betas([[rows, rows.T]]).round(6) + 0.0
    array([[1., 0.]])
    """
    m = check_choice_matrices(choice_matrices)
    rdms = choice_rdms(m)
    constant = np.ptp(m.reshape(len(m), -1), axis=1) <= 4 * np.finfo(np.float64).eps
    betas = np.full((len(m), len(MODEL_NAMES)), np.nan)
    models = zscore(choice_rdm_models(m.shape[-1]), axis=1)
    target = zscore(rdms[~constant], axis=1)
    betas[~constant] = np.linalg.lstsq(models.T, target.T, rcond=None)[0].T
    return betas
