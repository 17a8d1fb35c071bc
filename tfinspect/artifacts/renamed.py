"""Variables of an artifact under other names."""

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from tfinspect.artifacts.artifact import Artifact, Index
from tfinspect.artifacts.file_part import Room
from tfinspect.entries import VariableEntry
from tfinspect.renames import Renames, all_renamed, require_apart

if TYPE_CHECKING:
    import numpy as np


def variables_under(
    artifact: Artifact, renames: Renames, into: str = ""
) -> dict[str, VariableEntry]:
    """Returns name under rules -> variable, of all but optimizer slots.

    Args:
      artifact: whose variables they are.
      renames: rules for their names.
      into: the artifact that has the new names, as a message calls it.

    Raises:
      ConfigError: a rule that is invalid or matches nothing, or two variables of one name.
    """
    entries = [entry for entry in artifact.variables if not entry.slot]
    own = [entry.name for entry in entries]
    names = all_renamed(own, renames, f"'{artifact.path}'", into)
    require_apart(names, own)
    return dict(zip(names, entries, strict=True))


class RenamedArtifact(Artifact):
    """Some variables of an artifact, each under a name that is given; `key` is its own name."""

    def __init__(self, source: Artifact, names: Mapping[str, str], kind: str | None = None) -> None:
        """Takes an opened artifact.

        Args:
          source: whose values are read.
          names: name of a variable in it -> the new name; others are left out.
          kind: in words; None is the source's.
        """
        super().__init__(source.path, kind or source.kind)
        self._source = source
        self._names = names

    @cached_property
    def variables(self) -> tuple[VariableEntry, ...]:
        """Those that have a new name, in the order of the source."""
        return tuple(
            dataclasses.replace(entry, name=self._names[entry.name], key=entry.name)
            for entry in self._source.variables
            if entry.name in self._names
        )

    def why_unreadable(self, entry: VariableEntry) -> str:
        """Says it as the source does."""
        return self._source.why_unreadable(self._source.entry(entry.key))

    def is_lost(self, entry: VariableEntry) -> bool:
        """Tells it as the source does."""
        return self._source.is_lost(self._source.entry(entry.key))

    def _read(self, entry: VariableEntry) -> "np.ndarray":
        return self._source.read(entry.key)

    def _read_into(self, entry: VariableEntry, room: Room) -> "np.ndarray":
        return self._source.read(entry.key, room)

    def _read_part(self, entry: VariableEntry, index: Index) -> "np.ndarray":
        return self._source.read_part(entry.key, index)
