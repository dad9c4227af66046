"""All measures of rich and lazy learning side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.regime._alignment import representation_alignment
from neuroselect.regime._networks import as_networks, grouped, weights_of
from neuroselect.regime._tangent_kernel import tangent_kernel_alignment
from neuroselect.regime._weight_change import (
    relative_distance,
    relative_norm_change,
    sign_similarity,
)

if TYPE_CHECKING:
    import pandas as pd


def regime_table(
    estimators: object | Sequence, X: ArrayLike, *, layer: int = -1, weights: int = 0
) -> pd.DataFrame:
    """Measure how rich or lazy the training of networks was.

    Parameters
    ----------
    estimators : MultiTaskMLP, MultiTaskMLPClassifier, or sequence of these
        Fitted networks, of any mixture of architectures.
    X : array-like of shape (n_trials, n_features + 1)
        Trials, as in the networks' ``fit``, on which representations are compared.
    layer : int, default=-1
        Hidden layer whose representation is compared: 0 is the first, -1 the last.
    weights : int, default=0
        Matrix of ``coefs_`` whose change is measured: 0 is the stimulus weights, -1 the
        output's.

    Returns
    -------
    table : DataFrame
        One row per network, in the order given (index "network"), float64 columns:

        - "relative_norm_change": change of the weights' norm / initial norm. Large is rich.
        - "relative_distance": distance travelled / initial norm. Large is rich.
        - "representation_alignment": between hidden activities, uncentred. 1 is lazy.
        - "tangent_kernel_alignment": between tangent kernels. 1 is lazy.
        - "sign_similarity": share of weights that kept their sign. 1 is lazy.

        NaN where a measure is not defined; see each.

    Raises
    ------
    TypeError
        If an estimator is not a multi-layer perceptron of this package.
    ValueError
        If a network is not fitted, X does not fit, or a network has no such layer.

    See Also
    --------
    relative_norm_change, relative_distance, sign_similarity : Measures of weights.
    representation_alignment, tangent_kernel_alignment : Measures of function.

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> nets = [MultiTaskMLP((20,), init_scale=s, random_state=0).fit(X, y) for s in (0.1, 10)]
    >>> table = regime_table(nets, X)
    >>> bool(table["relative_distance"][0] > table["relative_distance"][1])
    True
    """
    import pandas as pd

    networks, _ = as_networks(estimators)
    for k, network in enumerate(networks):
        n_weights = len(network.coefs_)
        _check_position(layer, n_weights - 1, "layer", "hidden layers", k)
        _check_position(weights, n_weights, "weights", "weight matrices", k)

    def changes(measure):
        return [measure(n.initial_coefs_[weights], n.coefs_[weights]) for n in networks]

    columns = {
        "relative_norm_change": changes(relative_norm_change),
        "relative_distance": changes(relative_distance),
        "representation_alignment": _representation_alignments(networks, X, layer),
        "tangent_kernel_alignment": tangent_kernel_alignment(networks, X),
        "sign_similarity": changes(sign_similarity),
    }
    index = pd.RangeIndex(len(networks), name="network")
    return pd.DataFrame(columns, index=index, dtype=np.float64)


def _representation_alignments(networks, X, layer):
    from neuroselect._engine._predict import hidden_activity

    alignments = np.empty(len(networks))
    for group in grouped(networks, X):
        stimuli = group.stimuli.astype(np.float64)
        hidden = layer % len(group.network.hidden)
        for k in group.positions:
            alignments[k] = representation_alignment(
                *(
                    hidden_activity(
                        group.network,
                        weights_of(networks[k], initial=initial),
                        stimuli,
                        group.task,
                        hidden,
                        group.device,
                    )
                    for initial in (True, False)
                )
            )
    return alignments


def _check_position(position, n, name, what, k):
    if not -n <= position < n:
        raise ValueError(
            f"{name}={position} does not exist in estimators[{k}], which has {n} {what}. Expected"
            f" an integer from {-n} to {n - 1}."
        )
