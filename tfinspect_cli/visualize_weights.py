"""`tfinspect visualize-weights`: the filters of an artifact's layers as pictures."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from tfinspect_cli.emit import emit, message, write_lines
from tfinspect_cli.filter_options import PATHS, filter_options, output_options
from tfinspect_cli.selection_options import selection_options
from tfinspect_cli.stages import stages
from tfinspect_cli.writable import check_writable

_WRONG = ("dead", "duplicated", "nan")


@click.command(
    "visualize-weights",
    epilog="Example: tfinspect visualize-weights model.ckpt --match conv1 --output filters.png",
)
@click.argument("artifact")
@selection_options
@filter_options
@output_options
def command(
    artifact: str,
    compare: str | None,
    renames: tuple[str, ...],
    output_format: str,
    **options: Any,
) -> None:
    """Draw the filters of a checkpoint, SavedModel, frozen graph, Keras file or run.

    With no option the first layer is drawn, to a PNG file in this directory: the first one of the
    graph or of Keras's layers, or the first convolution on 3 channels where the format does not
    know the order. A network's name stands for its published weights. Windows on 3 channels are
    drawn in color, deeper ones by their principal components; dead and duplicated filters are
    outlined. TensorFlow is not started.
    """
    from tfinspect.artifacts import open_artifact
    from tfinspect.filter_pictures.arrangement import FilterView
    from tfinspect.filter_pictures.comparison import Comparison
    from tfinspect.filter_pictures.output import FilterOutput
    from tfinspect.filter_pictures.write import visualize_weights
    from tfinspect.plots.grid import GridStyle
    from tfinspect.probe.kernel_choice import KernelChoice
    from tfinspect.renames import parse_rename
    from tfinspect_cli.weights_path import weights_path

    if renames and compare is None:
        raise click.UsageError("--rename rewrites names into those of --compare; give that, too.")
    check_writable(written=[options["page"]], directories=[options["directory"], options["events"]])
    rules = tuple(parse_rename(text) for text in renames)
    opened = open_artifact(weights_path(artifact))
    with stages() as progress:
        written = visualize_weights(
            opened,
            FilterOutput(**_taken(FilterOutput, options)),
            choice=KernelChoice(**_taken(KernelChoice, options)),
            view=FilterView(
                **_taken(FilterView, options), style=GridStyle(**_taken(GridStyle, options))
            ),
            compare=None if compare is None else Comparison(compare, rules),
            progress=progress,
        )
    for note in (*opened.notes, *written.notes):
        message(f"Note: {note}")
    rows = [picture.row() for picture in written.pictures]
    if output_format == PATHS:
        write_lines(iter(dict.fromkeys(row["file"] for row in rows)))
        _tell_findings(rows)
    else:
        emit(rows, output_format)


def _taken(record: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options that are fields of a record."""
    return {name: options[name] for name in record.__dataclass_fields__ if name in options}


def _tell_findings(rows: Sequence[Mapping[str, Any]]) -> None:
    # A layer may be in several files.
    for row in {row["variable"]: row for row in rows}.values():
        wrong = [f"{row[name]:,} {name}" for name in _WRONG if row[name]]
        if wrong:
            message(f"{row['variable']}: {', '.join(wrong)} of {row['filters']:,} filters.")
