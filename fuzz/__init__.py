"""A coverage-guided fuzzer over every reader; see README.md."""

import os

# Inputs are written to memory where the system has a place for that.
SCRATCH = "/dev/shm" if os.path.isdir("/dev/shm") else None
