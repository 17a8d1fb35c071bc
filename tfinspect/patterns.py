"""Regular expressions that are sought in names, and what is said of one that finds nothing."""

import re
from collections.abc import Sequence
from typing import Protocol

from tfinspect.errors import ConfigError
from tfinspect.names import choices


class Named(Protocol):
    """Anything with a name whose components are parted by slashes."""

    @property
    def name(self) -> str:
        """The whole name."""


def compiled(text: str) -> re.Pattern[str]:
    """Compiles a pattern.

    Raises:
      ConfigError: it is no valid regular expression.
    """
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(f"'{text}' is no valid regular expression: {error}.") from error


def why_no_match(wanted: re.Pattern[str], entries: Sequence[Named], hidden: Sequence[Named]) -> str:
    """Words why a pattern is found in none of the entries.

    Args:
      wanted: the pattern.
      entries: among which it was sought.
      hidden: what was left out before, or everything.
    """
    what = f"the pattern '{wanted.pattern}'"
    elsewhere = [entry for entry in hidden if wanted.search(entry.name)]
    if not elsewhere:
        return found_in_no_name(what, wanted.pattern, [entry.name for entry in entries])
    others = [entry for entry in elsewhere if not getattr(entry, "slot", False)]
    if not others:
        return (
            f"{what} is found in optimizer slots alone, such as '{elsewhere[0].name}'; "
            "`list-vars --optimizer` lists them."
        )
    return (
        f"{what} is found only in names that other criteria leave out, such as "
        f"'{others[0].name}'; give fewer of them."
    )


def found_in_no_name(what: str, pattern: str, names: Sequence[str]) -> str:
    """Words that a pattern is found in none of all names.

    Args:
      what: the pattern, as the sentence calls it.
      pattern: itself.
      names: all of them.
    """
    return (
        f"{what} is found in no name; {choices(pattern, names)}. It is a regular expression, found "
        "anywhere in a name."
    )
