"""Why variables could not be loaded, in words: the mistakes that people make most often."""

from collections.abc import Callable

from tfinspect.transfer import name_causes, shape_causes
from tfinspect.transfer.cause import Built, Cause
from tfinspect.transfer.load_report import LoadReport

_NOTHING_KNOWN = Built()
# Of causes that explain equally many variables, the first is told.
_CAUSES: tuple[Callable[[LoadReport, Built], Cause | None], ...] = (
    shape_causes.class_count,
    name_causes.arg_scope,
    name_causes.other_network,
    name_causes.prefix,
    name_causes.shadows,
    name_causes.slots,
    name_causes.folded,
    shape_causes.width,
    name_causes.foreign,
)


def likely_cause(report: LoadReport, built: Built = _NOTHING_KNOWN) -> str | None:
    """Returns the likeliest cause of the failed rows and its cure; None if none is known.

    It is the one that explains the most of them.

    Args:
      report: one with failed rows.
      built: what is known of the network beside its variables.
    """
    found = [cause for judge in _CAUSES if (cause := judge(report, built)) is not None]
    return max(found, key=lambda cause: cause.explained).words if found else None
