"""Networks as scikit-learn estimators, and their training in batches."""

from neuroselect.networks._context_gated import ContextGatedClassifier, ContextGatedRegressor
from neuroselect.networks._fit_many import fit_many
from neuroselect.networks._multitask_cnn import MultiTaskCNNClassifier
from neuroselect.networks._multitask_mlp import MultiTaskMLP, MultiTaskMLPClassifier

__all__ = [
    "ContextGatedClassifier",
    "ContextGatedRegressor",
    "MultiTaskCNNClassifier",
    "MultiTaskMLP",
    "MultiTaskMLPClassifier",
    "fit_many",
]
