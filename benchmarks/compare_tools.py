"""`list-vars` and `list-tensors` beside the tools that TensorFlow's users have.

Whole processes, one after the other in turn; the fastest of the rounds counts, and the largest
memory. What a tool can read is found out by running it on the tests' reference files. The
pure-Python package `tensorflow-checkpoint-reader` is measured where `--reader` names the directory
it is in: `pip install --target DIR tensorflow-checkpoint-reader 'numpy<2'`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from list_tensors import THEIRS, exported
from list_vars import best, written

ORACLE = Path(__file__).parents[1] / "tests" / "oracle"
TF1, TF2 = ORACLE / "tf1_artifacts", ORACLE / "tf2_artifacts"
SMALL = {
    "V1": TF1 / "ckpt_v1" / "model.ckpt-4200000001",
    "V2": TF1 / "ckpt_v2" / "model.ckpt-4200000001",
    "object-based": TF2 / "checkpoint" / "ckpt-3",
    "SavedModel": TF2 / "saved_model_keras",
    "MetaGraph": TF1 / "metagraph" / "model.meta",
    "GraphDef": TF1 / "frozen" / "frozen.pb",
    "HDF5": TF2 / "tf_keras" / "model.h5",
    ".keras": TF2 / "keras3" / "model.keras",
}
# A variable's readable name in the object-based checkpoint, and one that its optimizer keeps.
READABLE, SLOT = "model/layer-1/kernel", "optimizer/Adam/m/conv1/kernel"
# One of these stands in whatever a tool says of a file that it can read.
CONTENT = (
    *("InceptionResnetV2/", "conv1/weights", "conv1/kernel", "layer_with_weights-0/kernel"),
    *(READABLE, "layer-1/kernel", "signature_def['serving_default']"),
)
# The package asks for a class that Python 3.11 does not have any more.
READER = """
import inspect, sys
inspect.ArgSpec = inspect.FullArgSpec
from tensorflow_checkpoint_reader.py_checkpoint_reader import NewCheckpointReader
reader = NewCheckpointReader(sys.argv[1])
dtypes = reader.get_variable_to_dtype_map()
for name, shape in reader.get_variable_to_shape_map().items():
    print(name, dtypes[name], shape)
"""
LISTED = "import sys, tensorflow as tf; print(*tf.train.list_variables(sys.argv[1]), sep='\\n')"
LIST_VARS, LIST_TENSORS = "tfinspect list-vars", "tfinspect list-tensors"
LIST_VARIABLES, INSPECT = "tf.train.list_variables", "inspect_checkpoint"
CLI, IMPORT = "saved_model_cli show --all", "import_meta_graph and print"
PACKAGE = "tensorflow-checkpoint-reader"
CHECKPOINT_TOOLS = (LIST_VARS, LIST_VARIABLES, INSPECT, PACKAGE)
AS_JSON = {LIST_VARS: ("--optimizer", "--format", "json"), LIST_TENSORS: ("--format", "json")}
Tool = Callable[[str], list[str]]


def beside(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def tools(reader: str | None) -> dict[str, Tool]:
    """Returns name -> the command that lists a path."""
    module = "tensorflow.python.tools.inspect_checkpoint"
    found: dict[str, Tool] = {
        LIST_VARS: lambda path: [beside("tfinspect"), "list-vars", path],
        LIST_TENSORS: lambda path: [beside("tfinspect"), "list-tensors", path],
        LIST_VARIABLES: lambda path: [sys.executable, "-c", LISTED, path],
        INSPECT: lambda path: [sys.executable, "-m", module, "--file_name", path],
        CLI: lambda path: [beside("saved_model_cli"), "show", "--all", "--dir", path],
        IMPORT: lambda path: [sys.executable, "-c", THEIRS, path],
    }
    if reader:
        place = ["env", f"PYTHONPATH={reader}", sys.executable, "-c", READER]
        found[PACKAGE] = lambda path: [*place, path]
    return found


def output_of(command: list[str]) -> str | None:
    """Returns what a command writes; None where it does not tell what the file holds."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # inspect_checkpoint prints what went wrong and ends as though nothing had.
    told = any(content in done.stdout for content in CONTENT)
    return done.stdout if told and not done.returncode else None


def abilities(name: str, tool: Tool) -> dict:
    """Finds out what a tool reads and tells, on small files."""
    told = {kind: output_of(tool(str(path))) for kind, path in SMALL.items()}
    names = told["object-based"] or ""
    rows = parsed([*tool(str(SMALL["object-based"])), *AS_JSON[name]]) if name in AS_JSON else []
    return {
        "reads": [kind for kind, output in told.items() if output is not None],
        "readable_names": READABLE in names,
        "names_slots": SLOT in names or any(row.get("slot") for row in rows),
        "json": bool(parsed([*tool(str(SMALL["SavedModel"])), *AS_JSON.get(name, ())])),
    }


def parsed(command: list[str]) -> list[dict]:
    try:
        return json.loads(output_of(command) or "[]")
    except ValueError:
        return []


def asked(place: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Writes the large artifacts; returns kind -> path, and the tools to measure on it."""
    directory = written("inception", f"{place}/inception")
    graph, model = f"{place}/model.meta", f"{place}/saved_model"
    exported("inference", graph)
    exported("saved_model", model)
    return {
        "V2 checkpoint": (f"{directory}/v2.ckpt", CHECKPOINT_TOOLS),
        "V1 checkpoint": (f"{directory}/v1.ckpt", CHECKPOINT_TOOLS),
        "MetaGraph": (graph, (LIST_TENSORS, IMPORT)),
        "SavedModel": (model, (LIST_VARS, LIST_TENSORS, CLI)),
    }


def measure(rounds: int, reader: str | None) -> dict:
    known = tools(reader)
    with tempfile.TemporaryDirectory(prefix="tfinspect-compare-") as place:
        commands = {
            f"{kind}: {name}": known[name](path)
            for kind, (path, names) in asked(place).items()
            for name in names
            if name in known
        }
        refused = [label for label, command in commands.items() if output_of(command) is None]
        for label in refused:
            del commands[label]
        measured = best(commands, rounds)
    return {
        "claim": "list-vars and list-tensors against the tools of TensorFlow's users",
        "rounds": rounds,
        "measured": measured,
        "refused": refused,
        "abilities": {name: abilities(name, tool) for name, tool in known.items()},
        "machine": {"cores": os.cpu_count()},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reader", help="directory with tensorflow-checkpoint-reader")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.rounds, arguments.reader), indent=2))
