"""How far training moved a network: rich or lazy."""

from neuroselect.regime._weight_change import relative_distance, relative_norm_change

__all__ = ["relative_distance", "relative_norm_change"]
