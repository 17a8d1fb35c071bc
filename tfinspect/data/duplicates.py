"""Images that occur in more than one split, found by the hash of their bytes."""

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np

from tfinspect.data.record_report import Finding

# One image: half of a SHA-256, when it came, where it stands; files and splits by number.
_SEEN = np.dtype(
    [
        *(("key", "<u8", 2), ("turn", "<u8"), ("record", "<u8"), ("offset", "<u8")),
        *(("file", "<u4"), ("split", "<u4")),
    ]
)
# So many are compared at once, so that a million images take no more memory than these.
_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Place:
    """Where a record stands."""

    file: str
    split: str
    record: int
    offset: int


@dataclass
class _Twins:
    """Images of one split that another has: how many, and the first of them with its original."""

    count: int
    turn: int
    place: Place
    original: Place


class Duplicates:
    """Notes every image, in a file without a name, and counts what another split has, too."""

    def __init__(self) -> None:
        self._names: dict[str, int] = {}
        self._count = 0
        self._waiting = np.zeros(_AT_ONCE // 8, _SEEN)
        self._noted: IO[bytes] | None = None

    def add(self, image: bytes, place: Place) -> None:
        """Takes one record's image bytes."""
        key = np.frombuffer(hashlib.sha256(image).digest()[:16], "<u8")
        file, split = map(self._number, (place.file, place.split))
        free = self._count % len(self._waiting)
        self._waiting[free] = (key, self._count, place.record, place.offset, file, split)
        self._count += 1
        if free == len(self._waiting) - 1:
            self._write()

    def _number(self, name: str) -> int:
        return self._names.setdefault(name, len(self._names))

    def _write(self) -> None:
        if self._noted is None:
            self._noted = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this
        self._noted.write(self._waiting.tobytes())

    def findings(self) -> list[Finding]:
        """Returns one finding per pair of splits that share images; nothing is added later."""
        found: dict[tuple[str, str], _Twins] = {}
        parts = -(-self._count // _AT_ONCE)
        for part in range(parts):
            noted = [some[some["key"][:, 0] % parts == part] for some in self._all()]
            self._compare(np.concatenate(noted), found)
        if self._noted is not None:
            self._noted.close()
        pairs = sorted(found.items(), key=lambda item: item[1].turn)
        return [_finding(pair, twins) for pair, twins in pairs]

    def _all(self) -> Iterator[np.ndarray]:
        if self._noted is not None:
            self._noted.seek(0)
            while data := self._noted.read(self._waiting.nbytes):
                yield np.frombuffer(data, _SEEN)
        yield self._waiting[: self._count % len(self._waiting)]

    def _compare(self, seen: np.ndarray, found: dict[tuple[str, str], _Twins]) -> None:
        ordered = seen[np.lexsort((seen["turn"], seen["key"][:, 1], seen["key"][:, 0]))]
        starts = np.ones(len(ordered), bool)
        starts[1:] = (ordered["key"][1:] != ordered["key"][:-1]).any(axis=1)
        originals = ordered[np.flatnonzero(starts)[np.cumsum(starts) - 1]]
        for index in np.flatnonzero(ordered["split"] != originals["split"]):
            place, original = self._place(ordered[index]), self._place(originals[index])
            turn = int(ordered[index]["turn"])
            twins = found.setdefault(
                (place.split, original.split), _Twins(0, turn, place, original)
            )
            twins.count += 1
            if turn < twins.turn:
                twins.turn, twins.place, twins.original = turn, place, original

    def _place(self, seen: np.void) -> Place:
        names = list(self._names)
        return Place(
            names[seen["file"]], names[seen["split"]], int(seen["record"]), int(seen["offset"])
        )


def _finding(pair: tuple[str, str], twins: _Twins) -> Finding:
    split, other = pair
    place, first = twins.place, twins.original
    count = f"{twins.count} image{'s' if twins.count > 1 else ''} of '{split}'"
    reason = (
        f"has the image of record {first.record} of {first.file} "
        f"({count} {'are' if twins.count > 1 else 'is'} in '{other}')"
    )
    return Finding(place.file, "duplicate", reason, place.record, place.offset)
