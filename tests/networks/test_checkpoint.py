"""Sweeps that end early go on where they ended, and nothing else passes for their results."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from neuroselect import MultiTaskMLP, MultiTaskMLPClassifier, fit_many
from neuroselect._engine._chunks import network_bytes
from neuroselect._engine._spec import Job, Result, Weights
from neuroselect.curricula import Biased
from neuroselect.datasets import make_context_blobs
from neuroselect.networks import _checkpoint, _fit_many

X, Y = make_context_blobs()


def sweep(n_networks=5, max_iter=4, **settings):
    """Networks of two architectures; each trains by itself if ``chunk_bytes=1``."""
    return [
        MultiTaskMLP((6, 5) if k % 2 else (4,), max_iter=max_iter, random_state=k, **settings)
        for k in range(n_networks)
    ]


def train_sweep(folder, networks=None, X=X, y=Y, **settings):
    networks = sweep() if networks is None else networks
    return fit_many(networks, X, y, checkpoint=folder, **{"chunk_bytes": 1, **settings})


def assert_identical(fitted, expected):
    assert len(fitted) == len(expected)
    for a, b in zip(fitted, expected, strict=True):
        assert type(a) is type(b)
        assert vars(a).keys() == vars(b).keys()
        for name in ("coefs_", "intercepts_", "initial_coefs_", "initial_intercepts_"):
            for p, q in zip(getattr(a, name), getattr(b, name), strict=True):
                assert p.dtype == q.dtype
                np.testing.assert_array_equal(p, q)
        for name in ("context_coefs_", "initial_context_coefs_", "loss_curve_", "tasks_"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
            assert getattr(a, name).dtype == getattr(b, name).dtype


def chunk_files(folder):
    return sorted(path for path in folder.iterdir() if path.suffix == ".npz")


@pytest.fixture
def trained(monkeypatch):
    """Numbers of networks of the stacks that are trained."""
    stacks = []

    def counted(jobs, on_pass=None, original=_fit_many.train):
        stacks.append(len(jobs))
        return original(jobs, on_pass)

    monkeypatch.setattr(_fit_many, "train", counted)
    return stacks


# -- going on --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("chunk_bytes", [1, "auto"])
def test_results_are_those_without_a_checkpoint(tmp_path, trained, dtype, chunk_bytes):
    stimuli = X.astype(dtype)
    expected = fit_many(sweep(), stimuli, Y, chunk_bytes=chunk_bytes)
    n_stacks = len(trained)
    assert n_stacks == {1: 5, "auto": 2}[chunk_bytes]
    first = train_sweep(tmp_path / "a" / "b", X=stimuli, chunk_bytes=chunk_bytes)
    assert len(trained) == 2 * n_stacks
    again = train_sweep(tmp_path / "a" / "b", X=stimuli, chunk_bytes=chunk_bytes)
    assert len(trained) == 2 * n_stacks
    assert_identical(first, expected)
    assert_identical(again, expected)


def test_only_missing_stacks_are_trained(tmp_path, trained):
    # Stacks of different sizes, so that their cut matters.
    networks = [MultiTaskMLP((4,), max_iter=3, random_state=k) for k in range(10)]
    job = networks[0]._make_job(networks[0]._read_trials(X, Y))
    size = {"chunk_bytes": 3 * network_bytes(job.spec, own_trials=False)}
    expected = fit_many(networks, X, Y, **size)
    assert trained == [3, 3, 2, 2]
    train_sweep(tmp_path, networks, **size)
    chunk_files(tmp_path)[1].unlink()
    trained.clear()
    assert_identical(train_sweep(tmp_path, networks, **size), expected)
    assert trained == [3]


def test_any_mixture_of_networks_curricula_and_rows(tmp_path, trained):
    networks = [
        MultiTaskMLPClassifier((4,), max_iter=3, random_state=0),
        MultiTaskMLP((4,), max_iter=3, task_column=None, random_state=1),
        MultiTaskMLP((4,), max_iter=4, curriculum="blocked", batch_size=6, random_state=2),
        MultiTaskMLP((4,), max_iter=3, curriculum=as_recorded, batch_size=6, random_state=3),
        MultiTaskMLP((4,), max_iter=3, curriculum=Biased([0.2, 0.8]), batch_size=6, random_state=4),
    ]
    settings = {"indices": [None, np.arange(20), None, np.arange(50) % 2 == 0, None]}
    expected = fit_many(networks, X, np.sign(Y), chunk_bytes=1, **settings)
    train_sweep(tmp_path, networks, y=np.sign(Y), **settings)
    trained.clear()
    assert_identical(train_sweep(tmp_path, networks, y=np.sign(Y), **settings), expected)
    assert trained == []


def test_processes_write_the_same(tmp_path, trained):
    alone = train_sweep(tmp_path / "one", n_jobs=1)
    assert_identical(train_sweep(tmp_path / "two", n_jobs=2), alone)
    for one, two in zip(*(chunk_files(tmp_path / k) for k in ("one", "two")), strict=True):
        assert one.name == two.name
        assert one.read_bytes() == two.read_bytes()
    chunk_files(tmp_path / "one")[3].unlink()
    chunk_files(tmp_path / "one")[0].unlink()
    assert_identical(train_sweep(tmp_path / "one", n_jobs=2), alone)


def test_results_are_kept_as_they_come(tmp_path, monkeypatch):
    counts = []

    def counted(jobs, on_pass=None, original=_fit_many.train):
        counts.append(len(chunk_files(tmp_path)))
        return original(jobs, on_pass)

    monkeypatch.setattr(_fit_many, "train", counted)
    train_sweep(tmp_path)
    assert counts == [0, 1, 2, 3, 4]


def test_progress_bar_counts_what_is_there(tmp_path, capsys):
    train_sweep(tmp_path)
    train_sweep(tmp_path, verbose=1)
    assert "5 networks: 100%" in capsys.readouterr().err


def test_diverged_networks_are_listed_again(tmp_path, trained):
    steep = {"init_scale": 30.0, "learning_rate_init": 10.0, "activation": "identity"}
    networks = [*sweep(2), MultiTaskMLP((9,), solver="sgd", random_state=0, max_iter=50, **steep)]
    for _ in range(2):
        with pytest.raises(ValueError, match=r"1 of 3 networks diverged, at positions \[2\]"):
            train_sweep(tmp_path, networks)
    assert len(trained) == 3


def test_no_networks(tmp_path):
    for _ in range(2):
        assert train_sweep(tmp_path, []) == []


def test_a_finished_sweep_only_needs_reading(tmp_path, monkeypatch):
    expected = train_sweep(tmp_path)
    monkeypatch.setattr(_checkpoint, "write_whole", fail_to_write)
    assert_identical(train_sweep(tmp_path), expected)


def test_files_hold_all_of_a_result(tmp_path):
    # What results consist of; a new part must be kept as well.
    assert Result._fields == ("weights", "loss_curve", "history", "state")
    conv = ("conv_coefs", "conv_intercepts")
    assert Weights._fields == ("coefs", "intercepts", "context", *conv, "gates")
    fitted = train_sweep(tmp_path)
    with np.load(chunk_files(tmp_path)[0], allow_pickle=False) as arrays:
        assert arrays["coefs_0"].shape == (1, *fitted[0].coefs_[0].shape)
        np.testing.assert_array_equal(arrays["loss_curve"][0], fitted[0].loss_curve_)


# -- interruptions ---------------------------------------------------------------------

KILLED = """
    import os, signal, sys, time
    import numpy as np
    sys.path.insert(0, {tests!r})
    from neuroselect.networks import _fit_many
    from test_checkpoint import train_sweep

    train, fsync, n_written = _fit_many.train, os.fsync, 0

    def slowly(jobs, on_pass=None):
        time.sleep(0.2)
        return train(jobs, on_pass)

    def killed(handle):
        global n_written
        n_written += 1
        if n_written == 4:  # the manifest, two stacks, and half of the third
            os.truncate(handle, os.fstat(handle).st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        fsync(handle)

    if {moment!r} == "writing":
        os.fsync = killed
    else:
        _fit_many.train = slowly
    train_sweep({folder!r})
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL is POSIX")
@pytest.mark.parametrize("moment", ["training", "writing"])
def test_killed_at_any_moment(tmp_path, trained, moment):
    folder = tmp_path / "sweep"
    tests = str(Path(__file__).parent)
    code = textwrap.dedent(KILLED).format(tests=tests, folder=str(folder), moment=moment)
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        deadline = time.monotonic() + 60
        while moment == "training" and process.poll() is None and time.monotonic() < deadline:
            if folder.is_dir() and chunk_files(folder):
                break
            time.sleep(0.005)
        if moment == "writing":
            process.wait(60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    n_kept = len(chunk_files(folder))
    assert 1 <= n_kept < 5
    if moment == "writing":
        assert n_kept == 2
        assert len(list(folder.glob(".*.tmp"))) == 1
    resumed = train_sweep(folder)
    assert len(trained) == 5 - n_kept
    assert not list(folder.glob(".*.tmp"))
    assert_identical(resumed, fit_many(sweep(), X, Y, chunk_bytes=1))


@pytest.mark.parametrize("moment", ["training", "writing"])
def test_interrupted_by_the_keyboard(tmp_path, monkeypatch, moment):
    expected = fit_many(sweep(), X, Y, chunk_bytes=1)
    owner, name = {"training": (_fit_many, "train"), "writing": (os, "replace")}[moment]
    original, calls = getattr(owner, name), []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*args)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_sweep(tmp_path)
    n_kept = {"training": 2, "writing": 1}[moment]
    assert len(list(tmp_path.iterdir())) == 1 + n_kept  # the manifest, and nothing half-written
    assert_identical(train_sweep(tmp_path), expected)


INTERRUPTED = """
    import sys
    sys.path.insert(0, {tests!r})
    from test_checkpoint import sweep, train_sweep

    if __name__ == "__main__":
        train_sweep({folder!r}, sweep(16, 400), n_jobs=2)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="process groups are POSIX")
def test_interrupted_at_the_terminal(tmp_path, trained):
    folder, script = tmp_path / "sweep", tmp_path / "script.py"
    code = textwrap.dedent(INTERRUPTED)
    script.write_text(code.format(tests=str(Path(__file__).parent), folder=str(folder)))
    process = subprocess.Popen(
        [sys.executable, "-W", "default", script],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # the terminal sends SIGINT to all processes of the group
    )
    try:
        deadline = time.monotonic() + 300
        while process.poll() is None and time.monotonic() < deadline:
            if folder.is_dir() and chunk_files(folder):
                break
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=300)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert "Warning" not in errors
    n_kept = len(chunk_files(folder))
    assert 1 <= n_kept < 16
    assert len(list(folder.iterdir())) == 1 + n_kept
    resumed = train_sweep(folder, sweep(16, 400))
    assert len(trained) == 16 - n_kept
    assert_identical(resumed, fit_many(sweep(16, 400), X, Y, chunk_bytes=1))


# -- another sweep ---------------------------------------------------------------------


def changed(k, **settings):
    networks = sweep()
    networks[k].set_params(**settings)
    return networks


def as_recorded(task, *, batch_size, max_iter, rng):
    """Every pass in the order of the trials."""
    starts = np.arange(batch_size or len(task), len(task), batch_size or len(task))
    return (np.split(np.arange(len(task)), starts) for _ in range(max_iter))


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_rate_init": 0.002},
        {"alpha": 0.1},
        {"random_state": 99},
        {"init_scale": 0.5},
        {"context_scale": 2.0},
        {"activation": "tanh"},
        {"max_iter": 5},
        {"reduction": "sum"},
        {"batch_size": 7},
        {"curriculum": "blocked"},
        {"curriculum": as_recorded},
        {"intercepts_init": [np.ones(4), None]},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_changed_networks_are_refused(tmp_path, settings):
    train_sweep(tmp_path)
    before = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    with pytest.raises(ValueError, match=r"another sweep: .* \(parameters, seed .*; positions 2\)"):
        train_sweep(tmp_path, changed(2, **settings))
    assert before == [path.read_bytes() for path in sorted(tmp_path.iterdir())]


def test_changed_order_or_number_of_networks_is_refused(tmp_path):
    train_sweep(tmp_path)
    with pytest.raises(
        ValueError, match=r"4 of its networks are not these .* positions 0, 1, 3, 4"
    ):
        train_sweep(tmp_path, sweep()[::-1])
    with pytest.raises(ValueError, match="it has 5 networks, got 6"):
        train_sweep(tmp_path, sweep(6))
    with pytest.raises(ValueError, match=r"pass what it was started with; otherwise pass another"):
        train_sweep(tmp_path, sweep(4))


def test_a_long_list_of_networks_is_cut(tmp_path):
    networks = [MultiTaskMLP((3,), max_iter=1, random_state=k) for k in range(12)]
    train_sweep(tmp_path, networks, chunk_bytes="auto")
    other = [net.set_params(alpha=0.1) for net in networks]
    with pytest.raises(ValueError, match=r"12 of its networks .* 8, 9, \.\.\.\)"):
        train_sweep(tmp_path, other, chunk_bytes="auto")


def test_changed_data_are_refused(tmp_path):
    train_sweep(tmp_path)
    shifted, target = X.copy(), Y.copy()
    shifted[3, 1] = np.nextafter(shifted[3, 1], 9)
    target[4] = -target[4] + 1e-9
    order = np.arange(50)[::-1]
    task = X.copy()
    task[:, -1] = 1 - task[:, -1]
    for data in ((shifted, Y), (X, target), (X[order], Y[order]), (task, Y), (X[:40], Y[:40])):
        with pytest.raises(ValueError, match=r"its data are not these \(X, y or indices\)"):
            train_sweep(tmp_path, X=data[0], y=data[1])
    with pytest.raises(ValueError, match="its data are not these"):
        train_sweep(tmp_path, X=X.astype("float32"))
    with pytest.raises(ValueError, match="its data are not these"):
        train_sweep(tmp_path, indices=[None] * 4 + [np.arange(40)])


def test_the_same_rows_written_otherwise_are_the_same_data(tmp_path, trained):
    train_sweep(tmp_path, indices=[np.arange(50) < 40] * 5)
    trained.clear()
    train_sweep(tmp_path, X=np.asfortranarray(X), indices=[list(range(40))] * 5)
    assert trained == []


def test_another_cut_is_refused(tmp_path):
    train_sweep(tmp_path)
    with pytest.raises(ValueError, match="stacked by another chunk_bytes"):
        train_sweep(tmp_path, chunk_bytes="auto")


def test_other_versions_are_refused(tmp_path, monkeypatch):
    train_sweep(tmp_path)
    monkeypatch.setattr(_checkpoint, "__version__", "9.9")
    with pytest.raises(ValueError, match=r"started with neuroselect .*, this is 9\.9"):
        train_sweep(tmp_path)


def test_a_callable_with_another_content_is_refused(tmp_path):
    def sweep_biased(first):
        curriculum = Biased(lambda progress: [first, 1 - first])
        return [MultiTaskMLP((4,), max_iter=2, curriculum=curriculum, random_state=0)]

    train_sweep(tmp_path, sweep_biased(0.3))
    train_sweep(tmp_path, sweep_biased(0.3))
    with pytest.raises(ValueError, match="1 of its networks are not these"):
        train_sweep(tmp_path, sweep_biased(0.4))


def test_every_part_of_a_job_counts():
    def sweep_of(job):
        return _checkpoint._describe([job], [[0]])["sha256"]

    network = sweep(1)[0]
    job = network._make_job(network._read_trials(X, Y))
    changed_jobs = [job._replace(**{name: "other"}) for name in Job._fields]
    for part in ("trials", "spec", "initial"):
        own = getattr(job, part)
        changed_jobs += [
            job._replace(**{part: own._replace(**{name: "other"})}) for name in own._fields
        ]
    assert len({sweep_of(job), *map(sweep_of, changed_jobs)}) == 1 + len(changed_jobs)


# -- damage ----------------------------------------------------------------------------


def truncate(data):
    return data[: len(data) // 2]


def flip_a_bit(data):
    where = len(data) // 2
    return data[:where] + bytes([data[where] ^ 1]) + data[where + 1 :]


@pytest.mark.parametrize(
    "damage", [truncate, flip_a_bit, lambda data: b"", lambda data: b"\0" * len(data)]
)
def test_damaged_files_are_trained_again(tmp_path, trained, damage):
    expected = train_sweep(tmp_path)
    path = chunk_files(tmp_path)[2]
    intact = path.read_bytes()
    path.write_bytes(damage(intact))
    trained.clear()
    assert_identical(train_sweep(tmp_path), expected)
    assert trained == [1]
    assert path.read_bytes() == intact


def test_every_byte_is_guarded(tmp_path):
    network = MultiTaskMLP((2,), max_iter=1, random_state=0)
    (fitted,) = train_sweep(tmp_path, [network])
    job = network._make_job(network._read_trials(X, Y))
    kept = _checkpoint.Checkpoint(tmp_path, [job], [[0]])
    (path,) = chunk_files(tmp_path)
    intact = path.read_bytes()
    for where in range(0, len(intact), 37):
        damaged = bytearray(intact)
        damaged[where] ^= 0x11
        path.write_bytes(damaged)
        loaded = kept.load(0)
        if loaded is not None:  # a byte that says nothing, such as a date
            np.testing.assert_array_equal(loaded[0].weights.coefs[0], fitted.coefs_[0])
            np.testing.assert_array_equal(loaded[0].loss_curve, fitted.loss_curve_)


def test_a_file_in_the_place_of_another_is_trained_again(tmp_path, trained):
    expected = train_sweep(tmp_path / "a", sweep(4))
    train_sweep(tmp_path / "b", sweep(4, alpha=0.1))
    files = chunk_files(tmp_path / "a")
    shutil.copy(files[0], files[1])
    shutil.copy(chunk_files(tmp_path / "b")[2], files[2])
    trained.clear()
    assert_identical(train_sweep(tmp_path / "a", sweep(4)), expected)
    assert trained == [1, 1]


def test_files_are_never_unpickled(tmp_path, trained):
    expected = train_sweep(tmp_path)
    path = chunk_files(tmp_path)[0]
    np.savez(path, coefs_0=np.array([namedtuple], dtype=object))
    trained.clear()
    assert_identical(train_sweep(tmp_path), expected)
    assert trained == [1]


# -- errors ----------------------------------------------------------------------------


def fail_to_write(path, data):
    raise OSError(errno.EROFS, "Read-only file system", str(path))


def test_networks_without_a_seed(tmp_path):
    networks = changed(3, random_state=None)
    with pytest.raises(ValueError, match=r"1 have random_state=None, the first at position 3"):
        train_sweep(tmp_path / "sweep", networks)
    assert not (tmp_path / "sweep").exists()
    assert len(fit_many(networks, X, Y)) == 5


def test_a_random_state_in_the_callers_hands(tmp_path, trained):
    for _ in range(2):
        train_sweep(tmp_path, changed(0, random_state=np.random.RandomState(8)))
    assert len(trained) == 5


def test_a_folder_with_other_files(tmp_path, trained):
    (tmp_path / "thesis.tex").write_text("Chapter 1")
    with pytest.raises(ValueError, match=r"holds files, but no manifest\.json of a sweep"):
        train_sweep(tmp_path)
    assert trained == []
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"versions": []}', "\x00"])
def test_a_manifest_of_something_else(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ValueError, match="is not the manifest of a sweep"):
        train_sweep(tmp_path)


def test_a_manifest_that_was_changed(tmp_path):
    train_sweep(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "sha256": "0"}))
    with pytest.raises(ValueError, match="its manifest was changed"):
        train_sweep(tmp_path)


def test_a_file_in_place_of_the_folder(tmp_path, trained):
    path = tmp_path / "file"
    path.write_text("")
    for folder in (path, path / "below"):
        with pytest.raises(OSError, match=r"checkpoint must be a folder .*file"):
            train_sweep(folder)
    assert trained == []


def test_not_a_path():
    with pytest.raises(ValueError, match="The 'checkpoint' parameter of fit_many"):
        train_sweep(7)


def test_a_disk_without_room(tmp_path, trained, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(9, 0, 2**10))
    with pytest.raises(OSError, match=r"the disk has 0 MiB left\. Make room") as caught:
        train_sweep(tmp_path)
    assert caught.value.errno == errno.ENOSPC
    assert trained == []


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_disk_that_fills_up(tmp_path, monkeypatch, n_jobs):
    expected = fit_many(sweep(), X, Y, chunk_bytes=1)
    calls = []

    def full(handle, original=os.fsync):
        calls.append(handle)
        if len(calls) == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        message = r"networks are kept: .* \(No space left on device\): '.*chunk-0000\d-\w+\.npz'"
        with pytest.raises(OSError, match=message) as caught:
            train_sweep(tmp_path, n_jobs=n_jobs)
    assert caught.value.errno == errno.ENOSPC
    assert len(list(tmp_path.iterdir())) == 3  # the manifest and two stacks
    assert_identical(train_sweep(tmp_path), expected)


def test_a_file_too_large_for_the_disk(tmp_path):
    # The system itself ends the write half way.
    resource = pytest.importorskip("resource")
    networks = [*sweep(2), MultiTaskMLP((400,), max_iter=2, random_state=2)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
    try:
        with pytest.raises(
            OSError, match=r"networks are kept: .*'.*chunk-00002-\w+\.npz'"
        ) as caught:
            train_sweep(tmp_path, networks)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.errno == errno.EFBIG
    assert len(chunk_files(tmp_path)) == 2
    assert len(list(tmp_path.iterdir())) == 3
    assert_identical(train_sweep(tmp_path, networks), fit_many(networks, X, Y, chunk_bytes=1))
