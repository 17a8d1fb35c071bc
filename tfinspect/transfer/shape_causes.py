"""Why variables have other shapes than those that are stored under their names."""

import math
from collections.abc import Sequence

from tfinspect.names import in_scope
from tfinspect.nets.registry import list_specs
from tfinspect.transfer.cause import Built, Cause
from tfinspect.transfer.load_report import MISSING, SHAPE_MISMATCH, LoadReport, LoadRow

_FEW = 3
# Axes of a kernel that the numbers of filters do not change: its window.
_CHANNEL_AXES = 2


def class_count(report: LoadReport, built: Built) -> Cause | None:
    """A classifier for another number of classes."""
    wrong = report.having(SHAPE_MISMATCH)
    heads = [row for row in wrong if _last_axis_alone(row)]
    if not wrong or report.having(MISSING) or len(heads) < len(wrong):
        return None
    stored, wanted = _last(heads[0].stored_shape), _last(heads[0].shape)
    background = " (a background class first)" if stored == wanted + 1 else ""
    scopes = [
        scope for scope in built.logits_scopes if any(in_scope(row.name, scope) for row in wrong)
    ]
    named = scopes or sorted({row.name.rpartition("/")[0] for row in wrong})[:_FEW]
    as_many = "" if built.classes_of_data else f"give --num-classes {stored}, or "
    whose = "the data have" if built.classes_of_data else "the network"
    return Cause(
        len(wrong),
        f"the checkpoint has {stored} classes{background} and {whose} {wanted}: {as_many}"
        "exclude the classifier with " + " ".join(f"--exclude-scope {scope}" for scope in named),
    )


def width(report: LoadReport, built: Built) -> Cause | None:
    """A network of more or fewer filters in every layer."""
    wrong = [
        row
        for row in report.having(SHAPE_MISMATCH)
        if not any(in_scope(row.name, scope) for scope in built.logits_scopes)
    ]
    if len(wrong) < _FEW or report.having(MISSING) or not all(map(_channels_alone, wrong)):
        return None
    # Sizes, since of a depthwise kernel the filters are those of the axis before the last.
    smaller = {math.prod(row.stored_shape or ()) < math.prod(row.shape or ()) for row in wrong}
    filters = [(_last(row.stored_shape), _last(row.shape)) for row in wrong]
    other = [pair for pair in filters if pair[0] != pair[1]]
    if not other or len(smaller) > 1:
        return None
    factor = sum(stored for stored, _ in other) / sum(wanted for _, wanted in other)
    return Cause(
        len(report.having(SHAPE_MISMATCH)),
        f"its layers have about {factor:.3g} times as many filters as the network's: it was built "
        f"with another width (depth multiplier); {_cure(report.network, built, factor)}",
    )


def _cure(network: str, built: Built, factor: float) -> str:
    alike = [spec.name for spec in list_specs() if family(spec.name) == family(network)]
    if len(alike) > 1:
        return f"give the network of that width, one of {', '.join(sorted(alike))}"
    if built.classes_of_data:
        return f"give --width {factor * built.width:.3g}"
    return "give its run directory, which says the width"


def family(name: str) -> str:
    """Returns a network's name without the multiplier of a MobileNet."""
    return "_".join(name.split("_")[:2]) if name.startswith("mobilenet_") else name


def _last_axis_alone(row: LoadRow) -> bool:
    stored, wanted = row.stored_shape, row.shape
    return bool(stored and wanted and len(stored) == len(wanted) and stored[:-1] == wanted[:-1])


def _channels_alone(row: LoadRow) -> bool:
    stored, wanted = row.stored_shape, row.shape
    window = slice(None, -_CHANNEL_AXES)
    return bool(
        stored and wanted and len(stored) == len(wanted) and stored[window] == wanted[window]
    )


def _last(shape: Sequence[int] | None) -> int:
    return shape[-1] if shape else 0
