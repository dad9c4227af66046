"""Representational similarity analysis."""

from neuroselect.rsa._compare import compare_rdms
from neuroselect.rsa._condition_patterns import condition_patterns, trial_rdms
from neuroselect.rsa._cross_run import cross_run_rdms
from neuroselect.rsa._models import model_rdms
from neuroselect.rsa._noise import noise_precision
from neuroselect.rsa._rdm import condensed_rdms
from neuroselect.rsa._rdm_regression import RDMRegression
from neuroselect.rsa._rdm_transformer import RDMTransformer
from neuroselect.rsa._rsatoolbox import from_rsatoolbox, to_rsatoolbox

__all__ = [
    "RDMRegression",
    "RDMTransformer",
    "compare_rdms",
    "condensed_rdms",
    "condition_patterns",
    "cross_run_rdms",
    "from_rsatoolbox",
    "model_rdms",
    "noise_precision",
    "to_rsatoolbox",
    "trial_rdms",
]
