"""Order of trials as data: which trials a network sees at each step, without torch."""

from neuroselect.curricula._biased import Biased
from neuroselect.curricula._blocked import Blocked, Replay
from neuroselect.curricula._checks import check_passes
from neuroselect.curricula._registry import CURRICULA, Curriculum, get_curriculum
from neuroselect.curricula._shuffled import Interleaved, Resampled

__all__ = [
    "CURRICULA",
    "Biased",
    "Blocked",
    "Curriculum",
    "Interleaved",
    "Replay",
    "Resampled",
    "check_passes",
    "get_curriculum",
]
