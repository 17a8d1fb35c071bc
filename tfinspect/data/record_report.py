"""What checking TFRecord files found: values, and the flat rows that are made of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Finding:
    """Something that should not be: in which file, at which record and byte (None: all of it)."""

    file: str
    kind: str
    reason: str
    record: int | None = None
    offset: int | None = None

    def __str__(self) -> str:
        """Words the finding as one line."""
        place = "" if self.record is None else f"record {self.record} at byte {self.offset} "
        return f"{self.file}: {place}{self.reason}"


@dataclass(frozen=True)
class FileReport:
    """One file: its split, schema (None without records), sound records and length in bytes."""

    file: str
    split: str
    schema: str | None
    examples: int
    bytes: int
    labels: int
    findings: int


@dataclass(frozen=True)
class LabelledImage:
    """One image, uint8 `[H, W, 3]`, its label's name (empty without one) and number (None)."""

    label: str
    image: np.ndarray
    number: int | None = None


@dataclass(frozen=True)
class RecordReport:
    """All files that were checked.

    `label_histogram[split][label]` counts examples; `sample` holds some images of every label,
    sorted by label, where they were asked for.
    """

    files: tuple[FileReport, ...]
    findings: tuple[Finding, ...]
    label_histogram: dict[str, dict[str, int]]
    sample: tuple[LabelledImage, ...] = ()

    @property
    def examples(self) -> int:
        """The number of sound records."""
        return sum(file.examples for file in self.files)

    def rows(self) -> list[dict[str, Any]]:
        """Returns a flat record per file."""
        return [
            {
                "file": file.file,
                "split": file.split,
                "schema": file.schema,
                "examples": file.examples,
                "bytes": file.bytes,
                "labels": file.labels,
                "findings": file.findings,
            }
            for file in self.files
        ]

    def label_rows(self) -> list[dict[str, Any]]:
        """Returns a flat record per label with its count in each split."""
        labels = list(
            dict.fromkeys(name for counts in self.label_histogram.values() for name in counts)
        )
        return [
            {
                "label": label,
                **{split: counts.get(label, 0) for split, counts in self.label_histogram.items()},
            }
            for label in labels
        ]
