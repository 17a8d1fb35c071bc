"""The score of a class, and its gradient by the images or by a tensor inside the model."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tfinspect.errors import ConfigError
from tfinspect.model import Model, Traced
from tfinspect.model.filling import filled
from tfinspect.model.graph_walk import sources_of

# Run at once: what a gradient keeps of eight images of Inception's size takes gigabytes.
_PIXELS = 8 * 299 * 299
_MOST_AT_ONCE = 32


class ScoreGradient:
    """Runs a model and the gradients of one logit an image."""

    def __init__(
        self,
        model: Model,
        watched: str | None = None,
        batch_size: int | None = None,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Builds nothing yet.

        Args:
          model: that gives logits.
          watched: name of the tensor `[N, h, w, K]` of `of_tensor`.
          batch_size: images that are run at once; None takes fewer of large ones.
          advance: is told how many images were run.
        """
        self._model = model
        self._watched = watched
        self._batch_size = model.batch or batch_size
        self._advance = advance
        self._functions: dict[bool, Any] = {}

    def of_images(self, images: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns scores `[N]` and their gradients by the images, `[N, H, W, C]`.

        Raises:
          ConfigError: the graph has an op without a gradient on every way to the images.
        """
        return self._run(False, images, classes)

    def of_tensor(self, images: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the watched tensor `[N, h, w, K]` and the gradients of the scores by it.

        Raises:
          ConfigError: the scores do not depend on the tensor, or not in a way that has a gradient.
        """
        return self._run(True, images, classes)

    def _run(
        self, inside: bool, images: np.ndarray, classes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        if inside not in self._functions:
            self._functions[inside] = self._function(inside)
        pixels = images.shape[1] * images.shape[2]
        size = self._batch_size or min(max(_PIXELS // pixels, 1), _MOST_AT_ONCE)
        parts = [
            self._batch(
                self._functions[inside], images[start : start + size], classes[start:][:size]
            )
            for start in range(0, len(images), size)
        ]
        first, second = (np.concatenate(side) for side in zip(*parts, strict=True))
        return first, second

    def _batch(
        self, function: Any, images: np.ndarray, classes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        import tensorflow as tf

        count = len(images)
        full = self._model.batch or count
        fed = [tf.constant(filled(array, full)) for array in (images, classes)]
        values, gradients = function(*fed)
        self._advance(count)
        return values.numpy()[:count], gradients.numpy()[:count]

    def _function(self, inside: bool) -> Any:
        import tensorflow as tf

        model, watched = self._model, self._watched if inside else None
        specs = [
            tf.TensorSpec([model.batch, *model.image_shape], tf.float32, name=model.input_name),
            tf.TensorSpec([model.batch], tf.int64, name="attributed_classes"),
        ]

        def scored(images: Any, classes: Any) -> Any:
            fed = tf.cast(images, model.input_dtype)
            built = model.build(fed)
            scores = tf.gather(tf.cast(built.logits, tf.float32), classes, batch_dims=1)
            by = images if watched is None else _found(built, scores.graph, watched)
            gradient = tf.gradients(scores, by)[0]
            if gradient is None:
                raise ConfigError(_no_gradient(watched))
            first = scores if watched is None else by
            return tf.cast(first, tf.float32), tf.cast(gradient, tf.float32)

        return _traced(tf.function(scored, input_signature=specs, autograph=False))


def _traced(function: Any) -> Any:
    try:
        return function.get_concrete_function()
    except LookupError as error:
        # TensorFlow's words for an op that nobody has registered a gradient for.
        raise ConfigError(
            f"the model has no gradient: {str(error).splitlines()[0]}; attributions need one."
        ) from error


def _found(built: Any, graph: Any, name: str) -> Any:
    return built.end_points[name] if name in built.end_points else graph.get_tensor_by_name(name)


def _no_gradient(watched: str | None) -> str:
    if watched is None:
        return "the logits do not depend on the images in a way that has a gradient."
    return (
        f"the logits do not depend on the tensor '{watched}' in a way that has a gradient; "
        "choose one between the images and the logits."
    )


def last_spatial(traced: Traced, name: str | None) -> str:
    """Returns the name of the tensor that Grad-CAM looks at.

    Args:
      traced: the model's graph.
      name: of a tensor, op or end point; None for the last `[N, h, w, C]` before the logits that
        has more than one position.

    Raises:
      ConfigError: it has other axes, or there is none.
    """
    if name is not None:
        tensor = traced.tensor(name)
        if not _spatial(tensor):
            raise ConfigError(
                f"tensor '{tensor.name}' is {tensor.shape} and not [N, h, w, C] with more than one "
                "position; Grad-CAM needs such a tensor."
            )
        return str(tensor.name)
    reaching = sources_of([traced.logits])
    for op in reversed(traced.graph.get_operations()):
        if op.name in reaching and op is not traced.images.op:
            for tensor in op.outputs:
                if _spatial(tensor):
                    return str(tensor.name)
    raise ConfigError(
        "the model has no tensor [N, h, w, C] with more than one position for Grad-CAM to look at; "
        "take integrated gradients or SmoothGrad."
    )


def _spatial(tensor: Any) -> bool:
    if tensor.shape.rank != 4 or not tensor.dtype.is_floating or tensor.shape[0] not in (None, 1):
        return False
    return any(size is None or size > 1 for size in tensor.shape[1:3])
