"""`tfinspect convert`: images to TFRecord shards."""

from typing import Any

import click

from tfinspect_cli.emit import emit, format_option, message
from tfinspect_cli.stages import stages


@click.command(
    "convert",
    epilog="Example: tfinspect convert photos records --shards 4 --seed 1",
)
@click.argument("source")
@click.argument("destination", metavar="DEST")
@click.option(
    "--schema",
    type=click.Choice(["auto", "raw", "encoded"]),
    default="auto",
    show_default=True,
    help="raw: pixels as CHW bytes; encoded: JPEG or PNG; auto: encoded for image folders.",
)
@click.option("--shards", type=int, help="Shards of the largest split.  [default: 64 MiB each]")
@click.option("--workers", type=int, help="Threads.  [default: one per core, at most 8]")
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Seed of the split of digits and image folders.",
)
@click.option("--skip-corrupt", is_flag=True, help="Leave corrupt images out instead of stopping.")
@format_option
def command(source: str, destination: str, output_format: str, **settings: Any) -> None:
    """Write images as TFRecord shards with a manifest.

    SOURCE is digits, cifar10, cifar100, the path of a CIFAR archive or of what it was extracted
    to, an image folder (class/image.png), or a glob of images. DEST is a new or empty directory.
    Both may lie on any file system of TensorFlow's (gs://, hdfs://). Nothing is done if DEST holds
    the same conversion already.
    """
    from tfinspect import files
    from tfinspect.data.convert import convert
    from tfinspect.data.manifest import MANIFEST_FILE

    held = files.exists(files.join(destination, MANIFEST_FILE))
    with stages() as progress:
        manifest = convert(source, destination, **settings, progress=progress)
    if held:
        message(f"Nothing was done: '{destination}' holds this conversion already.")
    for name in manifest.skipped:
        message(f"Skipped corrupt image '{name}'.")
    emit(manifest.rows(), output_format)
