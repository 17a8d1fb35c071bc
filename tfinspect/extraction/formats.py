"""The formats in which a loaded network is saved, each into a directory of its own."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tfinspect import files
from tfinspect.errors import ConfigError, RunError
from tfinspect.extraction.fold import fold_batch_norm
from tfinspect.extraction.frozen import frozen_graph
from tfinspect.extraction.load import Loaded, Request, load_network
from tfinspect.names import choices

FROZEN = "frozen"
FORMATS = ("saved-model", "meta-graph", FROZEN, "keras-weights", "checkpoint")
FROZEN_FILE = "frozen.pb"
WEIGHTS_FILE = "model.weights.h5"
CHECKPOINT = "model.ckpt"
REPORT_FILE = "load_report.json"


@dataclass(frozen=True)
class Extracted:
    """What was saved.

    Attributes:
      loaded: the network with its weights, and the report.
      files: paths of all files, sorted.
      notes: what was done besides, in sentences.
    """

    loaded: Loaded
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def sizes(self) -> list[tuple[str, int]]:
        """Returns each file's path and its length in bytes."""
        return [(path, files.size_bytes(path)) for path in self.files]


def extract(
    source: str,
    request: Request,
    output: str,
    *,
    as_format: str,
    fold: bool = False,
) -> Extracted:
    """Builds a network in code, fills it from stored weights, and saves it.

    Args:
      source: path of any artifact with values, a run directory, or a network's name for its
        published checkpoint.
      request: what is built and what is loaded.
      output: a directory that is not there yet, or empty.
      as_format: one of FORMATS.
      fold: whether batch normalization is folded into the convolutions of a frozen graph.

    Raises:
      ConfigError: no such format, or a combination that cannot be.
      RunError: the directory holds something, or cannot be written.
      NetworkError: as `load_network`.
      LoadError: as `load_network`; nothing is written.
      CustomOpError: an op of the network calls Python code, which no graph can hold.
    """
    check_format(as_format, fold)
    refuse_occupied(output)
    loaded = load_network(source, request)
    return save(loaded, output, as_format=as_format, fold=fold)


def check_format(as_format: str, fold: bool) -> None:
    """Checks a format and what is asked of it.

    Raises:
      ConfigError: there is no such format, or nothing to fold in it.
    """
    if as_format not in FORMATS:
        raise ConfigError(f"no format '{as_format}'; {choices(as_format, FORMATS)}.")
    if fold and as_format != FROZEN:
        raise ConfigError(
            f"batch normalization is folded in frozen graphs alone, and not in '{as_format}'; "
            "leave it out, or save as 'frozen'."
        )


def save(loaded: Loaded, output: str, *, as_format: str, fold: bool = False) -> Extracted:
    """Saves a loaded network; `output` appears when all of it is written.

    Raises:
      RunError: the directory holds something, or cannot be written.
      CustomOpError: an op of the network calls Python code, which no graph can hold.
    """
    check_format(as_format, fold)
    with new_directory(output) as directory:
        notes = tuple(_WRITERS[as_format](loaded, directory, fold))
        _write_companions(loaded, directory, as_format)
    return Extracted(loaded, tuple(files.walk(output)), notes)


@contextmanager
def new_directory(path: str) -> Iterator[str]:
    """Yields a directory beside `path`, and renames it to `path` when all went well.

    Raises:
      RunError: `path` holds something.
    """
    refuse_occupied(path)
    path = path.rstrip(os.sep)
    scratch = files.temporary_name(path)
    files.make_directory(scratch)
    try:
        yield scratch
        files.remove_empty_directory(path)
        files.rename(scratch, path)
    finally:
        files.remove(scratch)


def refuse_occupied(path: str) -> None:
    """Raises a RunError if a directory cannot be made at a path, or holds something."""
    if files.is_remote(path):
        raise RunError(f"'{path}' is remote; extract into a local directory and copy that.")
    if os.path.isfile(path):
        raise RunError(f"'{path}' is a file; choose another --output.")
    if os.path.isdir(path) and os.listdir(path):
        raise RunError(f"'{path}' is not empty; choose another --output.")


def _saved_model(loaded: Loaded, directory: str, fold: bool) -> list[str]:
    del fold
    from tfinspect.extraction.saved_model import write_network

    write_network(loaded, directory)
    return []


def _meta_graph(loaded: Loaded, directory: str, fold: bool) -> list[str]:
    del fold
    from tfinspect.extraction.meta_graph import write_meta_graph

    write_meta_graph(loaded.part.graph, os.path.join(directory, CHECKPOINT))
    return []


def _frozen(loaded: Loaded, directory: str, fold: bool) -> list[str]:
    graph_def, notes = frozen_graph(loaded.part.graph), []
    if fold:
        folded = fold_batch_norm(graph_def, tuple(loaded.part.graph.outputs.values()))
        graph_def = folded.graph_def
        factors = f", and {folded.factors} constant factors" if folded.factors else ""
        stay = f"; {folded.kept} follow no convolution and stay" if folded.kept else ""
        notes.append(f"{folded.folded} batch normalizations are folded{factors}{stay}.")
    with files.writing(os.path.join(directory, FROZEN_FILE)) as stream:
        stream.write(graph_def.SerializeToString(deterministic=True))
    return notes


def _keras_weights(loaded: Loaded, directory: str, fold: bool) -> list[str]:
    del fold
    from tfinspect.extraction.weights import write_hdf5

    write_hdf5(loaded.part, os.path.join(directory, WEIGHTS_FILE))
    return []


def _checkpoint(loaded: Loaded, directory: str, fold: bool) -> list[str]:
    del fold
    from tfinspect.extraction.weights import write_checkpoint

    write_checkpoint(loaded.part, os.path.join(directory, CHECKPOINT))
    return []


_WRITERS: dict[str, Callable[[Loaded, str, bool], list[str]]] = dict(
    zip(FORMATS, (_saved_model, _meta_graph, _frozen, _keras_weights, _checkpoint), strict=True)
)


def _write_companions(loaded: Loaded, directory: str, as_format: str) -> None:
    from tfinspect.training.export import write_companions

    if as_format != "saved-model":
        write_companions(directory, loaded.part.spec.preprocessing, loaded.labels)
    with files.writing(os.path.join(directory, REPORT_FILE), "w") as stream:
        json.dump(loaded.report.records(), stream, indent=1, ensure_ascii=False)
        stream.write("\n")
