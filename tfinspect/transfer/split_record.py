"""Which image lies in which split: what a run writes down of its data."""

from typing import Any

from tfinspect.data.example_names import example_names
from tfinspect.data.load import reading
from tfinspect.data.manifest import Manifest


def split_record(directory: str, manifest: Manifest) -> dict[str, Any]:
    """Returns the seed of a split, and of each part the examples, their labels and files.

    Args:
      directory: of the shards.
      manifest: of the same.

    Returns:
      JSON values. `files` are paths within the folder that was converted, in stored order; None
      where the records keep no names, as those of CIFAR.

    Raises:
      DataError: the records are broken.
    """
    named = manifest.schema == "encoded"
    with reading(directory):
        parts = {
            name: {
                "examples": split.examples,
                "labels": split.label_histogram,
                "files": list(example_names(directory, manifest, name)) if named else None,
            }
            for name, split in manifest.splits.items()
        }
    return {"data": manifest.name, "seed": manifest.seed, "splits": parts}
