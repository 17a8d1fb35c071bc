"""What `tfinspect finetune` shows: the plan, a line per epoch, the result."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from tfinspect import files, text
from tfinspect_cli import training_output
from tfinspect_cli.emit import MACHINE_FORMATS, emit, message
from tfinspect_cli.load_options import reported_failure, write_report
from tfinspect_cli.stages import stages

_BRIEF = ("stage", "scope", "scopes", "parameters", "trained", "learning_rate", "batch_norm")


@dataclass(frozen=True)
class Shown:
    """What is shown of the plan and the load report."""

    output_format: str
    # Every variable, on standard output.
    whole_report: bool
    # A file that takes the report as JSON; None for none.
    load_report: str | None


def tell_plan(request: Any, config: Any, shown: Shown, processes: int = 1) -> None:
    """Says what would be loaded and trained by so many processes together, and does nothing."""
    from tfinspect.transfer.prepare_tuning import prepare_tuning

    with stages() as progress, reported_failure(shown.whole_report, shown.output_format):
        prepared = prepare_tuning(request, config, progress, processes=processes)
    _tell(prepared, shown, dry=True)
    if shown.whole_report:
        # Standard output has the variables.
        message("\n".join(text.as_table(_brief(prepared, shown))))
        return
    whole = shown.output_format in MACHINE_FORMATS
    emit(prepared.rows if whole else _brief(prepared, shown), shown.output_format)


def fine_tune(request: Any, config: Any, output: str, shown: Shown) -> None:
    """Starts a run and reports it."""

    tell = telling(shown)
    with reported_failure(shown.whole_report, shown.output_format):
        report(lambda m, who: m.finetune(request, config, output, observer=who, on_prepared=tell))


def telling(shown: Shown) -> Callable[[Any], None]:
    """Returns what says what will be done, before it is done."""

    def tell(prepared: Any) -> None:
        _tell(prepared, shown)
        message("\n".join(text.as_table(_brief(prepared, shown))))

    return tell


def _tell(prepared: Any, shown: Shown, *, dry: bool = False) -> None:
    write_report(prepared.report, shown.output_format, whole=shown.whole_report, dry=dry)
    for note in prepared.notes:
        message(f"Note: {note}")
    if shown.load_report is not None:
        with files.writing(shown.load_report, "w") as stream:
            json.dump(prepared.report.records(), stream, indent=2)


def _brief(prepared: Any, shown: Shown) -> list[dict[str, Any]]:
    """Returns the rows of the stages for people: with `--report` all of them, else collapsed."""
    from tfinspect.transfer.stage_table import collapsed

    rows = prepared.rows if shown.whole_report else collapsed(prepared.rows)
    return [{name: row[name] for name in _BRIEF if name in row} for row in rows]


def report(start: Callable[[Any, Any], Any]) -> None:
    """Starts or resumes a run and reports it.

    Args:
      start: called with the module `tfinspect.transfer.finetune` and an `Observer`; returns its
        result.
    """
    from tfinspect.transfer import finetune

    tell_result(training_output.observed(lambda observer: start(finetune, observer)))


def tell_result(result: Any) -> None:
    """Writes what a run has ended with."""
    training, outcome = result.training, result.outcome
    random = outcome.random_feature_accuracy
    click.echo(f"test accuracy        {training.test_accuracy:.2%}")
    click.echo(f"majority class       {outcome.majority_accuracy:.2%}  '{outcome.majority_class}'")
    if random is not None:
        click.echo(f"random features      {random:.2%}  the same head on them")
    click.echo(
        f"validation accuracy  {training.validation_accuracy:.2%}  (step {training.best_step})"
    )
    click.echo(f"training time        {training.training_seconds:.0f} s, {training.step} steps")
    for proof in result.proofs:
        click.echo(f"frozen               {proof.sentence()}")
    click.echo(f"run directory        {training.directory}")
    message("Pictures: " + ", ".join(outcome.pictures))


def find_learning_rate(request: Any, config: Any, output: str) -> None:
    """Runs the range test on the head, from the checkpoint's weights."""
    from tfinspect.transfer.head_lr import find_head_rate

    with stages() as progress:
        found = find_head_rate(request, config, output, progress=progress)
    training_output.tell_rate(found)
