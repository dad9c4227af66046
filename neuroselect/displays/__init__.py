"""Plots: one Display class per figure.

A Display holds numbers; ``from_*`` computes them, ``plot(ax=None)`` draws and returns it.
"""

from neuroselect.displays._choice_matrix import ChoiceMatrixDisplay
from neuroselect.displays._forgetting import ForgettingDisplay
from neuroselect.displays._geometry import GeometryDisplay
from neuroselect.displays._learning_curve import LearningCurveDisplay
from neuroselect.displays._lesion_curve import LesionCurveDisplay
from neuroselect.displays._mixed_selectivity import MixedSelectivityDisplay
from neuroselect.displays._model_comparison import ModelComparisonDisplay
from neuroselect.displays._phase import PhaseDisplay
from neuroselect.displays._psychometric import PsychometricDisplay
from neuroselect.displays._rdm import RDMDisplay
from neuroselect.displays._selectivity import SelectivityDisplay
from neuroselect.displays._selectivity_grid import SelectivityGridDisplay
from neuroselect.displays._spectrum import SpectrumDisplay
from neuroselect.displays._sweep import SweepDisplay
from neuroselect.displays._task_profile import TaskProfileDisplay

__all__ = [
    "ChoiceMatrixDisplay",
    "ForgettingDisplay",
    "GeometryDisplay",
    "LearningCurveDisplay",
    "LesionCurveDisplay",
    "MixedSelectivityDisplay",
    "ModelComparisonDisplay",
    "PhaseDisplay",
    "PsychometricDisplay",
    "RDMDisplay",
    "SelectivityDisplay",
    "SelectivityGridDisplay",
    "SpectrumDisplay",
    "SweepDisplay",
    "TaskProfileDisplay",
]
