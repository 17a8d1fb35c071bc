"""Two artifacts compared, in structure and values, whatever their formats.

Each process that takes part reads one pair of values at a time and compares it in parts, so that it
holds about the largest tensor; optimizer slots are left out.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from tfinspect.artifacts import Artifact, opened
from tfinspect.diff_sides import Side, scoped, side_of
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.forked import Outcome, shared_out
from tfinspect.renamed_pairs import renamed_pairs
from tfinspect.renames import Renames
from tfinspect.value_difference import ValueDifference, pair_buffers, value_difference
from tfinspect.vector_sums import Buffers

EQUAL = "equal"
STATUSES = (
    *("added", "removed", "renamed", "reshaped", "retyped", "changed"),
    *("unreadable", EQUAL),
)
# Elements that are hashed together.
_BLOCK = 1 << 17


@dataclass(frozen=True)
class Difference:
    """What became of one variable between two artifacts, A and B.

    Attributes:
      name: in A; in B for an added variable.
      status: `added` (in B alone), `removed` (in A alone), `renamed` (the same value under another
        name), `reshaped`, `retyped`, `changed`, `unreadable` (a value that is broken or lost, or
        that one side alone has, so that it was not compared) or `equal`. Where no value is to be
        had, of graphs and of types that cannot be read, equal name, shape and type are `equal`,
        without measures.
      other: the name in B where it is another one, and of a renamed variable always.
      shape, other_shape: in A and in B.
      dtype, other_dtype: in A and in B.
      relative_l2: Euclidean norm of B - A over that of A; infinite where A is all zero.
      max_abs: largest magnitude of B - A; exact for integers.
      cosine: of the angle between A and B; None where one of them is all zero, or where an element
        that is not finite differs.
      changed: share of elements that differ, 0 to 1.
      reason: why a value could not be read; None where both could.
    """

    name: str
    status: str
    other: str | None = None
    shape: tuple[int, ...] | None = None
    other_shape: tuple[int, ...] | None = None
    dtype: str | None = None
    other_dtype: str | None = None
    relative_l2: float | None = None
    max_abs: float | None = None
    cosine: float | None = None
    changed: float | None = None
    reason: str | None = None

    def row(self) -> dict[str, Any]:
        """Returns the flat record that `diff` writes; its keys are stable."""
        return {name: getattr(self, name) for name in _COLUMNS}


_COLUMNS = tuple(field.name for field in fields(Difference))


def diff(
    a: Artifact | str | os.PathLike[str],
    b: Artifact | str | os.PathLike[str],
    *,
    renames: Renames = (),
    tolerance: float = 0.0,
    scope: str | Sequence[str] | None = None,
    processes: int | None = 1,
) -> Iterator[Difference]:
    """Yields what became of every variable of A, then the variables that B has beyond them.

    Args:
      a: an artifact, or the path of one.
      b: the other.
      renames: pairs of regular expression and replacement, applied one after the other to A's
        names to give B's; a variable so renamed is compared as though it had kept its name.
      tolerance: relative L2 difference up to which values count as equal.
      scope: compare only this scope of B's names, or these, by whole components; None for all.
      processes: how many share the comparing; more than 1 splits this process (`os.fork`), which
        is for one without other threads, and each holds a pair of values. None for as many as pay,
        see `tfinspect.forked`.

    Raises:
      ConfigError: a pattern that is invalid or matches nothing, two variables renamed to one
        name, a scope without variables, or a negative tolerance.
      ArtifactError: an artifact is broken, or a source is neither a path nor an artifact.
    """
    if not tolerance >= 0:
        raise ConfigError(f"tolerance {tolerance} is negative or no number; give 0 or more.")
    first, second = opened(a), opened(b)
    sides = (side_of(first, renames, f"'{second.path}'"), side_of(second))
    if scope is not None:
        sides = scoped(sides, [scope] if isinstance(scope, str) else scope)
    return _differences(*sides, tolerance, processes)


def _differences(a: Side, b: Side, tolerance: float, processes: int | None) -> Iterator[Difference]:
    yield from _of_both(a, b, tolerance, processes)
    removed = [name for name in a.entries if name not in b.entries]
    added = [name for name in b.entries if name not in a.entries]
    found = _same_values(a, removed, b, added)
    for name in removed:
        entry = a.entries[name]
        if name in found:
            yield _record(entry, b.entries[found[name]], "renamed", _SAME)
        else:
            yield Difference(entry.name, "removed", shape=entry.shape, dtype=entry.dtype)
    taken = set(found.values())
    for name in added:
        entry = b.entries[name]
        if name not in taken:
            told = {"other_shape": entry.shape, "other_dtype": entry.dtype}
            yield Difference(entry.name, "added", **told)  # type: ignore[arg-type]


_SAME = ValueDifference(0.0, 0.0, 1.0, 0.0)
_UNKNOWN = ValueDifference(None, None, None, None)


def _of_both(a: Side, b: Side, tolerance: float, processes: int | None) -> Iterator[Difference]:
    """Yields what became of the variables that both sides have, in the order of A."""
    names = [name for name in a.entries if name in b.entries]
    known = {name: _by_entries(a, b, name) for name in names}
    wanted = [name for name in names if known[name] is None]
    buffers = pair_buffers()
    outcomes = shared_out(
        lambda number: _measured(a, b, wanted[number], buffers),
        [a.entries[name].bytes + b.entries[name].bytes for name in wanted],
        processes,
    )
    for name in names:
        yield known[name] or _judged(a.entries[name], b.entries[name], tolerance, next(outcomes))


def _by_entries(a: Side, b: Side, name: str) -> Difference | None:
    """Returns the difference that shows without reading values; None where it takes them."""
    one, two = a.entries[name], b.entries[name]
    if one.shape != two.shape and None not in (one.shape, two.shape):
        return _record(one, two, "reshaped", _UNKNOWN)
    if not (one.readable or two.readable):
        lost = [side for side in (a, b) if side.is_lost(name)]
        status = "unreadable" if lost and _typed(one, two) == EQUAL else _typed(one, two)
        return _record(one, two, status, _UNKNOWN, (lost or [a])[0].why_unreadable(name))
    if (one.dtype == "string") != (two.dtype == "string"):
        return _record(one, two, "retyped", _UNKNOWN)
    return None


def _typed(one: VariableEntry, two: VariableEntry) -> str:
    return EQUAL if one.dtype == two.dtype else "retyped"


def _measured(a: Side, b: Side, name: str, buffers: Buffers) -> Outcome:
    """Returns the measures of two values, or why one of them cannot be read."""
    try:
        found = value_difference(a.read(name), b.read(name), buffers)
    except ArtifactError as error:
        return (str(error),)
    return found.relative_l2, found.max_abs, found.cosine, found.changed


def _judged(
    one: VariableEntry, two: VariableEntry, tolerance: float, outcome: Outcome
) -> Difference:
    typed = _typed(one, two)
    if len(outcome) == 1:
        reason = str(outcome[0])
        return _record(one, two, "unreadable" if typed == EQUAL else typed, _UNKNOWN, reason)
    found = ValueDifference(*outcome)  # type: ignore[arg-type]
    changed = typed == EQUAL and found.exceeds(tolerance)
    return _record(one, two, "changed" if changed else typed, found)


def _record(
    one: VariableEntry,
    two: VariableEntry,
    status: str,
    found: ValueDifference,
    reason: str | None = None,
) -> Difference:
    return Difference(
        one.name,
        status,
        other=two.name if two.name != one.name or status == "renamed" else None,
        shape=one.shape,
        other_shape=two.shape,
        dtype=one.dtype,
        other_dtype=two.dtype,
        reason=reason,
        **vars(found),
    )


def _same_values(a: Side, removed: list[str], b: Side, added: list[str]) -> dict[str, str]:
    """Returns A's name -> B's, for removed variables whose very value was added elsewhere."""
    common = {_key(a.entries[name]) for name in removed} & {_key(b.entries[name]) for name in added}
    digests = []
    for side, names in ((a, removed), (b, added)):
        found = {name: _digest(side, name) for name in names if _key(side.entries[name]) in common}
        digests.append({name: digest for name, digest in found.items() if digest})
    return renamed_pairs(*digests)


def _key(entry: VariableEntry) -> tuple[Any, ...]:
    return entry.shape, entry.dtype


def _digest(side: Side, name: str) -> bytes | None:
    """Returns a hash of a variable's shape, type and value; None for one that cannot be read."""
    import numpy as np

    try:
        value = side.read(name).reshape(-1)
    except ArtifactError:
        return None
    summed = hashlib.blake2b(repr(_key(side.entries[name])).encode())
    if value.dtype == object:
        for text in value:
            summed.update(len(text).to_bytes(8, "little") + text)
        return summed.digest()
    for start in range(0, value.size, _BLOCK):
        summed.update(np.ascontiguousarray(value[start : start + _BLOCK]).view(np.uint8).data)
    return summed.digest()
