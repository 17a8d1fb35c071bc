"""Choosing among what the ops of a graph make; pure functions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tfinspect import graph_relations
from tfinspect.entries import OpEntry, TensorEntry
from tfinspect.errors import ConfigError
from tfinspect.listing import select_pattern, select_scopes
from tfinspect.names import choices


@dataclass(frozen=True)
class TensorCriteria:
    """Which tensors are wanted; every criterion must hold.

    Attributes:
      scopes: any of these scopes, matched by whole path components; empty for all.
      match: regular expression found anywhere in the tensor's name.
      exclude: regular expressions, none of which is found in the name.
      op_types: any of these types; empty for all.
      function: name of a function of the graph's library; None for all and the main graph.
      inputs_of: an op or tensor; only the tensors that the op takes.
      consumers_of: an op or tensor; only what the ops make that take it.
      placeholders: only what is to be fed.
      outputs: only what is worth fetching: outputs of signatures, or, in a graph without any, what
        is computed from the fed tensors and taken by no other op.
    """

    scopes: tuple[str, ...] = ()
    match: str | None = None
    exclude: tuple[str, ...] = ()
    op_types: tuple[str, ...] = ()
    function: str | None = None
    inputs_of: str | None = None
    consumers_of: str | None = None
    placeholders: bool = False
    outputs: bool = False


def select_tensors(
    ops: Sequence[OpEntry],
    criteria: TensorCriteria,
    *,
    fetched: Collection[str] = (),
    saver: Collection[str] = (),
) -> list[TensorEntry]:
    """Returns the tensors that meet all criteria, in the order of the graph.

    An op without outputs stands in the result, where it is asked for by type or as a consumer, by
    its control output `^name`.

    Args:
      ops: of a graph.
      criteria: what is wanted.
      fetched: names of the tensors that signatures give out.
      saver: names of the ops by which the graph saves and restores, as far as it says.

    Raises:
      ConfigError: a criterion matches nothing; the nearest existing names are in the message.
    """
    ops = _in_function(ops, criteria.function)
    kept = _of_type(_related(ops, criteria, fetched, saver), criteria.op_types)
    kept = select_scopes(kept, criteria.scopes)
    tensors = [tensor for op in kept for tensor in _shown(op, criteria)]
    if criteria.inputs_of is not None:
        wanted = graph_relations.inputs(ops, criteria.inputs_of)
        tensors = [tensor for tensor in tensors if (tensor.function, tensor.name) in wanted]
    hidden = [tensor for op in ops for tensor in op.outputs]
    return select_pattern(tensors, criteria.match, criteria.exclude, hidden)


def _shown(op: OpEntry, criteria: TensorCriteria) -> Sequence[TensorEntry]:
    if op.outputs or not (criteria.op_types or criteria.consumers_of):
        return op.outputs
    scope = op.name.rpartition("/")[0]
    return (
        TensorEntry(
            f"^{op.name}", op.name, op.op_type, "-", None, scope=scope, function=op.function
        ),
    )


def _related(
    ops: Sequence[OpEntry],
    criteria: TensorCriteria,
    fetched: Collection[str],
    saver: Collection[str],
) -> Sequence[OpEntry]:
    """Returns the ops that stand in the wanted relation; all where none is asked for."""
    if criteria.consumers_of is not None:
        return graph_relations.consumers(ops, criteria.consumers_of)
    if criteria.placeholders:
        # Captured variables are arguments of functions, too.
        has_arguments = any(op.op_type == "_Arg" for op in ops)
        option = "--op-type _Arg" if has_arguments else "--counts"
        return _some(graph_relations.placeholders(ops, saver), "nothing to feed", option)
    if not criteria.outputs:
        return ops
    if not fetched:
        found = graph_relations.sinks(ops, saver)
        problem = "no result that no other op takes (summaries and saving are none)"
        return _some(found, problem, "--consumers-of NAME")
    names = {name.partition(":")[0] for name in fetched}
    found = [op for op in ops if op.function is None and op.name in names]
    return _some(found, "none of the outputs that its signatures name", "--counts")


def _some(found: list[OpEntry], problem: str, option: str) -> list[OpEntry]:
    if not found:
        raise ConfigError(f"the graph has {problem}; look into it with {option}.")
    return found


def _in_function(ops: Sequence[OpEntry], function: str | None) -> Sequence[OpEntry]:
    if function is None:
        return ops
    chosen = [op for op in ops if op.function == function]
    if chosen:
        return chosen
    existing = {op.function for op in ops if op.function}
    offer = choices(function, existing) if existing else "it has no functions at all"
    raise ConfigError(f"no function '{function}' in this graph; {offer}.")


def _of_type(ops: Sequence[OpEntry], op_types: Sequence[str]) -> Sequence[OpEntry]:
    existing = {op.op_type for op in ops}
    for op_type in op_types:
        if op_type not in existing:
            raise ConfigError(f"no op of type '{op_type}' here; {choices(op_type, existing)}.")
    return [op for op in ops if op.op_type in op_types] if op_types else ops
