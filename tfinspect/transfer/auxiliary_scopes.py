"""Scopes of the auxiliary head among those that a fine-tuning is asked for: it is never built."""

import dataclasses

from tfinspect.artifacts import Artifact
from tfinspect.errors import ConfigError
from tfinspect.listing import all_scopes
from tfinspect.names import choices, in_scope
from tfinspect.nets.spec import NetSpec
from tfinspect.transfer.load_rules import Named
from tfinspect.transfer.tuning_request import TuningRequest


def without_aux(request: TuningRequest, spec: NetSpec) -> tuple[TuningRequest, list[str]]:
    """Drops the auxiliary head's scopes, and has the classifier be new where that is the default.

    Returns:
      The request, and notes in sentences.

    Raises:
      ConfigError: nothing is left to train.
    """

    def kept(scopes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(one for one in scopes if not _of_aux(one, spec))

    excluded, trainable = kept(request.rules.exclude_scopes), kept(request.trainable_scopes)
    if request.trainable_scopes and not trainable:
        raise ConfigError(
            f"the stage trains nothing: of {', '.join(request.trainable_scopes)} no part is built, "
            f"since fine-tuning leaves the auxiliary head out; train {spec.logits_scopes[0]}."
        )
    is_new = not excluded and not request.keep_classifier
    new = spec.logits_scopes if is_new else ()
    rules = dataclasses.replace(request.rules, exclude_scopes=excluded, new_classifier=new)
    notes = []
    if spec.aux_scopes:
        notes.append(
            f"The auxiliary head ({', '.join(spec.aux_scopes)}) is left out: it serves training "
            "from the start."
        )
    return dataclasses.replace(request, rules=rules, trainable_scopes=trainable), notes


def require_aux_scopes(request: TuningRequest, spec: NetSpec, artifact: Artifact) -> None:
    """Refuses scopes inside the auxiliary head that do not exist.

    The network is built without that head: the checkpoint says what it holds.

    Raises:
      ConfigError: one that the checkpoint does not know.
    """
    stored = [one.name for one in artifact.variables if _of_aux(one.name, spec)]
    for scope in (*request.rules.exclude_scopes, *request.trainable_scopes):
        inside = _of_aux(scope, spec) and scope.strip("/") not in spec.aux_scopes
        if inside and not any(in_scope(name, scope) for name in stored):
            scopes = [one for one in all_scopes(Named(n) for n in stored) if _of_aux(one, spec)]
            raise ConfigError(
                f"no variable of the auxiliary head in '{scope}' (whole components are compared); "
                f"{choices(scope, scopes or spec.aux_scopes)}. That head is left out in any case."
            )


def _of_aux(name: str, spec: NetSpec) -> bool:
    return any(in_scope(name, scope) for scope in spec.aux_scopes)
