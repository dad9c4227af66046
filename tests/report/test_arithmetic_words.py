"""Sentences on the arithmetic tasks say what the numbers say, in both directions."""

import numpy as np
import pandas as pd
import pytest

from neuroselect.report._arithmetic_words import claim_sentence, consequence
from neuroselect.studies._arithmetic_measures import ESTIMATORS, EXACT, FREE, SIGNED, TAYLOR
from neuroselect.studies._conclusions import CLAIMS, FAILS, HOLDS, OPEN, conclude

SIMILARITY, CAPACITY, *_, BIAS = CLAIMS


def make_layers(claim, effects, forms=("pruned", "layer")):
    """Ten networks a side; the first side differs by the effect of each estimator."""
    rng = np.random.default_rng(0)
    rows = []
    for estimator, effect in effects.items():
        for form in forms:
            for (condition, layer), shift in ((claim.first, effect), (claim.second, 0.0)):
                rows += [
                    {
                        "condition": condition, "network": network, "layer": layer,
                        "estimator": estimator, "form": form, claim.measure: 0.5 + shift + noise,
                    }
                    for network, noise in enumerate(0.02 * rng.normal(size=10))
                ]  # fmt: skip
    return pd.DataFrame(rows)


def told(claim, effects, **options):
    return claim_sentence(claim, conclude(make_layers(claim, effects), (claim,)), **options)


def test_a_claim_that_holds_with_every_estimator():
    sentence = told(SIMILARITY, dict.fromkeys(ESTIMATORS, -0.4))
    assert sentence.startswith(
        "Similar tasks share more units than dissimilar ones (2.2 similar against 2.1 dissimilar,"
        " layer 4; change of mean |RI|): it holds with exact lesion (−0."
    )
    assert "survives every estimator, with layer normalisation and without." in sentence
    assert sentence.endswith("With layer normalisation it holds with every estimator.")


def test_the_opposite_numbers_give_the_opposite_sentence():
    sentence = told(SIMILARITY, dict.fromkeys(ESTIMATORS, 0.4))
    assert ": it does not hold with exact lesion (+0.4" in sentence
    assert "No estimator shows it." in sentence
    assert "survives" not in sentence
    assert sentence.endswith("With layer normalisation it does not hold with any estimator.")


@pytest.mark.parametrize(("claim", "there"), [(CAPACITY, -0.4), (BIAS, -0.6)])
def test_what_the_taylor_estimate_alone_shows(claim, there):
    sentence = told(claim, {EXACT: 0.0, TAYLOR: there, SIGNED: 0.0, FREE: 0.0})
    assert "it holds with Taylor (−0." in sentence
    assert "does not hold with exact lesion (" in sentence
    assert "It is there with the Taylor estimate, and absent with the exact lesion." in sentence
    sentence = told(claim, {EXACT: there, TAYLOR: 0.0, SIGNED: there, FREE: there})
    assert "it holds with exact lesion (−0." in sentence
    assert "does not hold with Taylor (" in sentence
    assert "absent" not in sentence
    assert "Whether it holds depends on the estimator." in sentence


def test_the_short_form_has_the_numbers():
    sentence = told(BIAS, dict.fromkeys(ESTIMATORS, -0.6), short=True)
    assert sentence.startswith(
        "Training one task more turns units to the other one? It survives every estimator"
    )
    assert "Change of mean RI: exact lesion (−0." in sentence
    assert sentence.count(" ± ") == len(ESTIMATORS)


def test_without_networks_nothing_is_claimed():
    layers = make_layers(BIAS, dict.fromkeys(ESTIMATORS, -0.6))
    for kept in (layers[layers["network"] == 0], layers.iloc[:0]):
        sentence = claim_sentence(BIAS, conclude(kept, (BIAS,)))
        assert sentence.endswith("undecided, for lack of networks that learned.")


@pytest.mark.parametrize(
    ("exact", "taylor", "free", "expected"),
    [
        (HOLDS, HOLDS, HOLDS, "survives every estimator, but not what layer"),
        (FAILS, FAILS, FAILS, "No estimator shows it."),
        (FAILS, HOLDS, FAILS, "absent with the exact lesion"),
        (HOLDS, HOLDS, FAILS, "comes from how well each task is fitted"),
        (OPEN, HOLDS, FAILS, "comes from how well each task is fitted"),
        (OPEN, OPEN, FAILS, "No estimator shows it for sure"),
        (HOLDS, OPEN, HOLDS, "Some estimators show it, the others leave it open"),
        (HOLDS, FAILS, HOLDS, "depends on the estimator"),
    ],
)
def test_what_follows(exact, taylor, free, expected):
    pruned = {EXACT: exact, TAYLOR: taylor, FREE: free}
    assert expected in consequence(pruned, dict.fromkeys(pruned, FAILS))
