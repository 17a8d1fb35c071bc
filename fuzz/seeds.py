"""What the fuzzer starts from: the reference files of the tests, and small ones written here."""

import io
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np

from fuzz.packed import pack
from tfinspect.artifacts.slices import Extent, slice_key
from tfinspect.artifacts.wire import fields
from tfinspect.data.example_proto import encode_example
from tfinspect.data.tfrecord import frame

TESTS = Path(__file__).parents[1] / "tests"
for _place in (TESTS, TESTS / "artifacts"):
    if str(_place) not in sys.path:
        sys.path.insert(0, str(_place))

import graph_files  # noqa: E402
import table_writer  # noqa: E402
from oracle_files import CKPT_V1, CKPT_V2, KERAS3, OBJECT_BASED, TF_KERAS  # noqa: E402

# Numbers of data types in a file.
_FLOAT, _DOUBLE, _INT32, _STRING, _BOOL, _BFLOAT16, _HALF = 1, 2, 3, 7, 10, 14, 19
_KEPT_NODES, _KEPT_FUNCTIONS, _KEPT_ITEMS = 60, 8, 3


def bundles() -> list[bytes]:
    """Index and data of V2 checkpoints."""
    prefixes = (CKPT_V2, OBJECT_BASED, graph_files.TF1_SAVED_MODEL / "variables/variables")
    real = [_bundle(prefix) for prefix in prefixes]
    return [*real, made_bundle(), made_bundle(endianness=1), made_bundle(min_consumer=2)]


def _bundle(prefix: Path) -> bytes:
    names = (f"{prefix.name}.index", f"{prefix.name}.data-00000-of-00001")
    return pack([prefix.with_name(name).read_bytes() for name in names])


def made_bundle(**head: int) -> bytes:
    """Every kind of value in few bytes: numbers, strings, a variant, a partitioned variable."""
    values, data, found = np.arange(4, dtype="<f4").tobytes(), b"", {}

    def add(key: bytes, dtype: int, sizes: tuple[int, ...], stored: bytes, summed: bytes) -> None:
        nonlocal data
        found[key] = table_writer.entry(dtype, sizes, summed, len(data), size=len(stored))
        data += stored

    add(b"a", _FLOAT, (2, 2), values, values)
    add(b"b", _BFLOAT16, (2,), values[:4], values[:4])
    add(b"flag", _BOOL, (), b"\x01", b"\x01")
    add(b"text", _STRING, (2,), *_strings(b"one", b""))
    add(b"variant", 21, (), values, values)
    parts = b"".join(table_writer.field(7, _extent(start, 2)) for start in (0, 2))
    described = table_writer.field(1, _FLOAT) + table_writer.field(2, table_writer.shape(4))
    found[b"table"] = described + parts
    for start in (0, 2):
        part = values[4 * start : 4 * start + 8]
        add(slice_key(b"table", (Extent(start, 2),)), _FLOAT, (2,), part, part)
    return pack([table_writer.table({b"": table_writer.header(**head)} | _sorted(found)), data])


def bundle_of_graph(graph: bytes) -> bytes:
    """An object-based checkpoint with a given graph of objects, and three variables."""
    stored, summed = _strings(graph)
    found = {
        b"_CHECKPOINTABLE_OBJECT_GRAPH": table_writer.entry(_STRING, (), summed, size=len(stored))
    }
    for name in (b"w", b"model/layer-1/kernel", b"w/.OPTIMIZER_SLOT/optimizer/m"):
        key = name + b"/.ATTRIBUTES/VARIABLE_VALUE"
        found[key] = table_writer.entry(_FLOAT, (0,), b"", len(stored))
    return pack([table_writer.table({b"": table_writer.header()} | _sorted(found)), stored])


def object_graphs() -> list[bytes]:
    from tfinspect.artifacts.bundle import open_bundle

    return [open_bundle(str(OBJECT_BASED)).object_graph()]


def _sorted(pairs: dict[bytes, bytes]) -> dict[bytes, bytes]:
    return dict(sorted(pairs.items()))


def _extent(start: int, length: int) -> bytes:
    sizes = table_writer.field(1, start) + table_writer.field(2, length)
    return table_writer.field(1, sizes)


def _strings(*values: bytes) -> tuple[bytes, bytes]:
    """Returns strings as a bundle stores them, and the bytes that their checksum is over."""
    varints = b"".join(table_writer.varint(len(value)) for value in values)
    fixed = b"".join(len(value).to_bytes(4, "little") for value in values)
    rest = table_writer.crc_of(fixed).to_bytes(4, "little") + b"".join(values)
    return varints + rest, fixed + rest


def saved_slices() -> list[bytes]:
    """V1 checkpoints."""
    return [CKPT_V1.read_bytes(), _made_slices()]


def _made_slices() -> bytes:
    # Name, number of the type, size, bounds of the slices, number of the list, its bytes.
    floats = np.arange(2, dtype="<f4").tobytes()
    described = (
        (b"w", _FLOAT, 4, ((0, 2), (2, 2)), 5, floats),
        (b"d", _DOUBLE, 1, ((0, -1),), 6, bytes(8)),
        (b"n", _INT32, 2, ((0, -1),), 7, table_writer.varint(-5) + b"\x07"),
        (b"h", _HALF, 1, ((0, -1),), 13, table_writer.varint(0x3C00)),
        (b"t", _STRING, 1, ((0, -1),), 8, b"text"),
        (b"b", _BOOL, 1, ((0, -1),), 11, b"\x01"),
    )
    field, metas, values = table_writer.field, b"", {}
    for name, dtype, size, bounds, number, data in described:
        parts = b"".join(
            field(4, _extent(*one) if one[1] >= 0 else field(1, b"")) for one in bounds
        )
        shape = table_writer.shape(size)
        metas += field(1, field(1, name) + field(2, shape) + field(3, dtype) + parts)
        for start, length in bounds:
            key = slice_key(name, (Extent(start, length),))
            values[key] = field(2, field(3, field(number, data)))
    return table_writer.table({b"": field(1, metas)}, _sorted(values), codecs=(1, 0))


def graphs() -> list[bytes]:
    from tensorboard.compat.proto import graph_pb2

    graph = graph_pb2.GraphDef()
    graph.versions.producer = 1000
    constant = graph.node.add(name="scope/c", op="Const").attr
    constant["dtype"].type = 1
    constant["value"].tensor.dtype = 1
    constant["value"].tensor.tensor_shape.dim.add(size=3)
    constant["value"].tensor.float_val.extend([1, 2])
    graph.node.add(name="v", op="VariableV2").attr["shape"].shape.dim.add(size=2)
    graph.node.add(name="x", op="Identity", input=["scope/c:0", "^v"])
    function = graph.library.function.add()
    function.signature.name = "f"
    function.signature.input_arg.add(name="x", type=1)
    function.node_def.add(name="y", op="Relu", input=["x"])
    real = [graph_files.GRAPH.read_bytes(), graph_files.FROZEN.read_bytes()]
    return [*real, graph.SerializeToString()]


def graph_texts() -> list[bytes]:
    from google.protobuf import text_format
    from tensorboard.compat.proto import graph_pb2

    small = graph_pb2.GraphDef.FromString(graphs()[-1])
    return [graph_files.GRAPH_TEXT.read_bytes(), text_format.MessageToString(small).encode()]


def meta_graphs() -> list[bytes]:
    from tensorboard.compat.proto import meta_graph_pb2

    made = meta_graph_pb2.MetaGraphDef()
    made.meta_info_def.tags.append("serve")
    made.meta_info_def.stripped_op_list.op.add(name="Mine").output_arg.add(name="y", type=1)
    made.graph_def.node.add(name="net/w", op="VariableV2")
    made.graph_def.node.add(name="m", op="Mine")
    made.saver_def.filename_tensor_name = "save/Const:0"
    trainable = made.collection_def["trainable_variables"].bytes_list.value
    trainable.append(b"\x0a\x07net/w:0\x12\x0cnet/w/Assign\x1a\x0cnet/w/read:0")
    made.collection_def["steps"].int64_list.value.append(3)
    output = made.signature_def["serving_default"].outputs["scores"]
    output.name, output.dtype = "m:0", 1
    return [_trimmed(graph_files.META_GRAPH.read_bytes()), made.SerializeToString()]


def _trimmed(data: bytes) -> bytes:
    """Leaves a part of each list in a MetaGraph: small inputs are tried many more times."""
    from tensorboard.compat.proto import meta_graph_pb2

    meta = meta_graph_pb2.MetaGraphDef.FromString(data)
    del meta.graph_def.node[_KEPT_NODES:]
    del meta.graph_def.library.function[_KEPT_FUNCTIONS:]
    kept = {node.op for node in meta.graph_def.node}
    ops = meta.meta_info_def.stripped_op_list.op
    for place in reversed(range(len(ops))):
        if ops[place].name not in kept:
            del ops[place]
    for items in meta.collection_def.values():
        kind = items.WhichOneof("kind")
        if kind:
            del getattr(items, kind).value[_KEPT_ITEMS:]
    return bytes(meta.SerializeToString(deterministic=True))


def saved_models() -> list[bytes]:
    """Graph, index and data of SavedModels."""
    found = []
    for place in (graph_files.TF1_SAVED_MODEL, graph_files.TF2_SAVED_MODEL):
        graph = _trimmed_model((place / "saved_model.pb").read_bytes())
        variables = place / "variables"
        index = (variables / "variables.index").read_bytes()
        found.append(
            pack([graph, index, (variables / "variables.data-00000-of-00001").read_bytes()])
        )
    small = table_writer.field(1, 1) + table_writer.field(2, meta_graphs()[-1])
    return [*found, pack([small, b"", b""])]


def _trimmed_model(data: bytes) -> bytes:
    found = b""
    for field in fields(data):
        part = data[field.start : field.end]
        value = _trimmed(part) if field.number == 2 else field.value
        found += table_writer.field(field.number, value)
    return found


def hdf5_models() -> list[bytes]:
    real = [TF_KERAS / "legacy_weights.h5", KERAS3 / "model.h5", TF_KERAS / "model.h5"]
    return [*(path.read_bytes() for path in real), *_made_hdf5()]


def hdf5_weights() -> list[bytes]:
    real = [KERAS3 / "model.weights.h5", TF_KERAS / "model.weights.h5"]
    return [*(path.read_bytes() for path in real), *_made_hdf5()]


def _made_hdf5() -> list[bytes]:
    import h5py

    found = []
    for libver in ("earliest", "latest"):
        out = io.BytesIO()
        with h5py.File(out, "w", libver=libver) as file:
            file.attrs["layer_names"] = np.array([b"dense"])
            file.attrs["keras_version"] = "2.1"
            dense = file.create_group("dense")
            dense.attrs["weight_names"] = np.array([b"dense/kernel:0", b"dense/text:0"])
            dense["dense/kernel:0"] = np.arange(4, dtype=np.float32).reshape(2, 2)
            dense["dense/text:0"] = np.array([b"one", b"two"])
            file["layers/conv/vars/0"] = np.arange(3, dtype=">i2")
            file["layers/conv/vars"].attrs["name"] = "conv"
            file.create_dataset("packed", data=np.zeros(9), chunks=(3,), compression="gzip")
            options = {"compression": "gzip", "shuffle": True, "fletcher32": True}
            file.create_dataset("shuffled", data=np.arange(6), chunks=(4,), **options)
            file["words"] = ["one", "two"]
            file["link"] = h5py.SoftLink("/dense")
        found.append(out.getvalue())
    return found


def shards() -> list[bytes]:
    """The index of Keras's sharded weights, and two shards."""
    index = b'{"metadata": {}, "weight_map": {"/layers/conv/vars": ["a.h5"], "/x": ["b.h5"]}}'
    earliest, latest = _made_hdf5()
    return [pack([index, earliest, latest])]


def archives() -> list[bytes]:
    real = [(place / "model.keras").read_bytes() for place in (KERAS3, TF_KERAS)]
    config = (
        b'{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", '
        b'"config": {"name": "dense", "trainable": false}}]}}'
    )
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", compression) as made:
            made.writestr("metadata.json", b'{"keras_version": "3.0"}')
            made.writestr("config.json", config)
            made.writestr("model.weights.h5", _made_hdf5()[0])
        real.append(out.getvalue())
    return real


def runs() -> list[bytes]:
    """The state file, index and data in a run's directory of best weights."""
    state = b'model_checkpoint_path: "m.ckpt"\nall_model_checkpoint_paths: "m.ckpt"\n'
    return [pack([state]) + made_bundle()]


def records() -> list[bytes]:
    raw = {"label": 3, "image": bytes(3072)}
    encoded = {"image/encoded": b"\x89PNG", "image/class/label": [1], "image/height": [1, 2]}
    made = [encode_example(raw), encode_example(encoded), b"", encode_example({"x": [0.5]})]
    return [b"".join(map(frame, made)), frame(made[1])]


def pickles() -> list[bytes]:
    """Batches of images as CIFAR's archive has them, in the pickle formats of both Pythons."""
    rows = np.zeros((2, 3072), np.uint8)
    batch = {b"data": rows, b"labels": [1, 2], b"filenames": [b"a", b"b"]}
    small = {"labels": np.arange(3), "scalar": np.float64(1), "text": "ü", "nested": [(1, None)]}
    found = [pickle.dumps(value, protocol) for value in (batch, small) for protocol in (0, 2, 4)]
    return [*found, pickle.dumps({"label_names": list("abcdefghij")}, 2)]
