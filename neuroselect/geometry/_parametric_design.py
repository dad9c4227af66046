"""What the parametric model takes from conditions, and what of its parameters has a meaning."""

import numpy as np

from neuroselect.geometry._parametric_model import derivatives_of
from neuroselect.rsa._design import (
    check_columns,
    check_features,
    encode_tasks,
    relevant_features,
)
from neuroselect.rsa._design import coordinates as levels_of


def read_design(conditions, features, task, relevant):
    """Tasks (2,), levels (n_conditions, 2) of x and y, and the code of each condition's task."""
    features = check_features(features)
    if len(features) != 2:
        raise ValueError(f"features must name two columns of conditions, got {features}.")
    check_columns(conditions, [*features, task])
    names, codes = encode_tasks(conditions[task], task)
    chosen = relevant_features(names, features, relevant)
    if len(names) != 2 or chosen[0] == chosen[1]:
        raise ValueError(
            "ParametricGeometry needs exactly two tasks with different relevant features, got the"
            f" tasks {names} with {[features[k] for k in chosen]}."
        )
    columns = [features[chosen[1]], features[chosen[0]]]
    axes = [levels_of(conditions[name], name) for name in columns]
    for name, levels in zip(columns, axes, strict=True):
        if levels.shape[1] != 1:
            raise ValueError(f"The feature {name!r} of conditions must hold numbers, not labels.")
        if not np.ptp(levels):
            raise ValueError(f"The feature {name!r} of conditions has the same level throughout.")
    return np.array(names), np.hstack(axes), codes


def check_identifiable(pairs, features):
    """Raise if even squared distances without noise leave parameters open."""
    theta = np.array([[0.9, 0.7, 0.8, 0.6, 0.5, 0.4]])  # any, as none of them is special
    rank = np.linalg.matrix_rank(pairs.features @ derivatives_of(theta)[0].T)
    if rank < theta.shape[1]:
        raise ValueError(
            "The conditions do not determine the model: its distances have"
            f" {theta.shape[1]} parameters, of which pairs of these conditions fix {rank}. In both"
            f" tasks each of the features {list(features)} must have at least two levels, not"
            " tied to those of the other one."
        )


def coordinates(theta, levels, codes):
    """Coordinates (n_conditions, 3) of the conditions in the model."""
    p, q, r, s, k, phi = theta
    first = np.column_stack([p * levels[:, 0], q * levels[:, 1], np.zeros(len(levels))])
    x, y = r * levels[:, 0], s * levels[:, 1]
    cos, sin = np.cos(phi), np.sin(phi)
    second = np.column_stack([x * cos + y * sin, y * cos - x * sin, np.full(len(levels), k)])
    return np.where(codes[:, np.newaxis] == 0, first, second)


def invariants(theta):
    """What does not change with the factor of all lengths, NaN where undefined."""
    p, q, r, s, k, phi = theta.T

    def ratio(a, b):
        return np.divide(a, b, out=np.full_like(a, np.nan), where=b > 0)

    rotation = np.rad2deg(phi)
    lines = ((p == 0) & (r == 0)) | ((q == 0) & (s == 0))
    rotation = np.where(lines, abs(rotation), rotation)
    points = ((p == 0) & (q == 0)) | ((r == 0) & (s == 0))
    return {
        "rotation": np.where(points, np.nan, rotation),
        "relative_compression": np.column_stack([ratio(p, q), ratio(s, r)]),
        "relevant_ratio": ratio(r, q),
        "separation": ratio(k, q),
    }
