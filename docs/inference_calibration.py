"""Type-I errors of the tests in docs/inference.md: p-values on simulated RDMs without effect.

    python docs/inference_calibration.py

prints the table of that page: the share of p-values up to .05 and .1, and the Kolmogorov-Smirnov
test of all of them against the uniform distribution.
"""

import numpy as np
from geometry_calibration import print_table

from neuroselect.rsa import condensed_rdms, evaluate

N_DRAWS = 39


def table(models, rdms, seed, **options):
    """Evaluation of RDMs as it is by default, with fewer bootstrap samples."""
    options = {"comparison": "corr", "n_samples": 200, "noise_ceiling": False} | options
    return evaluate(models, rdms, random_state=seed, **options)


def of_random_patterns(rng, n_rdms=1, n_conditions=12, shared=0.0):
    """RDMs of patterns, with a part that all have in common."""
    patterns = rng.normal(size=(n_rdms, n_conditions, 8))
    return condensed_rdms(patterns + shared * rng.normal(size=(n_conditions, 8)))


def permuted(rng, seed, comparison="corr"):
    """A model of other patterns than the subjects share, by permutation of conditions."""
    models, rdms = of_random_patterns(rng), of_random_patterns(rng, 10, shared=1.5)
    options = {"comparison": comparison, "n_samples": 2, "n_permutations": N_DRAWS}
    return table(models, rdms, seed, **options)["p_permutation"].iloc[0]


def permuted_cosine(rng, seed):
    """The same with cosines of distances, which are all positive."""
    return permuted(rng, seed, "cosine")


def subjects_zero(rng, seed):
    """Unbiased distances of patterns that are all alike, of other subjects each time."""
    rdms = condensed_rdms(rng.normal(size=(10, 4, 12, 8)), "crossnobis")
    models = of_random_patterns(rng)
    return table(models, rdms, seed, comparison="cosine")["p_zero"].iloc[0]


def subjects_zero_corr(rng, seed):
    """Subjects whose distances follow the model as often as its opposite."""
    models = of_random_patterns(rng)
    weights = rng.normal(size=(10, 1))
    rdms = weights * (models - models.mean()) + 0.5 * rng.normal(size=(10, models.shape[1]))
    return table(models, rdms, seed)["p_zero"].iloc[0]


def subjects_biased(rng, seed):
    """Cosines of Euclidean distances of patterns that are all alike: not a test."""
    rdms, models = of_random_patterns(rng, 10), of_random_patterns(rng)
    return table(models, rdms, seed, comparison="cosine")["p_zero"].iloc[0]


def subjects_pair(rng, seed):
    """Subjects follow one of two models or the other, on average neither more."""
    models = of_random_patterns(rng, 2)
    models -= models.mean(axis=1, keepdims=True)
    weights = rng.normal(size=(12, 2))
    rdms = weights @ models + 0.3 * rng.normal(size=(12, models.shape[1]))
    return table(models, rdms, seed)["p_vs_model_1"].iloc[0]


def networks_zero(rng, seed):
    """Networks that know nothing of what the subjects share; other seeds each time."""
    networks = rng.normal(size=(1, 10, 66))
    return table(networks, of_random_patterns(rng, 5), seed, resample="networks")["p_zero"].iloc[0]


def conditions_zero(rng, seed, resample="conditions"):
    """A model of other patterns than the subjects share, of other conditions each time."""
    models = of_random_patterns(rng, n_conditions=20)
    rdms = of_random_patterns(rng, 10, n_conditions=20, shared=1.5)
    return table(models, rdms, seed, resample=resample)["p_zero"].iloc[0]


def both_zero(rng, seed):
    """The same, of other subjects, too."""
    return conditions_zero(rng, seed, "both")


TESTS = {
    '`p_permutation`, `comparison="corr"`': permuted,
    '`p_permutation`, `comparison="cosine"`': permuted_cosine,
    '`p_zero`, `resample="subjects"`, correlation': subjects_zero_corr,
    '`p_zero`, `resample="subjects"`, cosine of crossnobis': subjects_zero,
    '`p_vs_...`, `resample="subjects"`': subjects_pair,
    '`p_zero`, `resample="networks"`': networks_zero,
    '`p_zero`, `resample="conditions"`': conditions_zero,
    '`p_zero`, `resample="both"`': both_zero,
    '`p_zero`, `resample="subjects"`, cosine of Euclidean distances': subjects_biased,
}


def simulate(test, n_simulations, seed):
    """p-values; those of permutations spread evenly between their possible values."""
    rng = np.random.default_rng(seed)
    p = np.array([test(rng, seed + k) for k in range(n_simulations)])
    step = 1 / (N_DRAWS + 1) if test in (permuted, permuted_cosine) else 0.0
    return p, p - step * rng.uniform(0, 1, n_simulations)


if __name__ == "__main__":
    print_table(__doc__.splitlines()[0], "p-value of `evaluate`", TESTS, simulate)
