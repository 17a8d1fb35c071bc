"""From any spelling of a path to the reader of its format.

The table FORMATS is asked from top to bottom: the first format that recognises the path opens it.
"""

import contextlib
import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass

from tfinspect.artifacts import locate
from tfinspect.artifacts.artifact import Artifact
from tfinspect.artifacts.cut_off import told_by_its_beginning
from tfinspect.errors import ArtifactError


@dataclass(frozen=True)
class Format:
    """One row of the table.

    Attributes:
      kind: the format, in words.
      opener: `module:function` below `tfinspect.artifacts`, a function of one path; imported
        when a path of the format is opened.
      recognise: from a path to the path that the opener takes, or None for another format.
    """

    kind: str
    opener: str
    recognise: Callable[[str], str | None]

    def open(self, path: str) -> Artifact:
        """Opens a recognised path."""
        module, function = self.opener.split(":")
        artifact: Artifact = getattr(importlib.import_module(f"{__package__}.{module}"), function)(
            path
        )
        return artifact


FORMATS = (
    Format("run directory", "run_directory:open_run", locate.run_directory),
    Format("SavedModel", "saved_model:open_saved_model", locate.saved_model),
    Format("V2 checkpoint", "bundle:open_bundle", locate.bundle_prefix),
    Format("V1 checkpoint", "saved_slices:open_saved_slices", locate.saved_slices),
    Format("Keras archive", "keras_archive:open_keras_archive", locate.zip_archive),
    Format("HDF5 file", "hdf5:open_hdf5", locate.hdf5_file),
    Format(
        "Keras sharded weights",
        "keras_shards:open_keras_shards",
        locate.by_suffix(".weights.json"),
    ),
    Format("MetaGraph", "graph_def:open_graph", locate.by_suffix(".meta")),
    Format("GraphDef", "graph_def:open_graph", locate.by_suffix(".pb", ".pbtxt", ".prototxt")),
)


def open_artifact(path: str | os.PathLike[str]) -> Artifact:
    """Opens a checkpoint, graph or model file by any spelling of its path, without TensorFlow.

    Args:
      path: a checkpoint's prefix, its `.index` or one of its `.data-…` files, the directory of its
        `checkpoint` file; a V1 checkpoint; a SavedModel's directory or file; `.pb`, `.pbtxt`,
        `.meta`, `.keras`, `.h5`, `.weights.json`; a run directory (then its best weights).

    Raises:
      ArtifactError: nothing is there, it is of no known format, or it is broken.
    """
    given = os.fspath(path)
    if "://" in given:
        raise ArtifactError(f"'{given}' is remote; copy the artifact to this machine first.")
    spelled = os.path.expanduser(given)
    try:
        for row in FORMATS:
            found = row.recognise(spelled)
            if found is not None:
                return row.open(found)
    except OSError as error:
        place = error.filename or given
        raise ArtifactError(f"cannot read '{place}': {error.strerror or error}.") from error
    except MemoryError as error:
        raise ArtifactError(
            f"'{given}' needs more memory to be opened than there is; use a machine with more, or "
            "get the file again from where it came."
        ) from error
    with contextlib.suppress(FileNotFoundError):
        raise ArtifactError(_nothing(given, spelled))
    raise ArtifactError(f"'{given}' was deleted while it was being opened.")


def opened(source: Artifact | str | os.PathLike[str]) -> Artifact:
    """Opens a path; an artifact stays as it is.

    Raises:
      ArtifactError: it is neither, or broken.
    """
    if isinstance(source, Artifact):
        return source
    if isinstance(source, (str, os.PathLike)):
        return open_artifact(source)
    raise ArtifactError(
        f"a {type(source).__name__} is no artifact; give a path or an opened artifact, and save a "
        "live object first."
    )


def _nothing(given: str, path: str) -> str:
    if not given:
        return "an empty text is no path; give the path of an artifact."
    nearby, others, alike = locate.nearby(path)
    near = [name for name in nearby if name != path]
    if os.path.isdir(path):
        more = f" and {others} more" if others else ""
        inside = f"give one of those in it: {_quoted(near)}{more}"
        offer = inside if near else "nor does it hold any"
        return f"the directory '{given}' is no artifact itself; {offer}."
    if os.path.isfile(path) and os.path.getsize(path) == 0:
        return f"'{given}' is empty; write it again, or give another file."
    told = told_by_its_beginning(path) if os.path.isfile(path) else None
    if told:
        return f"'{given}' {told}"
    lead = "nearest" if alike else "there are"
    cure = f"{lead}: {_quoted(near)}" if near else "give the path of an artifact"
    if os.path.exists(path):
        known = ", ".join(row.kind for row in FORMATS)
        return f"'{given}' is of none of the known formats ({known}); {cure}."
    if os.path.islink(path):
        return f"'{given}' is a link to '{os.readlink(path)}', where nothing is; {cure}."
    return f"there is no '{given}'; {cure}."


def _quoted(names: list[str]) -> str:
    return ", ".join(map(repr, names))
