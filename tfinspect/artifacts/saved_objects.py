"""The object graph of a TF2 SavedModel: what it knows of variables, and its assets.

Source: `tensorflow/core/protobuf/saved_object_graph.proto`.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from tfinspect.artifacts.unique_names import unique_names
from tfinspect.entries import VariableEntry
from tfinspect.names import in_scope

# Where Keras's `export` puts the variables, and their copies.
EXPORTED = ("variables", "all_variables")
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
# A broken object graph can make paths of any length: in all they take about so many characters.
_MOST_PATHS = 1 << 24


class SavedObjects:
    """What an object graph says of variables and assets.

    Attributes:
      assets: names of files, as the graph's assets have them.
      trainable: key of a variable in the checkpoint -> whether it is trainable.
      names: key -> the name that the variable was made with, where it has one.
      bound: function of the library -> the keys of what its last arguments stand for: one or more
        of a variable, none of what is no variable.
    """

    def __init__(self, message: Any, asset_files: list[str]) -> None:
        self.assets = tuple(
            asset_files[node.asset.asset_file_def_index]
            for node in message.nodes
            if node.HasField("asset") and 0 <= node.asset.asset_file_def_index < len(asset_files)
        )
        self.trainable: dict[str, bool] = {}
        self.names: dict[str, str] = {}
        keys: dict[int, list[str]] = {}
        for number, paths in _paths(message.nodes).items():
            node = message.nodes[number]
            if not node.HasField("variable"):
                continue
            keys[number] = [f"{path}{_VALUE}" for path in paths]
            self.trainable |= dict.fromkeys(keys[number], node.variable.trainable)
            if node.variable.name:
                self.names |= dict.fromkeys(keys[number], node.variable.name)
        self.bound = {
            name: [keys.get(number, []) for number in function.bound_inputs]
            for name, function in message.concrete_functions.items()
        }


def _paths(nodes: Any) -> dict[int, list[str]]:
    """Returns every reachable node's number -> its paths from the root, shortest first.

    The checkpoint's keys are such paths. Of the many paths to a node those are kept that end with
    any name its parents have for it, each parent under its own shortest path.
    """
    if not len(nodes):
        return {}
    shortest, waiting = {0: ""}, deque([0])
    paths: dict[int, list[str]] = {0: [""]}
    left = _MOST_PATHS
    while waiting and left > 0:
        number = waiting.popleft()
        for child in nodes[number].children:
            place = child.node_id
            if not 0 <= place < len(nodes):
                continue
            name = child.local_name.replace(".", "..").replace("/", ".S")
            path = f"{shortest[number]}/{name}" if shortest[number] else name
            paths.setdefault(place, []).append(path)
            left -= len(path)
            if place not in shortest:
                shortest[place] = path
                waiting.append(place)
    return paths


def own_names(entries: Sequence[VariableEntry], names: Mapping[str, str]) -> list[str]:
    """Names the variables that stand in lists by the names they were made with.

    `variables/0` says nothing; `variables/sequential/conv/kernel` does.

    Args:
      entries: the variables of the checkpoint.
      names: key -> own name, as of `SavedObjects`.
    """
    candidates = {}
    for entry in entries:
        scope, _, last = entry.name.rpartition("/")
        own = names.get(entry.key or "", "").removesuffix(":0")
        named = [f"{scope}/{own}"] if scope and own and last.isdecimal() else []
        candidates[entry.key or entry.name] = [*named, entry.name]
    return list(unique_names(candidates).values())


def stored_twice(entries: Sequence[VariableEntry]) -> list[str]:
    """Says that Keras's `export` stores every variable twice, where it did."""
    scopes = [
        sorted(entry.name.partition("/")[2] for entry in entries if in_scope(entry.name, scope))
        for scope in EXPORTED
    ]
    if not scopes[0] or scopes[0] != scopes[1]:
        return []
    return [
        f"every variable is stored twice, under '{EXPORTED[0]}' and '{EXPORTED[1]}', as Keras's "
        f"`export` does; totals count both, `--scope {EXPORTED[0]}` one."
    ]
