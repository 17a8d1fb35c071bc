"""Optimizer slots in name-based checkpoints, told by their names.

TensorFlow 1 names a slot after its variable and the optimizer: `conv1/weights/Adam_1`. Sources: the
slot names in `tensorflow/python/training/*.py` and `slot_creator.py`.
"""

import re
from collections.abc import Collection

# fmt: off
_SLOTS = frozenset({
    "Adam", "AdaMax", "Adamax", "Nadam", "AMSGrad", "LazyAdam", "AdamWeightDecay", "AdamW",
    "Momentum", "MomentumW", "RMSProp", "Adagrad", "AdagradDA", "Adadelta", "Ftrl", "LARS",
    "LAMB", "lamb", "Adafactor", "AddSign", "PowerSign", "ProximalAdagrad",
    "ExponentialMovingAverage", "adam_m", "adam_v", "lamb_m", "lamb_v", "m", "v", "momentum",
    "velocity", "accumulator", "gradient_squared_accumulator", "gradient_accumulator", "linear",
    "accum_grad", "accum_var", "rms", "mg"
})
# fmt: on
_POWERS = frozenset({"beta1_power", "beta2_power"})
_COUNTER = re.compile(r"_\d+$")
# A partitioned variable's slots may hang on its parts.
_PART = re.compile(r"/part_\d+$")


def slots(names: Collection[str]) -> frozenset[str]:
    """Returns the names that are slots: the variable they belong to must be there too."""
    return frozenset(name for name in names if _is_slot(name, names))


def owner(name: str) -> str | None:
    """Returns the variable that a slot of this name would belong to; None if it is no slot's name.

    >>> owner("conv1/weights/Adam_1")
    'conv1/weights'
    """
    variable, _, _ = name.rpartition("/")
    return variable if variable and _last(name) in _SLOTS else None


def _is_slot(name: str, names: Collection[str]) -> bool:
    variable = owner(name)
    if variable is not None:
        return variable in names or _PART.sub("", variable) in names
    return _last(name) in _POWERS


def _last(name: str) -> str:
    last = name.rpartition("/")[2]
    return _COUNTER.sub("", last) if last[-1:].isdecimal() else last
