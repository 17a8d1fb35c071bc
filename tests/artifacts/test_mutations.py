"""Real checkpoints with bytes changed: an error of ours, or the very value; nothing else."""

import contextlib
import os
from functools import cache

import pytest
import table_writer
from changed_bytes import changed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle_files import CKPT_V1, CKPT_V2, OBJECT_BASED

from tfinspect.artifacts import open_artifact
from tfinspect.artifacts.bundle import open_bundle
from tfinspect.artifacts.object_graph import readable_names
from tfinspect.artifacts.saved_slices import open_saved_slices
from tfinspect.artifacts.sstable import Table
from tfinspect.artifacts.wire import WireError
from tfinspect.errors import ArtifactError

# The readers are opened by hand: what a changed file is to other formats is their tests' matter.
OPENERS = {True: open_saved_slices, False: open_bundle}
FILES = {
    "V1": (CKPT_V1, ""),
    "V2 index": (CKPT_V2, ".index"),
    "V2 data": (CKPT_V2, ".data-00000-of-00001"),
    "object-based index": (OBJECT_BASED, ".index"),
    "object-based data": (OBJECT_BASED, ".data-00000-of-00001"),
}


mutating = settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@cache
def _values(prefix):
    artifact = open_artifact(prefix)
    return {entry.key: _bits(artifact.read(entry.key)) for entry in artifact.variables}


def _bits(value):
    return value.tolist() if value.dtype == object else value.tobytes()


def _verify_readable(path, opener, expected):
    for key, value in _readable(path, opener):
        assert value == expected[key], key


def _readable(path, opener):
    """Yields what can still be read; errors of any other kind than ours come out."""
    try:
        artifact = opener(str(path))
        entries = artifact.variables
        assert isinstance(artifact.notes, tuple)
    except ArtifactError:
        return
    assert len({entry.name for entry in entries}) == len(entries)
    for entry in entries:
        with contextlib.suppress(ArtifactError):
            yield entry.key, _bits(artifact.read(entry.key))


@pytest.mark.parametrize("name", FILES)
@mutating
@given(data=st.data())
def test_changed_file_gives_an_error_or_the_true_value(name, tmp_path, data):
    prefix, suffix = FILES[name]
    original = (prefix.parent / f"{prefix.name}{suffix}").read_bytes()
    place = tmp_path / prefix.name
    for other in prefix.parent.glob(f"{prefix.name}*"):
        if not (tmp_path / other.name).exists():
            os.symlink(other, tmp_path / other.name)
    broken = tmp_path / f"{prefix.name}{suffix}"
    broken.unlink()
    broken.write_bytes(data.draw(changed(original)))
    _verify_readable(place, OPENERS[suffix == ""], _values(prefix))


@pytest.mark.parametrize("name", ["V1", "V2 index", "object-based index"])
@mutating
@given(data=st.data())
def test_changed_block_with_a_right_checksum_gives_no_other_error(name, tmp_path, data):
    prefix, suffix = FILES[name]
    table = Table(f"{prefix}{suffix}")
    pairs = dict(table.read_block(table.blocks[0]))
    block = table_writer.entries(pairs)
    broken = data.draw(changed(block))
    stored = table_writer.with_trailer(broken)
    index = {b"\xff": table_writer.varint(0) + table_writer.varint(len(stored) - 5)}
    (tmp_path / f"m{suffix}").write_bytes(table_writer.finished(stored, index))
    values = tmp_path / "m.data-00000-of-00001"
    if suffix and not values.exists():
        os.symlink(f"{prefix}.data-00000-of-00001", values)
    keys = [key for key, _ in _readable(tmp_path / "m", OPENERS[suffix == ""])]
    assert len(set(keys)) == len(keys)


@settings(max_examples=200, deadline=None, database=None)
@given(data=st.data())
def test_changed_object_graph_gives_no_other_error(data):
    artifact = open_artifact(OBJECT_BASED)
    graph = artifact.object_graph()
    keys = list(_values(OBJECT_BASED))
    with contextlib.suppress(WireError):
        named = readable_names(data.draw(changed(graph)), keys)
        # The graph may speak of other keys, too; each that is stored has a name of its own.
        assert set(named) >= set(keys)
        assert len({name for name, _ in named.values()}) == len(named)


@pytest.mark.parametrize("name", ["V1", "V2 index"])
def test_file_cut_at_any_length_is_refused(name, tmp_path):
    prefix, suffix = FILES[name]
    original = (prefix.parent / f"{prefix.name}{suffix}").read_bytes()
    path = tmp_path / f"{prefix.name}{suffix}"
    for length in range(0, len(original), max(1, len(original) // 300)):
        path.write_bytes(original[:length])
        with pytest.raises(ArtifactError):
            open_artifact(tmp_path / prefix.name)
