"""Weights from anywhere into a network, with proof of what was loaded."""
