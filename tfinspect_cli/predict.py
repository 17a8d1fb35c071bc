"""`tfinspect predict`."""

import click

from tfinspect.errors import NetworkError
from tfinspect_cli.emit import emit, format_option


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
@format_option
def command(model_source: str, images: tuple[str, ...], top: int, output_format: str) -> None:
    """Label images with a trained network.

    MODEL is a run directory. Images of any size, PNG, JPEG and others, are made RGB and resized to
    what the network takes.
    """
    from tfinspect.data.image_file import read_image
    from tfinspect.model import load_model

    # Before the model: a broken file should not cost the seconds that TensorFlow takes to start.
    pixels = [read_image(path) for path in images]
    model = load_model(model_source)
    if model.checkpoint is None:
        raise NetworkError(f"'{model_source}' is untrained; give the directory of a training run.")
    rows = [
        {"file": path, "rank": rank, "label": one.label, "probability": one.probability}
        for path, ranked in zip(images, model.classify(pixels, top), strict=True)
        for rank, one in enumerate(ranked, start=1)
    ]
    emit(rows, output_format)
