"""Which variables of equal values are each other under another name.

A value that is unique tells by itself. Zeros and ones of fresh biases and scales do not: there the
scope decides, if what else was in it has found its partner, then the longest ending that two names
share, and of names that share none, or the same, how much their letters are alike.
"""

import difflib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from tfinspect.names import natural

# So many letters are compared with letters, about half a second; then names are paired in order.
_MOST_LETTERS = 1 << 23
# Endings of more components are not told apart.
_MOST_COMPONENTS = 16
Names = Sequence[str]
# Names of both sides, of which every one may belong to every other.
Block = tuple[Names, Names]
Scopes = dict[str, Counter[str]]


def renamed_pairs(removed: Mapping[str, bytes], added: Mapping[str, bytes]) -> dict[str, str]:
    """Returns A's name -> B's, each used once.

    Args:
      removed: A's names -> a digest of the value.
      added: B's.
    """
    ours, theirs = _grouped(removed, removed.__getitem__), _grouped(added, added.__getitem__)
    blocks = [(ours[digest], theirs[digest]) for digest in ours if digest in theirs]
    pairing = _Pairing()
    # Unique values first: they tell where scopes went.
    for block in sorted(blocks, key=lambda block: not _is_pair(block)):
        pairing.add(block)
    return pairing.found


class _Pairing:
    """The pairs that were found so far, and what they tell of others."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._taken: set[str] = set()
        self._scopes: Scopes = {}
        self._letters = _MOST_LETTERS

    def add(self, block: Block) -> None:
        """Pairs names of one value, the likeliest pairs first."""
        new: list[tuple[str, str]] = []
        for ours, theirs in _likeliest_first(block, self._scopes):
            left = [name for name in ours if name not in self.found]
            free = [name for name in theirs if name not in self._taken]
            if left and free:
                new += self._paired((left, free))
        for name, other in new:
            self._scopes.setdefault(_scope(name), Counter())[_scope(other)] += 1

    def _paired(self, block: Block) -> Iterator[tuple[str, str]]:
        for name, other in self._by_letters(block):
            if name not in self.found and other not in self._taken:
                self.found[name] = other
                self._taken.add(other)
                yield name, other

    def _by_letters(self, block: Block) -> Iterable[tuple[str, str]]:
        """Returns pairs of a block, the most alike first."""
        ours, theirs = block
        letters = sum(map(len, ours)) * sum(map(len, theirs))
        if _is_pair(block) or letters > self._letters:
            return zip(sorted(ours, key=_from_end), sorted(theirs, key=_from_end), strict=False)
        self._letters -= letters
        likeness = {(name, other): 0.0 for name in ours for other in theirs}
        matcher = difflib.SequenceMatcher(autojunk=False)
        for other in theirs:
            matcher.set_seq2(other)
            for name in ours:
                matcher.set_seq1(name)
                likeness[name, other] = matcher.ratio()
        return sorted(likeness, key=likeness.__getitem__, reverse=True)


def _is_pair(block: Block) -> bool:
    return len(block[0]) == len(block[1]) == 1


def _likeliest_first(block: Block, scopes: Scopes) -> Iterator[Block]:
    """Yields the parts of a block whose names are likely to belong together; last, all of it."""
    if not _is_pair(block):
        counted = _where_scopes_went(block, scopes)
        for _, same in itertools.groupby(counted, key=itemgetter(0)):
            parts = [part for _, part in same]
            # Names of one scope differ in their last component alone.
            for part in parts:
                yield from _of_one_ending(part, 1)
            yield from parts
        deepest = max(name.count("/") + 1 for name in block[0])
        for components in range(min(deepest, _MOST_COMPONENTS), 0, -1):
            yield from _of_one_ending(block, components)
    yield block


def _where_scopes_went(block: Block, scopes: Scopes) -> list[tuple[int, Block]]:
    """Returns how many variables went from one scope to another, and the names in both."""
    ours, theirs = (_grouped(names, _scope) for names in block)
    found = [
        (count, _shared_end(scope, other), (ours[scope], theirs[other]))
        for scope in ours
        for other, count in scopes.get(scope, {}).items()
        if other in theirs
    ]
    found.sort(key=itemgetter(0, 1), reverse=True)
    return [(count, part) for count, _, part in found]


def _of_one_ending(block: Block, components: int) -> Iterator[Block]:
    """Yields the names of both sides that have the same last components."""
    # A slash in front, so that a name without one is its own ending too.
    ours, theirs = (
        _grouped(names, lambda name: tuple(f"/{name}".rsplit("/", components)[1:]))
        for names in block
    )
    return ((ours[ending], theirs[ending]) for ending in ours if ending in theirs)


def _grouped(names: Iterable[str], key: Callable[[str], Any]) -> dict[Any, list[str]]:
    found: dict[Any, list[str]] = {}
    for name in names:
        found.setdefault(key(name), []).append(name)
    return found


def _scope(name: str) -> str:
    return name.rpartition("/")[0]


def _from_end(name: str) -> list[Any]:
    # The outer scopes are what a rename changes most.
    return [natural(component) for component in reversed(name.split("/"))]


def _shared_end(one: str, two: str) -> int:
    """Returns how many last components two names share."""
    parts = zip(reversed(one.split("/")), reversed(two.split("/")), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], parts))
