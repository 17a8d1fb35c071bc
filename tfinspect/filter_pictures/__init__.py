"""Pictures of filters: what `visualize-weights` draws and writes, without TensorFlow."""
