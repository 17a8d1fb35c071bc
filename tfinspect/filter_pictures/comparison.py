"""Which layers two artifacts have in common, under names that rules may rewrite."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from tfinspect.artifacts import Artifact, opened
from tfinspect.artifacts.renamed import RenamedArtifact, variables_under
from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.names import choices
from tfinspect.prefixes import exchanged_prefix
from tfinspect.probe.filters import Kernel

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Comparison:
    """What filters are compared with.

    Attributes:
      other: an opened artifact, or its path.
      renames: pairs of a regular expression and its replacement, applied one after the other to
        the names of the first artifact's variables to give the other's.
    """

    other: Artifact | PathLike
    renames: tuple[tuple[str, str], ...] = ()

    def under_names_of(self, first: Artifact) -> Artifact:
        """Opens the other artifact; with rules its variables have the names of the first one's.

        Raises:
          ArtifactError: it cannot be opened.
          ConfigError: a rule that changes no name, or rules that lead to no name of the other, or
            lead two names to one.
        """
        other = opened(self.other)
        if not self.renames:
            return other
        entries = variables_under(first, self.renames, f"'{other.path}'")
        _require_partners(list(entries), other)
        return RenamedArtifact(other, {name: entry.name for name, entry in entries.items()})


def _require_partners(names: Sequence[str], other: Artifact) -> None:
    existing = {entry.name for entry in other.variables}
    if names and existing.isdisjoint(names):
        raise ConfigError(
            f"the rename rules lead to '{names[0]}' and others, of which '{other.path}' has none; "
            f"{choices(names[0], existing)}."
        )


def in_both(
    kernels: Sequence[Kernel], before: Artifact, after: Artifact
) -> tuple[list[Kernel], list[str]]:
    """Returns the layers whose variables have the same shapes in another artifact, and notes.

    Raises:
      ArtifactError: there is none.
    """
    shapes = {entry.name: entry.shape for entry in after.variables}
    missing = [kernel for kernel in kernels if any(p.name not in shapes for p in kernel.parts)]
    if len(missing) == len(kernels):
        raise ArtifactError(_none_alike(missing[0].parts[0].name, before, after))
    fitting = [k for k in kernels if all(shapes.get(p.name) == p.shape for p in k.parts)]
    if not fitting:
        part = next(p for k in kernels for p in k.parts if shapes.get(p.name, p.shape) != p.shape)
        raise ArtifactError(
            f"'{part.name}' has shape {list(shapes[part.name] or ())} in '{after.path}' and "
            f"{list(part.shape or ())} before; kernels of one shape can be compared: choose others."
        )
    left_out = [kernel.name for kernel in kernels if kernel not in fitting]
    if not left_out:
        return fitting, []
    words = f"{len(left_out):,} layers are missing or of another shape in '{after.path}'"
    return fitting, [f"{words}, and are left out; the first is {left_out[0]}."]


def _none_alike(name: str, before: Artifact, after: Artifact) -> str:
    names = [entry.name for entry in before.variables]
    own = [entry.name for entry in after.variables]
    rule = exchanged_prefix(names, own)
    if rule is not None and 2 * rule.found >= min(len(names), len(own)):
        cure = f"under another prefix there are {rule.found:,}: --rename '{rule}' finds them"
    else:
        cure = "compare artifacts of one network, or give --rename 'REGEX=>NEW' for the names"
    return f"no variable '{name}' in '{after.path}'; {choices(name, own)}; {cure}."
