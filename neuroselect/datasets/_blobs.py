"""Context-dependent categorisation of Gaussian blobs."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import Bunch, check_random_state

from neuroselect.utils._sklearn import Interval, validate_params

IMAGE_SIZE = 5
BUMP_VARIANCE = 0.08

DESCR = """\
Blobs task of Flesch et al. (2022), Neuron 110, 1258-1270, doi:10.1016/j.neuron.2022.01.005

Every stimulus is a 5 x 5 image of a Gaussian bump. Its branchiness shifts the bump along the
image's columns (from left to right), its leafiness along the rows (from the first to the last).
In task A (code 0) the target is minus the leafiness, in task B (code 1) minus the branchiness;
the other feature is irrelevant. Within a task, leafiness is the fast index. Images are
flattened row by row; the last column of `data` is the code of the task.
"""


def blob_images(n_levels: int) -> np.ndarray:
    """Bumps of maximum 1, branchiness x leafiness; shape (n_levels, n_levels, 5, 5)."""
    centres = np.linspace(0.2, 0.8, n_levels)
    grid = np.linspace(0, 1, IMAGE_SIZE)
    squared = (grid - centres[:, None]) ** 2  # (n_levels, IMAGE_SIZE)
    along_columns = squared[:, None, None, :]
    along_rows = squared[None, :, :, None]
    images = np.exp(-(along_columns + along_rows) / (2 * BUMP_VARIANCE))
    return images / images.max(axis=(-2, -1), keepdims=True)


@validate_params(
    {
        "n_levels": [Interval(Integral, 2, None, closed="left")],
        "normalize": ["boolean"],
        "noise": [Interval(Real, 0, None, closed="left")],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_context_blobs(
    *,
    n_levels: int = 5,
    normalize: bool = True,
    noise: float = 0.0,
    n_repeats: int = 1,
    random_state: int | np.random.RandomState | None = None,
    return_X_y: bool = True,
) -> tuple[np.ndarray, np.ndarray] | Bunch:
    """Make the blobs task: one image, two features, and a context that says which one counts.

    A stimulus is an isotropic Gaussian bump of variance 0.08 on a 5 x 5 image, whose pixels
    sample the unit square at 0, 0.25, ..., 1, divided by its maximum on the image [1]_. The
    centre takes `n_levels` equally spaced coordinates from 0.2 to 0.8 on either axis:
    *branchiness* shifts it along the image's columns (x), *leafiness* along the rows (y). With
    centred levels ``b``, ``l`` (-2, ..., 2 for five levels) the targets are::

        task A (code 0): y = -l        task B (code 1): y = -b

    Parameters
    ----------
    n_levels : int, default=5
        Levels of each feature, at least 2. The levels are one unit apart and centred on 0
        (half-integers if their number is even); the image stays 5 x 5.
    normalize : bool, default=True
        Divide the stimuli by the Frobenius norm of the noise-free matrix of all conditions,
        (2 * n_levels**2, 25). Repeats and noise do not enter the norm.
    noise : float, default=0.0
        Standard deviation of the Gaussian noise added to every pixel of every trial, after the
        normalisation: in units of the returned stimuli.
    n_repeats : int, default=1
        Trials per condition. All conditions are run through before any is repeated, each
        trial with fresh noise.
    random_state : int, RandomState instance or None, default=None
        Source of the noise; without noise the task is deterministic.
    return_X_y : bool, default=True
        Return ``(X, y)`` instead of a Bunch.

    Returns
    -------
    (X, y) : tuple if ``return_X_y`` is True
        ``X`` of shape (n_trials, 26): 25 pixels, flattened row by row, and the code of the task
        as last column. ``y`` of shape (n_trials,). There are
        ``n_trials = 2 * n_levels**2 * n_repeats`` trials: task A, then task B, and within a
        task leafiness changes fastest.
    blobs : :class:`~sklearn.utils.Bunch` otherwise
        ``data``, ``target`` (the X and y above), ``feature_names``, ``task_names``,
        ``conditions`` (DataFrame, one row per trial, with `task`, `branchiness`, `leafiness`)
        and ``DESCR``.

    See Also
    --------
    make_arithmetic_tasks : Two numbers, and a cue that says how to combine them.

    Notes
    -----
    In the publication the one-hot cue of the task is divided by ``sqrt(50)``. The cue is made
    by the network, not here: pass ``context_scale=1 / np.sqrt(50)`` to
    :class:`~neuroselect.networks.MultiTaskMLP`.

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), Neuron 110, 1258-1270,
       :doi:`10.1016/j.neuron.2022.01.005`

    Examples
    --------
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> X.shape, y[:5]
    ((50, 26), array([ 2.,  1.,  0., -1., -2.]))
    >>> blobs = make_context_blobs(return_X_y=False)
    >>> blobs.conditions.iloc[[0, 1, 25]]
        task  branchiness  leafiness
    0      0         -2.0       -2.0
    1      0         -2.0       -1.0
    25     1         -2.0       -2.0
    """
    random_state = check_random_state(random_state)
    stimuli = np.tile(blob_images(n_levels).reshape(n_levels**2, -1), (2, 1))
    if normalize:
        stimuli /= np.linalg.norm(stimuli)
    stimuli = np.tile(stimuli, (n_repeats, 1))
    if noise > 0:
        stimuli += random_state.normal(scale=noise, size=stimuli.shape)

    task, b, l = np.indices((2, n_levels, n_levels)).reshape(3, -1)  # noqa: E741
    task = np.tile(task, n_repeats)
    branchiness, leafiness = (np.tile(i - (n_levels - 1) / 2, n_repeats) for i in (b, l))
    X = np.column_stack([stimuli, task])
    # 0 - level rather than -level: no negative zeros.
    y = 0 - np.where(task == 0, leafiness, branchiness)
    if return_X_y:
        return X, y

    import pandas as pd

    pixels = [f"pixel_{row}_{column}" for row, column in np.ndindex(IMAGE_SIZE, IMAGE_SIZE)]
    return Bunch(
        data=X,
        target=y,
        feature_names=[*pixels, "task"],
        task_names=["A", "B"],
        conditions=pd.DataFrame({"task": task, "branchiness": branchiness, "leafiness": leafiness}),
        DESCR=DESCR,
    )
