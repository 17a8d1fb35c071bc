"""`write_report`: everything known about a model on one page."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from tfinspect import files
from tfinspect.artifacts import Artifact, open_artifact
from tfinspect.model import load_model
from tfinspect.report import page
from tfinspect.report.artifact_part import artifact_part
from tfinspect.report.example_parts import example_parts
from tfinspect.report.filter_part import filter_part
from tfinspect.report.operations import flops_by_scope
from tfinspect.report.run_part import is_run, run_part


@dataclass(frozen=True)
class ReportOptions:
    """What goes onto the page besides what the artifact alone tells.

    Attributes:
      data: name or path of examples, for activations and suspicious labels; None for neither.
      limit: how many of the examples are looked at.
      loading: more arguments of `load_model`, such as `checkpoint` and `net`; the values on the
        page are those of the checkpoint.
    """

    data: str | None = None
    limit: int = 1000
    loading: Mapping[str, Any] = field(default_factory=dict)


_NO_OPTIONS = ReportOptions()


def write_report(source: str, output: str, options: ReportOptions = _NO_OPTIONS) -> str:
    """Writes one self-contained HTML page about a model.

    Args:
      source: any artifact that `open_artifact` takes; with a checkpoint to load, a network's name.
      output: path of the page; it appears only whole.
      options: what more goes onto it.

    Returns:
      The path of the page.

    Raises:
      ArtifactError: the source cannot be read.
      DataError: the page cannot be written, or the examples do not fit the model.
      TfinspectError: the model cannot be loaded, as `load_model` says.
    """
    artifact = open_artifact(options.loading.get("checkpoint") or source)
    text = page.render(**_known(source, artifact, options))
    with files.writing(output, "w") as stream:
        stream.write(text)
    return output


def _known(source: str, artifact: Artifact, options: ReportOptions) -> dict[str, Any]:
    known: dict[str, Any] = {"curves": [], "settings": [], "results": [], "kind": artifact.kind}
    if is_run(source):
        known |= run_part(source)
    # A checkpoint alone cannot run: its network is not known.
    runs = options.data or options.loading or is_run(source)
    model = load_model(source, **options.loading) if runs else None
    known |= artifact_part(artifact, flops_by_scope(artifact if model is None else model))
    known["facts"] += known.pop("results")
    parts = [filter_part(artifact)]
    if model is not None and options.data:
        parts += example_parts(model, source, options.data, options.limit)
    known["pictures"] = [part for part in parts if part]
    return known | {
        "title": os.path.basename(os.path.abspath(source)),
        "path": source,
        "notes": (*artifact.notes, *(model.notes if model is not None else ())),
        "version": metadata.version("tfinspect"),
        "sections": _sections(known),
    }


def _sections(known: dict[str, Any]) -> list[tuple[str, str]]:
    found = [("health", "Health"), ("scopes", "Scopes")]
    found += [(part["anchor"], part["title"]) for part in known["pictures"]]
    found += [("training", "Training")] if known["curves"] else []
    found += [("configuration", "Configuration")] if known["settings"] else []
    return [*found, ("variables", "Variables")]
