"""A network that can run, with its weights, its preprocessing and its labels."""

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfinspect.errors import ConfigError, DataError, NetworkError, RunError
from tfinspect.names import choices
from tfinspect.nets.registry import NetSpec, get_spec

WEIGHTS = ("best", "latest")
_DEFAULT_CLASSES = 10


@dataclass(frozen=True)
class Prediction:
    """One label of an image, with its probability in 0..1."""

    label: str
    probability: float


@dataclass(frozen=True)
class Model:
    """What `load_model` returns.

    Attributes:
      spec: the network's record in the registry.
      labels: one name per column of the probabilities.
      keras_model: the `SlimModel`, a `tf_keras.Model` from preprocessed images to logits.
      checkpoint: prefix of the weights; None for fresh ones.
    """

    spec: NetSpec
    labels: tuple[str, ...]
    keras_model: Any = field(repr=False)
    checkpoint: str | None = None

    @property
    def variables(self) -> dict[str, Any]:
        """The `tf.Variable`s by slim name."""
        variables: dict[str, Any] = self.keras_model.variables_by_name()
        return variables

    def preprocess(self, images: Any) -> np.ndarray:
        """Resizes and scales images to what the network takes.

        Args:
          images: one image or several of any sizes: arrays `[H, W, 3]` with values 0..255, a
            `[N, H, W, 3]` array, or the bytes of encoded PNG or JPEG files.

        Returns:
          float32 `[N, H, W, C]` in the network's size and range; N is 1 for a single image.

        Raises:
          DataError: an array is no image, or bytes cannot be decoded.
        """
        if isinstance(images, bytes) or getattr(images, "ndim", None) == 3:
            images = [images]
        height, width, _ = self.spec.image_shape
        sized = [_sized(image, height, width) for image in images]
        return self.spec.preprocessing.apply(np.stack(sized).astype(np.float32))

    def predict(self, images: Any, batch_size: int = 64) -> np.ndarray:
        """Returns float32 probabilities `[N, classes]` of preprocessed images `[N, H, W, C]`."""
        import tensorflow as tf

        return tf.nn.softmax(self.logits(images, batch_size)).numpy()

    def classify(self, images: Any, top: int = 1) -> list[tuple[Prediction, ...]]:
        """Returns the `top` likeliest labels of each image, likeliest first.

        Args:
          images: as `preprocess` takes them.
          top: how many; more than there are labels gives all.
        """
        probabilities = self.predict(self.preprocess(images))
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
        return [
            tuple(Prediction(self.labels[column], float(row[column])) for column in columns)
            for row, columns in zip(probabilities, order, strict=True)
        ]

    def logits(self, images: Any, batch_size: int = 64) -> np.ndarray:
        """Returns float32 logits `[N, classes]` of preprocessed images `[N, H, W, C]`.

        Raises:
          DataError: the images have another shape.
        """
        images = np.asarray(images, np.float32)
        if images.shape[1:] != self.spec.image_shape:
            raise DataError(
                f"images of the shape {list(images.shape)} are not [N, "
                f"{', '.join(map(str, self.spec.image_shape))}]; make them with model.preprocess."
            )
        starts = range(0, len(images), batch_size)
        parts = [self._forward(images[start : start + batch_size]).numpy() for start in starts]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.labels)), np.float32)

    def end_points(self, images: Any) -> dict[str, np.ndarray]:
        """Returns the end points by name for preprocessed images `[N, H, W, C]`."""
        _, end_points = self._network(np.asarray(images, np.float32))
        return {name: value.numpy() for name, value in end_points.items()}

    @functools.cached_property
    def _network(self) -> Any:
        import tensorflow as tf

        return tf.function(lambda images: self.keras_model.network(images, False))

    @functools.cached_property
    def _forward(self) -> Any:
        import tensorflow as tf

        images = tf.TensorSpec([None, *self.spec.image_shape], tf.float32)
        return tf.function(
            lambda x: self.keras_model.network(x, False)[0], input_signature=[images]
        )


def _sized(image: Any, height: int, width: int) -> np.ndarray:
    import tensorflow as tf

    from tfinspect.data import parse

    if isinstance(image, bytes):
        try:
            image = parse.decode_image(image)
        except tf.errors.InvalidArgumentError as error:
            raise DataError("the bytes are no PNG or JPEG image; give a whole file's.") from error
    if len(image.shape) != 3 or image.shape[-1] != 3:
        raise DataError(f"shape {list(image.shape)} is no image; give [H, W, 3], values 0 to 255.")
    return parse.resize(tf.convert_to_tensor(image), height, width).numpy()


def load_model(
    source: str,
    *,
    num_classes: int | None = None,
    checkpoint: str | None = None,
    prefer: str = "best",
) -> Model:
    """Loads a model that can run.

    Args:
      source: a run directory, or a network's name such as `cifar_resnet20_v1`.
      num_classes: of a network given by name; None takes the checkpoint's, without one 10.
      checkpoint: prefix of the weights for a network given by name; None draws fresh ones.
      prefer: the weights of a run directory: "best" on the validation split, or "latest".

    Raises:
      NetworkError: no network has this name.
      RunError: the directory holds no run, or the weights belong to another network.
      ConfigError: no such choice of weights, or arguments that a run decides itself.
    """
    if prefer not in WEIGHTS:
        raise ConfigError(f"no weights '{prefer}'; {choices(prefer, WEIGHTS)}; choose one of them.")
    if os.path.isdir(source) or os.sep in source:
        if num_classes is not None or checkpoint is not None:
            raise ConfigError(
                f"the run '{source}' has its own classes and weights; give no num_classes and no "
                "checkpoint, or name a network instead."
            )
        return _from_run(source, prefer)
    return _from_name(source, num_classes, checkpoint)


def _from_run(source: str, prefer: str) -> Model:
    from tfinspect.nets.slim_model import SlimModel
    from tfinspect.training import checkpoints, run_directory

    info = run_directory.open_run(source)
    spec = get_spec(info.network, width=info.width)
    prefix = weights_of(info.directory, prefer)
    network = SlimModel(spec, info.num_classes, compute_dtype=info.compute_dtype)
    checkpoints.restore(prefix, network)
    return Model(spec, info.labels, network, prefix)


def weights_of(run: Any, prefer: str) -> str:
    """Returns the prefix of a `RunDirectory`'s best or latest weights.

    Raises:
      RunError: the run has none yet.
    """
    from tfinspect.training import checkpoints

    if prefer == "best" and not checkpoints.stored(run.best):
        raise RunError(
            f"'{run.path}' has no best weights yet; go on with `tfinspect train --output "
            f"{run.path} --resume`, or take the latest ones."
        )
    return checkpoints.latest(run.best if prefer == "best" else run.checkpoints)


def _from_name(name: str, num_classes: int | None, checkpoint: str | None) -> Model:
    try:
        spec = get_spec(name)
    except NetworkError as error:
        raise NetworkError(f"'{name}' is neither a run directory nor a network: {error}") from error
    from tfinspect.nets.slim_model import SlimModel
    from tfinspect.training import checkpoints

    values = checkpoints.read(checkpoint) if checkpoint else {}
    stored = next(_classes(spec, values), _DEFAULT_CLASSES)
    classes = stored if num_classes is None else num_classes
    network = SlimModel(spec, classes)
    if checkpoint:
        checkpoints.assign(network.variables_by_name(), values, checkpoint)
    else:
        network.build_variables()
    return Model(spec, _numbers(classes), network, checkpoint)


def _classes(spec: NetSpec, values: dict[str, np.ndarray]) -> Iterator[int]:
    for scope in spec.logits_scopes:
        for name in (f"{scope}/biases", f"{scope}/weights"):
            if name in values:
                yield values[name].shape[-1]


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(str(label) for label in range(count))
