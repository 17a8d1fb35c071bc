"""Which network of the registry stored variables belong to, told by names and sizes alone."""

import math
import re
from collections.abc import Mapping, Sequence

from tfinspect.names import in_scope
from tfinspect.nets.registry import list_specs
from tfinspect.nets.sizes import SIZES
from tfinspect.nets.spec import NetSpec

Shapes = Mapping[str, Sequence[int] | None]
_CIFAR_ROOT = "resnet"
_CIFAR_UNIT = re.compile(r"resnet/stage1/unit(\d+)/(.+)")


def likely_network(stored: Shapes) -> str | None:
    """Returns the name of the registered network that stored variables belong to.

    Networks are told apart by their outermost scope; those that share one, such as MobileNets of
    several widths, by the number of parameters before the classifier.

    Args:
      stored: variable name -> shape, without optimizer slots.

    Returns:
      None where no network has the scope that the variables lie in, or several have it and none has
      as many parameters.
    """
    roots = {name.partition("/")[0] for name in stored if "/" in name}
    if _CIFAR_ROOT in roots:
        return _cifar(stored)
    fitting = [
        spec
        for spec in list_specs()
        if any(scope.partition("/")[0] in roots for scope in spec.logits_scopes)
    ]
    if len(fitting) > 1:
        fitting = [spec for spec in fitting if _before_classifier(spec, stored)]
    return fitting[0].name if fitting else None


def _before_classifier(spec: NetSpec, stored: Shapes) -> bool:
    """Tells whether as many parameters are stored as a network has before its classifier."""
    root = spec.logits_scopes[0].partition("/")[0]
    own = [name for name in stored if in_scope(name, root)]
    lying = {name: any(in_scope(name, scope) for scope in spec.logits_scopes) for name in own}
    count = sum(_size(stored[name]) for name, in_head in lying.items() if not in_head)
    heads = [stored[name] for name, in_head in lying.items() if in_head]
    inputs = max((_size(shape) // shape[-1] for shape in heads if shape), default=0)
    # Of the published network, with as many inputs to each class as are stored, and a bias.
    return SIZES[spec.name].parameters - (spec.num_classes or 0) * (inputs + 1) == count


def _size(shape: Sequence[int] | None) -> int:
    return 0 if shape is None else math.prod(shape)


def _cifar(stored: Shapes) -> str | None:
    matches = [match for match in map(_CIFAR_UNIT.match, stored) if match]
    units = max((int(match[1]) for match in matches), default=0)
    if not units:
        return None
    layers = {match[2].partition("/")[0] for match in matches}
    unit = "bottleneck" if "conv3" in layers else "v2" if _is_pre_activation(stored) else "v1"
    return f"cifar_resnet{(9 if unit == 'bottleneck' else 6) * units + 2}_{unit}"


def _is_pre_activation(stored: Shapes) -> bool:
    return any(name.startswith(f"{_CIFAR_ROOT}/postnorm/") for name in stored)
