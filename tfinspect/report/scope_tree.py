"""Variables and operations added up by scope, as a tree."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tfinspect.entries import VariableEntry

# Below this share of the whole a scope is not opened on its own.
_OPENED_SHARE = 0.02


@dataclass
class ScopeNode:
    """One scope, with everything below it added up.

    Attributes:
      name: last component of the scope; empty for the root.
      path: the whole scope.
      variables: how many variables lie in it.
      parameters: their elements.
      bytes: their size as stored.
      flops: floating-point operations of one example; None where no graph is known.
      children: by name.
    """

    name: str
    path: str
    variables: int = 0
    parameters: int = 0
    bytes: int = 0
    flops: int | None = None
    children: dict[str, "ScopeNode"] = field(default_factory=dict)

    def add(self, entry: VariableEntry) -> None:
        """Counts one variable."""
        self.variables += 1
        self.parameters += entry.parameters
        self.bytes += entry.bytes

    def add_flops(self, flops: int) -> None:
        """Counts operations."""
        self.flops = (self.flops or 0) + flops

    def ordered(self) -> list["ScopeNode"]:
        """Returns the children in order of first appearance, numbered ones by their numbers.

        Files that are sorted by name have `block_10` before `block_2`.
        """
        places: dict[str, int] = {}
        for place, name in enumerate(self.children):
            places.setdefault(_unnumbered(name), place)
        return sorted(
            self.children.values(),
            key=lambda node: (places[_unnumbered(node.name)], _number(node.name)),
        )

    def opens(self, whole: "ScopeNode") -> bool:
        """Says whether the page shows the children at once: the root's, and large scopes'."""
        if self is whole:
            return True
        return len(self.children) > 1 and self.parameters > _OPENED_SHARE * whole.parameters


def _unnumbered(name: str) -> str:
    return name.rstrip("0123456789")


def _number(name: str) -> int:
    digits = name[len(_unnumbered(name)) :]
    return int(digits) if digits else -1


def scope_tree(
    entries: Iterable[VariableEntry], flops: Mapping[str, int] | None = None, *, depth: int = 3
) -> ScopeNode:
    """Adds variables up by scope.

    Args:
      entries: the variables; optimizer slots are the caller's to leave out.
      flops: scope of an op -> its operations; None where no graph is known.
      depth: how many components of a scope the tree tells apart.
    """
    root = ScopeNode("", "")
    for entry in entries:
        for node in _chain(root, entry.name.rpartition("/")[0], depth):
            node.add(entry)
    for scope, count in (flops or {}).items():
        for node in _chain(root, scope, depth):
            node.add_flops(count)
    return root


def _chain(root: ScopeNode, scope: str, depth: int) -> Iterable[ScopeNode]:
    """Yields the nodes from the root down to a scope, making those that are missing."""
    yield root
    node = root
    for name in scope.split("/")[:depth] if scope else ():
        path = f"{node.path}/{name}" if node.path else name
        node = node.children.setdefault(name, ScopeNode(name, path))
        yield node
