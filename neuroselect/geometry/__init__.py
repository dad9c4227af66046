"""Geometry of population activity."""

from neuroselect.geometry._axis_angle import axis_angle_test
from neuroselect.geometry._ccgp import cross_condition_generalization
from neuroselect.geometry._component_accuracy import component_accuracy
from neuroselect.geometry._cross_task import cross_task_decoding
from neuroselect.geometry._demixed import DemixedPCA
from neuroselect.geometry._dimensionality import explained_variance, participation_ratio
from neuroselect.geometry._mds import classical_mds
from neuroselect.geometry._parallelism import parallelism_score
from neuroselect.geometry._parametric_geometry import ParametricGeometry
from neuroselect.geometry._reliable_dimensionality import (
    cross_validated_participation_ratio,
    cross_validated_pca,
    n_components_for,
)
from neuroselect.geometry._separability import separable_dichotomies
from neuroselect.geometry._shattering import shattering_dimensionality
from neuroselect.geometry._subspace_angle import subspace_angle
from neuroselect.geometry._targeted import TargetedDimensionalityReduction
from neuroselect.geometry._topology import betti_curves, persistence_diagrams, total_persistence

__all__ = [
    "DemixedPCA",
    "ParametricGeometry",
    "TargetedDimensionalityReduction",
    "axis_angle_test",
    "betti_curves",
    "classical_mds",
    "component_accuracy",
    "cross_condition_generalization",
    "cross_task_decoding",
    "cross_validated_participation_ratio",
    "cross_validated_pca",
    "explained_variance",
    "n_components_for",
    "parallelism_score",
    "participation_ratio",
    "persistence_diagrams",
    "separable_dichotomies",
    "shattering_dimensionality",
    "subspace_angle",
    "total_persistence",
]
