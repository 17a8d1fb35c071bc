"""`tfinspect visualize-activations`: what tensors inside a model hold for given images."""

from dataclasses import replace
from typing import Any

import click

from tfinspect_cli.activation_options import activation_options, check_arguments, look_options
from tfinspect_cli.emit import MACHINE_FORMATS, emit, format_option, message
from tfinspect_cli.model_options import model_options, take_model_options
from tfinspect_cli.stages import stages

FOUND_SOMETHING = 1
# Columns of the table that would say the same of every tensor.
_OFTEN_SILENT = {"end_point": None, "saturated": None, "nan": 0, "inf": 0, "file": None}


@click.command(
    "visualize-activations",
    epilog="Example: tfinspect visualize-activations runs/digits seven.png --explain 7",
)
@click.argument("model_source", metavar="MODEL")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@model_options
@activation_options
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model_source: str,
    images: tuple[str, ...],
    reference: tuple[str, ...],
    output_format: str,
    **options: Any,
) -> None:
    """Draw and measure the tensors inside a model for given images.

    MODEL is a run, SavedModel, graph, Keras file or network's name; IMAGE a file, or a directory
    for all images in it. With no option a few tensors from the whole depth are drawn: end points,
    or the outputs of activations. Alarms compare zeros and saturated (shares), dead, nan and inf
    (counts), mean, std, min, max, and with --reference drift, shift and channel_shift.
    """
    loading = take_model_options(options)
    check_arguments(options, compared=bool(reference))
    from tfinspect.activation_pictures.look import look, read_images
    from tfinspect.model import load_model

    wanted = look_options(options)
    with stages() as progress:
        # Before the model: a broken file should not cost the seconds that TensorFlow takes.
        given = read_images(images, wanted.limits, progress)
        if reference:
            wanted = replace(wanted, reference=read_images(reference, wanted.limits))
        model = load_model(model_source, **loading)
        found = look(model, given, wanted, progress)
    for note in found.notes:
        message(f"Note: {note}")
    rows = found.rows if output_format in MACHINE_FORMATS else _brief(found.rows)
    emit(rows, output_format)
    for path in found.files:
        message(f"Wrote {path}")
    for alarm in found.alarms:
        message(f"Alarm: {alarm}")
    if found.alarms:
        ctx.exit(FOUND_SOMETHING)


def _brief(rows: Any) -> list[dict[str, Any]]:
    silent = {
        key
        for key, value in _OFTEN_SILENT.items()
        if key == "file" or all(row[key] == value for row in rows)
    }
    return [{key: value for key, value in row.items() if key not in silent} for row in rows]
