"""Which readers are fuzzed: one table of what each starts from, does, and how inputs are changed.

A target's function takes the bytes and an empty directory. The package's own errors end in it;
anything else that comes out is a finding.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuzz import mutators, seeds
from fuzz.exercise import exercise
from fuzz.packed import unpack
from tfinspect.artifacts import (
    bundle,
    graph_def,
    hdf5,
    keras_archive,
    keras_shards,
    run_directory,
    saved_model,
)
from tfinspect.artifacts import saved_slices as v1
from tfinspect.data import cifar
from tfinspect.data.check import check_records
from tfinspect.data.example_proto import decode_example
from tfinspect.data.safe_unpickle import load_plain
from tfinspect.data.tfrecord import read_records
from tfinspect.errors import TfinspectError


@dataclass(frozen=True)
class Target:
    """One reader under test.

    Attributes:
      formats: the kinds of `tfinspect.artifacts.detect.FORMATS` that it opens; empty for others.
      seeds: the inputs to start from.
      run: what is done with an input, in an empty directory.
      mutate: how an input is changed.
    """

    formats: tuple[str, ...]
    seeds: Callable[[], list[bytes]]
    run: Callable[[bytes, Path], None]
    mutate: mutators.Mutator = mutators.raw


def _v2(data: bytes, place: Path) -> None:
    index, values = unpack(data, 2)
    (place / "m.ckpt.index").write_bytes(index)
    (place / "m.ckpt.data-00000-of-00001").write_bytes(values)
    exercise(bundle.open_bundle, str(place / "m.ckpt"))


def _object_graph(data: bytes, place: Path) -> None:
    _v2(seeds.bundle_of_graph(data), place)


def _run(data: bytes, place: Path) -> None:
    state, index, values = unpack(data, 3)
    best = place / "best"
    best.mkdir()
    (place / "config.json").write_text("{}")
    (best / "checkpoint").write_bytes(state)
    (best / "m.ckpt.index").write_bytes(index)
    (best / "m.ckpt.data-00000-of-00001").write_bytes(values)
    exercise(run_directory.open_run, str(place))


def _saved_model(data: bytes, place: Path) -> None:
    graph, index, values = unpack(data, 3)
    variables = place / "variables"
    variables.mkdir()
    (place / "saved_model.pb").write_bytes(graph)
    if index:
        (variables / "variables.index").write_bytes(index)
        (variables / "variables.data-00000-of-00001").write_bytes(values)
    exercise(saved_model.open_saved_model, str(place))


def _keras_shards(data: bytes, place: Path) -> None:
    index, *shards = unpack(data, 3)
    (place / "m.weights.json").write_bytes(index)
    for name, shard in zip(("a.h5", "b.h5"), shards, strict=True):
        (place / name).write_bytes(shard)
    exercise(keras_shards.open_keras_shards, str(place / "m.weights.json"))


def _file(name: str, opener: Callable) -> Callable[[bytes, Path], None]:
    def run(data: bytes, place: Path) -> None:
        path = place / name
        path.write_bytes(data)
        exercise(opener, str(path))

    return run


def _records(data: bytes, place: Path) -> None:
    path = place / "train-00000-of-00001.tfrecord"
    path.write_bytes(data)
    with contextlib.suppress(TfinspectError):
        check_records(str(path))
    with contextlib.suppress(TfinspectError):
        for record in read_records(str(path)):
            with contextlib.suppress(TfinspectError):
                decode_example(record.data)


def _pickle(data: bytes, place: Path) -> None:
    with contextlib.suppress(TfinspectError):
        load_plain(data, "the pickle")
    names = seeds.pickles()[-1]
    for name in cifar.LAYOUTS[0].members:
        (place / name).write_bytes(names if name == "batches.meta" else data)
    with contextlib.suppress(TfinspectError):
        cifar.load_directory(str(place))


_BUNDLE = (mutators.table, mutators.raw)
TARGETS = {
    "v2": Target(("V2 checkpoint",), seeds.bundles, _v2, mutators.files(*_BUNDLE)),
    "object_graph": Target(
        ("V2 checkpoint",), seeds.object_graphs, _object_graph, mutators.message
    ),
    "v1": Target(
        ("V1 checkpoint",), seeds.saved_slices, _file("v1", v1.open_saved_slices), mutators.table
    ),
    "graph_def": Target(
        ("GraphDef",), seeds.graphs, _file("graph.pb", graph_def.open_graph), mutators.message
    ),
    "graph_def_text": Target(
        ("GraphDef",), seeds.graph_texts, _file("graph.pbtxt", graph_def.open_graph)
    ),
    "meta_graph": Target(
        ("MetaGraph",), seeds.meta_graphs, _file("m.meta", graph_def.open_graph), mutators.message
    ),
    "saved_model": Target(
        ("SavedModel",),
        seeds.saved_models,
        _saved_model,
        mutators.files(mutators.message, *_BUNDLE),
    ),
    "h5": Target(("HDF5 file",), seeds.hdf5_models, _file("m.h5", hdf5.open_hdf5)),
    "weights_h5": Target(("HDF5 file",), seeds.hdf5_weights, _file("m.weights.h5", hdf5.open_hdf5)),
    "keras": Target(
        ("Keras archive",),
        seeds.archives,
        _file("m.keras", keras_archive.open_keras_archive),
        mutators.archive,
    ),
    "keras_shards": Target(
        ("Keras sharded weights",),
        seeds.shards,
        _keras_shards,
        mutators.files(mutators.raw, mutators.raw, mutators.raw),
    ),
    "run_directory": Target(
        ("run directory",), seeds.runs, _run, mutators.files(mutators.raw, *_BUNDLE)
    ),
    "records": Target((), seeds.records, _records, mutators.records),
    "pickle": Target((), seeds.pickles, _pickle),
}
