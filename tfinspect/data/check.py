"""Counts, verifies and diagnoses TFRecord files, without TensorFlow."""

import dataclasses
import math
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate

from tfinspect import files
from tfinspect.data.download import file_digest
from tfinspect.data.duplicates import Duplicates, Place
from tfinspect.data.examples import Progress
from tfinspect.data.manifest import MANIFEST_FILE, Manifest
from tfinspect.data.record_checks import Expected, RecordError, check_record
from tfinspect.data.record_files import RecordFile, RecordFiles, find_record_files
from tfinspect.data.record_report import FileReport, Finding, LabelledImage, RecordReport
from tfinspect.data.sample import Sample, pixels
from tfinspect.data.tfrecord import (
    CorruptRecordError,
    Record,
    read_records,
    starts_like_records,
)
from tfinspect.errors import DataError

_REPORTED_RECORDS = 1024
# Names under which even a broken file is one of records: `a.tfrecord`, `train-00000-of-00010`.
_RECORDS_NAME = re.compile(r"tfrec|record|-\d+-of-\d+", re.IGNORECASE)


def check_records(
    path: str, *, sample: bool = False, progress: Progress | None = None
) -> RecordReport:
    """Reads every record of some TFRecord files and tells what is wrong with them.

    Both checksums of each record are verified; a file is read up to its first broken record. Its
    Examples must have one schema, and labels and images that can be. Beside a manifest, its
    counts, lengths and hashes must hold. An image must not occur in two splits.

    Args:
      path: a TFRecord file, a directory of them, or a glob.
      sample: also return some images of every label.
      progress: called as `progress(what, bytes done, bytes in all)`.

    Raises:
      DataError: there is no such file, or it is neither by its name nor by its first bytes a
        TFRecord file.
    """
    found = find_record_files(path)
    for file in found.files:
        _refuse_another_kind(file)
    report = _reporter(path, found, progress)
    check = _Check(found.manifest, Sample() if sample else None, report)
    reports = [check.file(file) for file in found.files]
    findings = [*_missing(found), *check.findings, *check.duplicates.findings()]
    if found.manifest is not None:
        findings += _manifest_findings(path, found.manifest)
    return RecordReport(tuple(reports), tuple(findings), check.histogram(), check.images())


def _refuse_another_kind(file: RecordFile) -> None:
    named = file.shard is not None or _RECORDS_NAME.search(os.path.basename(file.path))
    if not named and not starts_like_records(file.path):
        raise DataError(
            f"'{file.path}' is no TFRecord file: what should be its first record's length has a "
            "wrong checksum; give a TFRecord file, a directory of them, or a quoted glob."
        )


def _reporter(
    path: str, found: RecordFiles, progress: Progress | None
) -> Callable[[str, int], None]:
    sizes = [files.size_bytes(file.path) for file in found.files]
    before = dict(zip((file.path for file in found.files), accumulate([0, *sizes]), strict=False))

    def report(file: str, offset: int) -> None:
        if progress is not None:
            progress(f"checking {path}", before[file] + offset, sum(sizes))

    return report


@dataclass
class _Check:
    """What is remembered from file to file."""

    manifest: Manifest | None
    sample: Sample | None
    report: Callable[[str, int], None]
    findings: list[Finding] = field(default_factory=list)
    labels: dict[str, Counter[int]] = field(default_factory=dict)
    duplicates: Duplicates = field(default_factory=Duplicates)

    def file(self, file: RecordFile) -> FileReport:
        """Checks one file up to its end or its first broken record."""
        reader = _FileReader(file, self)
        try:
            for record in read_records(file.path):
                reader.take(record)
                if record.index % _REPORTED_RECORDS == 0:
                    self.report(file.path, record.offset)
        except CorruptRecordError as error:
            reader.complain("corrupt", error.reason, Record(error.index, error.offset, b""))
            findings = reader.findings()
        else:
            findings = [*reader.findings(), *_shard_findings(file, reader.read)]
        self.findings += findings
        size = files.size_bytes(file.path)
        self.report(file.path, size)
        return FileReport(
            file=file.path,
            split=file.split,
            schema=reader.expected.schema,
            examples=reader.sound,
            bytes=size,
            labels=len(reader.labels),
            findings=len(findings),
        )

    def label_name(self, label: int) -> str:
        """Names a label as the manifest does; by its number without one."""
        names = self.manifest.label_names if self.manifest is not None else ()
        return names[label] if 0 <= label < len(names) else str(label)

    def histogram(self) -> dict[str, dict[str, int]]:
        """Counts examples by split and label name, in the order of the labels."""
        return {
            split: {self.label_name(label): counts[label] for label in sorted(counts)}
            for split, counts in self.labels.items()
        }

    def images(self) -> tuple[LabelledImage, ...]:
        """Decodes the sample."""
        if self.sample is None:
            return ()
        raw = self.manifest is not None and self.manifest.schema == "raw"
        shape = self.manifest.image_shape if self.manifest is not None and raw else None
        decoded = ((label, pixels(image, shape)) for label, image in self.sample.chosen())
        return tuple(
            LabelledImage("" if label is None else self.label_name(label), image, label)
            for label, image in decoded
            if image is not None
        )


@dataclass
class _FileReader:
    """What is remembered from record to record of one file."""

    file: RecordFile
    check: _Check
    expected: Expected = field(init=False)
    read: int = 0
    sound: int = 0
    labels: Counter[int] = field(default_factory=Counter)
    _complaints: dict[str, tuple[Finding, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A file that the manifest does not list is judged by its own first record.
        manifest = self.check.manifest if self.file.shard is not None else None
        self.expected = Expected() if manifest is None else _expected(manifest)

    def take(self, record: Record) -> None:
        """Checks one record, and counts it if it is sound."""
        self.read += 1
        try:
            found = check_record(record.data, self.expected)
        except RecordError as error:
            self.complain(error.kind, str(error), record)
            return
        self.sound += 1
        if self.expected.schema is None:
            size = len(found.image or b"") if found.schema == "raw" else None
            self.expected = Expected(found.schema, size)
        if found.label is not None:
            self.labels[found.label] += 1
            self.check.labels.setdefault(self.file.split, Counter())[found.label] += 1
        if found.image is not None:
            place = Place(self.file.path, self.file.split, record.index, record.offset)
            self.check.duplicates.add(found.image, place)
            if self.check.sample is not None:
                self.check.sample.offer(found.label, found.image)

    def complain(self, kind: str, reason: str, record: Record) -> None:
        """Notes a bad record; of each kind the first is named and the others are counted."""
        finding = Finding(self.file.path, kind, reason, record.index, record.offset)
        first, count = self._complaints.get(kind, (finding, 0))
        self._complaints[kind] = (first, count + 1)

    def findings(self) -> list[Finding]:
        """Returns a finding per kind of complaint."""
        if not self.read and not self._complaints:
            return [Finding(self.file.path, "empty", "holds no record")]
        return [
            dataclasses.replace(first, reason=f"{first.reason} (and {count - 1} more like it)")
            if count > 1
            else first
            for first, count in self._complaints.values()
        ]


def _expected(manifest: Manifest) -> Expected:
    shape = manifest.image_shape if manifest.schema == "raw" else None
    return Expected(
        schema=manifest.schema,
        image_bytes=None if shape is None else math.prod(shape),
        num_labels=len(manifest.label_names),
    )


def _shard_findings(file: RecordFile, read: int) -> list[Finding]:
    if file.shard is None:
        return []
    if read != file.shard.examples:
        reason = f"holds {read} records, {file.shard.examples} by the manifest"
        return [Finding(file.path, "count", reason)]
    if file_digest(file.path, "sha256") != file.shard.sha256:
        return [Finding(file.path, "sha256", "differs from the SHA-256 in the manifest")]
    return []


def _missing(found: RecordFiles) -> list[Finding]:
    missing = [Finding(path, "missing", "is missing") for path in found.missing]
    strangers = [file for file in found.files if found.manifest and file.shard is None]
    return missing + [
        Finding(file.path, "unlisted", "is not in the manifest") for file in strangers
    ]


def _manifest_findings(path: str, manifest: Manifest) -> list[Finding]:
    findings = []
    place = path if path.endswith(MANIFEST_FILE) else f"{path.rstrip('/')}/{MANIFEST_FILE}"
    foreign = manifest.foreign_labels()
    for split, info in manifest.splits.items():
        if split in foreign:
            reason = f"counts the label '{foreign[split]}' of '{split}', which is no label name"
            findings.append(Finding(place, "label", reason))
        counted = sum(shard.examples for shard in info.shards)
        if not counted == info.examples == sum(info.label_histogram.values()):
            reason = f"its counts of '{split}' contradict each other"
            findings.append(Finding(place, "count", reason))
    return findings
