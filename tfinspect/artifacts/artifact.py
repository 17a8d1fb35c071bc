"""The contract that every reader fulfils: what an artifact holds, and how a value is read."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tfinspect.artifacts.dtypes import is_readable
from tfinspect.artifacts.file_part import Room
from tfinspect.entries import TensorEntry, VariableEntry
from tfinspect.errors import ArtifactError
from tfinspect.names import choices

if TYPE_CHECKING:
    import numpy as np

# What NumPy takes between brackets: an integer, a slice, an ellipsis, or a tuple of these.
Index = Any


class Artifact:
    """One file, or set of files, that TensorFlow or Keras wrote.

    A reader overrides the properties that its format has, each computed when it is first asked
    for, and `_read`.

    Attributes:
      path: as found on disk; for a checkpoint its prefix.
      kind: the format, in words.
    """

    def __init__(self, path: str, kind: str) -> None:
        self.path = path
        self.kind = kind

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.kind} '{self.path}'>"

    @cached_property
    def variables(self) -> tuple[VariableEntry, ...]:
        """The variables, in the order of the file."""
        return ()

    @cached_property
    def tensors(self) -> tuple[TensorEntry, ...]:
        """The outputs of all ops; empty for formats without a graph."""
        return ()

    @cached_property
    def collections(self) -> Mapping[str, Sequence[Any]]:
        """Graph collections, decoded."""
        return {}

    @cached_property
    def signatures(self) -> Mapping[str, Any]:
        """Signature name -> its inputs and outputs."""
        return {}

    @cached_property
    def assets(self) -> tuple[str, ...]:
        """Names of the files that the graph reads."""
        return ()

    @cached_property
    def layer_classes(self) -> Mapping[str, str]:
        """Variable's name -> class of its layer in Keras's snake case, such as `depthwise_conv2d`.

        Empty for formats that do not say; what they do not know is missing.
        """
        return {}

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the reader could not list or read, in sentences; empty when all is well."""
        return ()

    @cached_property
    def left_out(self) -> str | None:
        """What holds values and is not taken for a variable; None where that is all or nothing."""
        return None

    def entry(self, name: str) -> VariableEntry:
        """Returns the entry of a variable, by its name or by the key it is stored under.

        Raises:
          ArtifactError: there is no such variable.
        """
        entry = self._by_name.get(name)
        if entry is None:
            existing = [entry.name for entry in self.variables]
            raise ArtifactError(
                f"no variable '{name}' in '{self.path}'; {choices(name, existing)}. "
                f"`tfinspect list-vars {self.path}` lists all of them."
            )
        return entry

    @cached_property
    def _by_name(self) -> dict[str, VariableEntry]:
        by_key = {entry.key: entry for entry in self.variables if entry.key}
        return by_key | {entry.name: entry for entry in self.variables}

    def read(self, name: str, room: Room | None = None) -> "np.ndarray":
        """Reads the value of one variable, its checksum verified where the format has one.

        Args:
          name: of the variable, or the key it is stored under.
          room: where the value may be put by one who looks at many, each only until the next is
            read into it; None for an array that stays.

        Returns:
          An array of the entry's shape; read-only where it is mapped from the file (copy it to
          change it). Strings come as an object array of `bytes`.

        Raises:
          ArtifactError: no such variable, a value of a kind that cannot be read, or broken data.
        """
        entry = self._readable_entry(name)
        try:
            return self._read(entry) if room is None else self._read_into(entry, room)
        except (MemoryError, OSError) as error:
            raise self._unread(entry, error) from error

    def read_part(self, name: str, index: Index) -> "np.ndarray":
        """Reads `value[index]` of one variable, such as one filter with `(..., 3)`.

        Only the part is held in memory where the format allows it. A checksum over the whole value
        is verified all the same: the rest is read from disk for it, and let go.

        Raises:
          ArtifactError: as for `read`, or an index that the shape does not have.
        """
        entry = self._readable_entry(name)
        try:
            return self._read_part(entry, index)
        except (MemoryError, OSError) as error:
            raise self._unread(entry, error) from error
        except (IndexError, ValueError) as error:
            raise ArtifactError(
                f"'{name}' in '{self.path}' has shape {list(entry.shape or ())}, "
                f"which has no part {index!r}: {error}."
            ) from error

    def _unread(self, entry: VariableEntry, error: MemoryError | OSError) -> ArtifactError:
        if isinstance(error, OSError):
            return ArtifactError(
                f"'{entry.name}' in '{self.path}' cannot be read any more: "
                f"{error.strerror or error}; open the artifact again."
            )
        return ArtifactError(
            f"'{entry.name}' in '{self.path}' needs more memory than there is for its "
            f"{entry.bytes:,} bytes; read a part of it, or use a machine with more."
        )

    def _readable_entry(self, name: str) -> VariableEntry:
        entry = self.entry(name)
        if not entry.readable:
            raise ArtifactError(self.why_unreadable(entry))
        return entry

    def _unreadable_notes(self) -> list[str]:
        unreadable = [entry for entry in self.variables if not entry.readable]
        if not unreadable:
            return []
        return [
            f"{len(unreadable):,} of {len(self.variables):,} variables can be listed, not "
            f"read. The first: {self.why_unreadable(unreadable[0])}"
        ]

    def why_unreadable(self, entry: VariableEntry) -> str:
        """Says in a sentence why the value of an entry that is not readable cannot be read."""
        return f"'{entry.name}' in '{self.path}' is a {entry.dtype}; it can be listed, not read."

    def is_lost(self, entry: VariableEntry) -> bool:
        """Tells whether a value that should be there cannot be read: missing, cut off or refused.

        A value of a type that none is read of, and one that the format never holds, is not lost.
        """
        return not entry.readable and is_readable(entry.dtype)

    def _read(self, entry: VariableEntry) -> "np.ndarray":
        raise ArtifactError(
            f"'{self.path}' ({self.kind}) holds no value of '{entry.name}'; "
            "open the checkpoint that belongs to it."
        )

    def _read_into(self, entry: VariableEntry, room: Room) -> "np.ndarray":
        del room
        return self._read(entry)

    def _read_part(self, entry: VariableEntry, index: Index) -> "np.ndarray":
        import numpy as np

        return np.array(self._read(entry)[index])
