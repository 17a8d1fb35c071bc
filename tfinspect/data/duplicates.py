"""Images that occur in more than one split, found by the hash of their bytes."""

import hashlib
from dataclasses import dataclass, field

from tfinspect.data.record_report import Finding


@dataclass(frozen=True)
class Place:
    """Where a record stands."""

    file: str
    split: str
    record: int
    offset: int


@dataclass
class Duplicates:
    """Remembers the first place of every image, and counts what occurs again in another split."""

    _first: dict[bytes, Place] = field(default_factory=dict)
    _twins: dict[tuple[str, str], list[tuple[Place, Place]]] = field(default_factory=dict)

    def add(self, image: bytes, place: Place) -> None:
        """Takes one record's image bytes."""
        key = hashlib.sha256(image).digest()[:16]
        first = self._first.setdefault(key, place)
        if first.split != place.split:
            self._twins.setdefault((place.split, first.split), []).append((place, first))

    def findings(self) -> list[Finding]:
        """Returns one finding per pair of splits that share images."""
        return [_finding(split, other, twins) for (split, other), twins in self._twins.items()]


def _finding(split: str, other: str, twins: list[tuple[Place, Place]]) -> Finding:
    place, first = twins[0]
    count = f"{len(twins)} image{'s' if len(twins) > 1 else ''} of '{split}'"
    reason = (
        f"has the image of record {first.record} of {first.file} "
        f"({count} {'are' if len(twins) > 1 else 'is'} in '{other}')"
    )
    return Finding(place.file, "duplicate", reason, place.record, place.offset)
