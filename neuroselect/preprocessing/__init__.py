"""From recorded trials to what decoders and measures take: pseudo-populations and scaling."""

from neuroselect.preprocessing._axes import flatten_time
from neuroselect.preprocessing._baseline_subtractor import BaselineSubtractor
from neuroselect.preprocessing._noise_normalizer import NoiseNormalizer
from neuroselect.preprocessing._permute_labels import permute_labels
from neuroselect.preprocessing._pseudo_population import PseudoPopulation
from neuroselect.preprocessing._resampled_folds import ResampledFolds
from neuroselect.preprocessing._soft_normalizer import SoftNormalizer
from neuroselect.preprocessing._square_root_transformer import SquareRootTransformer
from neuroselect.preprocessing._unit_scaler import UnitScaler
from neuroselect.preprocessing._unit_selector import UnitSelector

__all__ = [
    "BaselineSubtractor",
    "NoiseNormalizer",
    "PseudoPopulation",
    "ResampledFolds",
    "SoftNormalizer",
    "SquareRootTransformer",
    "UnitScaler",
    "UnitSelector",
    "flatten_time",
    "permute_labels",
]
