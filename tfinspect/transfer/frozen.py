"""Proof that frozen tensors did not move: compared byte for byte, stage by stage."""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tfinspect.artifacts import Artifact
from tfinspect.transfer.conversion import read_as_loaded
from tfinspect.transfer.load_report import LOADED, LoadReport
from tfinspect.transfer.stages import Stage
from tfinspect.transfer.tuned_model import TunedModel

_THREADS = 2
_STATISTICS = ("moving_mean", "moving_variance")


@dataclass(frozen=True)
class FrozenProof:
    """What became of the tensors that one stage did not train.

    Attributes:
      stage: its name.
      frozen: tensors that were not to move, and their bytes in `bytes`.
      with_checkpoint: how many of them were compared with the checkpoint's own bytes; the others
        had been trained before, or are new, and were compared with their bytes before the stage.
      changed: names of those that are not the same bytes; empty in a sound run.
    """

    stage: str
    frozen: int
    bytes: int
    with_checkpoint: int
    changed: tuple[str, ...]

    def sentence(self) -> str:
        """Words the proof for people."""
        if not self.frozen:
            return f"stage '{self.stage}': nothing was frozen."
        what = f"stage '{self.stage}': {self.frozen:,} frozen tensors ({self.bytes:,} bytes)"
        if self.changed:
            return f"{what}, {len(self.changed):,} of them CHANGED, first '{self.changed[0]}'."
        return (
            f"{what} are unchanged, byte for byte: {self.with_checkpoint:,} against the "
            f"checkpoint, {self.frozen - self.with_checkpoint:,} against the stage's start."
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the proof as JSON values."""
        return asdict(self) | {"changed": list(self.changed)}


def digests(model: TunedModel) -> dict[str, str]:
    """Returns the SHA-256 of every variable's bytes, by name."""
    return _digests({name: one.numpy() for name, one in model.variables_by_name().items()})


def is_statistic(name: str) -> bool:
    """Tells whether a variable is a moving average of a batch normalization."""
    return name.rpartition("/")[2] in _STATISTICS


def frozen_names(model: TunedModel, stage: Stage) -> list[str]:
    """Returns the variables that must not move in a stage.

    Moving statistics are left out where frozen normalizations adapt.
    """
    return [
        name
        for name in model.variables_by_name()
        if not stage.trains(name) and not (model.adapts and is_statistic(name))
    ]


def prove(
    model: TunedModel,
    stage: Stage,
    before: Mapping[str, str],
    stored: Mapping[str, str],
) -> FrozenProof:
    """Compares the frozen tensors after a stage.

    Args:
      model: with the weights after the stage.
      stage: what was trained.
      before: digests before the stage, by name.
      stored: digests of the checkpoint's own tensors, for the variables that still had its values
        before the stage.
    """
    names = frozen_names(model, stage)
    variables = model.variables_by_name()
    after = {name: variables[name].numpy() for name in names}
    references = {name: stored.get(name, before[name]) for name in names}
    return FrozenProof(
        stage=stage.name,
        frozen=len(names),
        bytes=sum(value.nbytes for value in after.values()),
        with_checkpoint=sum(name in stored for name in names),
        changed=tuple(name for name, one in _digests(after).items() if one != references[name]),
    )


def stored_digests(artifact: Artifact, report: LoadReport, model: TunedModel) -> dict[str, str]:
    """Returns the SHA-256 of the checkpoint's value for every variable that was loaded from it.

    The bytes are those of the value in the dtype of the model's variable.
    """
    variables = model.variables_by_name()
    return {
        row.name: _digest(read_as_loaded(artifact, row.source, variables[row.name].dtype.name))
        for row in report.having(LOADED)
        if row.source is not None
    }


def _digests(values: Mapping[str, np.ndarray]) -> dict[str, str]:
    # Hashing leaves Python's lock.
    with ThreadPoolExecutor(_THREADS) as threads:
        return dict(zip(values, threads.map(_digest, values.values()), strict=True))


def _digest(value: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data).hexdigest()
