"""Writes `tfinspect/artifacts/op_outputs.txt`: the outputs of every op that TensorFlow registers.

Run it after a change of TensorFlow's version: python scripts/generate_op_table.py
"""

from pathlib import Path

import tensorflow as tf
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session

from tfinspect.artifacts.op_outputs import from_op_def, to_line
from tfinspect.files import writing

PLACE = Path(__file__).parents[1] / "tfinspect" / "artifacts" / "op_outputs.txt"


def table() -> str:
    """Returns the text of the table, one op a line, in the order of the names."""
    registered = pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    op_defs = op_def_pb2.OpList.FromString(registered).op
    lines = [f"# Outputs of the {len(op_defs)} ops of TensorFlow {tf.__version__}."]
    lines += [to_line(op.name, from_op_def(op)) for op in sorted(op_defs, key=lambda op: op.name)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with writing(str(PLACE)) as stream:
        stream.write(table().encode())
