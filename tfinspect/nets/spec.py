"""What a user of a network's weights must know: size, preprocessing, classes, where they are."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfinspect.errors import NetworkError
from tfinspect.names import in_scope


@dataclass(frozen=True)
class Preprocessing:
    """From an image in 0..255 to what the network takes.

    `float image = (image - channel_means) * scale + offset`

    Attributes:
      scale: factor.
      offset: summand after the factor.
      channel_means: subtracted per channel before the factor, in 0..255; None subtracts nothing.
      central_fraction: part of the height and of the width that is kept, around the centre.
      interpolation: how an image of another size is resized: `bilinear`, `bicubic` or `nearest`.
      name: of this preprocessing in slim's terms: `inception`, `vgg`, `cifar`; `none` for images
        that are taken as they are.
      half_pixel_centers: whether a resized pixel is sampled at its centre; the published
        Inception preprocessing samples at the corner.
      shorter_side: pixels that the shorter side is resized to before the network's size is cropped
        from the centre; None resizes both sides to the network's size.
    """

    scale: float = 1.0
    offset: float = 0.0
    channel_means: tuple[float, ...] | None = None
    central_fraction: float = 1.0
    interpolation: str = "bilinear"
    name: str = "none"
    half_pixel_centers: bool = True
    shorter_side: int | None = None

    def apply(self, images: Any) -> Any:
        """Scales images; cropping and resizing are not done here.

        Args:
          images: `[..., H, W, C]`, NumPy array or tensor of any number type, 0..255.

        Returns:
          The same shape in float32, as a NumPy array or as a tensor, as it was given.
        """
        images = _as_float32(images)
        if self.channel_means is not None:
            images = images - np.asarray(self.channel_means, np.float32)
        return images * np.float32(self.scale) + np.float32(self.offset)


def _as_float32(images: Any) -> Any:
    if isinstance(images, (np.ndarray, np.generic, list, tuple)):
        return np.asarray(images, np.float32)
    import tensorflow as tf

    return tf.cast(images, tf.float32)


@dataclass(frozen=True)
class NetSpec:
    """A network that can be built, and what its weights come with.

    Attributes:
      name: in the registry.
      build: `(images, num_classes, is_training) -> (logits, end_points)`, to be called under
        `arg_scope()` and a variable scope of the caller's; networks with an auxiliary head also
        take `create_aux_logits`.
      arg_scope: `(weight_decay=…, batch_norm_decay=…)` returns the slim arg scope.
      image_shape: (H, W, C) the network is built for.
      preprocessing: from 0..255 to its input.
      label_offset: 1 if class 0 of the logits is a background class, else 0.
      logits_scopes: variable scopes of the classifier, whose shapes depend on the classes.
      aux_scopes: variable scopes of the auxiliary head.
      paper: arXiv identifier.
      checkpoint_url: of the published weights; None if there are none.
      default_learning_rate: of SGD with momentum 0.9 at batch 128.
      width: factor on the filters that it was asked for.
      regularized: last name components of the variables that weight decay applies to.
      num_classes: columns of the logits of the published weights; None where none are published.
      minimum_size: smallest H and W that the network takes: below it a map would have no place
        left, or its last ones would show padding more than image.
      aux_image_size: the one H and W at which the auxiliary head has the published shapes; it is
        left out at all others.
      license: SPDX identifier of the published weights' licence; None where it is not known.
    """

    name: str
    build: Callable[..., Any] = field(compare=False, repr=False)
    arg_scope: Callable[..., Any] = field(compare=False, repr=False)
    image_shape: tuple[int, int, int]
    preprocessing: Preprocessing
    label_offset: int = 0
    logits_scopes: tuple[str, ...] = ()
    aux_scopes: tuple[str, ...] = ()
    paper: str = ""
    checkpoint_url: str | None = None
    default_learning_rate: float = 0.1
    width: float = 1.0
    regularized: tuple[str, ...] = ("weights",)
    num_classes: int | None = None
    minimum_size: int = 1
    aux_image_size: int | None = None
    license: str | None = None

    def with_image_size(self, height: int, width: int | None = None) -> "NetSpec":
        """Returns the same network for images of another size.

        A shorter side that images are resized to before the crop grows and shrinks with it, so that
        the crop shows the same part of an image.

        Args:
          height: of the images, in pixels.
          width: of the images; None makes them square.

        Raises:
          NetworkError: the network does not take images as small as that.
        """
        width = height if width is None else width
        self.check_image_size(height, width)
        side = self.preprocessing.shorter_side
        if side is not None:
            side = round(side * max(height, width) / max(self.image_shape[:2]))
        return dataclasses.replace(
            self,
            image_shape=(height, width, self.image_shape[2]),
            preprocessing=dataclasses.replace(self.preprocessing, shorter_side=side),
        )

    def without_aux(self) -> "NetSpec":
        """Returns the same network without its auxiliary head at any image size."""
        return dataclasses.replace(self, aux_image_size=None)

    def check_image_size(self, height: int | None, width: int | None) -> None:
        """Checks that the network takes images of a size; None is unknown and passes.

        Raises:
          NetworkError: a side is too short.
        """
        smallest = self.minimum_size
        if any(side is not None and side < smallest for side in (height, width)):
            raise NetworkError(
                f"images of {height}x{width} are too small for '{self.name}', which takes at "
                f"least {smallest}x{smallest}; resize them."
            )

    def builds_aux(self, height: int | None, width: int | None) -> bool:
        """Tells whether images of this size go through an auxiliary head."""
        size = self.aux_image_size
        return bool(self.aux_scopes) and self.image_shape[:2] == (height, width) == (size, size)

    def classes_in(self, shapes: Mapping[str, Sequence[int]]) -> int | None:
        """Returns the number of classes that stored weights were made for.

        Args:
          shapes: of a checkpoint's variables, by name.

        Returns:
          The length of the classifier's bias; None if it is not among them.
        """
        for name, shape in shapes.items():
            if name.endswith("/biases") and any(in_scope(name, s) for s in self.logits_scopes):
                return int(shape[-1])
        return None
