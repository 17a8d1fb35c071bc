"""Run directories: the best weights that `tfinspect train` kept, or the newest."""

import contextlib
import os

from tfinspect.artifacts import locate
from tfinspect.artifacts.artifact import Artifact
from tfinspect.artifacts.bundle import open_bundle
from tfinspect.errors import ArtifactError

_PREFERRED = ("best", "checkpoints")
# A run that is going on may replace the checkpoint between its choice and its opening.
_TRIES = 5


def open_run(directory: str) -> Artifact:
    """Opens the checkpoint in `best/` of a run, or the newest in `checkpoints/`.

    Raises:
      ArtifactError: the run has no checkpoint yet.
    """
    for _ in range(_TRIES - 1):
        with contextlib.suppress(ArtifactError, FileNotFoundError):
            return _open_preferred(directory)
    return _open_preferred(directory)


def _open_preferred(directory: str) -> Artifact:
    passed_over: list[str] = []
    for name in _PREFERRED:
        place = os.path.join(directory, name)
        prefix = locate.bundle_prefix(place) if os.path.isdir(place) else None
        if prefix is not None:
            return open_bundle(prefix, passed_over)
        if os.path.isdir(place) and os.listdir(place):
            passed_over.append(
                f"'{place}' has files, but no whole checkpoint: its index is missing. This is "
                "another checkpoint of the run."
            )
    raise ArtifactError(
        f"the run '{directory}' has no checkpoint in {' or '.join(_PREFERRED)}; "
        "train it for at least one epoch."
    )
