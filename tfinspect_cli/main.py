"""The `tfinspect` command: finds its subcommands without importing them, and words every error."""

import importlib
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from tfinspect.errors import TfinspectError, TrainingInterruptedError
from tfinspect_cli import quiet
from tfinspect_cli.nearest_command import NearestCommandGroup

# Command name -> its one-line help: `tfinspect --help` imports no command's module.
COMMANDS = {
    "train": "Train a CIFAR residual network on real images.",
    "evaluate": "Measure a run's accuracy, calibration and confusions on one split.",
    "predict": "Label images with a trained network.",
    "convert": "Write images as TFRecord shards.",
    "check-records": "Count, verify, look at and diagnose TFRecord files.",
    "list-vars": "List the variables of a checkpoint, SavedModel, graph, Keras file or run.",
    "list-tensors": "List the tensors of a GraphDef, MetaGraph or SavedModel.",
    "diff": "Compare the variables of two artifacts, of any formats.",
    "nets": "List the networks that can be built.",
    "finetune": "Train a checkpoint's network on new images, in stages.",
    "extract": "Build a network in code, fill it from a checkpoint, and save it.",
    "run": "Feed a stored graph, and fetch any of its tensors.",
    "verify": "Prove that a checkpoint fits its network, alone or against another artifact.",
    "visualize-weights": "Draw the filters of a network's layers.",
    "visualize-activations": "Draw and measure the tensors inside a model for given images.",
    "report": "Write one HTML page about a model: totals, health, filters, curves, variables.",
    "gradients": "Show which examples pull hardest at a model's weights.",
    "cluster": "Check several machines that train together; start several processes on one.",
}
WRONG_INPUT = 2
INTERRUPTED = 130


class CommandGroup(NearestCommandGroup):
    """A click group whose commands are imported when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the commands' names in the order of the help page."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the module of one command; an unknown name gives None."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"tfinspect_cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands with their one-line helps, without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs a command and turns errors into one `Error:` line and an exit status."""
        try:
            result: Any = super().main(args, prog_name, complete_var, False, **extra)
        except click.exceptions.Exit as error:
            result = error.exit_code
        except click.ClickException as error:
            error.show()
            result = error.exit_code
        except (KeyboardInterrupt, click.Abort):
            click.echo("Interrupted.", err=True)
            result = INTERRUPTED
        except TrainingInterruptedError as error:
            text = str(error)
            click.echo(text[0].upper() + text[1:], err=True)
            result = INTERRUPTED
        except TfinspectError as error:
            result = _report(str(error))
        except Exception as error:
            kind = type(error).__name__
            result = _report(
                f"{kind}: {error} (not foreseen: --debug shows where; please report it)"
            )
        if standalone_mode:
            sys.exit(result if isinstance(result, int) else 0)
        return result


def _report(text: str) -> int:
    from tfinspect.text import printable

    if quiet.debugging():
        traceback.print_exc()
    # Names in files may hold what moves a terminal's cursor.
    lines = "\n".join(map(printable, text.split("\n")))
    click.echo(f"Error: {lines}", err=True)
    return WRONG_INPUT


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: tfinspect train --output runs/digits",
)
@click.version_option(package_name="tfinspect", prog_name="tfinspect")
@click.option("--verbose", is_flag=True, help="Let TensorFlow's own messages and warnings through.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(verbose: bool, debug: bool) -> None:
    """See inside TensorFlow models and reuse them.

    Data goes to standard output, progress and messages to standard error. Exit status: 0 fine,
    1 something was found (a corrupt record), 2 wrong usage or input, 130 interrupted.
    """
    quiet.set_up(verbose=verbose, debug=debug)


def main() -> None:
    """The console script."""
    cli(prog_name="tfinspect")
