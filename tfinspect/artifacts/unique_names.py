"""One name for one variable: a value that is read by its name must be the value of that name."""

from collections import deque
from collections.abc import Mapping, Sequence


def unique_names(candidates: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Names every key by the first of its candidates that no other key has, or else by itself.

    A name that several keys ask for with equal right goes to none of them, and another variable's
    key is no name.

    Args:
      candidates: key -> names, best first.

    Returns:
      Key -> name, in the same order.
    """
    first = {key: names[0] if names else key for key, names in candidates.items()}
    foreign = any(name != key and name in candidates for key, name in first.items())
    return first if len(set(first.values())) == len(first) and not foreign else _parted(candidates)


def _parted(candidates: Mapping[str, Sequence[str]]) -> dict[str, str]:
    # Name -> the key that has it, and the place of the name among the key's candidates.
    holders: dict[str, tuple[str, int]] = {}
    contested: dict[str, int] = {}
    waiting = deque((key, 0) for key in candidates)
    # Every key waits once for each of its candidates at most, however the names are entangled.
    while waiting:
        key, place = waiting.popleft()
        name = candidates[key][place] if place < len(candidates[key]) else key
        if name == key:
            holders[name] = (key, place)
        elif name in candidates or place <= contested.get(name, -1):
            waiting.append((key, place + 1))
        elif name in holders:
            other, before = holders.pop(name)
            contested[name] = max(place, before)
            waiting += [(key, place + 1), (other, before + 1)]
        else:
            holders[name] = (key, place)
    found = {key: name for name, (key, _) in holders.items()}
    return {key: found[key] for key in candidates}


def readable_key(key: bytes, taken: Mapping[str, object]) -> str:
    """Returns the text of a key, which is none of those taken; bytes that are no UTF-8 escaped."""
    name = key.decode("utf-8", "backslashreplace")
    if name in taken:
        name = repr(key)
    while name in taken:
        name = f"{name}'"
    return name
