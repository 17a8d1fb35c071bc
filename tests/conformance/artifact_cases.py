"""Every artifact that the contract over readers is checked on: its kind, and how to come by it.

A case is a function from a directory to a path; `reference` files lie in tests/oracle, the others
are written by TensorFlow when the test session starts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from oracle_files import CKPT_V1, CKPT_V2, OBJECT_BASED


@dataclass(frozen=True)
class Case:
    kind: str
    make: Callable[[Path], str]


def _reference(path: Path) -> Callable[[Path], str]:
    return lambda directory: str(path)


CASES = {
    "v1-tf1.15": Case("V1 checkpoint", _reference(CKPT_V1)),
    "v2-tf1.15": Case("V2 checkpoint", _reference(CKPT_V2)),
    "object-based": Case("object-based V2 checkpoint", _reference(OBJECT_BASED)),
}
