"""The papers' experiments as data, by name."""

from neuroselect.studies._recordings import Recording, load_recording
from neuroselect.studies._registry import get_study
from neuroselect.studies._run import StudyResult, run_study
from neuroselect.studies._study import Study

__all__ = ["Recording", "Study", "StudyResult", "get_study", "load_recording", "run_study"]
