"""Files of a gigabyte, and files that declare more: refused with their path, quickly, in 1 GB.

The files are sparse; each is opened in a process that may have no more than 1 GB of its own.
"""

import json
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
from oracle_files import CKPT_V2, OBJECT_BASED, TF_KERAS, copied
from table_writer import MAGIC, field, header, table, varint

pytestmark = pytest.mark.slow

GIGABYTE = 1 << 30
OPENED = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))
from tfinspect import open_artifact, health
from tfinspect.errors import TfinspectError
told = []
for path in sys.argv[1:]:
    found = []
    try:
        artifact = open_artifact(path)
        found += [*artifact.notes, f"{len(artifact.variables)} variables"]
        for part in ("tensors", "collections", "signatures"):
            getattr(artifact, part)
        found += [finding.detail for finding in health(artifact)]
    except TfinspectError as error:
        found.append(str(error))
    told.append(found)
print(json.dumps(told))
"""


def _sparse(path, *parts, size=GIGABYTE):
    """Writes (offset from the start or the end, bytes) into a file of zeros."""
    with open(path, "wb") as stream:
        stream.truncate(size)
        for offset, data in parts:
            stream.seek(offset if offset >= 0 else size + offset)
            stream.write(data)
    return path


def _text(directory):
    return _sparse(directory / "a.pbtxt", (0, b"node { name: 'a' op: 'NoOp' }\n" * 100))


def _meta_text(directory):
    return _sparse(directory / "a.meta", (0, b"meta_info_def { }\n" * 100))


def _table(directory, name="v1.ckpt", size=GIGABYTE):
    """A table whose index block takes the whole file."""
    handles = varint(0) + varint(0) + varint(0) + varint(size - 53)
    return _sparse(directory / name, (-48, handles.ljust(40, b"\0") + MAGIC), size=size)


def _index(directory):
    _table(directory, "v2.ckpt.index", GIGABYTE // 8)
    return directory / "v2.ckpt"


def _graph_node(directory):
    """A GraphDef with one node of a gigabyte, whose name takes nearly all of it."""
    size = GIGABYTE - 32
    node = field(2, b"NoOp") + b"\x0a" + varint(size)
    return _sparse(directory / "node.pb", (0, b"\x0a" + varint(len(node) + size) + node))


def _many_nodes(directory):
    path = directory / "many.pb"
    path.write_bytes(field(1, field(1, b"a") + field(2, b"NoOp")) + b"\x0a\x00" * (1 << 20))
    return path


def _string_tensor(directory):
    """A V2 checkpoint whose object graph takes a gigabyte."""
    prefix = copied(OBJECT_BASED, directory)
    size = varint(GIGABYTE)
    graph = field(1, 7) + field(2, b"") + b"\x28" + size + b"\x35" + bytes(4)
    pairs = {b"": header(), b"_CHECKPOINTABLE_OBJECT_GRAPH": graph}
    prefix.with_name(f"{prefix.name}.index").write_bytes(table(pairs))
    _sparse(prefix.with_name(f"{prefix.name}.data-00000-of-00001"))
    return prefix


def _archive(directory):
    """A `.keras` file whose config unpacks to a gigabyte."""
    path = directory / "m.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("config.json", "w", force_zip64=True) as member:
            for _ in range(64):
                member.write(bytes(1 << 20))
        with zipfile.ZipFile(TF_KERAS / "model.keras") as whole:
            archive.writestr("model.weights.h5", whole.read("model.weights.h5"))
    return path


def _chunks(directory):
    path = directory / "m.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset("a", (1 << 36,), "f4", chunks=(1 << 20,), compression="gzip")
        made[: 1 << 20] = np.zeros(1 << 20)
        file.create_dataset("b", (1 << 40,), "f8")
    return path


def _state(directory):
    copied(CKPT_V2, directory)
    _sparse(directory / "checkpoint")
    return directory


def _wrappers(directory):
    """A config of wrappers in wrappers, which describe a layer each two ways."""
    path = directory / "deep.keras"
    layer = {"class_name": "Dense", "config": {"name": "d" * 1000}}
    for _ in range(40):
        layer = {"class_name": "Bidirectional", "config": {"name": "b", "layer": layer}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"config": {"layers": [layer]}}))
        with zipfile.ZipFile(TF_KERAS / "model.keras") as whole:
            archive.writestr("model.weights.h5", whole.read("model.weights.h5"))
    return path


CASES = {
    "text of a GraphDef": (_text, "is a text of 1,073,741,824 bytes"),
    "text of a MetaGraph": (_meta_text, "is a text of 1,073,741,824 bytes"),
    "table with one block": (_table, "is broken at byte 0"),
    "index with one block": (_index, "is broken at byte 0"),
    "node of a gigabyte": (_graph_node, "node.pb' is broken"),
    "a million nodes": (_many_nodes, "it has more than 524,288 nodes"),
    "object graph of a gigabyte": (_string_tensor, "more than any model's"),
    "config bomb": (_archive, "which no config has"),
    "packed values": (_chunks, "as no weights do"),
    "state file of a gigabyte": (_state, "names no checkpoint"),
    "wrappers in wrappers": (_wrappers, "more layers than a model has"),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    paths = {}
    for name, (make, _) in CASES.items():
        paths[name] = make(tmp_path_factory.mktemp("limited"))
    command = [sys.executable, "-c", OPENED, *map(str, paths.values())]
    process = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert process.returncode == 0, process.stderr
    answers = json.loads(process.stdout)
    return {name: (paths[name], told) for name, told in zip(CASES, answers, strict=True)}


@pytest.mark.parametrize("name", CASES)
def test_refused_or_noted_within_a_gigabyte_with_its_path(told, name):
    path, found = told[name]
    reasons = [one for one in found if CASES[name][1] in one]
    assert reasons, found
    assert str(path) in reasons[0]
