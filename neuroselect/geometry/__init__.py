"""Geometry of population activity."""

from neuroselect.geometry._component_accuracy import component_accuracy
from neuroselect.geometry._dimensionality import explained_variance, participation_ratio
from neuroselect.geometry._mds import classical_mds
from neuroselect.geometry._parametric_geometry import ParametricGeometry

__all__ = [
    "ParametricGeometry",
    "classical_mds",
    "component_accuracy",
    "explained_variance",
    "participation_ratio",
]
