"""RDMs to rsatoolbox and back."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from neuroselect.rsa import from_rsatoolbox, to_rsatoolbox

pytest.importorskip("rsatoolbox")


@pytest.fixture
def tables():
    conditions = pd.DataFrame({"name": list("abcde"), "level": np.arange(5) / 2})
    return conditions, {"subject": ["x", "y", "z"]}


def test_round_trip(rng, tables):
    rdms = rng.uniform(size=(3, 10))
    rdms[1, 4] = np.nan
    there = to_rsatoolbox(rdms, *tables, metric="euclidean")
    assert_array_equal(there.dissimilarities, rdms)
    assert there.subset("subject", "y").dissimilarities.shape == (1, 10)
    assert there.subset_pattern("name", ["b", "d"]).dissimilarities[0, 0] == rdms[0, 5]
    back = from_rsatoolbox(there)
    assert_array_equal(back.rdms, rdms)
    pd.testing.assert_frame_equal(back.conditions[["name", "level"]], tables[0])
    assert list(back.systems["subject"]) == ["x", "y", "z"]
    assert back.metric == "euclidean"
    there.dissimilarities[:] = 0
    assert rdms[0].any()


def test_without_labels(rng):
    back = from_rsatoolbox(to_rsatoolbox(rng.uniform(size=10)))
    assert back.rdms.shape == (1, 10)
    assert (len(back.conditions), len(back.systems), back.metric) == (5, 1, None)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((np.ones(9),), "rdms must be condensed RDMs .* got 9"),
        ((np.ones((2, 3)), {"a": [1, 2]}), "conditions must have one row per condition, got 2"),
        ((np.ones((2, 3)), None, {"a": [1]}), r"systems must have one row per RDM, got 1 row\(s\)"),
    ],
)
def test_bad_input(arguments, match):
    with pytest.raises(ValueError, match=match):
        to_rsatoolbox(*arguments)


def test_other_objects():
    with pytest.raises(TypeError, match="rdms must be RDMs of rsatoolbox, got ndarray"):
        from_rsatoolbox(np.ones(3))
