"""The two sides of a comparison: variables by the names to compare by."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfinspect.artifacts import Artifact, open_artifact
from tfinspect.artifacts.file_part import Room
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.listing import select_scopes
from tfinspect.names import choices, in_scope

if TYPE_CHECKING:
    import numpy as np

Renames = Sequence[tuple[str, str]]


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


def opened(source: Artifact | str | os.PathLike[str]) -> Artifact:
    """Opens a path; an artifact stays as it is.

    Raises:
      ArtifactError: it is neither, or broken.
    """
    if isinstance(source, Artifact):
        return source
    if isinstance(source, (str, os.PathLike)):
        return open_artifact(source)
    raise ArtifactError(
        f"a {type(source).__name__} cannot be compared; give a path or an opened artifact, "
        "and save a live object first."
    )


def side_of(artifact: Artifact, renames: Renames) -> Side:
    """Names the variables of an artifact to compare by.

    Raises:
      ConfigError: a pattern that is invalid or matches nothing, or two variables of one name.
    """
    entries = [entry for entry in artifact.variables if not entry.slot]
    names = [entry.name for entry in entries]
    for pattern, replacement in renames:
        names = _renamed(names, pattern, replacement)
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise ConfigError(
            f"the renames give {len(doubled):,} names to more than one variable, first "
            f"'{doubled[0]}'; make the patterns narrower."
        )
    return Side(artifact, dict(zip(names, entries, strict=True)), Room())


def _renamed(names: list[str], pattern: str, replacement: str) -> list[str]:
    try:
        wanted = re.compile(pattern)
        found = [wanted.subn(replacement, name) for name in names]
    except (re.error, IndexError, OverflowError, RecursionError) as error:
        raise ConfigError(f"'{pattern}=>{replacement}' is no valid rename: {error}.") from error
    if not any(count for _, count in found):
        raise ConfigError(
            f"the rename pattern '{pattern}' is found in no name; {choices(pattern, names)}. "
            "It is a regular expression, found anywhere in a name."
        )
    return [name for name, _ in found]


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
