"""The same names below another prefix: which rule rewrites one set into the other."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

# An ending such as `weights`, which so many names have, tells nothing.
_MOST_ALIKE = 8


@dataclass(frozen=True)
class PrefixRule:
    """A rule that exchanges a prefix of whole components.

    Attributes:
      pattern: regular expression for the beginning of a name.
      replacement: what takes its place.
      found: how many names it turns into existing ones.
    """

    pattern: str
    replacement: str
    found: int

    def __str__(self) -> str:
        return f"{self.pattern}=>{self.replacement}"


def exchanged_prefix(
    names: Iterable[str], existing: Collection[str], kept: Iterable[str] = ()
) -> PrefixRule | None:
    """Returns the rule that turns the most names into existing ones.

    Of rules that find equally many, it is the one of the first names. Endings that more than eight
    existing names share are not looked at.

    >>> str(exchanged_prefix(["net/a/w", "net/b/w"], ["tower/net/a/w", "tower/net/b/w"]))
    '^=>tower/'
    >>> str(exchanged_prefix(["net/a/w", "net/b/w"], ["a/w", "b/w"]))
    '^net/=>'
    >>> str(exchanged_prefix(["net/b/w"], ["x/net/b/w"], kept=["net/a/w"]))
    '^net/b/=>x/net/b/'

    Args:
      names: that exist under no name of their own.
      existing: names that are there.
      kept: names that the rule must leave as they are.

    Returns:
      None where no name has an ending of whole components in common with an existing one, or every
      rule would change a name that is kept.
    """
    names, there = list(names), dict.fromkeys(existing)
    fixed = {prefix for name in kept for prefix, _ in _endings(name)}
    by_ending: dict[str, list[str]] = defaultdict(list)
    for name in there:
        for prefix, ending in _endings(name):
            by_ending[ending].append(prefix)
    exchanges: Counter[tuple[str, str]] = Counter()
    for name in names:
        exchanges.update(_exchanges(name, by_ending, fixed))
    # Endings of many names do not count, but the rule finds them too.
    rules = [
        PrefixRule(f"^{re.escape(old)}", new.replace("\\", r"\\"), _found(names, there, old, new))
        for (old, new), _ in exchanges.most_common(_MOST_ALIKE)
    ]
    return max(rules, key=lambda rule: rule.found, default=None)


def _endings(name: str) -> Iterator[tuple[str, str]]:
    """Yields every split of a name between its components, the longest ending first."""
    yield "", name
    place = name.find("/")
    while place >= 0:
        yield name[: place + 1], name[place + 1 :]
        place = name.find("/", place + 1)


def _exchanges(
    name: str, by_ending: dict[str, list[str]], fixed: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yields what turns a name into each existing one, by the longest ending that the two share."""
    for prefix, ending in _endings(name):
        found = by_ending.get(ending, ())
        shared = _shared(prefix, ending, fixed) if 0 < len(found) <= _MOST_ALIKE else None
        if shared is not None:
            last = _last(prefix)
            yield from (
                (prefix + shared, other + shared)
                for other in found
                if not prefix or _last(other) != last
            )


def _last(prefix: str) -> str:
    """Returns the last component of a prefix, with its slash; nothing of no prefix."""
    return prefix[prefix.rfind("/", 0, -1) + 1 :]


def _shared(prefix: str, ending: str, fixed: Collection[str]) -> str | None:
    """Returns how much of an ending a prefix needs to be none of the fixed ones; None for never."""
    return next((more for more, _ in _endings(ending) if prefix + more not in fixed), None)


def _found(names: Iterable[str], existing: Collection[str], old: str, new: str) -> int:
    return sum(name.startswith(old) and new + name[len(old) :] in existing for name in names)
