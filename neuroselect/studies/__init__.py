"""The papers' experiments as data, by name; sweeps of one's own from a file."""

from neuroselect.studies._arithmetic_measures import ArithmeticResult
from neuroselect.studies._continual_measures import ContinualResult
from neuroselect.studies._digit_measures import DigitsResult
from neuroselect.studies._recordings import Recording, load_recording
from neuroselect.studies._registry import get_study
from neuroselect.studies._run import run_study
from neuroselect.studies._study import Study
from neuroselect.studies._sweep_config import SweepConfig, read_sweep_config
from neuroselect.studies._sweep_plan import SweepPlan, plan_sweep
from neuroselect.studies._sweep_run import load_sweep, run_sweep
from neuroselect.studies._sweep_schema import sweep_schema
from neuroselect.studies._two_features import StudyResult

__all__ = [
    "ArithmeticResult",
    "ContinualResult",
    "DigitsResult",
    "Recording",
    "Study",
    "StudyResult",
    "SweepConfig",
    "SweepPlan",
    "get_study",
    "load_recording",
    "load_sweep",
    "plan_sweep",
    "read_sweep_config",
    "run_study",
    "run_sweep",
    "sweep_schema",
]
