"""Artifacts of several files, and large ones, with one file changed or cut: no wrong values.

`tests/artifacts` does the same with single files of the other formats.
"""

import contextlib
import sys
from pathlib import Path

import pytest
from artifact_cases import V1, V2, WRITTEN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfinspect.artifacts import open_artifact
from tfinspect.errors import ArtifactError

sys.path.append(str(Path(__file__).parents[1] / "artifacts"))
from changed_bytes import changed

NAMES = ("run", "shards", "v1-sharded", "v2-sharded", "objects", "meta", "saved-model-2")
# Their values have checksums.
CHECKED = (V1, V2, "run directory")
MOST_CUTS = 60


@pytest.fixture(scope="module", params=NAMES)
def written(request, tmp_path_factory):
    """Returns the case, its path, its values, and its files with what is in them."""
    directory = tmp_path_factory.mktemp(request.param)
    path, values = WRITTEN[request.param].make(directory)
    place = Path(path) if Path(path).is_dir() else directory
    files = {file: file.read_bytes() for file in sorted(place.rglob("*")) if file.is_file()}
    return WRITTEN[request.param], path, values, {f: data for f, data in files.items() if data}


@contextlib.contextmanager
def _broken(file, original, data):
    # A new file each time: values may still be mapped from the old one.
    file.unlink()
    file.write_bytes(data)
    yield
    file.unlink()
    file.write_bytes(original)


def _is_told_or_true(case, path, values):
    """Reads everything; errors of any other kind than ours come out."""
    try:
        artifact = open_artifact(path)
        entries = artifact.variables
    except ArtifactError as error:
        return bool(str(error))
    with contextlib.suppress(ArtifactError):
        assert isinstance(artifact.notes, tuple)
    assert len({entry.name for entry in entries}) == len(entries)
    for entry in entries:
        with contextlib.suppress(ArtifactError):
            value = artifact.read(entry.name)
            if case.format in CHECKED and entry.name in values:
                assert value.tobytes() == values[entry.name].tobytes(), entry.name
    return True


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_changed_file_is_told_or_harmless(written, data):
    case, path, values, files = written
    file = data.draw(st.sampled_from(sorted(files)))
    with _broken(file, files[file], data.draw(changed(files[file]))):
        assert _is_told_or_true(case, path, values)


def test_file_cut_at_any_length_is_told_or_harmless(written):
    case, path, values, files = written
    for file, original in files.items():
        for length in range(0, len(original), max(1, len(original) // MOST_CUTS)):
            with _broken(file, original, original[:length]):
                assert _is_told_or_true(case, path, values), (file, length)


def test_missing_file_is_told(written):
    case, path, values, files = written
    for file, original in files.items():
        file.unlink()
        assert _is_told_or_true(case, path, values), file
        file.write_bytes(original)
