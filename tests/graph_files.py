"""The reference files with graphs, what is expected of them, and graphs made by hand."""

import json

from oracle_files import ORACLE

TF1, TF2 = ORACLE / "tf1_artifacts", ORACLE / "tf2_artifacts"
GRAPH, GRAPH_TEXT = TF1 / "graphdef/graph.pb", TF1 / "graphdef/graph.pbtxt"
FROZEN = TF1 / "frozen/frozen.pb"
META_GRAPH = TF1 / "metagraph/model.meta"
TF1_SAVED_MODEL = TF1 / "saved_model"
TF2_SAVED_MODEL = TF2 / "saved_model_keras"


def expected(path):
    """Returns what the writing TensorFlow had in memory."""
    beside = path.with_name("expected.json")
    found = beside if beside.exists() else path.with_name(f"{path.name}_expected.json")
    return json.loads(found.read_text())


def described(tensor):
    """Returns a tensor as `expected.json` has it."""
    shape = None if tensor.shape is None else list(tensor.shape)
    return {"name": tensor.name, "op": tensor.op_type, "dtype": tensor.dtype, "shape": shape}


def written(directory, nodes, name="made.pb"):
    """Writes a GraphDef of (name, op, inputs) and returns its path."""
    from tensorboard.compat.proto import graph_pb2

    graph = graph_pb2.GraphDef()
    graph.versions.producer = 1000
    for op_name, op, inputs in nodes:
        graph.node.add(name=op_name, op=op, input=inputs)
    path = directory / name
    path.write_bytes(graph.SerializeToString())
    return path
