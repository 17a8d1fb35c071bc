"""How the ops of a graph hang together: what is fed, what is worth fetching, who takes what."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from tfinspect.entries import OpEntry
from tfinspect.errors import ConfigError
from tfinspect.names import choices, decimal

PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault"})
# Ops by which data comes into a graph: what is computed from them may be worth fetching.
_SOURCE = re.compile(r"Placeholder.*|_Arg|(Multi)?Iterator.*|(Queue|.*)Dequeue.*|Reader.*|Parse.*")
# Ops that are run for what they do, or that pass on what was saved.
_NO_RESULT = re.compile(
    r"(Ref)?Assign.*|(Resource|Sparse)*Apply.*|Scatter.*|Save.*|Restore.*|.*Summary.*|Assert|"
    r"Print.*|Const|.*Enqueue.*|.*Close.*|Shape|ShapeN|Size|Rank|ZerosLike|OnesLike"
)
# Ops that only wait for others, as `tf.tuple` and gradients make them.
_WAITING = re.compile(r"(?:.*/)?control_dependency(?:_\d+)?")
_SAVING = re.compile(r"(Save|Restore)(V2|Slices?)?|ShardedFile(name|spec)|MergeV2Checkpoints")


def _named(ops: Sequence[OpEntry], name: str) -> tuple[str, int | None]:
    """Returns op name and output number of a tensor's name; None for all of an op's outputs."""
    names = {op.name for op in ops}
    if name in names:
        return name, None
    op, colon, place = name.rpartition(":")
    number = decimal(place)
    if colon and number is not None and op in names:
        return op, number
    raise ConfigError(f"no op or tensor '{name}' in this graph; {choices(op or name, names)}.")


def _existing(ops: Sequence[OpEntry], name: str) -> tuple[str, int | None]:
    """Returns what `_named` does, of an output that the op has."""
    op_name, place = _named(ops, name)
    made = [one.name for op in ops if op.name == op_name for one in op.outputs]
    if place is not None and f"{op_name}:{place}" not in made:
        raise ConfigError(f"'{op_name}' has no output {place}; {choices(name, made)}.")
    return op_name, place


def inputs(ops: Sequence[OpEntry], name: str) -> set[tuple[str | None, str]]:
    """Returns (function, tensor) of everything that an op takes.

    Raises:
      ConfigError: there is no such op or output, or it takes nothing.
    """
    op_name, _ = _existing(ops, name)
    found = {(op.function, taken) for op in ops if op.name == op_name for taken in op.inputs}
    if not found:
        raise ConfigError(
            f"'{op_name}' takes no tensor; --consumers-of '{op_name}' lists what takes its outputs."
        )
    return found


def consumers(ops: Sequence[OpEntry], name: str) -> list[OpEntry]:
    """Returns the ops that take a tensor, or any output of an op, or run after it.

    Raises:
      ConfigError: there is no such op or tensor, or nobody takes it.
    """
    op_name, place = _existing(ops, name)

    def takes(op: OpEntry) -> bool:
        if place is not None:
            return f"{op_name}:{place}" in op.inputs
        return op_name in op.controls or any(_op_of(one) == op_name for one in op.inputs)

    holders = {op.function for op in ops if op.name == op_name}
    found = [op for op in ops if op.function in holders and takes(op)]
    if not found:
        raise ConfigError(f"no op takes '{name}': it is an end of the graph.")
    return found


def _op_of(tensor: str) -> str:
    return tensor.rpartition(":")[0]


def placeholders(ops: Sequence[OpEntry], saver: Collection[str]) -> list[OpEntry]:
    """Returns what is to be fed: neither captured variables nor the names of files to save to.

    Args:
      ops: of a graph.
      saver: names of the ops by which the graph saves and restores, as far as it says.
    """
    takers = _takers(ops)
    types = {op.name: op.op_type for op in ops if op.function is None}
    found = []
    for op in ops:
        if op.op_type in PLACEHOLDERS and op.name not in saver:
            if all(made.dtype == "resource" for made in op.outputs):
                continue
            texts = op.function is None and all(made.dtype == "string" for made in op.outputs)
            reached = _reached([op], takers) if texts else ()
            if not any(_SAVING.fullmatch(types.get(name, "")) for name in reached):
                found.append(op)
    return found


def _takers(ops: Sequence[OpEntry]) -> dict[str, list[OpEntry]]:
    takers: dict[str, list[OpEntry]] = defaultdict(list)
    for op in ops:
        if op.function is None:
            for taken in op.inputs:
                takers[_op_of(taken)].append(op)
    return takers


def sinks(ops: Sequence[OpEntry], saver: Collection[str]) -> list[OpEntry]:
    """Returns the ops of the main graph that compute something from its sources for nobody."""
    main = [op for op in ops if op.function is None]
    takers = _takers(main)
    fed = {op.name for op in placeholders(main, saver)}
    sources = [
        op
        for op in main
        if op.name in fed or (op.op_type not in PLACEHOLDERS and _SOURCE.fullmatch(op.op_type))
    ]
    computed = _reached(sources, takers)
    return [
        op
        for op in main
        if op.outputs
        and op.name not in takers
        and (op.name in computed or not computed)
        and not _NO_RESULT.fullmatch(op.op_type)
        and not _WAITING.fullmatch(op.name)
    ]


def _reached(start: Iterable[OpEntry], takers: Mapping[str, Sequence[OpEntry]]) -> set[str]:
    waiting = [op.name for op in start]
    found = set(waiting)
    while waiting:
        for op in takers.get(waiting.pop(), ()):
            if op.name not in found:
                found.add(op.name)
                waiting.append(op.name)
    return found
