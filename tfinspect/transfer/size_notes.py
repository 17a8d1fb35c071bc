"""What is said of images that are made much larger or smaller than they, or the network's, are."""

import statistics
from collections.abc import Sequence

from tfinspect.artifacts.locate import run_directory
from tfinspect.data import schema
from tfinspect.data.load import reading
from tfinspect.data.manifest import Manifest
from tfinspect.nets.registry import get_spec
from tfinspect.nets.spec import NetSpec
from tfinspect.training.run_directory import open_run

# Beyond this factor a change of size is said.
_FACTOR = 2.0
# Images of the training split whose sizes are looked at.
_LOOKED_AT = 64


def size_notes(checkpoint: str, spec: NetSpec, data: tuple[str, Manifest]) -> list[str]:
    """Returns sentences on sizes that differ by more than a factor of two.

    Compared are shorter sides: of the data's images, of the images as the network takes them, and
    of those that its weights were trained on.

    Args:
      checkpoint: as it was given; of a run the images' size is known.
      spec: the network at the size that it is given.
      data: directory of the shards, and its manifest.

    Raises:
      DataError: the records cannot be read.
    """
    taken, notes = spec.image_shape[:2], []
    own = _trained_on(checkpoint, spec)
    if _times(own, taken) > _FACTOR:
        notes.append(
            f"the network is given images of {_shown(taken)}, and its weights are of images of "
            f"{_shown(own)}."
        )
    stored = _stored_size(*data)
    if stored is not None and _times(stored, taken) > _FACTOR:
        how = "enlarged" if min(stored) < min(taken) else "shrunk"
        notes.append(
            f"the data's images (median {_shown(stored)}) are {how} {_times(stored, taken):.1f} "
            f"times, to {_shown(taken)}; --image-size sets another size."
        )
    return notes


def _trained_on(checkpoint: str, spec: NetSpec) -> tuple[int, int]:
    if run_directory(checkpoint) is not None:
        return open_run(checkpoint).spec().image_shape[:2]
    return get_spec(spec.name, width=spec.width).image_shape[:2]


def _stored_size(directory: str, manifest: Manifest) -> tuple[int, int] | None:
    """Returns the images' size, of different sizes the medians; None of records without sizes."""
    if manifest.image_shape is not None:
        return manifest.image_shape[:2]
    if manifest.schema != "encoded":
        return None
    import tensorflow as tf

    features = {
        name: tf.io.FixedLenFeature([], tf.int64, 0) for name in (schema.HEIGHT, schema.WIDTH)
    }
    with reading(directory):
        records = tf.data.TFRecordDataset(manifest.paths(directory, "train")).batch(_LOOKED_AT)
        first = next(iter(records.take(1)))
        parsed = tf.io.parse_example(first, features)
    height, width = (int(statistics.median(one.numpy().tolist())) for one in parsed.values())
    return (height, width) if height and width else None


def _times(one: Sequence[int], other: Sequence[int]) -> float:
    smaller, larger = sorted((min(one), min(other)))
    return larger / smaller


def _shown(size: Sequence[int]) -> str:
    return "x".join(map(str, size))
