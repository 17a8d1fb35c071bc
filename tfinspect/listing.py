"""Choosing, sorting and adding up entries; pure functions, the same for every format."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tfinspect.entries import VariableEntry
from tfinspect.errors import ConfigError
from tfinspect.names import choices, counted, in_scope
from tfinspect.names import natural as natural_name
from tfinspect.patterns import Named, compiled, found_in_no_name, why_no_match

Entry = TypeVar("Entry", bound=Named)
# One name of very many components has scopes whose lengths add up to the square of its own.
_MOST_CHARACTERS = 1 << 26
SORT_KEYS = ("order", "name", "size")


@dataclass(frozen=True)
class Criteria:
    """Which variables are wanted; every criterion must hold.

    Attributes:
      scopes: any of these scopes, matched by whole path components; empty for all.
      match: regular expression found anywhere in the name.
      exclude: regular expressions, none of which is found in the name.
      collection: name of a graph collection.
      trainable: only variables known to be trainable.
      optimizer: also optimizer slots.
    """

    scopes: tuple[str, ...] = ()
    match: str | None = None
    exclude: tuple[str, ...] = ()
    collection: str | None = None
    trainable: bool = False
    optimizer: bool = False


@dataclass(frozen=True)
class ScopeRow:
    """What lies in one scope."""

    scope: str
    variables: int
    parameters: int
    bytes: int


@dataclass(frozen=True)
class Totals:
    """What a listing adds up to; slots are counted apart."""

    variables: int
    parameters: int
    bytes: int
    slots: int
    slot_bytes: int

    def sentence(self) -> str:
        """Words the totals for people."""
        told = f"{counted(self.variables, 'variable')}, {counted(self.parameters, 'parameter')}, "
        slots = f"; {counted(self.slots, 'optimizer slot')}, {self.slot_bytes:,} bytes"
        return f"Total: {told}{self.bytes:,} bytes{slots * bool(self.slots)}."


def select(
    entries: Sequence[VariableEntry], criteria: Criteria = Criteria()
) -> list[VariableEntry]:
    """Returns the variables that meet all criteria, in their order.

    Raises:
      ConfigError: a criterion, alone or with those before it, matches nothing, or is no valid
        regular expression; the nearest existing names are in the message.
    """
    if criteria.optimizer or not entries:
        chosen = list(entries)
    else:
        chosen = [entry for entry in entries if not entry.slot]
    # A scope that holds slots alone is no misspelling.
    chosen = select_scopes(chosen, criteria.scopes, hidden=entries)
    chosen = select_pattern(chosen, criteria.match, criteria.exclude, hidden=entries)
    if criteria.collection is not None:
        chosen = _in_collection(chosen, criteria.collection)
    if criteria.trainable:
        chosen = _trainable(chosen)
    return chosen


def select_scopes(
    entries: Sequence[Entry], scopes: Iterable[str], hidden: Sequence[Named] = ()
) -> list[Entry]:
    """Returns the entries in any of the scopes, by whole path components; all for no scope.

    Args:
      entries: what to choose from.
      scopes: names of scopes or of single entries.
      hidden: entries that were left out before, to be told from misspelt scopes.

    Raises:
      ConfigError: one of the scopes holds nothing.
    """
    wanted = [scope.strip("/") for scope in scopes if scope.strip("/")]
    for scope in wanted:
        if not any(in_scope(entry.name, scope) for entry in entries):
            _refuse_scope(scope, entries, hidden)
    if not wanted:
        return list(entries)
    return [entry for entry in entries if any(in_scope(entry.name, scope) for scope in wanted)]


def _refuse_scope(scope: str, entries: Sequence[Named], hidden: Sequence[Named]) -> None:
    if any(in_scope(entry.name, scope) for entry in hidden):
        raise ConfigError(
            f"scope '{scope}' holds optimizer slots alone; list them with --optimizer."
        )
    raise ConfigError(
        f"no variable or op in scope '{scope}' (whole components are compared); "
        f"{choices(scope, all_scopes(entries))}."
    )


def all_scopes(entries: Iterable[Named]) -> set[str]:
    """Returns every scope that holds an entry, and the entries' own names.

    Where they add up to more than any model's, the outer scopes of the rest are left out.
    """
    found: set[str] = set()
    left = _MOST_CHARACTERS
    for entry in entries:
        found.add(entry.name)
        name = entry.name.rpartition("/")[0]
        while name and name not in found and left > 0:
            found.add(name)
            left -= len(name)
            name = name.rpartition("/")[0]
    return found


def select_pattern(
    entries: Sequence[Entry],
    match: str | None,
    exclude: Iterable[str] = (),
    hidden: Sequence[Named] = (),
) -> list[Entry]:
    """Returns the entries whose names a pattern is found in, without the excluded ones.

    Args:
      entries: what to choose from.
      match: the pattern; None for all.
      exclude: patterns of the entries to take away.
      hidden: entries that were left out before, to be told from misspelt patterns.

    Raises:
      ConfigError: an invalid pattern, one that matches nothing, or nothing is left.
    """
    chosen = list(entries)
    if match is not None:
        wanted = compiled(match)
        chosen = [entry for entry in entries if wanted.search(entry.name)]
        if not chosen:
            raise ConfigError(why_no_match(wanted, entries, hidden))
    for pattern in exclude:
        unwanted = compiled(pattern)
        names = [entry.name for some in (entries, hidden) for entry in some]
        if names and not any(map(unwanted.search, names)):
            what = f"the excluded pattern '{pattern}'"
            raise ConfigError(found_in_no_name(what, pattern, names))
        left = [entry for entry in chosen if not unwanted.search(entry.name)]
        if chosen and not left:
            raise ConfigError(
                f"without the pattern '{pattern}' nothing is left; give a narrower pattern."
            )
        chosen = left
    return chosen


def _in_collection(entries: Sequence[VariableEntry], collection: str) -> list[VariableEntry]:
    chosen = [entry for entry in entries if collection in entry.collections]
    if chosen:
        return chosen
    existing = {name for entry in entries for name in entry.collections}
    if not existing:
        raise ConfigError(
            f"collection '{collection}' is not known here: this file stores no collections; list "
            "the MetaGraph or SavedModel that belongs to it, or put its .meta file beside it."
        )
    raise ConfigError(f"no variable in collection '{collection}'; {choices(collection, existing)}.")


def _trainable(entries: Sequence[VariableEntry]) -> list[VariableEntry]:
    chosen = [entry for entry in entries if entry.trainable]
    if chosen or not entries:
        return chosen
    if all(entry.trainable is None for entry in entries):
        raise ConfigError(
            "this file does not say which variables are trainable; list the MetaGraph (.meta), "
            "SavedModel or .keras file that belongs to it, or leave out --trainable."
        )
    raise ConfigError("none of these variables is trainable; leave out --trainable.")


def sort(entries: Sequence[VariableEntry], key: str) -> list[VariableEntry]:
    """Sorts by `name` (numbers as numbers), `size` (largest first) or `order` (as stored)."""
    if key == "name":
        return sorted(entries, key=natural)
    if key == "size":
        return sorted(entries, key=lambda entry: (-entry.bytes, entry.name))
    return list(entries)


def natural(entry: Named) -> list[Any]:
    """Returns a sort key under which `unit10` comes after `unit9`."""
    return natural_name(entry.name)


def roll_up(entries: Sequence[VariableEntry], depth: int | None = None) -> list[ScopeRow]:
    """Adds up parameters and bytes by scope, in order of first appearance.

    Args:
      entries: variables.
      depth: number of leading components that make a scope; None for the whole scope of each
        variable. A variable with fewer components stands under its own scope.

    Returns:
      One row a scope; variables outside every scope have the scope ``.``.
    """
    sums: dict[str, list[int]] = {}
    for entry in entries:
        components = entry.name.split("/")[:-1]
        scope = "/".join(components if depth is None else components[:depth]) or "."
        row = sums.setdefault(scope, [0, 0, 0])
        row[0] += 1
        row[1] += entry.parameters
        row[2] += entry.bytes
    return [ScopeRow(scope, *row) for scope, row in sums.items()]


def brief_rows(entries: Sequence[VariableEntry]) -> list[dict[str, Any]]:
    """Returns the rows of a listing for people: without the columns that would say nothing."""
    told = {
        "trainable": any(entry.trainable is not None for entry in entries),
        "collections": any(entry.collections for entry in entries),
        "slot": any(entry.slot for entry in entries),
        "key": any(entry.key not in ("", entry.name) for entry in entries),
        "shard": len({entry.shard for entry in entries}) > 1,
    }
    silent = [column for column, tells in told.items() if not tells]
    rows = [entry.row() for entry in entries]
    for row in rows:
        for column in silent:
            del row[column]
    return rows


def totals(entries: Iterable[VariableEntry]) -> Totals:
    """Adds up variables, parameters and bytes; slots apart from the rest."""
    kept, slots = _parted(entries, lambda entry: entry.slot)
    return Totals(
        variables=len(kept),
        parameters=sum(entry.parameters for entry in kept),
        bytes=sum(entry.bytes for entry in kept),
        slots=len(slots),
        slot_bytes=sum(entry.bytes for entry in slots),
    )


def _parted(
    entries: Iterable[VariableEntry], condition: Callable[[VariableEntry], bool]
) -> tuple[list[VariableEntry], list[VariableEntry]]:
    sides: tuple[list[VariableEntry], list[VariableEntry]] = ([], [])
    for entry in entries:
        sides[condition(entry)].append(entry)
    return sides
