"""What a fine-tuning in a cluster is asked for beside its settings: equal for all, and for its run.

A run that its own command goes on with must have been begun for the same.
"""

import dataclasses
import json
import os
from collections.abc import Mapping
from typing import Any

from tfinspect.artifacts import Artifact
from tfinspect.cluster import facts
from tfinspect.errors import ConfigError
from tfinspect.training import reunion
from tfinspect.transfer.content_hash import content_hash
from tfinspect.transfer.finetune_config import FineTuneConfig
from tfinspect.transfer.stages import read_stages
from tfinspect.transfer.tuning_request import TuningRequest
from tfinspect.transfer.weights_source import open_weights

# Of a run's description, below `transfer`.
KEY = "asked"
_HASH, _STAGES = "checkpoint_hash", "stages"


def asked(request: TuningRequest, config: FineTuneConfig) -> dict[str, Any]:
    """Returns the rules of loading, whether the classifier is kept, and the stages; JSON values.

    Args:
      request: as the caller gives it.
      config: resolved settings.

    Raises:
      ConfigError, DataError: as `read_stages` says.
    """
    found = dataclasses.asdict(request.rules) | {
        "keep_classifier": request.keep_classifier,
        _STAGES: _stages(request, config),
    }
    loaded: dict[str, Any] = json.loads(json.dumps(found))
    return loaded


def with_checkpoint(found: Mapping[str, Any], artifact: Artifact) -> dict[str, Any]:
    """Returns what is asked for with the hash of the checkpoint, as it is kept of a run."""
    return dict(found) | {_HASH: content_hash(artifact)}


def as_facts(found: Mapping[str, Any]) -> dict[str, str]:
    """Returns what `with_checkpoint` gave, as it is compared among the processes."""
    rules = {
        name: value
        for name, value in found.items()
        if name not in (_HASH, _STAGES, "keep_classifier")
    }
    return {
        "hash of the checkpoint": found[_HASH],
        "rules of loading": facts.digest(rules),
        "--keep-classifier": str(found["keep_classifier"]),
        "stages": facts.digest(found[_STAGES]),
    }


def require_asked(
    transfer: Mapping[str, Any], request: TuningRequest, config: FineTuneConfig, output: str
) -> None:
    """Refuses what a run was not begun for; a run that does not tell is taken as it is.

    Args:
      transfer: of the run's description.
      request: of the command that would go on with it.
      config: resolved settings, those of the run.
      output: path of the run directory.

    Raises:
      ConfigError: the checkpoint, a rule of loading or the stages differ.
      ArtifactError: another checkpoint is given, and cannot be read.
    """
    begun_for = transfer.get(KEY)
    if begun_for is None:
        return
    ours, theirs = asked(request, config), dict(begun_for)
    if ours.pop(_STAGES) != theirs.pop(_STAGES):
        raise ConfigError(
            f"the run in '{output}' was begun with other stages than this command asks for; give "
            "the same ones, or another --output."
        )
    begun_hash = theirs.pop(_HASH)
    reunion.require_same(ours, theirs, output)
    checkpoint = request.checkpoint
    if transfer["checkpoint"] in (checkpoint, os.path.abspath(checkpoint)):
        return
    # The same one may lie elsewhere on another host.
    if content_hash(open_weights(checkpoint, config.net)) != begun_hash:
        given = {"checkpoint": checkpoint}
        reunion.require_same(given, {"checkpoint": transfer["checkpoint"]}, output)


def _stages(request: TuningRequest, config: FineTuneConfig) -> Any:
    """Returns what decides about the stages, beside settings, network and version."""
    if request.stages_file is None:
        return list(request.trainable_scopes)
    head = config.spec().logits_scopes
    return [stage.to_dict() for stage in read_stages(request.stages_file, config, head)]
