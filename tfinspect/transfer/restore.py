"""Fills a network from an artifact, and proves what was loaded."""

import dataclasses
from typing import Any

from tfinspect.artifacts import Artifact
from tfinspect.errors import ArtifactError, NetworkError
from tfinspect.names import choices, in_scope
from tfinspect.transfer.cause import Built
from tfinspect.transfer.conversion import read_as_loaded, with_dtypes
from tfinspect.transfer.likely_cause import likely_cause
from tfinspect.transfer.load_report import LOADED, MISSING, UNUSED, LoadReport
from tfinspect.transfer.load_rules import LoadRules, match_variables

_ALL_BY_NAME = LoadRules()
_MOST_NAMED = 5


class LoadError(NetworkError):
    """Variables that no rule excludes cannot be loaded.

    Attributes:
      report: what became of every variable.
    """

    def __init__(self, text: str, report: LoadReport) -> None:
        super().__init__(text)
        self.report = report


def plan(
    network: Any,
    artifact: Artifact,
    rules: LoadRules = _ALL_BY_NAME,
    *,
    classes_of_data: bool = False,
) -> LoadReport:
    """Decides what would be loaded; no value is read and nothing is changed.

    That the files are long enough for what would be read is looked at; checksums are not.

    Args:
      network: a `SlimModel`.
      artifact: an opened artifact of any format.
      rules: exclusions, renames, moving averages.
      classes_of_data: whether data say how many classes there are, and no option: for the cure.

    Raises:
      ConfigError: a rule that matches nothing.
      LoadError: a variable that no rule excludes cannot be loaded; the likely cause is named.
      ArtifactError: a value that would be loaded is not there, or not whole.
    """
    variables = network.variables_by_name()
    wanted = {name: tuple(one.shape) for name, one in variables.items()}
    matched = match_variables(network.spec.name, wanted, artifact.path, artifact.variables, rules)
    report = with_dtypes(
        _explained(matched, network.spec),
        {name: one.dtype.name for name, one in variables.items()},
        {entry.name: entry.dtype for entry in artifact.variables},
    )
    if report.failed:
        scopes = (*network.spec.logits_scopes, *network.spec.aux_scopes)
        built = Built(scopes, network.spec.width, classes_of_data)
        raise LoadError(_refusal(report, built), report)
    _require_data(artifact, report)
    return report


def _require_data(artifact: Artifact, report: LoadReport) -> None:
    wanted = {row.source for row in report.having(LOADED)}
    entries = [one for one in artifact.variables if one.name in wanted and not one.readable]
    if entries:
        raise ArtifactError(
            f"of {len(wanted):,} variables that would be loaded, the values of {len(entries):,} "
            f"cannot be read. The first: {artifact.why_unreadable(entries[0])} Give an artifact "
            "that holds the values, whole."
        )


def restore(network: Any, artifact: Artifact, rules: LoadRules = _ALL_BY_NAME) -> LoadReport:
    """Fills a network's variables; those that rules exclude keep their values.

    Args:
      network: a `SlimModel`.
      artifact: an opened artifact of any format; values are read one at a time.
      rules: exclusions, renames, moving averages.

    Raises:
      ConfigError: a rule that matches nothing.
      LoadError: a variable that no rule excludes cannot be loaded; nothing was changed then.
      ArtifactError: a stored value is damaged.
    """
    report = plan(network, artifact, rules)
    variables = network.variables_by_name()
    for row in report.having(LOADED):
        assert row.source is not None
        variable = variables[row.name]
        variable.assign(read_as_loaded(artifact, row.source, variable.dtype.name))
    return dataclasses.replace(report, done=True)


def _explained(report: LoadReport, spec: Any) -> LoadReport:
    """Says of the stored variables of an auxiliary head why the network has none."""
    height, width = spec.image_shape[:2]
    if spec.builds_aux(height, width):
        return report
    detail = f"auxiliary head, left out at {height}x{width}: it fits {spec.aux_image_size} alone"
    rows = tuple(
        dataclasses.replace(row, detail=detail)
        if row.status == UNUSED and any(in_scope(row.name, scope) for scope in spec.aux_scopes)
        else row
        for row in report.rows
    )
    return dataclasses.replace(report, rows=rows)


def _refusal(report: LoadReport, built: Built) -> str:
    failed = report.failed
    names = ", ".join(f"'{row.name}'" for row in failed[:_MOST_NAMED])
    more = f" and {len(failed) - _MOST_NAMED} more" if len(failed) > _MOST_NAMED else ""
    cause = likely_cause(report, built)
    words = f"; {cause}" if cause else _nearest(report)
    details = f" ({failed[0].detail})" if failed[0].detail else ""
    return (
        f"{len(failed):,} of {len(report.rows) - len(report.having('unused')):,} variables of "
        f"{report.network} cannot be loaded from '{report.source}': {names}{more}{details}{words}. "
        "--exclude-scope leaves out what is meant to be new; --report shows every variable."
    )


def _nearest(report: LoadReport) -> str:
    missing = report.having(MISSING)
    stored = [row.name for row in report.rows if row.status == "unused"]
    if not missing or not stored:
        return ""
    return f"; stored, {choices(missing[0].name, stored)}"
