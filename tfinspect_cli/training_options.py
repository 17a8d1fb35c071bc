"""The options of `tfinspect train`, one for each setting of `TrainConfig`."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from tfinspect.training import config as configs

CHOICES = {
    "unit": configs.UNITS,
    "optimizer": configs.OPTIMIZERS,
    "schedule": configs.SCHEDULES,
    "precision": configs.PRECISIONS,
    "augment": configs.AUGMENTATIONS,
    "devices": configs.DEVICES,
}
# As other commands name the same.
_METAVARS = {"data": "DATA"}
_KINDS = {"int": int, "float": float, "str": str}
HELPS = {
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
    "sync_batch_norm": "Normalize over the batches of all processes and devices together.",
    "label_smoothing": "Share of the target spread over all classes.",
    "ema_decay": "Decay of a moving average of the weights.  [default: none is kept]",
    "precision": "Arithmetic of the convolutions.",
    "augment": "Random changes of the training images.",
    "seed": "Determines weights, order and augmentation.",
    "devices": "Local devices to train on.",
    "data_service": "grpc://HOST:PORT of a tf.data service that makes the training batches.",
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


def _kind(field: dataclasses.Field, choices: Mapping[str, Sequence[str]]) -> Any:
    if field.name in choices:
        return click.Choice(choices[field.name])
    return _KINDS.get(configs.type_name(field).split(" ")[0]) or Epochs()


def _no_option(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Refuses an option's name as the value of the option before it, which to click is a text."""
    if isinstance(value, str) and value.startswith("--"):
        raise click.UsageError(f"{param.opts[0]} needs a value, and '{value}' is an option.", ctx)
    return value


def config_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds one option per setting, in their order; one that is not given stays None."""
    return options_of(dataclasses.fields(configs.TrainConfig), HELPS, CHOICES)(function)


def options_of(
    fields: Sequence[dataclasses.Field],
    helps: Mapping[str, str],
    choices: Mapping[str, Sequence[str]],
) -> Callable[..., Any]:
    """Returns the decorator that adds one option per setting.

    Args:
      fields: the settings, in the order of the help page.
      helps: name -> one line of help.
      choices: name -> what can be chosen, for settings that are a choice.
    """

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        for field in reversed(fields):
            default = field.default
            if isinstance(default, tuple):
                default = ",".join(f"{epoch:g}" for epoch in default)
            flag = isinstance(default, bool)
            name = field.name.replace("_", "-")
            # To click an option with a flag's value may stand without a value of its own.
            flagged: dict[str, Any] = {"is_flag": True, "flag_value": not default} if flag else {}
            shown = "" if default in (None, "") or flag else f"  [default: {default}]"
            function = click.option(
                # A flag that is on can only be turned off.
                f"--no-{name}" if default is True else f"--{name}",
                field.name,
                type=bool if flag else _kind(field, choices),
                default=None,
                metavar=_METAVARS.get(field.name),
                callback=_no_option,
                help=helps[field.name] + shown,
                **flagged,
            )(function)
        return function

    return decorated


def given_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Returns the settings that were given on the command line."""
    return {name: value for name, value in settings.items() if value is not None}
