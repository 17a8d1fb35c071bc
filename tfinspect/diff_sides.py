"""The two sides of a comparison: variables by the names to compare by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfinspect.artifacts import Artifact
from tfinspect.artifacts.file_part import Room
from tfinspect.artifacts.renamed import variables_under
from tfinspect.entries import VariableEntry
from tfinspect.listing import select_scopes
from tfinspect.names import in_scope
from tfinspect.renames import Renames

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Side:
    """One of two artifacts and its variables by the names to compare by.

    Attributes:
      artifact: the artifact.
      entries: name after the renames -> variable; without optimizer slots.
      room: where its values are read into, one after the other.
    """

    artifact: Artifact
    entries: dict[str, VariableEntry]
    room: Room

    def read(self, name: str) -> "np.ndarray":
        """Reads a value, which holds good until the next one of this side is read."""
        return self.artifact.read(self.entries[name].name, self.room)

    def is_lost(self, name: str) -> bool:
        """Tells whether a variable's value should be there and is not."""
        return self.artifact.is_lost(self.entries[name])

    def why_unreadable(self, name: str) -> str:
        """Says why a variable's value cannot be read."""
        return self.artifact.why_unreadable(self.entries[name])


def side_of(artifact: Artifact, renames: Renames = (), into: str = "") -> Side:
    """Names the variables of an artifact to compare by.

    Args:
      artifact: the side.
      renames: rules for its names.
      into: the other side, as a message calls it.

    Raises:
      ConfigError: a rule that is invalid or matches nothing, or two variables of one name.
    """
    return Side(artifact, variables_under(artifact, renames, into), Room())


@dataclass(frozen=True)
class _Name:
    name: str


def scoped(sides: tuple[Side, Side], scopes: Sequence[str]) -> tuple[Side, Side]:
    """Leaves the variables of some scopes of both sides.

    Raises:
      ConfigError: neither side has any.
    """
    names = [_Name(name) for side in sides for name in side.entries]
    select_scopes(names, scopes)
    first, second = (
        Side(
            side.artifact,
            {
                name: entry
                for name, entry in side.entries.items()
                if any(in_scope(name, scope) for scope in scopes)
            },
            side.room,
        )
        for side in sides
    )
    return first, second
