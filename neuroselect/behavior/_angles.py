"""Angles of category boundaries."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Degrees of the boundaries of a subject who follows both rules, north and south.
OPTIMAL_ANGLES = (180.0, 90.0)


def angular_bias(boundary_angles: ArrayLike) -> NDArray[np.float64]:
    r"""How far two boundaries are turned towards one shared diagonal.

    .. math:: \big((180 - \phi_{north}) + (\phi_{south} - 90)\big) / 2

    Parameters
    ----------
    boundary_angles : array-like of shape (..., 2)
        Degrees, of the first task (north, optimum 180) and of the second (south, optimum 90), as
        ``ChoiceModel.boundary_angles_`` gives them.

    Returns
    -------
    bias : ndarray of shape (...,)
        Degrees. Positive towards the diagonal boundary at 135 degrees, beyond which both
        features together are large: 0 at the optimum, 45 where both boundaries lie on that
        diagonal, 90 where each task follows the other's rule. Negative where
        both turn away from it. Two boundaries turned in the same sense by the same angle cancel.

    Raises
    ------
    ValueError
        If the last axis does not hold two finite angles.

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), Neuron 110, 1258-1270,
       :doi:`10.1016/j.neuron.2022.01.005`

    Examples
    --------
    >>> from neuroselect.behavior import angular_bias
    >>> angular_bias([[180, 90], [135, 135], [170, 80], [190, 80]])
    array([  0.,  45.,   0., -10.])
    """
    angles = np.asarray(boundary_angles, dtype=np.float64)
    if angles.ndim == 0 or angles.shape[-1] != 2 or not np.isfinite(angles).all():
        raise ValueError(
            "boundary_angles must hold two finite angles in degrees, north and south, on the last"
            f" axis; got shape {angles.shape}."
        )
    return ((OPTIMAL_ANGLES[0] - angles[..., 0]) + (angles[..., 1] - OPTIMAL_ANGLES[1])) / 2
