"""Where weights come from: any artifact, or a network's name for its published checkpoint."""

from tfinspect.artifacts import Artifact, open_artifact
from tfinspect.data.examples import Progress
from tfinspect.nets.published import resolve_checkpoint
from tfinspect.transfer import keras_applications


def open_weights(source: str, network: str, progress: Progress | None = None) -> Artifact:
    """Opens weights for a network.

    Args:
      source: path of any artifact with values, a run directory among them; or a network's name, for
        its published checkpoint.
      network: name of the network that they are for; of `inception_resnet_v2`, the files of Keras
        Applications come under slim names.
      progress: of a download.

    Raises:
      ArtifactError: nothing is there, or it is broken.
      DataError: published weights cannot be downloaded.
      NetworkError: none were published.
    """
    artifact = open_artifact(resolve_checkpoint(source, progress))
    if network == keras_applications.NETWORK:
        return keras_applications.under_slim_names(artifact)
    return artifact
