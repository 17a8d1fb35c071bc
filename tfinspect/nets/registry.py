"""The networks that can be built by name, with what a user of their weights must know.

Importing this module imports no TensorFlow: builders are imported when they are called.
"""

import functools
import importlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfinspect.errors import NetworkError
from tfinspect.names import choices

CIFAR_UNITS = ("v1", "v2", "bottleneck")
_LAYERS_PER_UNIT = {"v1": 2, "v2": 2, "bottleneck": 3}
_LISTED_DEPTHS = {
    "v1": (20, 32, 44, 56, 110),
    "v2": (20, 32, 44, 56, 110),
    "bottleneck": (29, 47, 164),
}
_PAPERS = {"v1": "arXiv:1512.03385", "v2": "arXiv:1603.05027", "bottleneck": "arXiv:1603.05027"}
# Without a normalization after the addition the activations grow from unit to unit: at 0.1 the
# loss becomes NaN within the first epochs, at half of it it does not.
_LEARNING_RATES = {"v1": 0.1, "v2": 0.05, "bottleneck": 0.05}
_CIFAR_NAME = re.compile(r"cifar_resnet(\d+)_([a-z0-9]+)")


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
    """

    scale: float = 1.0
    offset: float = 0.0
    channel_means: tuple[float, ...] | None = None
    central_fraction: float = 1.0
    interpolation: str = "bilinear"

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
        `arg_scope()` and a variable scope of the caller's.
      arg_scope: `(weight_decay=…, batch_norm_decay=…)` returns the slim arg scope.
      image_shape: (H, W, C) the network was made for.
      preprocessing: from 0..255 to its input.
      label_offset: 1 if class 0 of the logits is a background class, else 0.
      logits_scopes: variable scopes of the classifier, whose shapes depend on the classes.
      aux_scopes: variable scopes of the auxiliary head.
      paper: arXiv identifier.
      checkpoint_url: of the published weights; None if there are none.
      default_learning_rate: of SGD with momentum 0.9 at batch 128.
      width: factor on the filters that it was asked for.
      regularized: last name components of the variables that weight decay applies to.
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


def cifar_units_per_stage(unit: str, depth: int) -> int:
    """Returns n of depth 6n + 2, or 9n + 2 with bottlenecks.

    >>> cifar_units_per_stage("v1", 44), cifar_units_per_stage("bottleneck", 164)
    (7, 18)

    Raises:
      NetworkError: no n gives this depth.
    """
    step = 3 * _LAYERS_PER_UNIT[unit]
    units, rest = divmod(depth - 2, step)
    if rest or units < 1:
        lower = max(1, units)
        nearest = " and ".join(str(step * n + 2) for n in sorted({lower, max(1, units + 1)}))
        raise NetworkError(
            f"depth {depth} is not {step}n + 2, as unit '{unit}' needs; "
            f"choose a depth such as {nearest}, the nearest."
        )
    return units


def get_spec(name: str, width: float = 1.0) -> NetSpec:
    """Returns the network of a name: `cifar_resnet{depth}_{v1|v2|bottleneck}`, any valid depth.

    Args:
      name: such as `cifar_resnet20_v1`.
      width: factor on the number of filters.

    Raises:
      NetworkError: an unknown name, a depth that the unit cannot have, a width that is not above 0.
    """
    match = _CIFAR_NAME.fullmatch(name)
    if not match or match[2] not in CIFAR_UNITS:
        listed = choices(name, (spec.name for spec in list_specs()))
        raise NetworkError(
            f"no network '{name}'; {listed}; any depth 6n + 2 (bottleneck: 9n + 2) can be built."
        )
    if not (width > 0 and math.isfinite(width)):
        raise NetworkError(
            f"width {width} is not above 0; 1 is the paper's, 2 doubles the filters."
        )
    return _cifar_spec(match[2], int(match[1]), width)


def list_specs() -> list[NetSpec]:
    """Returns the networks that the papers name; other depths are built by `get_spec`."""
    return [_cifar_spec(unit, depth, 1.0) for unit in CIFAR_UNITS for depth in _LISTED_DEPTHS[unit]]


def _cifar_spec(unit: str, depth: int, width: float) -> NetSpec:
    units_per_stage = cifar_units_per_stage(unit, depth)
    return NetSpec(
        name=f"cifar_resnet{depth}_{unit}",
        build=functools.partial(_build_cifar_resnet, unit, units_per_stage, width),
        arg_scope=functools.partial(_call, "cifar_resnet", "cifar_resnet_arg_scope"),
        image_shape=(32, 32, 3),
        preprocessing=Preprocessing(scale=1 / 128, offset=-1.0),
        logits_scopes=("resnet/logits",),
        paper=_PAPERS[unit],
        default_learning_rate=_LEARNING_RATES[unit],
        width=width,
    )


def _call(module: str, function: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(importlib.import_module(f"tfinspect.nets.{module}"), function)(*args, **kwargs)


def _build_cifar_resnet(
    unit: str, units_per_stage: int, width: float, images: Any, num_classes: int, is_training: Any
) -> Any:
    from tfinspect.nets.cifar_resnet import Architecture, cifar_resnet

    architecture = Architecture(unit, units_per_stage, width)
    return cifar_resnet(images, num_classes, is_training, architecture=architecture)
