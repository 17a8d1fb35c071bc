"""From raw images to TFRecord shards, and from shards to batches."""
