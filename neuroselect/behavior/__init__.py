"""Choices of humans and of networks under two rules."""

from neuroselect.behavior._angles import angular_bias
from neuroselect.behavior._choice_model import ChoiceModel
from neuroselect.behavior._choice_rdms import choice_rdm_betas, choice_rdm_models, choice_rdms
from neuroselect.behavior._congruency import congruency_effect
from neuroselect.behavior._curves import choice_curves, choice_slopes, fit_sigmoids
from neuroselect.behavior._fit_many import choice_model_table, fit_choice_models, fit_choices
from neuroselect.behavior._matrices import align_choices, choice_matrices
from neuroselect.behavior._model_selection import bayesian_model_selection
from neuroselect.behavior._network_choices import network_choice_matrices
from neuroselect.behavior._network_fit import fit_network_parameter
from neuroselect.behavior._statistics import compare_groups, correlate_scores

__all__ = [
    "ChoiceModel",
    "align_choices",
    "angular_bias",
    "bayesian_model_selection",
    "choice_curves",
    "choice_matrices",
    "choice_model_table",
    "choice_rdm_betas",
    "choice_rdm_models",
    "choice_rdms",
    "choice_slopes",
    "compare_groups",
    "congruency_effect",
    "correlate_scores",
    "fit_choice_models",
    "fit_choices",
    "fit_network_parameter",
    "fit_sigmoids",
    "network_choice_matrices",
]
