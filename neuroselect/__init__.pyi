from . import (
    alignment,
    behavior,
    consolidation,
    continual,
    curricula,
    datasets,
    displays,
    geometry,
    model_selection,
    networks,
    preprocessing,
    recordings,
    regime,
    rsa,
    selectivity,
    studies,
)
from .behavior import ChoiceModel
from .geometry import participation_ratio
from .model_selection import BatchedGridSearchCV
from .networks import (
    ContextGatedClassifier,
    ContextGatedRegressor,
    MultiTaskCNNClassifier,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    fit_many,
)
from .preprocessing import PseudoPopulation
from .rsa import RDMRegression, RDMTransformer, model_rdms
from .selectivity import LesionSelectivity, MixedSelectivity, unit_classes

__version__: str
