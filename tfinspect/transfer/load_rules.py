"""By which rules an artifact's variables go into a network's; pure functions, no value is read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tfinspect.entries import VariableEntry
from tfinspect.errors import ConfigError
from tfinspect.listing import all_scopes
from tfinspect.names import choices, in_scope
from tfinspect.renames import all_renamed, renamed, worded
from tfinspect.transfer.load_report import (
    LOADED,
    MISSING,
    NEW_CLASSIFIER,
    RE_INITIALISED,
    SHAPE_MISMATCH,
    SLOT,
    UNUSED,
    LoadReport,
    LoadRow,
    parameters,
)

SHADOW = "/ExponentialMovingAverage"


@dataclass(frozen=True)
class Named:
    """A name alone, as `listing` takes it."""

    name: str


@dataclass(frozen=True)
class LoadRules:
    """What is taken from an artifact, and under which name it is found there.

    Attributes:
      exclude_scopes: scopes of the network, by whole components, that keep their initial values.
      rename: pairs of a regular expression and its replacement, applied one after the other to
        the names of the network's variables; what results is looked for in the artifact.
      moving_average: whether the shadow variable of an exponential moving average is taken where
        there is one.
      new_classifier: scopes of the classifier, where it is to be new without anybody excluding it.
    """

    exclude_scopes: tuple[str, ...] = ()
    rename: tuple[tuple[str, str], ...] = ()
    moving_average: bool = False
    new_classifier: tuple[str, ...] = ()


_ALL_BY_NAME = LoadRules()


def match_variables(
    network: str,
    wanted: Mapping[str, tuple[int, ...]],
    path: str,
    stored: Sequence[VariableEntry],
    rules: LoadRules = _ALL_BY_NAME,
) -> LoadReport:
    """Decides for every variable what would be loaded from where.

    Args:
      network: its name, for the report.
      wanted: the network's variables, name -> shape.
      path: of the artifact, for the report.
      stored: the artifact's variables.
      rules: exclusions, renames, moving averages.

    Raises:
      ConfigError: an excluded scope holds none of the network's variables, a rename rule changes
        no name, or moving averages are asked for and there are none.
    """
    _check(wanted, stored, rules)
    by_name = {entry.name: entry for entry in stored}
    rows = [_row(name, shape, by_name, rules) for name, shape in wanted.items()]
    taken = {row.source for row in rows if row.source is not None and row.status == LOADED}
    excluded = {row.source for row in rows if row.source is not None and row.status != LOADED}
    unused = [_unused(one, excluded) for one in stored if one.name not in taken]
    return LoadReport(network, path, (*rows, *unused))


def _check(
    wanted: Mapping[str, tuple[int, ...]], stored: Sequence[VariableEntry], rules: LoadRules
) -> None:
    for scope in rules.exclude_scopes:
        if not any(in_scope(name, scope) for name in wanted):
            scopes = all_scopes(Named(name) for name in wanted)
            raise ConfigError(
                f"no variable of the network in the excluded scope '{scope}' (whole components are "
                f"compared); {choices(scope, scopes)}."
            )
    all_renamed(wanted, rules.rename, "the network", "the artifact")
    if rules.moving_average and not any(entry.name.endswith(SHADOW) for entry in stored):
        raise ConfigError(
            "moving averages were asked for, but no stored variable ends in "
            f"'{SHADOW}'; load the variables themselves."
        )


def _row(
    name: str, shape: tuple[int, ...], stored: Mapping[str, VariableEntry], rules: LoadRules
) -> LoadRow:
    source, rule = _source(name, stored, rules)
    entry = stored.get(source)
    found = entry.name if entry else None
    stored_shape = entry.shape if entry else None
    size = parameters(shape)
    excluded = _excluded(name, rules)
    if excluded:
        return LoadRow(name, RE_INITIALISED, excluded, found, shape, stored_shape, size)
    if entry is None:
        detail = f"looked for as '{source}'" if source != name else ""
        return LoadRow(name, MISSING, rule, None, shape, None, size, detail)
    if stored_shape != shape:
        detail = f"the artifact has {_worded(stored_shape)}, the network {_worded(shape)}"
        return LoadRow(name, SHAPE_MISMATCH, rule, found, shape, stored_shape, size, detail)
    return LoadRow(name, LOADED, rule, found, shape, stored_shape, size)


def _excluded(name: str, rules: LoadRules) -> str:
    """Returns the rule that has a variable keep its initial value; empty where none does."""
    if any(in_scope(name, one) for one in rules.new_classifier):
        return NEW_CLASSIFIER
    scope = next((one for one in rules.exclude_scopes if in_scope(name, one)), None)
    return "" if scope is None else f"exclude scope {scope}"


def _source(name: str, stored: Mapping[str, VariableEntry], rules: LoadRules) -> tuple[str, str]:
    """Returns the name to look for, and the rule that gave it."""
    source, applied = name, "same name"
    for rule in rules.rename:
        after = renamed(source, rule)
        if after != source:
            source, applied = after, f"rename {worded(rule)}"
    if rules.moving_average and source + SHADOW in stored:
        return source + SHADOW, "moving average"
    return source, applied


def _unused(entry: VariableEntry, excluded: Iterable[str]) -> LoadRow:
    detail = "the network has no such variable"
    if entry.name in excluded:
        detail = "its variable in the network was not loaded"
    elif entry.slot:
        detail = SLOT
    elif entry.name.rpartition("/")[2] == "global_step":
        detail = "step counter"
    return LoadRow(entry.name, UNUSED, "", entry.name, None, entry.shape, entry.parameters, detail)


def _worded(shape: Sequence[int] | None) -> str:
    return "an unknown shape" if shape is None else str(list(shape))
