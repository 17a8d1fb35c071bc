"""What `list-vars` writes: variables, scopes, statistics or findings."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tfinspect import listing
from tfinspect.artifacts import Artifact
from tfinspect.entries import VariableEntry
from tfinspect.names import counted
from tfinspect_cli.emit import MACHINE_FORMATS, emit, message
from tfinspect_cli.stages import progress

# What a table too wide for the terminal does without; and when statistics are asked for.
_LESS_THAN_NAMES = ("bytes", "trainable", "shard", "collections", "key", "slot", "dtype")
_LESS_THAN_STATISTICS = (*_LESS_THAN_NAMES, "parameters", "shape")


def write_variables(variables: Sequence[VariableEntry], output_format: str) -> None:
    """Writes one row a variable; without empty columns in the formats for people."""
    emit(_rows(variables, output_format), output_format, spare=_LESS_THAN_NAMES)


def _rows(variables: Sequence[VariableEntry], output_format: str) -> list[dict[str, Any]]:
    if output_format in MACHINE_FORMATS:
        return [entry.row() for entry in variables]
    return listing.brief_rows(variables)


def write_scopes(variables: Sequence[VariableEntry], depth: int | None, output_format: str) -> None:
    """Writes one row a scope."""
    emit([asdict(row) for row in listing.roll_up(variables, depth)], output_format)


def write_stats(artifact: Artifact, variables: Sequence[VariableEntry], output_format: str) -> bool:
    """Writes one row a variable with the statistics of its values; tells whether one is broken."""
    from tfinspect.stats import stats_row, variable_stats, without_statistics

    rows, broken = _rows(variables, output_format), []
    found = variable_stats(artifact, variables, processes=None)
    with progress("reading", len(rows)) as advance:
        for row, (_, stats) in zip(rows, found, strict=True):
            row.update(stats_row(stats))
            broken += [stats.broken] if stats.broken else []
            advance()
    emit(rows, output_format, spare=_LESS_THAN_STATISTICS)
    note = without_statistics(variables)
    if note:
        message(f"Note: {note}")
    if broken:
        message(f"Note: {counted(len(broken), 'broken value')}. The first: {broken[0]}")
    return bool(broken)


def write_health(
    artifact: Artifact, variables: Sequence[VariableEntry], output_format: str
) -> bool:
    """Writes one row a finding, and tells whether there was any."""
    from tfinspect.health import health
    from tfinspect.stats import without_statistics

    findings = [finding.row() for finding in health(artifact, variables)]
    emit(findings, output_format)
    note = without_statistics(variables)
    if note:
        message(f"Note: {note}")
    message(f"{counted(len(findings), 'finding')} in {counted(len(variables), 'variable')}.")
    return bool(findings)
