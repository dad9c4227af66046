"""Representational similarity analysis."""

from neuroselect.rsa._geo_topological import GeoTopologicalTransformer
from neuroselect.rsa._models import model_rdms
from neuroselect.rsa._rdm import condensed_rdms
from neuroselect.rsa._rdm_regression import RDMRegression
from neuroselect.rsa._rdm_transformer import RDMTransformer

__all__ = [
    "GeoTopologicalTransformer",
    "RDMRegression",
    "RDMTransformer",
    "condensed_rdms",
    "model_rdms",
]
