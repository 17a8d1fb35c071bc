"""The networks that can be built, by name.

Importing this module imports no TensorFlow: builders are imported when they are called.
"""

from tfinspect.errors import NetworkError
from tfinspect.names import choices
from tfinspect.nets.spec import NetSpec, Preprocessing
from tfinspect.nets.specs_cifar import (
    CIFAR_UNITS,
    cifar_spec,
    cifar_specs,
    cifar_units_per_stage,
)
from tfinspect.nets.specs_imagenet import imagenet_specs

__all__ = [
    "CIFAR_UNITS",
    "NetSpec",
    "Preprocessing",
    "cifar_units_per_stage",
    "get_spec",
    "list_specs",
]


def get_spec(name: str, width: float = 1.0) -> NetSpec:
    """Returns the network of a name, such as `inception_resnet_v2` or `cifar_resnet20_v1`.

    Args:
      name: one that `list_specs` gives, or `cifar_resnet{depth}_{v1|v2|bottleneck}` of any depth.
      width: factor on the number of filters, for the CIFAR networks.

    Raises:
      NetworkError: an unknown name, a depth that the unit cannot have, a width that is not above 0
        or that the network does not have.
    """
    spec = cifar_spec(name, width) or imagenet_specs().get(name)
    if spec is None:
        listed = choices(name, (spec.name for spec in list_specs()))
        raise NetworkError(
            f"no network '{name}'; {listed}; of the CIFAR networks any depth 6n + 2 (bottleneck: "
            "9n + 2) can be built."
        )
    if width != spec.width:
        raise NetworkError(
            f"'{name}' has no width {width}; leave it out, or name a network of another width, "
            "such as 'mobilenet_v1_050'."
        )
    return spec


def can_be_built(name: str) -> bool:
    """Tells whether a network has this name, listed or not."""
    try:
        get_spec(name)
    except NetworkError:
        return False
    return True


def list_specs() -> list[NetSpec]:
    """Returns the ImageNet networks, then the CIFAR networks that the papers name."""
    return [*imagenet_specs().values(), *cifar_specs()]
