"""What single units care about."""

from neuroselect.selectivity._bootstrap import bootstrap_importance
from neuroselect.selectivity._compare import compare_importance
from neuroselect.selectivity._curves import lesion_curve, noise_curve
from neuroselect.selectivity._group_lesions import group_lesion_scores
from neuroselect.selectivity._importance import relative_importance, unit_importance, unit_labels
from neuroselect.selectivity._lesion_selectivity import LesionSelectivity
from neuroselect.selectivity._mixed_selectivity import MixedSelectivity
from neuroselect.selectivity._task_index import many_task_index
from neuroselect.selectivity._unit_classes import unit_classes

__all__ = [
    "LesionSelectivity",
    "MixedSelectivity",
    "bootstrap_importance",
    "compare_importance",
    "group_lesion_scores",
    "lesion_curve",
    "many_task_index",
    "noise_curve",
    "relative_importance",
    "unit_classes",
    "unit_importance",
    "unit_labels",
]
