"""All measures in one table, and the finding on the rank of initial weights."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from neuroselect import MultiTaskMLP, MultiTaskMLPClassifier, fit_many
from neuroselect.datasets import make_context_blobs
from neuroselect.regime import (
    regime_table,
    relative_distance,
    relative_norm_change,
    representation_alignment,
    sign_similarity,
    tangent_kernel_alignment,
)

COLUMNS = [
    "relative_norm_change",
    "relative_distance",
    "representation_alignment",
    "tangent_kernel_alignment",
    "sign_similarity",
]


@pytest.mark.parametrize(("layer", "weights"), [(-1, 0), (0, 1), (1, -1)])
def test_columns_are_the_measures(layer, weights, rng, seed):
    X = np.column_stack([rng.normal(size=(10, 3)), np.arange(10) % 2])
    networks = [
        MultiTaskMLP((6, 5), activation="tanh", context_layer=1, random_state=seed),
        MultiTaskMLP((4, 7), random_state=seed),
        MultiTaskMLPClassifier((4, 7), random_state=seed),
    ]
    networks = [network.fit(X, np.arange(10) % 3) for network in networks]
    table = regime_table(networks, X, layer=layer, weights=weights)
    assert list(table.columns) == COLUMNS
    assert table.index.name == "network"
    for network, (_, row) in zip(networks, table.iterrows(), strict=True):
        pair = network.initial_coefs_[weights], network.coefs_[weights]
        assert row["relative_norm_change"] == relative_norm_change(*pair)
        assert row["relative_distance"] == relative_distance(*pair)
        assert row["sign_similarity"] == sign_similarity(*pair)
        assert_allclose(row["tangent_kernel_alignment"], tangent_kernel_alignment(network, X))
        start = type(network)(**network.get_params())
        start.set_params(learning_rate_init=1e-300, max_iter=1).fit(X, np.arange(10) % 3)
        activity = [n.activations(X, layer) for n in (start, network)]
        assert_allclose(row["representation_alignment"], representation_alignment(*activity))


def test_one_network_is_one_row():
    X, y = make_context_blobs()
    assert regime_table(MultiTaskMLP((5,), max_iter=2).fit(X, y), X).shape == (1, 5)


def test_layers_that_do_not_exist():
    X, y = make_context_blobs()
    network = MultiTaskMLP((5,), max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match=r"layer=1 does not exist in .*1 hidden layers"):
        regime_table(network, X, layer=1)
    with pytest.raises(ValueError, match=r"weights=-3 does not exist in .*2 weight matrices"):
        regime_table(network, X, weights=-3)


def test_higher_rank_of_the_same_norm_is_lazier(seed):
    """Liu et al. (2024), in feedforward networks: both alignments rise with the rank."""
    X, y = make_context_blobs()
    X[:, :-1] *= np.sqrt(50)  # stimuli of norm 1
    ranks, n_networks = (1, 4, None), 16
    networks = fit_many(
        [
            MultiTaskMLP(
                (50, 50),
                init_scale=1.25,
                init_rank=rank,
                solver="sgd",
                batch_size=None,
                learning_rate_init=0.02,
                max_iter=200,
                random_state=1000 * seed + k,
            )
            for rank in ranks
            for k in range(n_networks)
        ],
        X,
        y,
    )
    norms = np.array([np.linalg.norm(n.initial_coefs_[1]) for n in networks])
    assert_allclose(norms.reshape(3, -1), norms[None, -n_networks:].repeat(3, 0))
    losses = np.array([network.loss_curve_[-1] for network in networks]).reshape(3, -1)
    assert np.all(losses.mean(1) < 0.2)  # of 1 at the start: all kinds learned
    table = regime_table(networks, X)
    for measure in ("representation_alignment", "tangent_kernel_alignment"):
        values = table[measure].to_numpy().reshape(3, n_networks)
        assert np.all(np.diff(values.mean(1)) > 0.01)
        gain = values[2] - values[0]  # the same seeds: pairs
        assert gain.mean() > 4 * gain.std(ddof=1) / np.sqrt(n_networks)
