"""A loaded network as a SavedModel with preprocessing and labels inside."""

from typing import Any

from tfinspect.extraction.load import Loaded
from tfinspect.extraction.part import LOGITS
from tfinspect.training.export import Exportable, classified, write_saved_model


def write_network(loaded: Loaded, directory: str) -> None:
    """Writes a SavedModel with the signatures that `write_saved_model` describes.

    A classifier's give `probabilities`, `classes`, `indices`, and `logits`; those of a network that
    ends at an end point give `features`.

    Raises:
      RunError: it cannot be written.
      CustomOpError: an op calls Python code, which no file can hold.
    """
    write_saved_model(exportable(loaded), directory)


def exportable(loaded: Loaded) -> Exportable:
    """Returns what of a loaded network goes into a SavedModel."""
    part = loaded.part

    def outputs(images: Any) -> dict[str, Any]:
        found = part.build(images)
        if LOGITS not in found:
            return found
        return classified(found[LOGITS], loaded.labels) | {LOGITS: found[LOGITS]}

    spec = part.spec
    variables = part.graph.variables
    return Exportable(outputs, variables, spec.preprocessing, spec.image_shape, loaded.labels)
