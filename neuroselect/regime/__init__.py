"""How far training moved a network: rich or lazy."""

from neuroselect.regime._alignment import kernel_alignment, representation_alignment
from neuroselect.regime._lazy_dynamics import lazy_dynamics
from neuroselect.regime._lazy_loss_curve import lazy_loss_curve
from neuroselect.regime._table import regime_table
from neuroselect.regime._tangent_kernel import tangent_kernel, tangent_kernel_alignment
from neuroselect.regime._weight_change import (
    relative_distance,
    relative_norm_change,
    sign_similarity,
)

__all__ = [
    "kernel_alignment",
    "lazy_dynamics",
    "lazy_loss_curve",
    "regime_table",
    "relative_distance",
    "relative_norm_change",
    "representation_alignment",
    "sign_similarity",
    "tangent_kernel",
    "tangent_kernel_alignment",
]
