"""Networks as scikit-learn estimators, and their training in batches."""

from neuroselect.networks._fit_many import fit_many
from neuroselect.networks._multitask_mlp import MultiTaskMLP, MultiTaskMLPClassifier

__all__ = ["MultiTaskMLP", "MultiTaskMLPClassifier", "fit_many"]
