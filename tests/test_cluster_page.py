"""What docs/cluster.md says is so, as far as it can be seen without SLURM."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from neuroselect import MultiTaskMLP, fit_many
from neuroselect._engine._chunks import make_chunks
from neuroselect.datasets import make_context_blobs

PAGE = (Path(__file__).parent.parent / "docs/cluster.md").read_text()
X, Y = make_context_blobs()
SMALL = {"max_iter=10_000": "max_iter=10", "range(1000)": "range(3)", "20, 1000": "2, 6"}


def block(language, contains):
    """The code block of the page that contains some text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    (found,) = (code for code in blocks if contains in code)
    return found


def small(code):
    for large, little in SMALL.items():
        code = code.replace(large, little)
    return code


def assert_same(fitted, expected):
    assert len(fitted) == len(expected)
    for a, b in zip(fitted, expected, strict=True):
        assert a.random_state == b.random_state
        np.testing.assert_array_equal(a.coefs_[0], b.coefs_[0])
        np.testing.assert_array_equal(a.loss_curve_, b.loss_curve_)


def sweep(seeds, max_iter=10):
    return [
        MultiTaskMLP((100,), init_scale=scale, solver="sgd", max_iter=max_iter, random_state=seed)
        for scale in (0.01, 0.1, 0.3, 1.0, 3.0)
        for seed in seeds
    ]


def test_numbers_of_stacks():
    networks = sweep([0], max_iter=10_000)
    jobs = [net._make_job(net._read_trials(X, Y)) for net in networks] * 1000
    n_stacks = len(make_chunks(jobs))
    assert "about 30 networks of the sweep above" in PAGE
    assert 25 <= len(jobs) / n_stacks <= 35
    assert "more than 160 stacks, two for each of the 80 processes" in PAGE
    assert n_stacks >= 160
    assert "`chunk_bytes=2**20` makes stacks a quarter as large" in PAGE
    assert 3.5 <= len(make_chunks(jobs, 2**20)) / n_stacks <= 4.5


def test_the_script_with_processes_in_place_of_jobs(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="needs dask[distributed]")

    class LocalInstead(distributed.LocalCluster):
        def __init__(self, **settings):
            super().__init__(n_workers=0, threads_per_worker=1, dashboard_address=":0")

        def scale(self, n=0, jobs=0):
            super().scale(2 if jobs else n)

    stand_in = ModuleType("dask_jobqueue")
    stand_in.SLURMCluster = LocalInstead
    monkeypatch.setitem(sys.modules, "dask_jobqueue", stand_in)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(small(block("python", "SLURMCluster(")), "sweep.py", "exec"), names)
    assert_same(names["fitted"], fit_many(sweep(range(3)), X, Y))
    assert len(pd.read_csv("sweep.csv")) >= 15
    assert Path("sweep/manifest.json").exists()


def test_the_job_script(monkeypatch):
    jobqueue = pytest.importorskip("dask_jobqueue", reason="needs dask-jobqueue")
    code = block("python", "SLURMCluster(")
    (call,) = re.findall(r"^SLURMCluster\(\n.*?^\)", code.replace("cluster = ", ""), re.M | re.S)
    call = call.replace("\n)", '\n    scheduler_options={"dashboard_address": ":0"},\n)')
    with eval(call, {"SLURMCluster": jobqueue.SLURMCluster}) as cluster:
        script = cluster.job_script()
    script = script.replace(sys.executable, "PYTHON")
    script = re.sub(r"tcp://[\w.:\[\]]+", "tcp://ADDRESS", script)
    assert script.split() == block("text", "#SBATCH").split()


@pytest.mark.slow
def test_a_job_array(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("slices.py").write_text(small(block("python", "def train(part)")))
    Path("slices.sh").write_text(block("bash", "#SBATCH --array"))
    Path(".venv/bin").mkdir(parents=True)
    Path(".venv/bin/activate").write_text('srun() { "$@"; }\npython() { "$PYTHON" "$@"; }\n')
    root = Path(__file__).parent.parent
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    environment = {"SLURM_ARRAY_TASK_ID": "0", "PYTHON": sys.executable, "PYTHONPATH": path}
    subprocess.run(["bash", "-e", "slices.sh"], env={**os.environ, **environment}, check=True)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("slices").train(1)
    monkeypatch.setattr("neuroselect.networks._fit_many.train", None)  # all is there
    names = {}
    exec(compile(block("python", "from slices import"), "collect.py", "exec"), names)
    monkeypatch.undo()
    sys.modules.pop("slices")
    expected = [net for part in range(2) for net in fit_many(sweep(range(part, 6, 2)), X, Y)]
    assert_same(names["fitted"], expected)
