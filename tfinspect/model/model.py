"""A network that can run, with its weights, its preprocessing and its labels."""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfinspect.errors import ConfigError
from tfinspect.model.mixing import require_apart
from tfinspect.model.output import ends_in
from tfinspect.model.probabilities import probabilities
from tfinspect.model.shapes import checked, require_shape
from tfinspect.model.trace import Built, Traced, trace
from tfinspect.nets.spec import NetSpec, Preprocessing


@dataclass(frozen=True)
class Prediction:
    """One label of an image, with its probability in 0..1."""

    label: str
    probability: float


@dataclass(frozen=True)
class Model:
    """What `load_model` returns.

    Attributes:
      name: of the network, the file or the function.
      kind: of the source, in words, such as `run directory`.
      image_shape: (H, W, C) of the images it takes; None for a size that is free.
      builder: makes the model's ops in the current graph.
      variables: the `tf.Variable`s by name without `:0`; slim names for slim networks.
      preprocessing: from an image in 0..255 to what the model takes; the identity where the
        source says nothing of it.
      labels: one name per column of the logits; None where the source has none.
      checkpoint: what the weights were read from; None for fresh ones and live models.
      spec: the network's record in the registry; None for other models.
      keras_model: the `SlimModel`, `tf_keras.Model` or Keras 3 model; None for stored graphs.
      input_name: of the op through which `trace()` takes images.
      input_dtype: TensorFlow's name of the images' dtype.
      batch: the number of images that the graph takes at once; None for any number.
      notes: what was done to the source on loading, in sentences.
      outputs: of a stored graph with signatures, the tensor in `trace()` of each output, by its key
        and by the name that it has in the file.
    """

    name: str
    kind: str
    image_shape: tuple[int | None, int | None, int | None]
    builder: Callable[[Any], Built] = field(repr=False)
    variables: Mapping[str, Any] = field(repr=False)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    labels: tuple[str, ...] | None = field(default=None, repr=False)
    checkpoint: str | None = None
    spec: NetSpec | None = None
    keras_model: Any = field(default=None, repr=False)
    input_name: str = "images"
    input_dtype: str = "float32"
    batch: int | None = None
    notes: tuple[str, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict, repr=False)

    def build(self, images: Any) -> Built:
        """Makes the model's ops in the current graph, in inference mode.

        In a fresh graph the ops have the model's own names. The variables are captured: gradients
        flow to `variables`, through `tf.gradients` and through a tape around the `tf.function`.

        Args:
          images: tensor `[N, H, W, C]` of a graph, preprocessed.

        Raises:
          ConfigError: it is called eagerly, outside a `tf.function`.
          DataError: the tensor has a shape that the model does not take.
        """
        import tensorflow as tf

        if tf.executing_eagerly():
            raise ConfigError(
                "`build` makes ops in a graph; call it inside a `tf.function`, or take "
                "`logits(images)` for values."
            )
        require_shape(images.shape, (self.batch, *self.image_shape))
        return self.builder(images)

    def trace(self) -> Traced:
        """Returns one build of the model in a graph of its own, made at the first call.

        Raises:
          ConfigError: it computes over the batch, so that logits depend on the other images.
        """
        return self._trace

    @functools.cached_property
    def _trace(self) -> Traced:
        shape = (self.batch, *self.image_shape)
        traced = trace(self.build, self.input_name, self.input_dtype, shape)
        require_apart(self.name, traced.images, traced.logits)
        return traced

    def fetch(
        self, names: str | Iterable[str], images: Any, batch_size: int = 64
    ) -> dict[str, np.ndarray]:
        """Returns the values of any tensors of the model.

        Args:
          names: of end points, of tensors (`resnet/conv1/Relu:0`) or of ops, for their first
            output. Only what they need is run.
          images: preprocessed, `[N, H, W, C]`.
          batch_size: how many images are run at once. A tensor whose first axis counts the images
            is put together from all batches; one that does not depend on the images comes once.

        Returns:
          The value under each name as it was given.

        Raises:
          ArtifactError: a name is of nothing in the graph; the nearest are named.
          DataError: the images have a shape that the model does not take, or a tensor mixes the
            images of a batch, so that its value depends on `batch_size`.
        """
        wanted = [names] if isinstance(names, str) else list(names)
        images = checked(self, images)
        return self.trace().fetch(wanted, images, self.batch or batch_size)

    def tensor(self, name: str, images: Any = None) -> Any:
        """Returns one tensor of the model, for layers that are put on top of it.

        Inside a `tf.function`, or eagerly under a tape, gradients flow from what is made of it back
        to the images and to `variables`. Only what the tensor needs is run.

        Args:
          name: of an end point, of an output of the signature, of a tensor or of an op.
          images: preprocessed, `[N, H, W, C]`, an array or a tensor. None returns the tensor of
            `trace()`, which tells its shape and its dtype.

        Raises:
          ArtifactError: nothing in the graph has this name; the nearest are named.
          DataError: the images have a shape that the model does not take.
        """
        traced = self.trace()
        found = traced.tensor(name, self.outputs)
        if images is None:
            return found
        import tensorflow as tf

        images = tf.convert_to_tensor(images, self.input_dtype)
        require_shape(images.shape, (self.batch, *self.image_shape))
        return traced.function([found])(images)[0]

    def preprocess(self, images: Any) -> np.ndarray:
        """Resizes and scales images to what the model takes.

        Args:
          images: one image or several of any sizes: arrays `[H, W, 3]` with values 0..255, a
            `[N, H, W, 3]` array, or the bytes of encoded PNG or JPEG files. A model that takes any
            size gets them as they are; then all must have one size.

        Returns:
          float32 `[N, H, W, C]` in the model's size and range; N is 1 for a single image.

        Raises:
          DataError: an array is no image, bytes cannot be decoded, or sizes differ.
        """
        from tfinspect.model.images import sized

        scaled: np.ndarray = self.preprocessing.apply(
            sized(images, self.image_shape, self.preprocessing)
        )
        return scaled

    def predict(self, images: Any, batch_size: int = 64) -> np.ndarray:
        """Returns float32 probabilities `[N, classes]` of preprocessed images `[N, H, W, C]`.

        They are the softmax of the logits; of a model that ends in one sigmoid and has two labels,
        `[1 - p, p]`.

        Raises:
          ConfigError: the output is none of both: one column, sigmoids, or probabilities that do
            not come from a final Softmax.
        """
        return self._probabilities(self.logits(images, batch_size))

    def _probabilities(self, logits: Any) -> np.ndarray:
        return probabilities(self.name, logits, ends_in(self.trace().logits), self.labels)

    def classify(self, images: Any, top: int = 1) -> list[tuple[Prediction, ...]]:
        """Returns the `top` likeliest labels of each image, likeliest first.

        Args:
          images: as `preprocess` takes them.
          top: how many; more than there are labels gives all.

        Raises:
          DataError: as for `preprocess`.
          ConfigError: the logits are not `[N, classes]`, there are more or fewer labels than
            classes, or as for `predict`.
        """
        return self.ranked(self.logits(self.preprocess(images)), top)

    def ranked(self, logits: Any, top: int) -> list[tuple[Prediction, ...]]:
        """Returns the `top` likeliest labels for each row of logits `[N, classes]`.

        Raises:
          ConfigError: as for `classify`.
        """
        if np.ndim(logits) != 2:
            raise ConfigError(
                f"the output of '{self.name}' has the shape {list(np.shape(logits))} and not "
                "[N, classes]; choose the logits with output_name= (--output-name)."
            )
        found = self._probabilities(logits)
        if self.labels is not None and found.shape[1:] != (len(self.labels),):
            raise ConfigError(
                f"{len(self.labels)} labels do not name the {list(found.shape[1:])} "
                f"outputs of '{self.name}'; give as many with labels=."
            )
        order = np.argsort(-found, axis=1, kind="stable")[:, :top]
        return [
            tuple(Prediction(self._label(column), float(row[column])) for column in columns)
            for row, columns in zip(found, order, strict=True)
        ]

    def _label(self, column: int) -> str:
        return str(column) if self.labels is None else self.labels[column]

    def logits(self, images: Any, batch_size: int = 64) -> np.ndarray:
        """Returns float32 logits `[N, classes]` of preprocessed images `[N, H, W, C]`.

        Raises:
          DataError: the images have another shape.
        """
        traced, images = self.trace(), checked(self, images)
        return traced.values([traced.logits], images, self.batch or batch_size)[0]

    def end_points(self, images: Any) -> dict[str, np.ndarray]:
        """Returns the end points by name for preprocessed images `[N, H, W, C]`."""
        return self.fetch(self.trace().end_points, images)
