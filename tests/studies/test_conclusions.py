"""Claims on networks: the tests behind the verdicts, on noise and on effects."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import binomtest, kstest, ttest_ind, ttest_rel

from neuroselect.studies._conclusions import CLAIMS, MARGINS, Claim, compare, conclude

N_DRAWS = 600
UP = Claim("up", "A is higher than B", "mean_absolute", ("A", 2), ("B", 2), 1)
DOWN = Claim("down", "A is lower than B", "mean_relative", ("A", 2), ("B", 2), -1)
WITHIN = Claim("within", "Higher in layer 2 than in 1", "mean_absolute", ("A", 2), ("A", 1), 1)


@pytest.mark.parametrize("paired", [False, True])
def test_interval_and_p_value_against_scipy(rng, paired):
    for _ in range(20):
        n = rng.integers(2, 30, size=2)
        first, second = rng.normal(size=n[0]), 3 * rng.normal(size=n[0 if paired else 1]) + 0.5
        result = compare(first, second, sign=1, margin=0.1, paired=paired)
        test = ttest_rel(first, second) if paired else ttest_ind(first, second, equal_var=False)
        low, high = test.confidence_interval(0.95)
        assert_allclose(result["p_value"], test.pvalue)
        assert_allclose(result["difference"], (low + high) / 2)
        assert_allclose(result["difference_ci95"], (high - low) / 2)


def verdicts(rng, difference, sign, paired=False, noise=0.1):
    """Verdicts of simulated studies of 20 networks a side, with margin 0.1."""
    shapes = (N_DRAWS, 20)
    shared = rng.normal(size=shapes) if paired else 0
    first = shared + difference + noise * rng.normal(size=shapes)
    second = shared + noise * rng.normal(size=shapes)
    results = [
        compare(a, b, sign=sign, margin=0.1, paired=paired)
        for a, b in zip(first, second, strict=True)
    ]
    return np.array([r["verdict"] for r in results]), np.array([r["p_value"] for r in results])


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("sign", [1, -1])
def test_no_difference(rng, sign, paired):
    verdict, p_value = verdicts(rng, 0.0, sign, paired)
    assert kstest(p_value, "uniform").pvalue > 1e-4
    n_holds = int((verdict == "holds").sum())
    assert binomtest(n_holds, N_DRAWS, 0.025, alternative="greater").pvalue > 1e-4
    assert (verdict == "does not hold").mean() > 0.8


@pytest.mark.parametrize("sign", [1, -1])
def test_a_difference_of_the_margin_is_rarely_ruled_out(rng, sign):
    verdict, _ = verdicts(rng, sign * 0.1, sign)
    n_ruled_out = int((verdict == "does not hold").sum())
    assert binomtest(n_ruled_out, N_DRAWS, 0.05, alternative="greater").pvalue > 1e-4
    assert n_ruled_out > 0


@pytest.mark.parametrize("sign", [1, -1])
def test_an_effect_is_found_on_its_side_only(rng, sign):
    verdict, _ = verdicts(rng, sign * 0.3, sign)
    assert (verdict == "holds").mean() > 0.99
    verdict, _ = verdicts(rng, sign * 0.3, -sign)
    assert (verdict == "does not hold").all()


def test_much_noise_leaves_it_open(rng):
    verdict, _ = verdicts(rng, 0.0, 1, noise=2.0)
    assert (verdict == "undecided").mean() > 0.85


def test_a_sure_but_small_difference_does_not_count(rng):
    values = 0.001 * rng.normal(size=50)
    result = compare(values + 0.03, values[::-1], sign=1, margin=0.1)
    assert result["p_value"] < 1e-6
    assert result["verdict"] == "does not hold"


@pytest.mark.parametrize(
    ("first", "second", "p_value", "verdict"),
    [
        ([1.0, 1.0], [0.5, 0.5, 0.5], 0.0, "holds"),
        ([0.5, 0.5], [1.0, 1.0], 0.0, "does not hold"),
        ([0.5, 0.5], [0.5, 0.5], 1.0, "does not hold"),
        ([0.5], [0.1, 0.2], np.nan, "undecided"),
        ([], [0.1, 0.2], np.nan, "undecided"),
        ([np.nan, 0.5], [0.1, 0.2], np.nan, "undecided"),
    ],
)
def test_few_or_equal_networks(first, second, p_value, verdict):
    result = compare(first, second, sign=1, margin=0.1)
    assert_allclose(result["p_value"], p_value)
    assert result["verdict"] == verdict


def test_missing_values_leave_with_their_pair():
    full = compare([1.0, 2.0, 4.0], [0.0, 1.5, 2.0], sign=1, margin=0.1, paired=True)
    gaps = compare(
        [1.0, np.nan, 2.0, 4.0, 9.0], [0.0, 7.0, 1.5, 2.0, np.nan], sign=1, margin=0.1, paired=True
    )
    assert gaps == full


def make_layers(values):
    """A table of layers from {(condition, layer): values of networks}."""
    return pd.DataFrame(
        [
            {
                "condition": condition, "network": network, "layer": layer, "estimator": "exact",
                "form": form, "mean_absolute": value, "mean_relative": value,
            }
            for (condition, layer), networks in values.items()
            for network, value in enumerate(networks)
            for form in ("raw", "pruned", "layer")
        ]
    )  # fmt: skip


def test_claims_follow_the_numbers_both_ways():
    low, high = [0.10, 0.12, 0.14, 0.11], [0.80, 0.82, 0.81, 0.85]
    for a, b, up in ((high, low, "holds"), (low, high, "does not hold")):
        down = {"holds": "does not hold", "does not hold": "holds"}[up]
        layers = make_layers({("A", 1): b, ("A", 2): a, ("B", 1): b, ("B", 2): b})
        table = conclude(layers, (UP, DOWN, WITHIN))
        main = table[table["main"] & (table["form"] == "pruned")].set_index("claim")["verdict"]
        assert main.to_dict() == {"up": up, "down": down, "within": up}
        assert set(table["form"]) == {"pruned", "layer"}
        other = table[~table["main"] & (table["claim"] == "up")]
        assert set(other["layer"]) == {1}
        assert (other["verdict"] == "does not hold").all()  # the same numbers on both sides
        assert (table.loc[table["claim"] == "within", "layer"] == 2).all()


def test_an_experiment_without_networks_leaves_its_claims_open():
    table = conclude(make_layers({("A", 1): [0.1, 0.2], ("A", 2): [0.3, 0.4]}), (UP, WITHIN))
    assert (table.loc[table["claim"] == "up", "verdict"] == "undecided").all()
    assert not len(conclude(make_layers({("A", 1): [0.1]}).iloc[:0], (UP,)))


def test_the_claims_are_about_the_experiments():
    from neuroselect.studies._arithmetic import EXPERIMENTS

    for claim in CLAIMS:
        assert {claim.first[0], claim.second[0]} <= set(EXPERIMENTS)
        assert claim.measure in MARGINS
        assert claim.sign in (1, -1)
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
