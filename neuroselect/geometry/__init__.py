"""Geometry of population activity."""

from neuroselect.geometry._component_accuracy import component_accuracy
from neuroselect.geometry._dimensionality import explained_variance, participation_ratio
from neuroselect.geometry._mds import classical_mds
from neuroselect.geometry._parametric_geometry import ParametricGeometry
from neuroselect.geometry._reliable_dimensionality import (
    cross_validated_participation_ratio,
    cross_validated_pca,
    n_components_for,
)
from neuroselect.geometry._topology import (
    betti_curves,
    persistence_diagrams,
    total_persistence,
)

__all__ = [
    "ParametricGeometry",
    "betti_curves",
    "classical_mds",
    "component_accuracy",
    "cross_validated_participation_ratio",
    "cross_validated_pca",
    "explained_variance",
    "n_components_for",
    "participation_ratio",
    "persistence_diagrams",
    "total_persistence",
]
