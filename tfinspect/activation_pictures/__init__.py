"""Activations and attributions as files: PNG sheets and summaries for TensorBoard."""
