"""A checkpoint on the command line: a path, or a network's name for its published weights."""

from tfinspect.artifacts import open_artifact
from tfinspect.nets.published import names_published_weights, resolve_checkpoint
from tfinspect_cli.stages import stages


def weights_path(given: str) -> str:
    """Returns the path of a checkpoint, downloaded with a progress bar when first asked for.

    Raises:
      NetworkError: it is a network's name, without published weights.
      DataError: the archive cannot be downloaded, or is broken.
    """
    with stages() as progress:
        return resolve_checkpoint(given, progress)


def require_weights(given: str) -> None:
    """Refuses what is no checkpoint, before TensorFlow is started and a network is asked for.

    Raises:
      ArtifactError: it is neither an artifact nor the name of published weights.
    """
    if not names_published_weights(given):
        open_artifact(given)
