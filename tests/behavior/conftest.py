"""Choices with known properties."""

import numpy as np
import pytest

from neuroselect.datasets import fetch_flesch2022_choices, fetch_flesch2023_choices


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
    return fetch_flesch2022_choices("scan", data_home=data_folder, download_if_missing=False)


@pytest.fixture(scope="session")
def groups(data_folder):
    return fetch_flesch2023_choices(data_home=data_folder, download_if_missing=False)
