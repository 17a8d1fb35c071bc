"""A trained network as a SavedModel that takes image files or pixels and names what it sees."""

import dataclasses
import json
import os
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfinspect import files
from tfinspect.data import parse
from tfinspect.errors import RunError


def export(
    model: Any,
    directory: str,
    *,
    labels: Sequence[str],
    preprocessing: Any,
    image_shape: tuple[int, int, int],
) -> None:
    """Writes a SavedModel; one that was there is replaced when the new one is whole.

    The signature `serving_default` takes `encoded`, string `[N]`: whole PNG, JPEG or GIF
    files of any size. The signature `images` takes `images`, float32 `[N, H, W, C]` in 0..255 and
    of the network's size. Both give `probabilities` float32 `[N, classes]`, `classes` string
    `[N]`, the name of the likeliest label, and `indices` int64 `[N]`, its number. Labels and
    preprocessing are inside, and beside it as `assets/labels.txt` and `assets/preprocessing.json`.

    Args:
      model: the `SlimModel` with its weights.
      directory: where the SavedModel will be.
      labels: one name per class.
      preprocessing: from 0..255 to the network's input.
      image_shape: `[H, W, C]` that the network takes.

    Raises:
      RunError: it cannot be written, for want of space or permission; an older export stays.
    """
    scratch = files.temporary_name(directory)
    files.make_directory(scratch)
    try:
        module = _Exported(model, labels, preprocessing, image_shape)
        module.attach_assets(os.path.join(scratch, "source"), labels, preprocessing)
        target = os.path.join(scratch, "model")
        signatures = {"serving_default": module.from_files, "images": module.from_pixels}
        tf.saved_model.save(module, target, signatures=signatures)
        _replace(target, directory, os.path.join(scratch, "old"))
    except (OSError, tf.errors.OpError) as error:
        reason = str(getattr(error, "message", None) or error).splitlines()[0]
        raise RunError(
            f"cannot write the export '{directory}': {reason}; free some space and try again."
        ) from error
    finally:
        files.remove(scratch)


def _replace(source: str, target: str, aside: str) -> None:
    # A directory cannot be renamed over one that holds files.
    if os.path.exists(target):
        os.rename(target, aside)
    try:
        os.rename(source, target)
    except OSError:
        if os.path.exists(aside):
            os.rename(aside, target)
        raise


class _Exported(tf.Module):
    """The two signatures over one network."""

    def __init__(
        self, model: Any, labels: Sequence[str], preprocessing: Any, shape: tuple[int, int, int]
    ):
        super().__init__(name="exported")
        # The variables alone: the Keras model around them would be traced and saved a second time.
        # By name, so that who lists the SavedModel finds `network/resnet/conv1/weights`.
        self.network = dict(model.variables_by_name())
        names = tf.constant(list(labels))

        def classify(images: Any) -> dict[str, Any]:
            logits, _ = model.network(preprocessing.apply(images), False)
            indices = tf.argmax(logits, axis=1)
            return {
                "probabilities": tf.nn.softmax(logits),
                "classes": tf.gather(names, indices),
                "indices": indices,
            }

        def decode(encoded: Any) -> Any:
            return parse.resize(parse.decode_image(encoded), shape[0], shape[1])

        pixels = tf.TensorSpec(list(shape), tf.uint8)
        self.from_files = tf.function(
            lambda encoded: classify(tf.map_fn(decode, encoded, fn_output_signature=pixels)),
            input_signature=[tf.TensorSpec([None], tf.string, "encoded")],
        )
        self.from_pixels = tf.function(
            classify, input_signature=[tf.TensorSpec([None, *shape], tf.float32, "images")]
        )

    def attach_assets(self, directory: str, labels: Sequence[str], preprocessing: Any) -> None:
        """Writes the two assets where `tf.saved_model.save` copies them from."""
        files.make_directory(directory)
        texts = {
            "labels.txt": "".join(f"{label}\n" for label in labels),
            "preprocessing.json": json.dumps(dataclasses.asdict(preprocessing), indent=2) + "\n",
        }
        for name, text in texts.items():
            with files.writing(os.path.join(directory, name), "w") as stream:
                stream.write(text)
        self.assets = [tf.saved_model.Asset(os.path.join(directory, name)) for name in texts]
