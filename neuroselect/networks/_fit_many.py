"""Train many networks at once, with the results of the loop."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing
from numbers import Integral, Real

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from neuroselect._engine._chunks import make_chunks
from neuroselect._engine._spec import Job, Result
from neuroselect._engine._train import train
from neuroselect.networks._base import BaseMultiTaskMLP
from neuroselect.networks._checkpoint import Checkpoint
from neuroselect.networks._dask import dask_backend, train_on_cluster
from neuroselect.networks._history import check_activity_fits
from neuroselect.utils._progress import progress_bar
from neuroselect.utils._sklearn import Interval, StrOptions, validate_params


@validate_params(
    {
        "estimators": ["array-like"],
        "X": "no_validation",
        "y": "no_validation",
        "indices": ["array-like", None],
        "n_jobs": [Integral, None],
        "chunk_bytes": [StrOptions({"auto"}), Interval(Real, 1, None, closed="left")],
        "checkpoint": [str, os.PathLike, None],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def fit_many(
    estimators: Sequence,
    X: ArrayLike,
    y: ArrayLike,
    *,
    indices: Sequence[ArrayLike | None] | None = None,
    n_jobs: int | None = None,
    chunk_bytes: float | str = "auto",
    checkpoint: str | os.PathLike | None = None,
    verbose: int | bool = 0,
) -> list:
    """Train many networks at once.

    The result is that of ``[clone(e).fit(X[i], y[i]) for e, i in zip(estimators, indices)]``:
    each network has its own seed, learning rate, weight decay, initial weights and trials,
    and does not see its neighbours. Networks of the same architecture, solver and number of
    trials train as one stack on a leading network axis; any mixture is sorted into stacks.

    Parameters
    ----------
    estimators : sequence of MultiTaskMLP, MultiTaskMLPClassifier, MultiTaskCNNClassifier, \
ContextGatedRegressor or ContextGatedClassifier
        Networks to train. They are cloned, not changed.
    X : array-like of shape (n_trials, n_features + 1)
        Trials, shared by all networks.
    y : array-like of shape (n_trials,) or (n_trials, n_outputs)
        Targets.
    indices : sequence of array-like of int or bool, default=None
        Rows of X that each network is trained on (a fold, a bootstrap sample); None for
        all rows, in the place of one network's rows as well.
    n_jobs : int, default=None
        Processes that train stacks side by side, one thread each; None is 1 unless in a
        `joblib.parallel_config` context, -1 all cores. Use 1 on an accelerator. In
        ``joblib.parallel_config(backend="dask")`` stacks train on all workers of the cluster.
    chunk_bytes : float or "auto", default="auto"
        Memory of one stack: its weights, gradients and activity. "auto" is what fits a
        core's cache, or makes an accelerator's launches worth while.
    checkpoint : str or path-like, default=None
        Folder in which the trained networks of each stack are kept as soon as they are there.
        A call with the same arguments, after whatever ended the first, trains those that are
        missing, with identical results; ``n_jobs`` and ``verbose`` may differ. One folder
        keeps one sweep, and serves one call at a time. Networks need integer seeds.
    verbose : bool or int, default=0
        Show a progress bar.

    Returns
    -------
    fitted : list of estimators
        Fitted clones, in the order given.

    Raises
    ------
    TypeError
        If an estimator is not a network of this package.
    ValueError
        If parameters or data do not fit, or if networks diverged; the message lists them.
        If ``checkpoint`` holds another sweep (networks, data, ``chunk_bytes`` or versions of
        the packages differ) or other files, or if a network has ``random_state=None``.
    OSError
        If ``checkpoint`` cannot be written to; finished networks are kept.

    See Also
    --------
    MultiTaskMLP : One network.

    Notes
    -----
    Results equal the loop's to rounding (1e-10 in float64 unless training itself amplifies
    rounding); on x86 CPUs, networks of one hidden layer and one output trained in full batch equal
    them bit by bit, in float32, too. How a stack is cut does not depend on ``n_jobs``, so that no
    result does.

    A checkpoint is a manifest (JSON) and one ``.npz`` file per stack, with the arrays ``coefs_0``,
    ``intercepts_0`` and so on, ``context`` and ``loss_curve``, networks first, with what was
    recorded (``history_...``) and the solver's state (``state_...``). Files are put in place whole
    or not at all; damaged ones are trained again. A curriculum of one's own is known by its name,
    docstring, code and attributes, not by the global variables that it reads.

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP, fit_many
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> nets = fit_many([MultiTaskMLP((20,), random_state=k) for k in range(5)], X, y)
    >>> [net.loss_curve_.shape for net in nets[:2]]
    [(200,), (200,)]
    """
    networks = [_cloned(estimator, k) for k, estimator in enumerate(estimators)]
    row_sets = _row_sets(indices, len(networks))
    if checkpoint is not None:
        _check_seeds(networks)
    jobs = _make_jobs(networks, X, y, row_sets)
    results = train_jobs(
        jobs, n_jobs=n_jobs, chunk_bytes=chunk_bytes, checkpoint=checkpoint, verbose=verbose
    )
    failures = []
    for k, (network, job, result) in enumerate(zip(networks, jobs, results, strict=True)):
        try:
            network._learn(job, result)
        except ValueError as error:
            failures.append((k, error))
    if failures:
        positions = [k for k, _ in failures]
        raise ValueError(
            f"{len(failures)} of {len(networks)} networks diverged, at positions {positions} of"
            f" estimators. The first: {failures[0][1]}"
        ) from failures[0][1]
    return networks


def train_jobs(jobs: list[Job], *, n_jobs, chunk_bytes, verbose, checkpoint=None) -> list[Result]:
    """Train jobs of any mixture, stack by stack; those in a checkpoint are read instead."""
    check_activity_fits(jobs)
    chunks = make_chunks(jobs, chunk_bytes)
    stacks = {k: [jobs[i] for i in chunk] for k, chunk in enumerate(chunks)}
    kept = None if checkpoint is None else Checkpoint(checkpoint, jobs, chunks)
    total = sum(job.spec.max_iter for job in jobs)
    finished = {}
    with progress_bar(verbose, total, "pass", f"{len(jobs)} networks") as bar:
        for k in stacks if kept else ():
            outcome = kept.load(k)
            if outcome is not None:
                finished[k] = outcome
                bar.update(_n_passes(stacks[k]))
        missing = {k: stack for k, stack in stacks.items() if k not in finished}
        with closing(_train_stacks(missing, n_jobs, bar)) as trained:
            for k, outcome in trained:
                if kept:
                    kept.save(k, outcome)
                finished[k] = outcome
    results: list = [None] * len(jobs)
    for k, chunk in enumerate(chunks):
        for i, result in zip(chunk, finished[k], strict=True):
            results[i] = result
    return results


def _train_stacks(stacks: dict[int, list[Job]], n_jobs, bar) -> Iterator:
    """Yield the number and the results of each stack as it is finished."""
    parallel, cluster = Parallel(n_jobs=n_jobs, return_as="generator_unordered"), dask_backend()
    if parallel.n_jobs == 1 or (len(stacks) < 2 and cluster is None):
        for k, stack in stacks.items():
            yield k, _train_showing(stack, bar)
        return
    if cluster is not None:
        trained = train_on_cluster(stacks, cluster)
    else:
        trained = parallel(delayed(_train_numbered)(k, stacks[k]) for k in stacks)
    try:
        for k, outcome in trained:
            bar.update(_n_passes(stacks[k]))
            yield k, outcome
    finally:
        with warnings.catch_warnings():
            # An error that ends the sweep says enough: joblib would add what it had not handed out.
            warnings.simplefilter("ignore", UserWarning)
            trained.close()


def _train_numbered(k, stack):
    return k, train(stack)


def _n_passes(stack):
    return len(stack) * stack[0].spec.max_iter


def _train_showing(stack, bar):
    return train(stack, None if bar.disable else lambda: bar.update(len(stack)))


def _check_seeds(networks):
    unseeded = [k for k, network in enumerate(networks) if network.random_state is None]
    if unseeded:
        raise ValueError(
            f"checkpoint needs networks that are the same in the next call: {len(unseeded)} have"
            f" random_state=None, the first at position {unseeded[0]} of estimators. Give each an"
            " integer, such as random_state=0."
        )


def _cloned(estimator, k):
    if not isinstance(estimator, BaseMultiTaskMLP):
        raise TypeError(
            "fit_many trains networks (MultiTaskMLP, MultiTaskMLPClassifier,"
            f" MultiTaskCNNClassifier); estimators[{k}] is {estimator!r}. Fit other estimators one"
            " by one."
        )
    network = clone(estimator)
    try:
        network._validate_params()
    except ValueError as error:
        raise ValueError(f"estimators[{k}]: {error}") from error
    return network


def _row_sets(indices, n_networks):
    if indices is None:
        return [None] * n_networks
    if len(indices) != n_networks:
        raise ValueError(
            f"indices must hold one set of rows per estimator: got {len(indices)} for"
            f" {n_networks} estimators."
        )
    return list(indices)


def _make_jobs(networks, X, y, row_sets):
    """One job per network; trials that are the same are encoded once and shared."""
    seen: dict = {}
    jobs = []
    for network, rows in zip(networks, row_sets, strict=True):
        key = (type(network), network._reading(), _fingerprint(rows))
        if key not in seen:
            X_own, y_own = (X, y) if rows is None else (take_rows(X, rows), take_rows(y, rows))
            before = set(vars(network))
            trials = network._read_trials(X_own, y_own)
            learned = {k: v for k, v in vars(network).items() if k not in before}
            seen[key] = trials, learned
        trials, learned = seen[key]
        vars(network).update(learned)
        jobs.append(network._make_job(trials))
    return jobs


def _fingerprint(rows):
    if rows is None:
        return None
    rows = np.asarray(rows)
    return rows.dtype.str, rows.shape, rows.tobytes()


def take_rows(array, rows):
    """Rows of an array or DataFrame, by number or by a boolean each."""
    rows = np.asarray(rows)
    if rows.ndim != 1 or rows.dtype.kind not in "iub":
        raise ValueError(
            "indices must hold one-dimensional arrays of row numbers or booleans, got an array"
            f" of shape {rows.shape} and dtype {rows.dtype}."
        )
    return _safe_indexing(array if hasattr(array, "shape") else np.asarray(array), rows)
