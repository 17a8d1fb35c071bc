"""The object graph of a TF2 SavedModel: which of its variables are trainable, and its assets.

Source: `tensorflow/core/protobuf/saved_object_graph.proto`.
"""

from collections import deque
from typing import Any

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
# A broken object graph can make paths of any length: in all they take about so many characters.
_MOST_PATHS = 1 << 24


class SavedObjects:
    """What an object graph says of variables and assets.

    Attributes:
      assets: names of files, as the graph's assets have them.
      trainable: key of a variable in the checkpoint -> whether it is trainable.
    """

    def __init__(self, message: Any, asset_files: list[str]) -> None:
        self.assets = tuple(
            asset_files[node.asset.asset_file_def_index]
            for node in message.nodes
            if node.HasField("asset") and 0 <= node.asset.asset_file_def_index < len(asset_files)
        )
        self.trainable = {
            f"{path}{_VALUE}": node.variable.trainable
            for node, paths in _paths(message.nodes)
            if node.HasField("variable")
            for path in paths
        }


def _paths(nodes: Any) -> list[tuple[Any, list[str]]]:
    """Returns every reachable node with its paths from the root, shortest first.

    The checkpoint's keys are such paths. Of the many paths to a node those are kept that end with
    any name its parents have for it, each parent under its own shortest path.
    """
    if not len(nodes):
        return []
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
    return [(nodes[place], found) for place, found in paths.items()]
