"""Which variables of equal values are each other under another name.

A value that is unique tells by itself. Zeros and ones of fresh biases and scales do not: there the
scope decides, if what else was in it has found its partner, and else how much the names are alike.
"""

import difflib
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

# So many pairs of names of one value are compared letter by letter; of more, from their ends alone.
_MOST_COMPARED = 10_000
Scopes = dict[str, Counter[str]]


def renamed_pairs(removed: Mapping[str, bytes], added: Mapping[str, bytes]) -> dict[str, str]:
    """Returns A's name -> B's, each used once.

    Args:
      removed: A's names -> a digest of the value.
      added: B's.
    """
    ours, theirs = _by_value(removed), _by_value(added)
    shared = [digest for digest in ours if digest in theirs]
    unique = [digest for digest in shared if len(ours[digest]) == len(theirs[digest]) == 1]
    found = {ours[digest][0]: theirs[digest][0] for digest in unique}
    scopes: Scopes = {}
    _note(found, scopes)
    for digest in shared:
        if ours[digest][0] not in found:
            pairs = _matched(ours[digest], theirs[digest], scopes)
            found |= pairs
            _note(pairs, scopes)
    return found


def _by_value(digests: Mapping[str, bytes]) -> dict[bytes, list[str]]:
    names: dict[bytes, list[str]] = {}
    for name, digest in digests.items():
        names.setdefault(digest, []).append(name)
    return names


def _scope(name: str) -> str:
    return name.rpartition("/")[0]


def _note(pairs: Mapping[str, str], scopes: Scopes) -> None:
    """Counts to which scopes of B the variables of a scope of A went."""
    for name, other in pairs.items():
        scopes.setdefault(_scope(name), Counter())[_scope(other)] += 1


def _matched(ours: Sequence[str], theirs: Sequence[str], scopes: Scopes) -> dict[str, str]:
    """Pairs names of one value, the likeliest pairs first."""
    if len(ours) * len(theirs) > _MOST_COMPARED:
        # By their ends: the outer scopes are what a rename changes most.
        return dict(zip(_by_end(ours), _by_end(theirs), strict=False))
    pairs = [(name, other) for name in ours for other in theirs]
    matcher = difflib.SequenceMatcher(autojunk=False)

    def likeness(pair: tuple[str, str]) -> tuple[int, int, float]:
        name, other = pair
        matcher.set_seqs(name, other)
        went = scopes.get(_scope(name), Counter())[_scope(other)]
        return went, _shared_end(name, other), matcher.ratio()

    found: dict[str, str] = {}
    taken: set[str] = set()
    for name, other in sorted(pairs, key=likeness, reverse=True):
        if name not in found and other not in taken:
            found[name] = other
            taken.add(other)
    return found


def _by_end(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: name.split("/")[::-1])


def _shared_end(one: str, two: str) -> int:
    """Returns how many last components two names share."""
    parts = zip(reversed(one.split("/")), reversed(two.split("/")), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], parts))
