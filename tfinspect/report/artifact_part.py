"""The parts of the page that an artifact alone tells: totals, scopes, findings, variables."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tfinspect import listing
from tfinspect.artifacts import Artifact
from tfinspect.health import Finding
from tfinspect.report.scope_tree import ScopeNode, scope_tree
from tfinspect.report.values import read_values

# A page of more rows is slow to open and cannot be below 10 MB.
MOST_VARIABLES = 5000
_MOST_FINDINGS = 200
_BROKEN = ("unreadable", "nan", "inf", "exploding")


def artifact_part(artifact: Artifact, flops: Mapping[str, int] | None) -> dict[str, Any]:
    """Returns what `page.render` takes about an artifact; every value is read once.

    Args:
      artifact: an opened artifact; optimizer slots are left out.
      flops: scope of an op -> floating-point operations of one example; None where not known.
    """
    entries = [entry for entry in artifact.variables if not entry.slot]
    values, findings = read_values(artifact, entries)
    tree = scope_tree(entries, flops)
    return {
        "facts": _facts(artifact, tree),
        "tree": tree,
        "findings": sorted(findings, key=_severity),
        "finding_kinds": Counter(one.finding for one in sorted(findings, key=_severity)),
        "shown_findings": min(len(findings), _MOST_FINDINGS),
        "checked": sum(one.stats.min is not None for one in values),
        "variables": values[:MOST_VARIABLES],
        "left_out": max(0, len(values) - MOST_VARIABLES),
    }


def _severity(finding: Finding) -> int:
    # Fresh and frozen networks have hundreds of constants; what breaks a model comes first.
    return _BROKEN.index(finding.finding) if finding.finding in _BROKEN else len(_BROKEN)


def _facts(artifact: Artifact, tree: ScopeNode) -> list[tuple[str, str]]:
    totals = listing.totals(artifact.variables)
    facts = [
        ("Parameters", f"{totals.parameters:,}"),
        ("Variables", f"{totals.variables:,}"),
        ("Size", f"{totals.bytes / 1e6:,.2f} MB"),
    ]
    trainable = [entry for entry in artifact.variables if entry.trainable and not entry.slot]
    if trainable:
        facts.append(("Trainable", f"{sum(entry.parameters for entry in trainable):,}"))
    if tree.flops is not None:
        facts.append(("FLOPs per example", f"{tree.flops:,}"))
    if artifact.tensors:
        facts.append(("Tensors", f"{len(artifact.tensors):,}"))
    if artifact.signatures:
        facts.append(("Signatures", ", ".join(artifact.signatures)))
    return facts
