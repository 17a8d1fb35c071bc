"""The options of `tfinspect train`, one for each setting of `TrainConfig`."""

import dataclasses
from collections.abc import Callable
from typing import Any

import click

from tfinspect.training import config as configs

_CHOICES = {
    "unit": configs.UNITS,
    "optimizer": configs.OPTIMIZERS,
    "schedule": configs.SCHEDULES,
    "precision": configs.PRECISIONS,
    "augment": configs.AUGMENTATIONS,
    "devices": configs.DEVICES,
}
_KINDS = {"int": int, "float": float, "str": str}
_HELPS = {
    "data": "digits, cifar10, cifar100, an archive, an image folder or TFRecord shards.",
    "unit": "Residual unit.",
    "depth": "Layers: 6n+2, or 9n+2 for the bottleneck.",
    "width": "Factor on every layer's number of filters.",
    "epochs": f"Passes over the training split.  [default: {configs.DEFAULT_EPOCHS}]",
    "steps": "Optimizer steps, instead of --epochs.",
    "batch_size": "Examples per step, over all devices.  [default: 128, for small data 64]",
    "learning_rate": "Peak rate.  [default: 0.1 for v1, else 0.05; adam and kin: a hundredth]",
    "optimizer": "Optimizer.",
    "momentum": "Share of the accumulated gradient that is kept.",
    "weight_decay": "L2 factor on kernels.",
    "schedule": "How the learning rate changes.",
    "warmup_epochs": "Epochs over which cosine rises to the peak.",
    "boundaries": "Epochs at which piecewise drops, such as 82,123,300.",
    "batch_norm_decay": "Of the moving averages.  [default: 0.997, less in short runs]",
    "label_smoothing": "Share of the target spread over all classes.",
    "ema_decay": "Decay of a moving average of the weights.  [default: none is kept]",
    "precision": "Arithmetic of the convolutions.",
    "augment": "Random changes of the training images.",
    "seed": "Determines weights, order and augmentation.",
    "devices": "Local devices to train on.",
    "keep_checkpoints": "Newest checkpoints to keep.",
    "summarize": "Summarize activations whose names match this pattern, such as 'Relu|stage3'.",
    "summarize_every": "Steps from one summary to the next.",
    "summarize_gradients": "Summarize gradients and updates of the weights.",
}


class Epochs(click.ParamType):
    """Comma-separated numbers."""

    name = "epochs"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, ...]:
        """Parses `82,123,300`."""
        try:
            return tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"'{value}' is no list of numbers such as 82,123,300", param, ctx)


def _kind(field: dataclasses.Field) -> Any:
    if field.name in _CHOICES:
        return click.Choice(_CHOICES[field.name])
    return _KINDS.get(configs.type_name(field).split(" ")[0]) or Epochs()


def config_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds one option per setting, in their order; one that is not given stays None."""
    for field in reversed(dataclasses.fields(configs.TrainConfig)):
        default = field.default
        if isinstance(default, tuple):
            default = ",".join(f"{epoch:g}" for epoch in default)
        flag = isinstance(default, bool)
        shown = "" if default is None or flag else f"  [default: {default}]"
        function = click.option(
            f"--{field.name.replace('_', '-')}",
            field.name,
            type=bool if flag else _kind(field),
            is_flag=flag,
            default=None,
            help=_HELPS[field.name] + shown,
        )(function)
    return function


def given_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Returns the settings that were given on the command line."""
    return {name: value for name, value in settings.items() if value is not None}
