"""Which variables of equal values are each other under another name.

A value that is unique tells by itself. Zeros and ones of fresh biases and scales do not: there the
scope decides, if what else was in it has found its partner, and else how much the names are alike.
"""

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence

# Among more candidates of one value names are not compared letter by letter.
_MOST_COMPARED = 200


def renamed_pairs(removed: Mapping[str, bytes], added: Mapping[str, bytes]) -> dict[str, str]:
    """Returns A's name -> B's, each used once.

    Args:
      removed: A's names -> a digest of the value.
      added: B's.
    """
    candidates: dict[bytes, list[str]] = {}
    for name, digest in added.items():
        candidates.setdefault(digest, []).append(name)
    holders = Counter(removed.values())
    found = {
        name: candidates[digest].pop()
        for name, digest in removed.items()
        if holders[digest] == 1 and len(candidates.get(digest, ())) == 1
    }
    scopes = _scopes(found)
    for name, digest in removed.items():
        left = candidates.get(digest)
        if name not in found and left:
            best = _likeliest(name, left, scopes)
            left.remove(best)
            found[name] = best
            scopes.setdefault(_scope(name), Counter())[_scope(best)] += 1
    return found


def _scope(name: str) -> str:
    return name.rpartition("/")[0]


def _scopes(pairs: Mapping[str, str]) -> dict[str, Counter[str]]:
    """Returns scope of A -> how often its variables went to which scope of B."""
    found: dict[str, Counter[str]] = {}
    for name, other in pairs.items():
        found.setdefault(_scope(name), Counter())[_scope(other)] += 1
    return found


def _likeliest(name: str, others: Sequence[str], scopes: Mapping[str, Counter[str]]) -> str:
    went = scopes.get(_scope(name), Counter())
    compared = len(others) <= _MOST_COMPARED
    matcher = difflib.SequenceMatcher(b=name, autojunk=False)

    def likeness(other: str) -> tuple[int, int, float]:
        matcher.set_seq1(other)
        return (
            went[_scope(other)],
            _shared_end(name, other),
            matcher.ratio() if compared else 0.0,
        )

    # The first of those that are equally like.
    return max(others, key=likeness)


def _shared_end(one: str, two: str) -> int:
    """Returns how many last components two names share."""
    parts = zip(reversed(one.split("/")), reversed(two.split("/")), strict=False)
    return next((n for n, (a, b) in enumerate(parts) if a != b), one.count("/") + 1)
