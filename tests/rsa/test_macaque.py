"""The recording of macaque A: distances and model betas of the published figure."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.io import loadmat
from scipy.spatial.distance import pdist, squareform
from scipy.stats import zscore
from sklearn.linear_model import LinearRegression

from neuroselect.geometry import participation_ratio
from neuroselect.rsa import RDMRegression, condensed_rdms, model_rdms

MODELS = ["grid", "rotated_grid", "orthogonal", "parallel", "diagonal", "motion", "colour"]


@pytest.fixture(scope="module")
def recording(data_folder):
    path = data_folder / "flesch2022" / "paper_mante_monkeyA_rdms.mat"
    struct = loadmat(path, simplify_cells=True)["rdms_monkeyA"]
    return struct["respmat"].T, struct["rdm"]  # (72 conditions, 762 units)


@pytest.fixture(scope="module")
def conditions():
    column = np.arange(72)
    return pd.DataFrame(
        {
            "motion": column % 6 - 2.5,
            "colour": column // 6 % 6 - 2.5,
            "context": column // 36,
        }
    )


def slow_betas(patterns, offset):
    """Coordinates written out, one least-squares fit by scikit-learn."""
    points = {name: [] for name in MODELS}
    for column in range(72):
        motion, colour, context = column % 6 - 2.5, column // 6 % 6 - 2.5, column // 36
        relevant, irrelevant = (colour, motion) if context == 0 else (motion, colour)
        z = offset * context
        points["grid"].append((motion, colour, z))
        points["rotated_grid"].append((relevant, irrelevant if context == 0 else -irrelevant, z))
        points["orthogonal"].append((0, colour, z) if context == 0 else (motion, 0, z))
        points["parallel"].append((relevant, 0, z))
        points["diagonal"].append(((motion + colour) / 2, (motion + colour) / 2))
        points["motion"].append((motion, 0))
        points["colour"].append((colour, 0))
    design = np.column_stack([zscore(pdist(points[name])) for name in MODELS])
    return LinearRegression().fit(design, zscore(pdist(patterns))).coef_


def betas_of(patterns, conditions, offset):
    models = model_rdms(
        conditions, ["colour", "motion"], "context", models=MODELS, context_offset=offset
    )
    regression = RDMRegression(dict(zip(MODELS, models, strict=True)))
    return pd.Series(regression.fit_transform(condensed_rdms(patterns))[0], index=MODELS)


def test_rdm_equals_the_published_one(recording):
    patterns, published = recording
    assert_allclose(condensed_rdms(patterns)[0], squareform(published, checks=False), rtol=1e-12)


def test_published_figure(recording, conditions):
    """With the published offset of 1 between contexts: orthogonal largest, then grid."""
    patterns, _ = recording
    betas = betas_of(patterns, conditions, offset=1.0)
    assert_allclose(betas, slow_betas(patterns, offset=1.0), atol=1e-10)
    assert list(betas.sort_values(ascending=False).index[:2]) == ["orthogonal", "grid"]
    measured = [0.2893, -0.1044, 0.4584, 0.0964, 0.0224, 0.1597, -0.2894]
    assert_allclose(betas, measured, atol=1e-4)


def test_without_an_offset_the_grid_gives_way_to_motion(recording, conditions):
    patterns, _ = recording
    betas = betas_of(patterns, conditions, offset=0.0)
    assert_allclose(betas, slow_betas(patterns, offset=0.0), atol=1e-10)
    assert list(betas.sort_values(ascending=False).index[:2]) == ["orthogonal", "motion"]


@pytest.mark.parametrize("center", [True, False])
def test_dimensionality(recording, center):
    patterns, _ = recording
    points = patterns - patterns.mean(axis=0) if center else patterns
    eigenvalues = np.linalg.eigvalsh(points.T @ points)  # of the units, the larger matrix
    expected = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
    assert_allclose(participation_ratio(patterns, center=center), expected, rtol=1e-10)
