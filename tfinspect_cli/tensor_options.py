"""The options of `list-tensors`: which tensors, and how they are shown."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import click

from tfinspect.graph_listing import TensorCriteria
from tfinspect.graph_views import View
from tfinspect_cli.selection_options import selection_options, with_options

# Each of these asks another question; one at a time.
_RELATIONS = ("inputs_of", "consumers_of", "placeholders", "outputs")
_OPTIONS = (
    click.option(
        "--op-type",
        "op_types",
        multiple=True,
        metavar="TYPE",
        help="Only ops of this type, such as Conv2D; may be given more than once.",
    ),
    click.option("--function", metavar="NAME", help="Only this function of the graph's library."),
    click.option("--inputs-of", metavar="NAME", help="Only what this op or tensor is made from."),
    click.option("--consumers-of", metavar="NAME", help="Only what takes this op or tensor."),
    click.option("--placeholders", is_flag=True, help="Only what is to be fed."),
    click.option("--outputs", is_flag=True, help="Only what is worth fetching."),
    click.option("--by-scope", is_flag=True, help="Count by scope instead of listing tensors."),
    click.option(
        "--depth", type=click.IntRange(min=1), help="Components of a scope.  [default: all]"
    ),
    click.option("--counts", is_flag=True, help="Count by op type instead of listing tensors."),
    click.option(
        "--shapes", is_flag=True, help="Start TensorFlow to infer shapes not in the file."
    ),
    click.option(
        "--flops",
        is_flag=True,
        help="Floating-point operations of convolutions, products, pools and batch norms.",
    ),
)


def tensor_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds all options by which tensors are chosen, and the views."""
    return selection_options(with_options(function, _OPTIONS))


def criteria_of(options: Mapping[str, Any]) -> TensorCriteria:
    """Takes the criteria out of a command's options.

    Raises:
      click.UsageError: two of them ask different questions.
    """
    asked = [f"--{name.replace('_', '-')}" for name in _RELATIONS if options[name]]
    if len(asked) > 1:
        raise click.UsageError(f"{' and '.join(asked)} ask different questions; give one of them.")
    return TensorCriteria(**{field.name: options[field.name] for field in fields(TensorCriteria)})


def view_of(options: Mapping[str, Any]) -> View:
    """Takes the view out of a command's options.

    Raises:
      click.UsageError: options that do not go together.
    """
    if options["by_scope"] and options["counts"]:
        raise click.UsageError("--by-scope and --counts are two views; give one of them.")
    if options["depth"] is not None and not options["by_scope"]:
        raise click.UsageError("--depth says how deep --by-scope goes; give both, or neither.")
    return View(by_scope=options["by_scope"], depth=options["depth"], counts=options["counts"])
