"""The functions that a prepared graph still holds, such as the bodies of loops.

TensorFlow keeps one definition per name in a process: two files may hold different functions under
one name, so each gets a name that tells its file's functions apart.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def take_functions(graph_def: Any, nodes: Iterable[Any]) -> Any:
    """Returns the library of what some nodes use, and lets the nodes use it by new names.

    Args:
      graph_def: a `GraphDef` with the whole library.
      nodes: changed in place.
    """
    functions = {one.signature.name: one for one in graph_def.library.function}
    nodes = list(nodes)
    used = _used(nodes, functions)
    library = type(graph_def.library)()
    library.function.extend(functions[name] for name in sorted(used))
    mark = hashlib.sha256(library.SerializeToString(deterministic=True)).hexdigest()[:12]
    names = {name: f"{name}_{mark}" for name in used}
    for function in library.function:
        function.signature.name = names[function.signature.name]
        _rename(function.node_def, names)
    _rename(nodes, names)
    return library


def _used(nodes: Iterable[Any], functions: Mapping[str, Any]) -> set[str]:
    used: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        names = {node.op, *(reference.name for reference in _references(node))}
        for name in (names & functions.keys()) - used:
            used.add(name)
            waiting += functions[name].node_def
    return used


def _references(node: Any) -> Iterator[Any]:
    """Yields what a node's attributes say of functions."""
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func
        yield from value.list.func


def _rename(nodes: Iterable[Any], names: Mapping[str, str]) -> None:
    for node in nodes:
        node.op = names.get(node.op, node.op)
        for reference in _references(node):
            reference.name = names.get(reference.name, reference.name)
