"""What networks that learn one task after the other keep, lose and carry over."""

from neuroselect.continual._accuracy_matrix import accuracy_matrix
from neuroselect.continual._measures import (
    backward_transfer,
    forgetting,
    forward_transfer,
    intransigence,
)
from neuroselect.continual._table import continual_measures

__all__ = [
    "accuracy_matrix",
    "backward_transfer",
    "continual_measures",
    "forgetting",
    "forward_transfer",
    "intransigence",
]
