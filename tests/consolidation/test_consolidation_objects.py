"""Consolidation methods as data."""

import copy
import pickle

import pytest

from neuroselect.consolidation import EWC, SynapticIntelligence


@pytest.mark.parametrize("rule", [EWC(3, "empirical", "last", 5), SynapticIntelligence(2, 0.1)])
def test_objects_are_plain_data(rule):
    for twin in (copy.deepcopy(rule), pickle.loads(pickle.dumps(rule)), eval(repr(rule))):
        assert twin == rule
        assert hash(twin) == hash(rule)
    with pytest.raises(AttributeError):
        rule.strength = 1.0


def test_equal_numbers_make_equal_objects():
    assert repr(EWC(1000)) == repr(EWC(1000.0)) == repr(EWC())
    assert EWC(1) != EWC(2)
    assert EWC(1) != SynapticIntelligence(1)


def test_published_variant_has_no_one_half():
    assert EWC.published(10) == EWC(20, fisher="predicted", anchors="last", n_samples=200)


@pytest.mark.parametrize("strength", [-1, float("nan"), float("inf"), "1", True, None])
def test_strength(strength):
    for cls in (EWC, EWC.published, SynapticIntelligence):
        with pytest.raises(ValueError, match="strength must be a finite number of at least 0"):
            cls(strength)


def test_options():
    with pytest.raises(ValueError, match=r"fisher must be one of \('true', .*got 'exact'"):
        EWC(fisher="exact")
    with pytest.raises(ValueError, match=r"anchors must be one of \('each', 'last'\), got 'all'"):
        EWC(anchors="all")
    for n_samples in (0, 2.0, True):
        with pytest.raises(ValueError, match="n_samples must be an integer of at least 1 or None"):
            EWC(n_samples=n_samples)
    with pytest.raises(ValueError, match="damping must be a finite number above 0, got 0"):
        SynapticIntelligence(damping=0)
