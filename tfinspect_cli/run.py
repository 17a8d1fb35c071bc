"""`tfinspect run`: a stored graph, fed and fetched from."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from tfinspect.errors import TfinspectError
from tfinspect_cli.emit import MACHINE_FORMATS, emit, format_option, message
from tfinspect_cli.network_options import read_labels
from tfinspect_cli.weights_path import weights_path

# How this command spells the library's arguments, and the options of other commands.
_SPELLED = {
    "--input-name": "--feed",
    "--output-name": "--fetch",
    "input_name=": "--feed",
    "labels=": "--labels",
    "signature=": "--signature",
    "model.logits": "--fetch",
}
# What is quoted comes from the user and from the model, whatever it looks like. An argument may
# have its option behind it, and that more words: `net= (--net)`, `input_name= (--input-name; …)`.
_WORDS = re.compile(
    r"(?P<quoted>(?<!\w)'[^']*'(?!\w)|`[^`]*`)"
    r"|(?<![\w./-])[a-z_]+=(?:\{[^}]*\})? \((?P<option>--[a-z-]+)(?P<end>\)|; )"
    rf"|(?<![\w./-])(?P<word>{'|'.join(map(re.escape, _SPELLED))})(?!\.?[\w/-])"
)


@click.command(
    "run",
    epilog="Example: tfinspect run frozen.pb --feed images=photo.jpg --feed keep_prob=1.0 "
    "--fetch net/conv5/Relu:0 --top 5",
)
@click.argument("model_source", metavar="MODEL")
@click.option(
    "--feed",
    "feeds",
    multiple=True,
    metavar="NAME=VALUE",
    help="An image, a .npy file, a number, a list or true/false; may be given more than once.",
)
@click.option(
    "--fetch",
    "fetches",
    multiple=True,
    metavar="NAME",
    help="A tensor, op, variable or signature's output; may be given more than once.",
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    help="Print so many likeliest classes.  [default: 5; with --fetch, none]",
)
@click.option("--checkpoint", metavar="PATH", help="Of the graph's variables, as of predict.")
@click.option("--net", metavar="NAME", help="Network whose preprocessing images get.")
@click.option("--signature", metavar="NAME", help="Of a SavedModel.")
@click.option("--labels", metavar="FILE", help="One label a line.")
@click.option("--output", metavar="DIR", help="Save each fetched tensor here as a .npy file.")
@format_option
def command(
    model_source: str,
    feeds: tuple[str, ...],
    fetches: tuple[str, ...],
    top: int | None,
    output: str | None,
    output_format: str,
    **options: Any,
) -> None:
    """Feed a stored graph, and fetch any of its tensors.

    MODEL is a SavedModel, a MetaGraph with its checkpoint, a frozen GraphDef, or anything else that
    predict takes. Images are resized, and scaled as the model or --net says; several for one NAME
    make a batch. Without --fetch the likeliest classes are printed.
    """
    if fetches and top is not None and output_format in MACHINE_FORMATS:
        raise click.UsageError(f"--fetch and --top are two tables; {output_format} holds one.")
    from tfinspect.play import Setting, parse_feeds, play
    from tfinspect.play.output import class_rows, save_values, value_rows

    top = top or (None if fetches else 5)
    if options["checkpoint"]:
        options["checkpoint"] = weights_path(options["checkpoint"])
    setting = Setting(**{**options, "labels": read_labels(options["labels"])})
    with _in_own_words():
        played = play(
            model_source, parse_feeds(feeds), fetches, setting=setting, classify=top is not None
        )
        classes = [] if top is None else class_rows(played, top)
    for note in played.notes:
        message(f"Note: {note}")
    saved = save_values(played.values, output) if output is not None else {}
    if fetches:
        rows = value_rows(played.values, saved)
        emit(rows if output_format == "json" else _as_text(rows), output_format)
    if top is not None:
        emit(classes, output_format)


@contextmanager
def _in_own_words() -> Iterator[None]:
    """Names this command's options in errors in place of arguments and of other commands'."""
    try:
        yield
    except TfinspectError as error:
        error.args = (_WORDS.sub(_spelled, str(error)), *error.args[1:])
        raise


def _spelled(found: re.Match[str]) -> str:
    if found["quoted"]:
        return found["quoted"]
    word = found["option"] or found["word"]
    more = " (" if found["end"] == "; " else ""
    return _SPELLED.get(word, word) + more


def _as_text(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Writes lists as text, and leaves out columns that say nothing."""
    silent = {key for key in rows[0] if all(row[key] is None for row in rows)}
    return [
        {
            key: str(value) if key == "value" and value is not None else value
            for key, value in row.items()
            if key not in silent
        }
        for row in rows
    ]
