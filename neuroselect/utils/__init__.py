"""Helpers shared by all layers; nothing here is public."""
