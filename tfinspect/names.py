"""Names that users type: scopes matched by whole components, and the nearest existing names."""

import difflib
import heapq
import os
import re
from collections.abc import Iterable
from typing import Any

# Likeness is slow to compute: of more names only those that share most with the query are compared,
# and names that no person types are not.
_MOST_COMPARED = 300
_LONGEST_COMPARED = 500
_LONGEST_SHOWN = 200
# As many as a 64-bit number has at most, less one.
_MOST_DIGITS = 18
_DIGITS = re.compile("([0-9]+)")


def in_scope(name: str, scope: str) -> bool:
    """Tells whether a name lies in a scope, by whole path components.

    >>> in_scope("resnet/stage1/unit1/conv1/weights", "resnet/stage1")
    True
    >>> in_scope("InceptionResnetV2/Logits_2/biases", "InceptionResnetV2/Logits")
    False
    """
    scope = scope.strip("/")
    return not scope or name == scope or name.startswith(scope + "/")


def nearest(query: str, names: Iterable[str], count: int = 5) -> list[str]:
    """Returns at most `count` of the names that look most like the query, best first.

    >>> nearest("cifar_resnet20_v3", ["cifar_resnet20_v1", "vgg_16"], 1)
    ['cifar_resnet20_v1']
    """
    if len(query) > _LONGEST_COMPARED or count < 1:
        return []
    existing = [name for name in names if len(name) <= _LONGEST_COMPARED]
    if len(existing) > _MOST_COMPARED:
        parts = frozenset(query.split("/"))
        existing = heapq.nlargest(
            _MOST_COMPARED, existing, key=lambda name: _shared(query, parts, name)
        )
    return difflib.get_close_matches(query, existing, n=count, cutoff=0.4)


def _shared(query: str, parts: frozenset[str], name: str) -> int:
    """Counts the characters of a common start, a common end, and of whole common components."""
    # Names, not paths: a component may be shared in part.
    start = len(os.path.commonprefix([query, name]))  # noqa: RUF071
    end = len(os.path.commonprefix([query[::-1], name[::-1]]))  # noqa: RUF071
    return start + end + sum(map(len, parts.intersection(name.split("/"))))


def choices(query: str, names: Iterable[str]) -> str:
    """Words an error's "what exists" part: the nearest names, or the first few, and how many more.

    >>> choices("trian", ["train", "validation", "test"])
    "nearest: 'train'"
    >>> choices("?", ["b", "a"])
    "there are: 'a', 'b'"
    """
    existing = sorted(set(names))
    if not existing:
        return "there are none"
    close = nearest(query, existing)
    shown = close or existing[:5]
    more = f" and {len(existing) - 5} more" if not close and len(existing) > 5 else ""
    lead = "nearest" if close else "there are"
    return f"{lead}: {', '.join(map(_shown, shown))}{more}"


def _shown(name: str) -> str:
    half = _LONGEST_SHOWN // 2
    return repr(name if len(name) <= _LONGEST_SHOWN else f"{name[:half]}…{name[-half:]}")


def natural(name: str) -> list[Any]:
    """Returns a sort key under which `unit10` comes after `unit9`, and numbers before words.

    >>> sorted(["unit10", "unit9", "10", "9"], key=natural)
    ['9', '10', 'unit9', 'unit10']
    """
    parts: list[Any] = _DIGITS.split(name)
    # By length and digits, not as `int`: names in a broken file may have digits without end.
    parts[1::2] = [(len(digits), digits) for digits in (part.lstrip("0") for part in parts[1::2])]
    return parts


def decimal(text: str) -> int | None:
    """Returns the number that ASCII digits write; None for any other text, or one too long.

    >>> decimal("12"), decimal("-1"), decimal("\u00b2")
    (12, None, None)
    """
    plain = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if plain else None


def counted(number: int, noun: str) -> str:
    """Words a number of things whose name takes an s.

    >>> counted(1, "variable"), counted(1200, "op")
    ('1 variable', '1,200 ops')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
