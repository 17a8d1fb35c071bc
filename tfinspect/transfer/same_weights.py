"""Whether all processes of a team hold the same weights, by their hash."""

import hashlib
import json
from collections.abc import Mapping

from tfinspect.errors import ClusterError
from tfinspect.training.chiefs_word import gathered_bytes
from tfinspect.training.team import Team


def require_same_weights(team: Team, digests: Mapping[str, str], when: str) -> None:
    """Compares the weights of all processes, each of which must call this at one time.

    Args:
      team: the processes.
      digests: variable name -> hash of its bytes, of this process's own copy.
      when: in words, such as `before the stage 'all'`.

    Raises:
      ClusterError: a process has others than the chief.
    """
    own = hashlib.sha256(json.dumps(sorted(digests.items())).encode()).digest()
    every = gathered_bytes(team, own)
    computing = team.cluster.names[: team.cluster.workers]
    others = [name for name, one in zip(computing, every, strict=True) if one != every[0]]
    if others:
        raise ClusterError(
            f"{', '.join(others)} and {team.cluster.leader} have different weights {when}, so they "
            "would not train one network; give all hosts the same kind of processor and the same "
            "checkpoint, and start every process again, with --resume if there is a backup."
        )
