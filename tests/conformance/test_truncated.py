"""Files of every format, cut at every length: an error that names the path, or the true values."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from artifact_cases import WRITTEN

from tfinspect.artifacts import detect, open_artifact
from tfinspect.errors import ArtifactError

pytestmark = pytest.mark.slow

PARTS = ("variables", "tensors", "collections", "signatures", "assets", "notes", "layer_classes")
_EDGE, _LONGEST = 2000, 24_000


@pytest.fixture(scope="module", params=WRITTEN, ids=str)
def written(request, tmp_path_factory):
    """Returns a path, its values, the directory of its files, and these with what is in them."""
    directory = tmp_path_factory.mktemp(request.param)
    path, values = WRITTEN[request.param].make(directory)
    place = Path(path) if Path(path).is_dir() else directory
    return path, values, place, {file: file.read_bytes() for file in _files(place)}


def _files(place):
    return sorted(file for file in place.rglob("*") if file.is_file())


def _asked(place, ask):
    """Returns an answer, and what is wrong with an error of ours; others come out."""
    try:
        return ask(), None
    except ArtifactError as error:
        return None, None if str(place) in str(error) else f"no place in: {error}"


def _wrong(path, values, place):
    """Asks an artifact for all that it has; returns the first thing that is wrong."""
    artifact, wrong = _asked(place, lambda: open_artifact(path))
    if artifact is None:
        return wrong
    for part in PARTS:
        wrong = wrong or _asked(place, lambda part=part: getattr(artifact, part))[1]
    entries, _ = _asked(place, lambda: artifact.variables)
    for entry in entries or ():
        value, told = _asked(place, lambda entry=entry: artifact.read(entry.name))
        wrong = wrong or told
        if value is not None and entry.name in values:
            expected = values[entry.name]
            same = (value.shape, value.tobytes()) == (expected.shape, expected.tobytes())
            wrong = wrong or (None if same else f"another value of '{entry.name}'")
    return wrong


def test_every_format_is_cut():
    assert {case.format for case in WRITTEN.values()} == {row.kind for row in detect.FORMATS}


@dataclass(frozen=True)
class _Cuts:
    file: Path
    original: bytes

    def __iter__(self):
        size = len(self.original)
        # What is longer is the data of a checkpoint, which have no structure of their own.
        inside = range(_EDGE, size - _EDGE, 1 if size <= _LONGEST else size // _EDGE)
        for length in (*range(min(_EDGE, size)), *inside, *range(max(_EDGE, size - _EDGE), size)):
            # A new file each time: values may still be mapped from the old one.
            self.file.unlink()
            self.file.write_bytes(self.original[:length])
            yield length
        self.file.unlink()
        self.file.write_bytes(self.original)


def test_file_cut_at_every_length_is_told_or_true(written):
    path, values, place, files = written
    for file, original in files.items():
        for length in _Cuts(file, original):
            found = _wrong(path, values, place)
            assert found is None, f"{file} cut to {length} of {len(original)} bytes: {found}"
