"""Dissimilarities between runs."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroselect.rsa._metrics import METRICS
from neuroselect.rsa._pairs import square_rdms
from neuroselect.rsa._rdm import condensed_rdms


def cross_run_rdms(
    patterns: ArrayLike, metric: str = "correlation", *, missing: str = "raise", **kwargs
) -> NDArray[np.float64]:
    """Square RDMs between the conditions of one run and those of another.

    The row is a condition in the earlier run, the column one in the later run, and the value the
    mean over all pairs of runs. No value compares a run with itself, so that what patterns of a
    run share (drifts, noise that lasts) makes none of them small. The *diagonal* compares a
    condition with itself: it says how reliable patterns are, and a condition is told from the
    others where its diagonal value is the smallest of its row and column. The matrix is not
    symmetric; its mean with its transpose is.

    Parameters
    ----------
    patterns : array-like of shape (n_systems, n_runs, n_conditions, n_channels)
        Mean response per run, condition and channel; of shape (n_runs, n_conditions, n_channels)
        for a single system. Runs in order of time; at least 2.
    metric : str, default="correlation"
        Any metric of :func:`condensed_rdms` that is not cross-validated.
    missing : {"raise", "nan"}, default="raise"
        What to do about NaN. "nan": a pattern with NaN in any channel counts as missing, and
        values are means over the pairs of runs that have both patterns.
    **kwargs
        Passed to :func:`condensed_rdms`.

    Returns
    -------
    rdms : ndarray of shape (n_systems, n_conditions, n_conditions)
        Dissimilarities; 0 is not where a condition is compared with itself.

    Raises
    ------
    ValueError
        If `patterns` has the wrong shape or fewer than 2 runs, the metric is cross-validated, or
        as :func:`condensed_rdms` has it.

    See Also
    --------
    condensed_rdms : "crossnobis" is unbiased and has a diagonal of 0.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroselect.rsa import cross_run_rdms
    >>> runs = [[[0.0, 0.0], [3.0, 4.0]], [[0.0, 1.0], [3.0, 4.0]]]
    >>> cross_run_rdms(runs, "sqeuclidean")[0]
    array([[ 1., 25.],
           [18.,  0.]])
    """
    if metric in METRICS and METRICS[metric].takes_runs:
        raise ValueError(
            f"metric must not be cross-validated, got {metric!r}: its products of differences are"
            " between runs already. Use condensed_rdms."
        )
    patterns = np.asarray(patterns)
    shape = patterns.shape
    if patterns.ndim == 3:
        patterns = patterns[np.newaxis]
    if patterns.ndim != 4 or patterns.shape[1] < 2 or patterns.shape[2] < 2:
        raise ValueError(
            "patterns must have shape (n_systems, n_runs, n_conditions, n_channels), or without"
            " the first axis for one system, with at least 2 runs and 2 conditions; got shape"
            f" {shape}."
        )
    n_systems, n_runs, n_conditions, n_channels = patterns.shape
    pairs = list(itertools.combinations(range(n_runs), 2))
    total, count = np.zeros((2, n_systems, n_conditions, n_conditions))
    for first, second in pairs:
        both = patterns[:, [first, second]].reshape(n_systems, -1, n_channels)
        rdms = square_rdms(condensed_rdms(both, metric, missing=missing, **kwargs))
        between = rdms[:, :n_conditions, n_conditions:]
        there = ~np.isnan(between)
        total += np.where(there, between, 0)
        count += there
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
