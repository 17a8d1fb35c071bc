"""Training: configuration, schedules, strategies, and the run that composes them."""
