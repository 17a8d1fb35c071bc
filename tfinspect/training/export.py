"""A trained network as a SavedModel that takes image files or pixels and names what it sees."""

import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tfinspect import files
from tfinspect.data import parse, views
from tfinspect.errors import RunError
from tfinspect.nets.spec import Preprocessing
from tfinspect.python_ops import refuse_python_ops


@dataclass(frozen=True)
class Exportable:
    """What goes into a SavedModel.

    Attributes:
      outputs: from preprocessed images `[N, H, W, C]` to the signatures' outputs by name; called in
        a graph.
      variables: what `outputs` reads, by name.
      preprocessing: from 0..255 to the network's input.
      image_shape: `[H, W, C]` that the network takes.
      labels: one name per class; empty where the outputs are no classes.
    """

    outputs: Callable[[Any], dict[str, Any]]
    variables: Mapping[str, Any] = field(repr=False)
    preprocessing: Preprocessing
    image_shape: tuple[int, int, int]
    labels: tuple[str, ...] = ()


def export(
    model: Any,
    directory: str,
    *,
    labels: Sequence[str],
    preprocessing: Any,
    image_shape: tuple[int, int, int],
) -> None:
    """Writes a classifier as SavedModel, as `write_saved_model` does.

    Both signatures give `probabilities` float32 `[N, classes]`, `classes` string `[N]`, the name of
    the likeliest label, and `indices` int64 `[N]`, its number.

    Args:
      model: the `SlimModel` with its weights.
      directory: where the SavedModel will be.
      labels: one name per class.
      preprocessing: from 0..255 to the network's input.
      image_shape: `[H, W, C]` that the network takes.

    Raises:
      RunError: it cannot be written, for want of space or permission; an older export stays.
      CustomOpError: an op of the network calls Python code, which no file can hold.
    """

    def outputs(images: Any) -> dict[str, Any]:
        return classified(model.network(images, False)[0], labels)

    variables = dict(model.variables_by_name())
    exportable = Exportable(outputs, variables, preprocessing, image_shape, tuple(labels))
    write_saved_model(exportable, directory)


def classified(logits: Any, labels: Sequence[str]) -> dict[str, Any]:
    """Returns the outputs of a classifier's signatures for logits `[N, classes]`."""
    indices = tf.argmax(logits, axis=1)
    return {
        "probabilities": tf.nn.softmax(logits),
        "classes": tf.gather(tf.constant(list(labels)), indices),
        "indices": indices,
    }


def write_saved_model(exportable: Exportable, directory: str) -> None:
    """Writes a SavedModel; one that was there is replaced when the new one is whole.

    The signature `serving_default` takes `encoded`, string `[N]`: whole PNG, JPEG or GIF
    files of any size. The signature `images` takes `images`, float32 `[N, H, W, C]` in 0..255 and
    of the network's size. Labels and preprocessing are inside, and beside it as
    `assets/labels.txt` and `assets/preprocessing.json`.

    Args:
      exportable: what it holds.
      directory: where the SavedModel will be.

    Raises:
      RunError: it cannot be written, for want of space or permission; an older one stays.
      CustomOpError: an op calls Python code, which no file can hold.
    """
    scratch = files.temporary_name(directory)
    files.make_directory(scratch)
    try:
        module = _Exported(exportable)
        module.attach_assets(os.path.join(scratch, "source"))
        target = os.path.join(scratch, "model")
        signatures = {"serving_default": module.from_files, "images": module.from_pixels}
        tf.saved_model.save(module, target, signatures=signatures)
        _refuse_what_cannot_run(target, directory)
        _replace(target, directory, os.path.join(scratch, "old"))
    except (OSError, tf.errors.OpError) as error:
        reason = str(getattr(error, "message", None) or error).splitlines()[0]
        raise RunError(
            f"cannot write the export '{directory}': {reason}; free some space and try again."
        ) from error
    finally:
        files.remove(scratch)


def _refuse_what_cannot_run(saved: str, directory: str) -> None:
    stored = saved_model_pb2.SavedModel()
    with files.open_file(os.path.join(saved, "saved_model.pb"), "rb") as stream:
        stored.ParseFromString(stream.read())
    for meta_graph in stored.meta_graphs:
        refuse_python_ops(meta_graph.graph_def, f"the export '{directory}'")


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

    def __init__(self, exportable: Exportable):
        super().__init__(name="exported")
        self._exportable = exportable
        # The variables alone: the Keras model around them would be traced and saved a second time.
        # By name, so that who lists the SavedModel finds `network/resnet/conv1/weights`.
        self.network = dict(exportable.variables)
        shape = exportable.image_shape
        preprocessing: Any = exportable.preprocessing

        def infer(images: Any) -> dict[str, Any]:
            return exportable.outputs(preprocessing.apply(images))

        def decode(encoded: Any) -> Any:
            image = views.fitted(parse.decode_image(encoded), *shape[:2], preprocessing)
            return tf.ensure_shape(image, shape)

        pixels = tf.TensorSpec(list(shape), tf.float32)
        self.from_files = tf.function(
            lambda encoded: infer(tf.map_fn(decode, encoded, fn_output_signature=pixels)),
            input_signature=[tf.TensorSpec([None], tf.string, "encoded")],
        )
        self.from_pixels = tf.function(
            infer, input_signature=[tf.TensorSpec([None, *shape], tf.float32, "images")]
        )

    def attach_assets(self, directory: str) -> None:
        """Writes the assets where `tf.saved_model.save` copies them from."""
        files.make_directory(directory)
        exportable = self._exportable
        paths = write_companions(directory, exportable.preprocessing, exportable.labels)
        self.assets = [tf.saved_model.Asset(path) for path in paths]


def write_companions(
    directory: str, preprocessing: Preprocessing, labels: Sequence[str]
) -> list[str]:
    """Writes `preprocessing.json`, and `labels.txt` where there are labels; returns the paths."""
    described = json.dumps(dataclasses.asdict(preprocessing), indent=2) + "\n"
    texts = {"preprocessing.json": described}
    if labels:
        texts["labels.txt"] = "".join(f"{label}\n" for label in labels)
    for name, text in texts.items():
        with files.writing(os.path.join(directory, name), "w") as stream:
            stream.write(text)
    return [os.path.join(directory, name) for name in texts]
