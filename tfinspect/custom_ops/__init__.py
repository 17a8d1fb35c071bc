"""Ops from a NumPy forward and a TensorFlow gradient, and the check of any gradient."""
