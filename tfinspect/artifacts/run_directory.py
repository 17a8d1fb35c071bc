"""Run directories: the best weights that `tfinspect train` kept, or the newest."""

import os

from tfinspect.artifacts import locate
from tfinspect.artifacts.artifact import Artifact
from tfinspect.artifacts.bundle import open_bundle
from tfinspect.errors import ArtifactError

_PREFERRED = ("best", "checkpoints")


def open_run(directory: str) -> Artifact:
    """Opens the checkpoint in `best/` of a run, or the newest in `checkpoints/`.

    Raises:
      ArtifactError: the run has no checkpoint yet.
    """
    for name in _PREFERRED:
        place = os.path.join(directory, name)
        prefix = locate.bundle_prefix(place) if os.path.isdir(place) else None
        if prefix is not None:
            return open_bundle(prefix)
    raise ArtifactError(
        f"the run '{directory}' has no checkpoint in {' or '.join(_PREFERRED)}; "
        "train it for at least one epoch."
    )
