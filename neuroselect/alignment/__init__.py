"""Do two systems share a representation, and do they share units?"""

from neuroselect.alignment._cca import canonical_correlations, cca_similarity
from neuroselect.alignment._cka import linear_cka
from neuroselect.alignment._match_units import match_units
from neuroselect.alignment._null import alignment_test
from neuroselect.alignment._procrustes import (
    angular_distance,
    procrustes_distance,
    procrustes_similarity,
)
from neuroselect.alignment._procrustes_alignment import ProcrustesAlignment
from neuroselect.alignment._rsa_similarity import rsa_similarity
from neuroselect.alignment._shared_clusters import shared_clusters
from neuroselect.alignment._sparse_prediction import sparse_prediction
from neuroselect.alignment._unit_matching import UnitMatching, unit_correlations

__all__ = [
    "ProcrustesAlignment",
    "UnitMatching",
    "alignment_test",
    "angular_distance",
    "canonical_correlations",
    "cca_similarity",
    "linear_cka",
    "match_units",
    "procrustes_distance",
    "procrustes_similarity",
    "rsa_similarity",
    "shared_clusters",
    "sparse_prediction",
    "unit_correlations",
]
