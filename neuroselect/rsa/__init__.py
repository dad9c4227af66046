"""Representational similarity analysis."""

from neuroselect.rsa._compare import compare_rdms
from neuroselect.rsa._condition_patterns import condition_patterns, trial_rdms
from neuroselect.rsa._cross_run import cross_run_rdms
from neuroselect.rsa._evaluate import evaluate, model_comparison
from neuroselect.rsa._geo_topological import GeoTopologicalTransformer
from neuroselect.rsa._models import model_rdms
from neuroselect.rsa._neighborhoods import adjacency_neighborhoods, volume_neighborhoods
from neuroselect.rsa._noise import noise_precision
from neuroselect.rsa._noise_ceiling import noise_ceiling
from neuroselect.rsa._rdm import condensed_rdms
from neuroselect.rsa._rdm_regression import RDMRegression
from neuroselect.rsa._rdm_transformer import RDMTransformer
from neuroselect.rsa._rsatoolbox import from_rsatoolbox, to_rsatoolbox
from neuroselect.rsa._searchlight import Searchlight, searchlight_scores

__all__ = [
    "GeoTopologicalTransformer",
    "RDMRegression",
    "RDMTransformer",
    "Searchlight",
    "adjacency_neighborhoods",
    "compare_rdms",
    "condensed_rdms",
    "condition_patterns",
    "cross_run_rdms",
    "evaluate",
    "from_rsatoolbox",
    "model_comparison",
    "model_rdms",
    "noise_ceiling",
    "noise_precision",
    "searchlight_scores",
    "to_rsatoolbox",
    "trial_rdms",
    "volume_neighborhoods",
]
