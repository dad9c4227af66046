"""Torch, private: stacked networks with a leading network axis.

Everything here takes and returns arrays of one *stack*: several networks of the same
shape, trained or evaluated together. A single network is the stack of one.
"""
