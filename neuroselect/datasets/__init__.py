"""Tasks to generate and recordings to fetch."""

from neuroselect.datasets._arithmetic import make_arithmetic_tasks
from neuroselect.datasets._blobs import make_context_blobs
from neuroselect.datasets._digits import make_digit_tasks
from neuroselect.datasets._fetch import get_data_home
from neuroselect.datasets._mante import fetch_mante_monkey_a
from neuroselect.datasets._mnist import fetch_mnist

__all__ = [
    "fetch_mante_monkey_a",
    "fetch_mnist",
    "get_data_home",
    "make_arithmetic_tasks",
    "make_context_blobs",
    "make_digit_tasks",
]
