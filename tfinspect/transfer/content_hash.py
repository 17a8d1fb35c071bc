"""What tells two copies of a checkpoint apart: a hash of all values in it."""

import hashlib

import numpy as np

from tfinspect.artifacts import Artifact

_NO_NUMBERS = ("string", "resource", "variant")


def content_hash(artifact: Artifact) -> str:
    """Returns the SHA-256 of names, types, shapes and bytes of all variables, whatever the format.

    Raises:
      ArtifactError: a value is damaged.
    """
    found = hashlib.sha256()
    for entry in sorted(artifact.variables, key=lambda entry: entry.name):
        if entry.readable and entry.dtype not in _NO_NUMBERS:
            value = np.ascontiguousarray(artifact.read(entry.name))
            found.update(repr((entry.name, entry.dtype, value.shape)).encode())
            found.update(value.data if value.dtype.kind in "biufc" else value.tobytes())
    return found.hexdigest()
