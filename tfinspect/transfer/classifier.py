"""Whether a fine-tuning begins with the checkpoint's classifier: its classes must be the data's."""

from collections.abc import Sequence
from typing import Any

from tfinspect.artifacts import Artifact
from tfinspect.artifacts.locate import run_directory
from tfinspect.errors import ConfigError
from tfinspect.names import in_scope
from tfinspect.training.run_directory import open_run
from tfinspect.transfer.load_report import SHAPE_MISMATCH
from tfinspect.transfer.load_rules import match_variables
from tfinspect.transfer.tuning_request import TuningRequest

_CURE = "leave --keep-classifier out for a new one, or give data with the checkpoint's classes"


def notes(
    request: TuningRequest, model: Any, artifact: Artifact, labels: Sequence[str]
) -> list[str]:
    """Checks a classifier that is to be kept, and says what nobody could check.

    Args:
      request: with the rules in force.
      model: the network for the data's classes.
      artifact: the checkpoint.
      labels: the data's, in order.

    Returns:
      Sentences.

    Raises:
      ConfigError: the checkpoint's classifier is excluded, or has other classes; or as `plan` says.
    """
    known = _labels_of(request.checkpoint)
    if not request.keep_classifier:
        is_new = bool(request.rules.new_classifier)
        return [_OFFER] if is_new and known == tuple(labels) else []
    _require_included(request, model.spec.logits_scopes)
    _require_same_number(request, model, artifact, len(labels))
    if known is None:
        return [
            f"The classifier is kept, and the checkpoint does not name its {len(labels):,} classes:"
            f" they are taken to be those of the data, in order, from '{labels[0]}' to "
            f"'{labels[-1]}'."
        ]
    _require_same_names(artifact.path, known, labels)
    return []


_OFFER = (
    "The classifier is new, although the checkpoint has one for the same classes; "
    "--keep-classifier begins with it."
)


def _labels_of(checkpoint: str) -> tuple[str, ...] | None:
    """Returns the class names of a run directory; None of other checkpoints, which have none."""
    return None if run_directory(checkpoint) is None else open_run(checkpoint).labels


def _require_included(request: TuningRequest, scopes: Sequence[str]) -> None:
    for excluded in request.rules.exclude_scopes:
        if any(in_scope(excluded, one) or in_scope(one, excluded) for one in scopes):
            raise ConfigError(
                f"both --keep-classifier and the excluded scope '{excluded}' are given, and the "
                "classifier lies there; give one of them."
            )


def _require_same_number(
    request: TuningRequest, model: Any, artifact: Artifact, classes: int
) -> None:
    wanted = {name: tuple(one.shape) for name, one in model.variables_by_name().items()}
    report = match_variables(
        model.spec.name, wanted, artifact.path, artifact.variables, request.rules
    )
    for row in report.having(SHAPE_MISMATCH):
        is_its = any(in_scope(row.name, scope) for scope in model.spec.logits_scopes)
        if is_its and row.stored_shape:
            raise _other_number(artifact.path, row.stored_shape[-1], classes)


def _other_number(path: str, theirs: int, ours: int) -> ConfigError:
    return ConfigError(
        f"the classifier of '{path}' has {theirs:,} classes and the data {ours:,}; {_CURE}."
    )


def _require_same_names(path: str, known: Sequence[str], labels: Sequence[str]) -> None:
    # The variables of another network's classifier have other names, and no shape to compare.
    if len(known) != len(labels):
        raise _other_number(path, len(known), len(labels))
    pairs = zip(known, labels, strict=True)
    for number, (theirs, ours) in enumerate(pairs):
        if theirs != ours:
            raise ConfigError(
                f"class {number} of the checkpoint is '{theirs}' and of the data '{ours}'; {_CURE}."
            )
