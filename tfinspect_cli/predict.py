"""`tfinspect predict`."""

from typing import Any

import click

from tfinspect.errors import NetworkError
from tfinspect_cli.emit import emit, format_option, message
from tfinspect_cli.model_options import model_options, take_model_options


@click.command("predict", epilog="Example: tfinspect predict runs/digits seven.png --top 3")
@click.argument("model_source", metavar="MODEL", type=click.Path())
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many labels per image, likeliest first.",
)
@model_options
@format_option
def command(
    model_source: str, images: tuple[str, ...], top: int, output_format: str, **given: Any
) -> None:
    """Label images with a trained network.

    MODEL is a run, SavedModel, graph, Keras file or network's name; IMAGE a file, or a directory
    for all images in it. Images of any size, PNG, JPEG and others, are made RGB and resized to
    what the network takes.
    """
    from tfinspect.data.image_set import read_image_set, size_note
    from tfinspect.model import load_model

    loading = take_model_options(given)
    # Before the model: a broken file should not cost the seconds that TensorFlow takes to start.
    found = read_image_set(images)
    model = load_model(model_source, **loading)
    if model.checkpoint is None:
        raise NetworkError(
            f"'{model_source}' is untrained; give the directory of a training run, or --checkpoint."
        )
    resized = size_note(found.images, *model.image_shape[:2])
    for note in (*model.notes, *found.notes, *([resized] if resized else [])):
        message(f"Note: {note}")
    rows = [
        {"file": image.path, "rank": rank, "label": one.label, "probability": one.probability}
        for image, ranked in zip(found.images, model.classify(found.pixels, top), strict=True)
        for rank, one in enumerate(ranked, start=1)
    ]
    emit(rows, output_format)
