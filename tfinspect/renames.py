"""Rename rules: regular expressions and replacements that bring names of two sides together."""

import re
from collections.abc import Iterable, Sequence

from tfinspect.errors import ConfigError
from tfinspect.names import choices

# A regular expression and its replacement; rules are applied one after the other.
Rename = tuple[str, str]
Renames = Sequence[Rename]
_BETWEEN = "=>"


def parse_rename(text: str) -> Rename:
    """Reads `regex=>replacement`.

    >>> parse_rename("^resnet/=>cifar/")
    ('^resnet/', 'cifar/')

    Raises:
      ConfigError: no `=>`, nothing before it, or no valid regular expression.
    """
    pattern, between, replacement = text.partition(_BETWEEN)
    if not between or not pattern:
        missing = f"nothing before its '{_BETWEEN}'" if between else f"no '{_BETWEEN}'"
        raise ConfigError(
            f"'{text}' is no rename rule: it has {missing}; write 'regex{_BETWEEN}replacement'."
        )
    _compiled((pattern, replacement))
    return pattern, replacement


def worded(rule: Rename) -> str:
    """Words a rule as `parse_rename` reads it."""
    return _BETWEEN.join(rule)


def renamed(name: str, rule: Rename) -> str:
    """Returns a name under one rule, which leaves it as it is where it does not match."""
    return re.sub(*rule, name)


def all_renamed(names: Iterable[str], rules: Renames, whose: str, into: str) -> list[str]:
    """Returns names under all rules.

    Args:
      names: of one side.
      rules: what to do with them.
      whose: that side, as a message calls it.
      into: the other side.

    Raises:
      ConfigError: a rule that is invalid, or matches none of the names that it is given.
    """
    found = list(names)
    for rule in rules:
        wanted = _compiled(rule)
        if not any(map(wanted.search, found)):
            raise ConfigError(
                f"the rename rule '{worded(rule)}' matches no variable of {whose}; "
                f"{choices(rule[0], found)}. It is a regular expression, found anywhere in a "
                f"name; rules rewrite the names of {whose} into those of {into}, one after the "
                "other."
            )
        found = [wanted.sub(rule[1], name) for name in found]
    return found


def require_apart(names: Sequence[str], before: Sequence[str]) -> None:
    """Refuses rules that give two variables one name.

    Args:
      names: after the rules.
      before: the same variables' own, in the same order.

    Raises:
      ConfigError: there are two.
    """
    first: dict[str, str] = {}
    for name, own in zip(names, before, strict=True):
        if first.setdefault(name, own) != own:
            raise ConfigError(
                f"the rename rules lead both '{first[name]}' and '{own}' to '{name}'; give rules "
                "that keep them apart."
            )


def _compiled(rule: Rename) -> re.Pattern[str]:
    pattern, replacement = rule
    try:
        wanted = re.compile(pattern)
        # The replacement may name groups that the pattern does not have.
        wanted.sub(replacement, "")
    except (re.error, IndexError, OverflowError, RecursionError) as error:
        raise ConfigError(f"the rename rule '{worded(rule)}' cannot be used: {error}.") from error
    return wanted
