"""Why variables are missing, told by the names of those that are stored instead."""

from collections import Counter

from tfinspect.artifacts.slot_names import owner
from tfinspect.prefixes import exchanged_prefix
from tfinspect.transfer.cause import Built, Cause
from tfinspect.transfer.likely_network import likely_network
from tfinspect.transfer.load_report import LOADED, MISSING, SLOT, UNUSED, LoadReport
from tfinspect.transfer.load_rules import SHADOW
from tfinspect.transfer.shape_causes import family

_NORMALIZATION = "BatchNorm/"
_BETA, _BIASES = "BatchNorm/beta", "biases"


def arg_scope(report: LoadReport, built: Built) -> Cause | None:
    """A forgotten arg scope: convolutions have biases in place of batch normalization."""
    del built
    unused = {row.name for row in report.having(UNUSED)}
    missing = [row.name for row in report.having(MISSING) if row.name.endswith("/" + _BIASES)]
    scopes = [name.removesuffix(_BIASES) for name in missing]
    found = [scope for scope in scopes if scope + _BETA in unused]
    if not found:
        return None
    return Cause(
        len(found),
        "the network was built without its arg scope: the network has biases where "
        f"'{found[0]}{_BETA}' is stored; build both under the same arg scope",
    )


def folded(report: LoadReport, built: Built) -> Cause | None:
    """Batch normalizations that are part of the convolutions, as in a graph for inference."""
    del built
    missing = [row.name for row in report.having(MISSING) if _NORMALIZATION in row.name]
    if not missing:
        return None
    stored = {row.source for row in report.rows if row.source is not None}
    with_bias = [name for name in missing if _layer(name) + _BIASES in stored]
    none_at_all = report.having(LOADED) and not any(_NORMALIZATION in name for name in stored)
    explained = with_bias or (missing if none_at_all else [])
    if not explained:
        return None
    instead = f", but '{_layer(explained[0])}{_BIASES}'" if with_bias else ""
    return Cause(
        len(explained),
        f"of '{explained[0]}' and others nothing is stored{instead}: graphs for inference have "
        "batch normalizations folded into their convolutions, which cannot be undone (or it was "
        "built without them); give the checkpoint that the graph was made from",
    )


def _layer(name: str) -> str:
    """Returns the scope, with its slash, of the layer that a normalization belongs to."""
    return name.partition(_NORMALIZATION)[0]


def prefix(report: LoadReport, built: Built) -> Cause | None:
    """The same names below another scope, or below one more or one less."""
    del built
    missing = [row.name for row in report.having(MISSING)]
    unused = [row.name for row in report.having(UNUSED)]
    # A rule rewrites all names that it matches: one that is found already would be lost.
    rule = exchanged_prefix(missing, unused, kept=[row.name for row in report.having(LOADED)])
    if rule is None or 2 * rule.found < len(missing):
        return None
    count = "all" if rule.found == len(missing) else f"{rule.found:,}"
    if (rule.pattern, rule.replacement) == ("^", ""):
        return Cause(
            rule.found,
            f"{count} of them are stored under the network's own names: leave --rename out",
        )
    return Cause(
        rule.found,
        f"{count} of them are stored under another scope: --rename '{rule}' finds them",
    )


def shadows(report: LoadReport, built: Built) -> Cause | None:
    """Moving averages of variables that are not stored themselves."""
    del built
    unused = {row.name for row in report.having(UNUSED)}
    found = [row for row in report.having(MISSING) if row.name + SHADOW in unused]
    if not found:
        return None
    return Cause(
        len(found),
        f"{len(found):,} of them are stored as moving averages alone: --moving-average takes them",
    )


def slots(report: LoadReport, built: Built) -> Cause | None:
    """An optimizer's state of variables that are not stored themselves."""
    del built
    names = {owner(row.name): row.name for row in report.having(UNUSED)}
    found = [names[row.name] for row in report.having(MISSING) if row.name in names]
    if not found:
        return None
    return Cause(
        len(found),
        f"of {len(found):,} of them the optimizer's slots alone are stored, such as '{found[0]}': "
        "give the checkpoint that holds the weights",
    )


def other_network(report: LoadReport, built: Built) -> Cause | None:
    """Another network of the registry."""
    del built
    stored = {
        row.source: row.stored_shape
        for row in report.rows
        if row.source is not None and row.detail != SLOT
    }
    network = likely_network(stored)
    if network is None or network == report.network:
        return None
    other = " (another width)" if family(network) == family(report.network) else ""
    return Cause(
        len(report.failed),
        f"by its variables the artifact fits '{network}' best{other}: give that network",
    )


def foreign(report: LoadReport, built: Built) -> Cause | None:
    """A scope that most of what is stored lies in, and that no registered network has."""
    del built
    if report.counts().get(LOADED, 0) > len(report.failed):
        return None
    # What has a namesake in the network, of another shape, is not foreign to it.
    known = {row.source for row in report.rows if row.status != UNUSED}
    names = [row.name for row in report.having(UNUSED) if row.name not in known]
    stored = Counter(name.partition("/")[0] for name in names if "/" in name)
    if not stored:
        return None
    scope, count = stored.most_common(1)[0]
    return Cause(
        0, f"the artifact looks like another network: {count:,} of its variables lie in '{scope}'"
    )
