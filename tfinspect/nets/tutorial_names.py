"""The names that the tutorial `cifar10_estimator` gave to the variables of the v1 network.

Its layers count themselves in the order of creation, its scope is `resnet`:

    ours                                     the tutorial's
    resnet/conv1/weights                     resnet/conv2d/kernel
    resnet/stage1/unit1/conv1/weights        resnet/conv2d_1/kernel
    resnet/stage1/unit1/conv2/BatchNorm/beta resnet/BatchNorm_2/beta
    resnet/logits/biases                     resnet/dense/bias

Its network has 11 logits for CIFAR-10's 10 classes; the last one was never a label.
"""

from collections.abc import Iterator

from tfinspect.nets.registry import cifar_units_per_stage

_BATCH_NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def to_tutorial(depth: int) -> dict[str, str]:
    """Returns our name -> the tutorial's name for all variables of `cifar_resnet{depth}_v1`.

    >>> to_tutorial(20)["resnet/stage2/unit1/conv2/BatchNorm/gamma"]
    'resnet/BatchNorm_8/gamma'

    Args:
      depth: 6n + 2, layers with weights.

    Raises:
      NetworkError: another depth.
    """
    names = {}
    for index, scope in enumerate(_convolutions(cifar_units_per_stage("v1", depth))):
        count = f"_{index}" if index else ""
        names[f"{scope}/weights"] = f"resnet/conv2d{count}/kernel"
        for parameter in _BATCH_NORM:
            names[f"{scope}/BatchNorm/{parameter}"] = f"resnet/BatchNorm{count}/{parameter}"
    names["resnet/logits/weights"] = "resnet/dense/kernel"
    names["resnet/logits/biases"] = "resnet/dense/bias"
    return names


def from_tutorial(depth: int) -> dict[str, str]:
    """Returns the tutorial's name -> our name, the inverse of `to_tutorial`."""
    return {theirs: ours for ours, theirs in to_tutorial(depth).items()}


def _convolutions(units_per_stage: int) -> Iterator[str]:
    yield "resnet/conv1"
    for stage in (1, 2, 3):
        for unit in range(1, units_per_stage + 1):
            for convolution in (1, 2):
                yield f"resnet/stage{stage}/unit{unit}/conv{convolution}"
