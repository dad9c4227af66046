"""Train stacks on the workers of a Dask cluster."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial

from joblib.parallel import get_active_backend

from neuroselect._engine._spec import Job, Result, Trials
from neuroselect._engine._train import train


def dask_backend():
    """Return the backend of ``joblib.parallel_config(backend="dask")``, or None."""
    backend, _ = get_active_backend()
    return backend if type(backend).__name__ == "DaskDistributedBackend" else None


def train_on_cluster(stacks: dict[int, list[Job]], backend) -> Iterator[tuple[int, list[Result]]]:
    """Yield the number and the results of each stack as it is finished.

    `joblib.Parallel` is not used: it waits for ever for a task that Dask has given up, and it
    sends the trials along with each stack.
    """
    from distributed import as_completed

    settings = {"pure": False, **backend.submit_kwargs}
    trials = {id(job.trials): job.trials for stack in stacks.values() for job in stack}
    # A task that returns the trials, rather than scattered trials: those are lost with the
    # worker that holds them, a task is run again.
    shared = {key: _submit(backend.client, partial(_itself, t)) for key, t in trials.items()}
    tasks = {}
    for k, stack in stacks.items():
        own = dict.fromkeys(id(job.trials) for job in stack)
        position = {key: place for place, key in enumerate(own)}
        which = [position[id(job.trials)] for job in stack]
        function = partial(_train_on_worker, [job._replace(trials=None) for job in stack], which)
        task = _submit(backend.client, function, *[shared[key] for key in own], **settings)
        tasks[task] = k
    try:
        with backend.retrieval_context():
            for task, results in as_completed(tasks, with_results=True):
                yield tasks[task], results
                task.release()
    finally:
        for task in [*tasks, *shared.values()]:
            task.release()


def _submit(client, function, *args, pure=False, **settings):
    with warnings.catch_warnings():
        # The trials may be large; they go to the scheduler once.
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        return client.submit(function, *args, pure=pure, **settings)


def _itself(trials: Trials) -> Trials:
    return trials


def _train_on_worker(jobs: list[Job], which: list[int], *trials: Trials) -> list[Result]:
    from distributed import get_worker

    n_threads = get_worker().state.nthreads
    if n_threads > 1:
        raise ValueError(
            f"Networks train in processes of one thread, but a Dask worker has {n_threads} threads."
            " Start the cluster with threads_per_worker=1 (LocalCluster), or with as many"
            " processes as cores (dask-jobqueue)."
        )
    return train([job._replace(trials=trials[k]) for job, k in zip(jobs, which, strict=True)])
