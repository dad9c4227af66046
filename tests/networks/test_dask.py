"""A sweep on a Dask cluster of processes gives what it gives here, whatever becomes of a worker."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from neuroselect import MultiTaskMLP, MultiTaskMLPClassifier, fit_many
from neuroselect._engine._train import train
from neuroselect.consolidation import EWC
from neuroselect.datasets import make_context_blobs
from neuroselect.model_selection import BatchedGridSearchCV
from neuroselect.networks import _fit_many
from neuroselect.networks._checkpoint import Checkpoint

distributed = pytest.importorskip("distributed", reason="needs dask[distributed]")

X, Y = make_context_blobs()


@pytest.fixture(scope="module")
def cluster():
    settings = {"processes": True, "n_workers": 2, "threads_per_worker": 1}
    with distributed.LocalCluster(**settings, dashboard_address=":0") as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2)  # one that was killed comes back
        yield client


@pytest.fixture
def not_here(monkeypatch):
    """Fail if anything trains in this process, but for `here`."""

    def never(jobs, on_pass=None):
        raise AssertionError("trained in the test's process")

    monkeypatch.setattr(_fit_many, "train", never)
    return monkeypatch


def here(networks, X=X, y=Y, **settings):
    """Train without Dask."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_fit_many, "train", train)
        return fit_many(networks, X, y, **settings)


class InOrder:
    """A curriculum that may do something at its start on a worker, once or each time."""

    def __init__(self, at_start=None, flag=None):
        self.at_start, self.flag, self.home = at_start, flag, os.getpid()

    def __call__(self, task, *, batch_size, max_iter, rng):
        if self.at_start and os.getpid() != self.home and not (self.flag and self._seen()):
            self.at_start()
        return ([np.arange(len(task))] for _ in range(max_iter))

    def _seen(self):
        try:
            Path(self.flag).touch(exist_ok=False)
        except FileExistsError:
            return True
        return False


def kill_this_process():
    os.kill(os.getpid(), signal.SIGKILL)


def wait():
    time.sleep(3)


def twice(X):
    return X * np.r_[np.full(X.shape[1] - 1, 2.0), 1.0]


def sweep(**settings):
    """Architectures, solvers and curricula side by side."""
    return [
        MultiTaskMLP((6, 5), max_iter=5, batch_size=8, random_state=0),
        MultiTaskMLP((6, 5), max_iter=5, batch_size=8, random_state=1, alpha=0.1),
        MultiTaskMLP((9,), max_iter=40, solver="sgd", random_state=2, init_scale=0.1),
        MultiTaskMLP((9,), max_iter=40, solver="sgd", random_state=3),
        MultiTaskMLP((4,), max_iter=5, curriculum="blocked", consolidation=EWC(), random_state=4),
        MultiTaskMLP((4,), max_iter=3, curriculum=InOrder(**settings), random_state=5),
    ]


def on_dask(networks, X=X, y=Y, **settings):
    with parallel_config(backend="dask"):
        return fit_many(networks, X, y, **settings)


def assert_identical(fitted, expected):
    assert len(fitted) == len(expected)
    for a, b in zip(fitted, expected, strict=True):
        assert type(a) is type(b)
        assert vars(a).keys() == vars(b).keys()
        for name in ("coefs_", "intercepts_", "initial_coefs_"):
            for p, q in zip(getattr(a, name), getattr(b, name), strict=True):
                assert p.dtype == q.dtype
                np.testing.assert_array_equal(p, q)
        for name in ("context_coefs_", "loss_curve_", "tasks_"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


# -- the same results ------------------------------------------------------------------


@pytest.mark.parametrize("chunk_bytes", [1, "auto"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_networks_as_without_dask(client, not_here, dtype, chunk_bytes):
    stimuli, settings = X.astype(dtype), {"chunk_bytes": chunk_bytes}
    settings["indices"] = [None, np.arange(40), None, None, None, np.arange(50) % 3 > 0]
    expected = here(sweep(), stimuli, **settings)
    assert_identical(on_dask(sweep(), stimuli, **settings), expected)


def test_classifiers_and_a_single_stack(client, not_here):
    networks = [MultiTaskMLPClassifier((5,), max_iter=9, random_state=k) for k in range(3)]
    assert_identical(on_dask(networks, y=np.sign(Y)), here(networks, y=np.sign(Y)))


def test_one_job_trains_here(client):
    def fail(*args, **settings):
        raise AssertionError("sent to the cluster")

    expected = fit_many(sweep(), X, Y)
    client.submit = fail
    assert_identical(on_dask(sweep(), n_jobs=1), expected)


def test_no_networks(client):
    assert on_dask([]) == []


def test_same_grid_search_as_without_dask(client, not_here):
    steps = [("twice", FunctionTransformer(twice)), ("net", MultiTaskMLP(random_state=0))]
    grid = {"net__init_scale": [0.1, 1.0], "net__hidden_layer_sizes": [(6,), (7,)]}
    with parallel_config(backend="dask"):
        search = BatchedGridSearchCV(Pipeline(steps), grid, cv=3).fit(X, Y)
    not_here.undo()
    expected = BatchedGridSearchCV(Pipeline(steps), grid, cv=3).fit(X, Y)
    for name in ("params", *(f"split{k}_test_score" for k in range(3)), "rank_test_score"):
        np.testing.assert_array_equal(search.cv_results_[name], expected.cv_results_[name])
    assert_identical([search.best_estimator_[-1]], [expected.best_estimator_[-1]])


def test_progress_bar(client, capsys):
    on_dask(sweep(), verbose=1)
    assert "6 networks: 100%" in capsys.readouterr().err


# -- what is sent ----------------------------------------------------------------------


def test_trials_are_sent_once(client, monkeypatch):
    from distributed.protocol.pickle import dumps

    sent, submit = [], client.submit

    def counted(function, *args, **settings):
        sent.append(len(dumps(function)))
        return submit(function, *args, **settings)

    rng = np.random.default_rng(0)
    wide = np.column_stack([rng.normal(size=(2000, 20)), np.arange(2000) % 2])
    networks = [MultiTaskMLP((3,), max_iter=2, random_state=k) for k in range(12)]
    expected = fit_many(networks, wide, wide[:, 0], chunk_bytes=1)
    monkeypatch.setattr(client, "submit", counted)
    assert_identical(on_dask(networks, wide, wide[:, 0], chunk_bytes=1), expected)
    assert len(sent) == 1 + 12
    assert wide.nbytes < sum(sent) < 1.5 * wide.nbytes


def test_large_trials_are_no_cause_for_a_warning(client):
    dask = pytest.importorskip("dask")
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1kB"}):
        fitted = on_dask(sweep())
    assert_identical(fitted, fit_many(sweep(), X, Y))


def test_settings_of_dask_are_passed_on(client, monkeypatch):
    given, submit = [], client.submit

    def noted(function, *args, priority=0, **settings):
        given.append(priority)
        return submit(function, *args, priority=priority, **settings)

    monkeypatch.setattr(client, "submit", noted)
    with parallel_config(backend="dask", priority=7):
        fit_many(sweep()[:2], X, Y, chunk_bytes=1)
    assert given == [0, 7, 7]


# -- interruptions ---------------------------------------------------------------------


def pids(client):
    return set(client.run(os.getpid).values())


def test_an_error_on_a_worker_is_raised_here(client):
    def nonsense(task, *, batch_size, max_iter, rng):
        return ([np.array([len(task)])] for _ in range(max_iter))

    with pytest.raises(ValueError, match="names trial 50, but trials are numbered from 0 to 49"):
        on_dask([*sweep(), MultiTaskMLP((4,), curriculum=nonsense)])
    assert_identical(on_dask(sweep()), fit_many(sweep(), X, Y))


def test_interrupted_by_the_keyboard(client, tmp_path, monkeypatch):
    networks = [*sweep(), *sweep(at_start=wait, flag=str(tmp_path / "waits"))[-1:]]
    save, saved = Checkpoint.save, []

    def interrupted(self, k, results):
        save(self, k, results)
        saved.append(k)
        if len(saved) == 2:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            on_dask(networks, chunk_bytes=1, checkpoint=tmp_path / "sweep")
    assert len(saved) == 2
    assert len(list((tmp_path / "sweep").iterdir())) == 3  # the manifest and two stacks
    expected = fit_many(networks, X, Y, chunk_bytes=1)
    fitted = on_dask(networks, chunk_bytes=1, checkpoint=tmp_path / "sweep")
    assert_identical(fitted, expected)


def test_workers_of_several_threads(tmp_path):
    settings = {"processes": False, "n_workers": 1, "threads_per_worker": 2}
    with (
        distributed.LocalCluster(**settings, dashboard_address=":0") as cluster,
        distributed.Client(cluster),
        pytest.raises(ValueError, match=r"has 2 threads\. Start .* threads_per_worker=1"),
    ):
        on_dask(sweep())


def test_inside_a_task_of_ones_own(client):
    tasks = [client.submit(on_dask, sweep()[: k + 2], chunk_bytes=1) for k in range(4)]
    for k, task in enumerate(tasks):  # more tasks that wait than workers
        assert_identical(task.result(timeout=300), here(sweep()[: k + 2], chunk_bytes=1))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL is POSIX")
def test_workers_that_are_killed_change_nothing(client, tmp_path, not_here):
    # What a worker holds is lost with it: the trials must be sent again.
    before = pids(client)
    networks = [
        network
        for flag in ("first", "second")
        for network in sweep(at_start=kill_this_process, flag=str(tmp_path / flag))
    ]
    fitted = on_dask(networks, chunk_bytes=1, checkpoint=tmp_path / "sweep")
    assert (tmp_path / "second").exists()
    client.wait_for_workers(2)
    assert len(pids(client) & before) < 2
    assert_identical(fitted, here(networks, chunk_bytes=1))
    again = on_dask(networks, n_jobs=1, chunk_bytes=1, checkpoint=tmp_path / "sweep")
    assert_identical(again, fitted)  # nothing was left to train


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL is POSIX")
def test_a_stack_that_kills_its_workers_ends_the_sweep(client, cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    networks = sweep(at_start=kill_this_process)
    with pytest.raises(distributed.KilledWorker):
        on_dask(networks, chunk_bytes=1, checkpoint=tmp_path)
    fitted = fit_many(networks, X, Y, chunk_bytes=1, checkpoint=tmp_path)
    assert_identical(fitted, fit_many(networks, X, Y, chunk_bytes=1))
