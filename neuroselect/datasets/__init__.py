"""Tasks to generate, recordings to fetch, and recordings to load from files."""

from neuroselect.datasets._arithmetic import make_arithmetic_tasks
from neuroselect.datasets._blobs import make_context_blobs
from neuroselect.datasets._catalog import fetch_files, list_datasets
from neuroselect.datasets._choices_2022 import fetch_flesch2022_choices
from neuroselect.datasets._choices_2023 import fetch_flesch2023_choices
from neuroselect.datasets._digits import make_digit_tasks
from neuroselect.datasets._fetch import get_data_home
from neuroselect.datasets._haxby import fetch_haxby_slice
from neuroselect.datasets._images_92 import fetch_92_images
from neuroselect.datasets._inspect import inspect_recording
from neuroselect.datasets._load_hdf5 import load_hdf5
from neuroselect.datasets._load_matlab import load_matlab
from neuroselect.datasets._load_nifti import load_nifti
from neuroselect.datasets._load_nwb import load_nwb
from neuroselect.datasets._load_recording_file import load_recording_file
from neuroselect.datasets._load_table import load_table
from neuroselect.datasets._mante import fetch_mante_monkey_a
from neuroselect.datasets._mnist import fetch_mnist
from neuroselect.datasets._park import fetch_park2025
from neuroselect.datasets._patterns import make_patterns
from neuroselect.datasets._recording import make_recording
from neuroselect.datasets._save_nwb import save_nwb

__all__ = [
    "fetch_92_images",
    "fetch_files",
    "fetch_flesch2022_choices",
    "fetch_flesch2023_choices",
    "fetch_haxby_slice",
    "fetch_mante_monkey_a",
    "fetch_mnist",
    "fetch_park2025",
    "get_data_home",
    "inspect_recording",
    "list_datasets",
    "load_hdf5",
    "load_matlab",
    "load_nifti",
    "load_nwb",
    "load_recording_file",
    "load_table",
    "make_arithmetic_tasks",
    "make_context_blobs",
    "make_digit_tasks",
    "make_patterns",
    "make_recording",
    "save_nwb",
]
