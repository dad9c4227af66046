"""What single units care about."""

# Not of this package, but asked for together with lesions of sets of units.
from neuroselect.geometry import component_accuracy as component_accuracy
from neuroselect.selectivity._bootstrap import bootstrap_importance
from neuroselect.selectivity._cluster_lesions import cluster_lesion_scores
from neuroselect.selectivity._compare import compare_importance
from neuroselect.selectivity._context_tuning import context_tuning
from neuroselect.selectivity._context_weights import context_weight_correlation
from neuroselect.selectivity._curves import lesion_curve, noise_curve
from neuroselect.selectivity._group_lesions import group_lesion_scores
from neuroselect.selectivity._importance import relative_importance, unit_importance, unit_labels
from neuroselect.selectivity._indices import d_prime, lifetime_sparseness, preferred_condition
from neuroselect.selectivity._lesion_selectivity import LesionSelectivity
from neuroselect.selectivity._mixed_selectivity import MixedSelectivity
from neuroselect.selectivity._task_clusters import TaskClusters
from neuroselect.selectivity._task_groups import task_group_lesion
from neuroselect.selectivity._task_index import many_task_index
from neuroselect.selectivity._task_variance import fractional_task_variance, task_variance
from neuroselect.selectivity._unit_classes import unit_classes
from neuroselect.selectivity._unit_rsa import unit_rsa

__all__ = [
    "LesionSelectivity",
    "MixedSelectivity",
    "TaskClusters",
    "bootstrap_importance",
    "cluster_lesion_scores",
    "compare_importance",
    "context_tuning",
    "context_weight_correlation",
    "d_prime",
    "fractional_task_variance",
    "group_lesion_scores",
    "lesion_curve",
    "lifetime_sparseness",
    "many_task_index",
    "noise_curve",
    "preferred_condition",
    "relative_importance",
    "task_group_lesion",
    "task_variance",
    "unit_classes",
    "unit_importance",
    "unit_labels",
    "unit_rsa",
]
