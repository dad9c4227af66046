"""Fixtures shared by all tests."""

import os
from pathlib import Path

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # read when SciPy is imported; some checks need it

import matplotlib
import numpy as np
import pytest
import torch

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
