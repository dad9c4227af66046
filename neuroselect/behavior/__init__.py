"""Choices of humans and of networks under two rules."""

from neuroselect.behavior._angles import angular_bias
from neuroselect.behavior._choice_rdms import choice_rdm_betas, choice_rdm_models, choice_rdms
from neuroselect.behavior._congruency import congruency_effect
from neuroselect.behavior._curves import choice_curves, choice_slopes, fit_sigmoids
from neuroselect.behavior._matrices import align_choices, choice_matrices

__all__ = [
    "align_choices",
    "angular_bias",
    "choice_curves",
    "choice_matrices",
    "choice_rdm_betas",
    "choice_rdm_models",
    "choice_rdms",
    "choice_slopes",
    "congruency_effect",
    "fit_sigmoids",
]
