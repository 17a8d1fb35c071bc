"""The options of `visualize-activations`: which tensors, how much, and what is asked of them."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from tfinspect import files
from tfinspect.alarms import parse_alarm, require_reference
from tfinspect_cli.selection_options import selection_options

_DEFAULT_OUTPUT = "activations"
_METHODS = ("grad_cam", "integrated_gradients", "smooth_grad")
_COUNT = click.IntRange(min=1)
_OPTIONS = (
    click.option(
        "--tensor",
        "names",
        multiple=True,
        metavar="NAME",
        help="A tensor, op or end point by its exact name; may be given more than once.",
    ),
    click.option(
        "--end-point",
        "end_points",
        multiple=True,
        metavar="NAME",
        help="An end point; may be given more than once.",
    ),
    click.option(
        "--op-type",
        "op_types",
        multiple=True,
        metavar="TYPE",
        help="Only what ops of this type make, such as Relu; may be given more than once.",
    ),
    click.option(
        "--limit",
        type=_COUNT,
        default=256,
        show_default=True,
        help="Images looked at; of more an even sample.",
    ),
    click.option(
        "--max-tensors",
        type=_COUNT,
        default=8,
        show_default=True,
        help="Tensors, of those a pattern matches.",
    ),
    click.option(
        "--max-channels",
        type=_COUNT,
        default=64,
        show_default=True,
        help="Channels drawn; statistics are of all.",
    ),
    click.option(
        "--samples", type=_COUNT, default=3, show_default=True, help="Images drawn and explained."
    ),
    click.option(
        "--output",
        metavar="DIR",
        help=f"Directory for the pictures.  [default: {_DEFAULT_OUTPUT}; none for --tensorboard]",
    ),
    click.option(
        "--tensorboard", metavar="DIR", help="Write image, histogram and scalar summaries here."
    ),
    click.option(
        "--alarm",
        "alarms",
        multiple=True,
        metavar="CONDITION",
        help="Exit with 1 if a tensor meets it, such as 'zeros>0.95'; may be given more than once.",
    ),
    click.option(
        "--reference",
        multiple=True,
        metavar="PATH",
        help="Other images, a file or directory, to compare with; adds drift columns.",
    ),
    click.option(
        "--explain",
        "explained_class",
        metavar="CLASS",
        help="Attribute this class, by name or column, to the pixels.",
    ),
    click.option("--grad-cam", is_flag=True, help="Explain by Grad-CAM, the predicted class."),
    click.option("--integrated-gradients", is_flag=True, help="Explain by integrated gradients."),
    click.option("--smooth-grad", is_flag=True, help="Explain by SmoothGrad."),
    click.option("--grad-cam-tensor", metavar="NAME", help="What Grad-CAM looks at."),
)


def activation_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds all options of the command but its format."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return selection_options(function)


def check_arguments(options: Mapping[str, Any], *, compared: bool) -> None:
    """Refuses what the arguments alone show to be wrong: before TensorFlow takes its seconds.

    Args:
      options: of the command.
      compared: whether there are images to compare with.

    Raises:
      ConfigError: an alarm has no known form, or compares with images that are not given.
      DataError: a directory cannot be written to.
    """
    alarms = [parse_alarm(text) for text in options["alarms"]]
    if not compared:
        require_reference(alarms)
    for directory in (options["output"], options["tensorboard"]):
        if directory is not None:
            files.require_writable(directory)


def look_options(options: Mapping[str, Any]) -> Any:
    """Takes the library's `LookOptions` out of a command's options.

    Raises:
      ConfigError: an alarm has no known form.
    """
    alarms = tuple(parse_alarm(text) for text in options["alarms"])
    from tfinspect.activation_pictures.look import LookOptions
    from tfinspect.probe.activations import Limits
    from tfinspect.probe.attribution_methods import Settings
    from tfinspect.probe.tensor_choice import TensorChoice

    explained = _explained(options)
    return LookOptions(
        choice=TensorChoice(**{name: options[name] for name in TensorChoice.__dataclass_fields__}),
        limits=Limits(
            images=options["limit"],
            tensors=options["max_tensors"],
            samples=options["samples"],
            channels=options["max_channels"],
        ),
        output=_output(options, bool(explained)),
        tensorboard=options["tensorboard"],
        alarms=alarms,
        explained=explained,
        explained_class=options["explained_class"],
        settings=Settings(tensor=options["grad_cam_tensor"]),
    )


def _explained(options: Mapping[str, Any]) -> tuple[str, ...]:
    chosen = {method for method in _METHODS if options[method]}
    if options["grad_cam_tensor"] is not None:
        chosen.add("grad_cam")
    elif not chosen and options["explained_class"] is not None:
        chosen.update(_METHODS)
    return tuple(method for method in _METHODS if method in chosen)


def _output(options: Mapping[str, Any], explained: bool) -> str | None:
    if options["output"] is not None:
        return str(options["output"])
    return _DEFAULT_OUTPUT if explained or options["tensorboard"] is None else None
