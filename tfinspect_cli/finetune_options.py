"""The options of `tfinspect finetune`: settings, and what decides which weights go where."""

import dataclasses
from collections.abc import Callable
from typing import Any

import click

from tfinspect.training.config import SCHEDULES
from tfinspect.transfer import finetune_config as configs
from tfinspect_cli import training_options
from tfinspect_cli.load_options import load_options
from tfinspect_cli.network_options import net_and_size_options

_HELPS = training_options.HELPS | {
    "data": "An image folder, archive, TFRecord shards, digits, cifar10 or cifar100; needed.",
    "width": "Factor on the number of filters of a CIFAR network.",
    "batch_size": "Images per step.  [default: 8 to 32, by the number of images]",
    "learning_rate": "Of the head.  [default: 0.001, momentum: 0.01]",
    "tune_learning_rate": "Of everything.  [default: a hundredth of the head's]",
    "augment": "Random changes of the training images; auto: none for the head, then the network's "
    "own.",
    "head_epochs": "Epochs with the head alone trainable; 0 leaves them out.",
    "tune_epochs": "Epochs with everything trainable; 0 leaves them out.",
    "gradual": "Stages over which the layers below the head become trainable, the last first.",
    "layer_decay": "Factor on the rate for each block further from the head.  [default: 1]",
    "batch_norm": "Batch normalization of frozen scopes.",
    "patience": "Epochs without a lower validation loss that end a stage.  [default: none do]",
    "class_weights": "balanced: each class weighs the same in the loss.",
    "views": "Random views of each image to compute features of; 1: the image itself.",
    "skip_corrupt": "Leave corrupt image files out, and name them.",
    "random_features": "Do not train the same head on random features, for comparison.",
    "seed": "Determines the split, weights, order and augmentation.",
}
_CHOICES = training_options.CHOICES | {
    # Piecewise drops at epochs of a whole run; a stage has its own rate, and few epochs.
    "schedule": tuple(name for name in SCHEDULES if name != "piecewise"),
    "batch_norm": configs.BATCH_NORM_MODES,
    "class_weights": configs.CLASS_WEIGHTS,
}
# Those of every command that builds a network.
_SHARED = ("net", "image_size")


class Scopes(click.ParamType):
    """Comma-separated scopes, as slim's flags take them."""

    name = "scopes"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        """Parses `InceptionV1/Logits,InceptionV1/Mixed_5c`."""
        del param, ctx
        return tuple(part.strip() for part in str(value).split(",") if part.strip())


def finetune_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds one option per setting of `FineTuneConfig`; one that is not given stays None."""
    every = dataclasses.fields(configs.FineTuneConfig)
    fields = [field for field in every if field.name not in (*configs.NOT_TAKEN, *_SHARED)]
    return net_and_size_options(training_options.options_of(fields, _HELPS, _CHOICES)(function))


def transfer_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that say what is trained, and slim's own spelling of exclusions."""
    for option in reversed(_TRANSFER):
        function = option(function)
    return load_options(function)


_TRANSFER = (
    click.option(
        "--keep-classifier",
        is_flag=True,
        help="Load the classifier too, for data with the checkpoint's classes.",
    ),
    click.option(
        "--checkpoint-exclude-scopes",
        "excluded_list",
        metavar="SCOPES",
        type=Scopes(),
        default="",
        help="Slim's flag for --exclude-scope: comma-separated scopes.",
    ),
    click.option(
        "--trainable-scopes",
        metavar="SCOPES",
        type=Scopes(),
        default="",
        help="Slim's flag: one stage that trains these comma-separated scopes alone.",
    ),
    click.option("--stages", "stages_file", metavar="FILE", help="YAML file with the stages."),
    click.option("--load-report", metavar="FILE", help="Write the load report here, as JSON."),
)
