"""Why variables could not be loaded, in words: the mistakes that people make most often."""

from collections import Counter
from collections.abc import Callable, Sequence

from tfinspect.artifacts.slot_names import owner
from tfinspect.transfer.likely_network import likely_network
from tfinspect.transfer.load_report import (
    LOADED,
    MISSING,
    SHAPE_MISMATCH,
    SLOT,
    UNUSED,
    LoadReport,
    LoadRow,
)
from tfinspect.transfer.load_rules import SHADOW

_FEW = 3


def likely_cause(report: LoadReport, logits_scopes: Sequence[str] = ()) -> str | None:
    """Returns the likeliest cause of the failed rows and its cure; None if none is known.

    Args:
      report: one with failed rows.
      logits_scopes: scopes of the network's classifier and auxiliary head.
    """
    for cause in _CAUSES:
        words = cause(report, logits_scopes)
        if words:
            return words
    return None


def _arg_scope(report: LoadReport, logits_scopes: Sequence[str]) -> str | None:
    """A forgotten arg scope: convolutions have biases in place of batch normalization."""
    del logits_scopes
    unused = {row.name for row in report.having(UNUSED)}
    missing = [row.name for row in report.having(MISSING)]
    pairs = (
        ("biases", "BatchNorm/beta", "was built without its arg scope: the network has biases"),
        ("BatchNorm/beta", "biases", "was built without batch normalization: it stores biases"),
    )
    for wanted, stored, words in pairs:
        scopes = [name[: -len(wanted)] for name in missing if name.endswith("/" + wanted)]
        found = [scope for scope in scopes if scope + stored in unused]
        if found:
            owner = "the network" if wanted == "biases" else "the network of the checkpoint"
            return (
                f"{owner} {words} where '{found[0]}{stored if wanted == 'biases' else wanted}' is "
                "wanted; build both under the same arg scope"
            )
    return None


def _class_count(report: LoadReport, logits_scopes: Sequence[str]) -> str | None:
    wrong = report.having(SHAPE_MISMATCH)
    heads = [row for row in wrong if _last_axis_alone(row)]
    if not wrong or report.having(MISSING) or len(heads) < len(wrong):
        return None
    stored, built = _last(heads[0].stored_shape), _last(heads[0].shape)
    background = " (a background class first)" if stored == built + 1 else ""
    scopes = [scope for scope in logits_scopes if any(row.name.startswith(scope) for row in wrong)]
    named = scopes or sorted({row.name.rpartition("/")[0] for row in wrong})[:_FEW]
    return (
        f"the checkpoint has {stored} classes{background} and the network {built}: build it with "
        f"{stored} classes, or exclude the classifier with "
        + " ".join(f"--exclude-scope {scope}" for scope in named)
    )


def _last_axis_alone(row: LoadRow) -> bool:
    stored, built = row.stored_shape, row.shape
    return bool(stored and built and len(stored) == len(built) and stored[:-1] == built[:-1])


def _last(shape: Sequence[int] | None) -> int:
    return shape[-1] if shape else 0


def _prefix(report: LoadReport, logits_scopes: Sequence[str]) -> str | None:
    """Another outermost scope, or one more, or one less."""
    del logits_scopes
    unused = {row.name: row for row in report.having(UNUSED)}
    missing = report.having(MISSING)
    tails = {name.partition("/")[2]: name for name in unused if "/" in name}
    exchanged: Counter[tuple[str, str]] = Counter()
    for row in missing:
        head, _, tail = row.name.partition("/")
        if tail in tails:
            exchanged[f"^{head}/", tails[tail].partition("/")[0] + "/"] += 1
        if tail in unused:
            exchanged[f"^{head}/", ""] += 1
        if row.name in tails:
            exchanged["^", tails[row.name].partition("/")[0] + "/"] += 1
    if not exchanged:
        return None
    (pattern, replacement), count = exchanged.most_common(1)[0]
    if 2 * count < len(missing):
        return None
    return (
        f"{count:,} of them are stored under another outermost scope: --rename "
        f"'{pattern}=>{replacement}' finds them"
    )


def _shadows(report: LoadReport, logits_scopes: Sequence[str]) -> str | None:
    del logits_scopes
    unused = {row.name for row in report.having(UNUSED)}
    found = [row for row in report.having(MISSING) if row.name + SHADOW in unused]
    if not found:
        return None
    return (
        f"{len(found):,} of them are stored as moving averages alone: --moving-average takes them"
    )


def _slots(report: LoadReport, logits_scopes: Sequence[str]) -> str | None:
    del logits_scopes
    slots = {owner(row.name): row.name for row in report.having(UNUSED)}
    found = [slots[row.name] for row in report.having(MISSING) if row.name in slots]
    if not found:
        return None
    return (
        f"of {len(found):,} of them the optimizer's slots alone are stored, such as '{found[0]}': "
        "give the checkpoint that holds the weights"
    )


def _other_network(report: LoadReport, logits_scopes: Sequence[str]) -> str | None:
    """Another network of the registry."""
    del logits_scopes
    stored = {
        row.source: row.stored_shape
        for row in report.rows
        if row.source is not None and row.detail != SLOT
    }
    network = likely_network(stored)
    if network is not None and network != report.network:
        return f"by its variables the artifact fits '{network}' best: give that network"
    return None


def _foreign(report: LoadReport, logits_scopes: Sequence[str]) -> str | None:
    """A scope that most of what is stored lies in, and that no registered network has."""
    del logits_scopes
    if report.counts().get(LOADED, 0) > len(report.failed):
        return None
    stored = Counter(row.name.partition("/")[0] for row in report.having(UNUSED) if "/" in row.name)
    if not stored:
        return None
    scope, count = stored.most_common(1)[0]
    return f"the artifact looks like another network: {count:,} of its variables lie in '{scope}'"


_CAUSES: tuple[Callable[[LoadReport, Sequence[str]], str | None], ...] = (
    _class_count,
    _arg_scope,
    _shadows,
    _slots,
    _other_network,
    _prefix,
    _foreign,
)
