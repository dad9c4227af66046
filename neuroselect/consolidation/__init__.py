"""Protection of earlier tasks while later ones are learned, as data and without torch."""

from neuroselect.consolidation._ewc import EWC
from neuroselect.consolidation._synaptic_intelligence import SynapticIntelligence

__all__ = ["EWC", "SynapticIntelligence"]
