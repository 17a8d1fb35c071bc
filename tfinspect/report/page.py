"""From what is known about a model to HTML: one file, and nothing in it is run but its script."""

import base64
import hashlib
import importlib.resources
from typing import Any

import jinja2
from markupsafe import Markup

from tfinspect.report import charts
from tfinspect.text import cell, printable

_TEMPLATES = importlib.resources.files("tfinspect.report") / "templates"


def render(**known: Any) -> str:
    """Returns the page; every name and text in `known` is escaped.

    Args:
      known: what `templates/page.html` names.
    """
    style, script = _text("style.css"), _text("script.js")
    return (
        _environment()
        .get_template("page.html")
        .render(
            **known,
            style=Markup(style),
            script=Markup(script),
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )


def picture(png: bytes) -> str:
    """Returns a PNG file's bytes as the source of an image element."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def sentence(words: str) -> str:
    """Returns words with a capital and a full stop.

    >>> sentence("the font lacks a letter")
    'The font lacks a letter.'
    """
    return f"{words[0].upper()}{words[1:].rstrip('.')}."


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "cell": cell,
        "count": _count,
        "size": _size,
        "short": _short,
        "words": printable,
        "spark": lambda counts: Markup(charts.spark_histogram(counts)),
    }
    return environment


def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Returns the hash by which the page's content security policy admits its own text."""
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def _size(number: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= factor:
            return f"{number / factor:.3g} {unit}"
    return f"{number} bytes"


def _short(number: float | None) -> str:
    return "–" if number is None else f"{number:.3g}"
