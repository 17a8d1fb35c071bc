"""The residual networks for 32x32 images, as records of the registry."""

import functools
import math
import re
from typing import Any

from tfinspect.errors import NetworkError
from tfinspect.nets.builders import call
from tfinspect.nets.spec import NetSpec, Preprocessing

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
_NAME = re.compile(r"cifar_resnet(\d+)_([a-z0-9]+)")
# Two stages halve the maps: of smaller images the last stage would see padding more than image.
_SMALLEST = 4
_PREPROCESSING = Preprocessing(scale=1 / 128, offset=-1.0, name="cifar")


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


def cifar_spec(name: str, width: float = 1.0) -> NetSpec | None:
    """Returns the network of a name such as `cifar_resnet20_v1`; None for another kind of name.

    Raises:
      NetworkError: a depth that the unit cannot have, a width that is not above 0.
    """
    match = _NAME.fullmatch(name)
    if not match or match[2] not in CIFAR_UNITS:
        return None
    if not (width > 0 and math.isfinite(width)):
        raise NetworkError(
            f"width {width} is not above 0; 1 is the paper's, 2 doubles the filters."
        )
    return _spec(match[2], int(match[1]), width)


def cifar_specs() -> list[NetSpec]:
    """Returns the networks that the papers name."""
    return [_spec(unit, depth, 1.0) for unit in CIFAR_UNITS for depth in _LISTED_DEPTHS[unit]]


def _spec(unit: str, depth: int, width: float) -> NetSpec:
    units_per_stage = cifar_units_per_stage(unit, depth)
    return NetSpec(
        name=f"cifar_resnet{depth}_{unit}",
        build=functools.partial(_build, unit, units_per_stage, width),
        arg_scope=functools.partial(call, "cifar_resnet:cifar_resnet_arg_scope"),
        image_shape=(32, 32, 3),
        preprocessing=_PREPROCESSING,
        logits_scopes=("resnet/logits",),
        paper=_PAPERS[unit],
        default_learning_rate=_LEARNING_RATES[unit],
        minimum_size=_SMALLEST,
        width=width,
    )


def _build(
    unit: str, units_per_stage: int, width: float, images: Any, num_classes: int, is_training: Any
) -> Any:
    from tfinspect.nets.cifar_resnet import Architecture, cifar_resnet

    architecture = Architecture(unit, units_per_stage, width)
    return cifar_resnet(images, num_classes, is_training, architecture=architecture)
