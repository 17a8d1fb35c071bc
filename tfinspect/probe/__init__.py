"""Probes: what a model computes for given images, as NumPy arrays."""
