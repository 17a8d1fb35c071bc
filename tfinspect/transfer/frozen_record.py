"""What a run keeps about its frozen tensors, so that an interruption does not end the proof."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tfinspect.errors import RunError
from tfinspect.training.run_directory import RunDirectory
from tfinspect.transfer.frozen import FrozenProof

PROOFS_FILE = "frozen.json"
START_FILE = "backup/stage_start.json"


@dataclass(frozen=True)
class FrozenRecord:
    """The proofs of the stages that are over, and the digests at the start of the last one."""

    run: RunDirectory

    def proofs(self) -> list[FrozenProof]:
        """Returns the proofs in the order of the stages; none where no stage has one yet."""
        if not os.path.exists(self.run.file(PROOFS_FILE)):
            return []
        return [
            FrozenProof(**proof | {"changed": tuple(proof["changed"])})
            for proof in self.run.read_json(PROOFS_FILE)
        ]

    def write_proofs(self, proofs: Sequence[FrozenProof]) -> None:
        """Writes the proofs of all stages that are over."""
        self.run.write_json(PROOFS_FILE, [proof.to_dict() for proof in proofs])

    def write_start(self, number: int, digests: Mapping[str, str]) -> None:
        """Writes what the tensors are at the start of a stage.

        Args:
          number: of the stage, 0 for the first.
          digests: SHA-256 of each variable's bytes, by name.
        """
        self.run.write_json(START_FILE, {"stage": number, "digests": dict(digests)})

    def start(self, number: int) -> dict[str, str]:
        """Returns the digests at the start of a stage.

        Raises:
          RunError: they are not there: what the frozen tensors were cannot be told any more.
        """
        path = self.run.file(START_FILE)
        stored = self.run.read_json(START_FILE) if os.path.exists(path) else {}
        if stored.get("stage") != number:
            raise RunError(
                f"'{path}' does not say what the tensors were at the start of stage {number + 1}, "
                "so that nothing could prove which of them have not moved; start a new run."
            )
        return dict(stored["digests"])
