"""Fixtures shared by all tests."""

import os
from pathlib import Path

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # read when SciPy is imported; some checks need it

import matplotlib
import numpy as np
import pytest
import torch

from neuroselect.datasets import fetch_flesch2022_choices, fetch_flesch2023_choices

matplotlib.use("Agg")
torch.set_num_threads(1)  # the references in the tests are small, too


@pytest.fixture(params=[0, 17])
def seed(request):
    """Two seeds: a test must hold for both."""
    return request.param


@pytest.fixture
def rng(seed):
    return np.random.default_rng(seed)


@pytest.fixture(scope="session")
def data_folder():
    """Folder with the public recordings, or skip."""
    folder = os.environ.get("NEUROSELECT_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("set NEUROSELECT_DATA to the folder with the recordings")
    return Path(folder)


@pytest.fixture
def strategies():
    """Shares of two orthogonal boundaries, and of one diagonal: (2, 2, 5, 5)."""
    level = np.arange(5) - 2.0
    rows = np.repeat(np.sign(level), 5).reshape(5, 5)
    diagonal = np.sign(level[:, None] + level)
    return np.array([[rows, rows.T], [diagonal, diagonal]]) / 2 + 0.5


@pytest.fixture
def matrices(rng, strategies):
    """Shares of 12 trials per cell, of 7 subjects between both strategies."""
    share = np.linspace(0, 1, 7)[:, None, None, None]
    p = 0.1 + 0.8 * ((1 - share) * strategies[0] + share * strategies[1])
    return rng.binomial(12, p) / 12


@pytest.fixture(scope="session")
def scan(data_folder):
    """Choices of people in the scanner."""
    return fetch_flesch2022_choices("scan", data_home=data_folder, download_if_missing=False)


@pytest.fixture(scope="session")
def groups(data_folder):
    """Choices of people after blocked and after interleaved training."""
    return fetch_flesch2023_choices(data_home=data_folder, download_if_missing=False)
