"""Several machines: who takes part, and whether they can work together."""
