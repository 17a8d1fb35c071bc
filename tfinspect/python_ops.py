"""Ops that call Python functions of the process that built the graph: no file can hold those."""

from collections.abc import Iterable
from typing import Any

from tfinspect.entries import OpEntry
from tfinspect.errors import CustomOpError

# Of `tf.numpy_function` and `tf.compat.v1.py_func`, and of `tf.py_function`.
PYTHON_OP_TYPES = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
_NAMED = 5


def python_op_marks(ops: Iterable[OpEntry]) -> dict[str, str] | None:
    """Returns op type -> remark for a listing of these ops; None where none calls Python."""
    if all(op.op_type not in PYTHON_OP_TYPES for op in ops):
        return None
    return dict.fromkeys(sorted(PYTHON_OP_TYPES), "calls Python")


def python_op_notes(ops: Iterable[OpEntry]) -> list[str]:
    """Words what these ops mean for a graph that was read from a file; empty without any."""
    found = [op.name for op in ops if op.op_type in PYTHON_OP_TYPES]
    if not found:
        return []
    return [
        f"{_listed(found)} {_calls(found)} Python code that is not in the graph: it runs only in "
        "the program that built it."
    ]


def refuse_python_ops(graph_def: Any, what: str) -> None:
    """Refuses a graph that a file does not hold whole.

    Args:
      graph_def: a GraphDef; its functions are looked into.
      what: what was to be written, such as `the export 'runs/digits/export'`.

    Raises:
      CustomOpError: there is an op that calls Python.
    """
    functions = (node for one in graph_def.library.function for node in one.node_def)
    names = [node.name for node in (*graph_def.node, *functions) if node.op in PYTHON_OP_TYPES]
    # A network stands in one function per signature.
    found = list(dict.fromkeys(names))
    if found:
        raise CustomOpError(
            f"{what} cannot hold {_listed(found)}, which {_calls(found)} Python code of this "
            "program; compose the op of TensorFlow's own (tf.exp, tf.where, …) and export again."
        )


def _calls(names: list[str]) -> str:
    return "calls" if len(names) == 1 else "call"


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"the {'op' if len(names) == 1 else 'ops'} {shown}{more}"
