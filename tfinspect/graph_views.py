"""Tensors as rows: themselves, added up by scope, or counted by op type; pure functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfinspect.entries import Key, TensorEntry
from tfinspect.errors import ConfigError
from tfinspect.names import counted
from tfinspect.op_costs import Cost

Row = dict[str, Any]


@dataclass(frozen=True)
class View:
    """How tensors are shown.

    Attributes:
      by_scope: one row a scope; ops outside every scope have the scope ``.``, ops of a function
        stand under the function's name.
      depth: number of leading components that make a scope; None for the whole scope.
      counts: one row an op type, most frequent first.
      costs: (function, op) -> what it costs, in two more columns; only these ops are shown. None
        for all ops without costs.
      uses: tensor name -> where signatures use it, in one more column of a listing; None for none.
      marks: op type -> remark, in one more column of a listing; None for none.
      brief: for people: without the columns of a listing that would say nothing.
    """

    by_scope: bool = False
    depth: int | None = None
    counts: bool = False
    costs: Mapping[Key, Cost] | None = None
    uses: Mapping[str, str] | None = None
    marks: Mapping[str, str] | None = None
    brief: bool = False


def rows(tensors: Sequence[TensorEntry], view: View) -> list[Row]:
    """Returns the rows of a listing."""
    if view.counts:
        found = _added_up(tensors, "op_type", lambda tensor: tensor.op_type, view.costs)
        for row in found:
            del row["tensors"]
        return sorted(found, key=lambda row: (-row["ops"], row["op_type"]))
    if view.by_scope:
        return _added_up(tensors, "scope", lambda tensor: _scope(tensor, view.depth), view.costs)
    silent = _silent_columns(tensors) if view.brief else ()
    return [_row(tensor, view, silent) for tensor in tensors]


def costed(tensors: Sequence[TensorEntry], costs: Mapping[Key, Cost]) -> list[TensorEntry]:
    """Returns the first outputs of the ops whose costs are counted.

    Raises:
      ConfigError: there is none among them.
    """
    found = [
        tensor
        for tensor in tensors
        if (tensor.function, tensor.op) in costs and tensor.name.endswith(":0")
    ]
    if tensors and not found:
        raise ConfigError(
            "none of these ops is a convolution, matrix product, pool or batch normalization: "
            "only theirs are counted; choose others, or leave out --flops."
        )
    return found


def _row(tensor: TensorEntry, view: View, silent: Sequence[str]) -> Row:
    row = tensor.row()
    for column in silent:
        del row[column]
    if view.uses is not None:
        row["signature"] = view.uses.get(tensor.name)
    if view.marks is not None:
        row["remark"] = view.marks.get(tensor.op_type)
    if view.costs is not None:
        cost = view.costs[tensor.function, tensor.op]
        row |= {"flops": cost.flops, "activation_bytes": cost.activation_bytes}
    return row


def _silent_columns(tensors: Sequence[TensorEntry]) -> list[str]:
    told = {
        "op": False,
        "device": any(tensor.device for tensor in tensors),
        "function": any(tensor.function for tensor in tensors),
    }
    return [column for column, tells in told.items() if not tells]


def _added_up(
    tensors: Sequence[TensorEntry],
    column: str,
    group: Callable[[TensorEntry], str],
    costs: Mapping[Key, Cost] | None,
) -> list[Row]:
    """Counts ops and tensors in groups, in order of first appearance, and adds up their costs."""
    found: dict[str, Row] = {}
    seen: set[Key] = set()
    for tensor in tensors:
        name, key = group(tensor), (tensor.function, tensor.op)
        row = found.get(name)
        if row is None:
            row = found[name] = {column: name, "ops": 0, "tensors": 0}
            if costs is not None:
                row |= {"flops": 0, "activation_bytes": 0}
        row["tensors"] += 1
        if key not in seen:
            seen.add(key)
            row["ops"] += 1
            if costs is not None:
                row["flops"] += costs[key].flops or 0
                row["activation_bytes"] += costs[key].activation_bytes or 0
    return list(found.values())


def _scope(tensor: TensorEntry, depth: int | None) -> str:
    components = tensor.scope.split("/") if tensor.scope else []
    scope = "/".join(components if depth is None else components[:depth])
    if tensor.function is None:
        return scope or "."
    return f"{tensor.function}: {scope or '.'}"


def totals_sentence(tensors: Sequence[TensorEntry], costs: Mapping[Key, Cost] | None = None) -> str:
    """Words for people how much was listed, and what it costs."""
    ops = {(tensor.function, tensor.op): None for tensor in tensors}
    functions = {tensor.function for tensor in tensors if tensor.function}
    where = f" in the main graph and {counted(len(functions), 'function')}" if functions else ""
    sentence = f"Total: {counted(len(tensors), 'tensor')} of {counted(len(ops), 'op')}{where}"
    if costs is None:
        return f"{sentence}."
    known = [costs[op] for op in ops]
    unknown = sum(cost.flops is None for cost in known)
    return (
        f"{sentence}, {sum(cost.flops or 0 for cost in known):,} floating-point operations and "
        f"{sum(cost.activation_bytes or 0 for cost in known):,} bytes of outputs, an unknown "
        "batch counted as one example"
        + (
            f"; {unknown:,} ops whose shapes the file does not say are left out (--shapes)"
            if unknown
            else ""
        )
        + (
            "; functions may hold copies of the same layers (--function counts one)."
            if len(functions) > 1
            else "."
        )
    )
