"""Checkpoints with a `.meta` file beside them: its collections, without reading its graph."""

import shutil

import pytest
from graph_files import META_GRAPH
from oracle_files import CKPT_V1, CKPT_V2, copied
from table_writer import field

from tfinspect.artifacts import open_artifact
from tfinspect.listing import Criteria, select


@pytest.fixture(params=[CKPT_V1, CKPT_V2], ids=["V1", "V2"])
def prefix(request, tmp_path):
    return copied(request.param, tmp_path)


def _beside(prefix, data):
    prefix.with_name(f"{prefix.name}.meta").write_bytes(data)
    return open_artifact(prefix)


def test_collections_are_those_that_the_meta_graph_itself_is_listed_with(prefix):
    alone = {entry.name: entry for entry in open_artifact(META_GRAPH).variables}
    artifact = _beside(prefix, META_GRAPH.read_bytes())
    assert artifact.notes == ()
    for entry in artifact.variables:
        assert entry.collections == alone[entry.name].collections, entry.name
        assert entry.trainable == (alone[entry.name].trainable if entry.collections else None)


def test_trainable_variables_are_chosen(prefix):
    artifact = _beside(prefix, META_GRAPH.read_bytes())
    names = {entry.name for entry in select(artifact.variables, Criteria(trainable=True))}
    assert "tower_0/conv1/weights" in names
    assert not {name for name in names if "moving" in name or "Adam" in name}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "it is empty"),
        (META_GRAPH.read_bytes()[:-100], "ends behind its message"),
        (b"node { name: 'a' }", "cannot be read"),
    ],
    ids=["empty", "cut", "text"],
)
def test_broken_meta_file_is_a_note_and_the_listing_stays(prefix, data, problem):
    plain = open_artifact(prefix).variables
    artifact = _beside(prefix, data)
    assert artifact.variables == plain
    assert f"{prefix}.meta' beside the checkpoint" in artifact.notes[0]
    assert problem in artifact.notes[0]


def test_meta_file_of_another_model_is_a_note(prefix):
    other = field(4, field(1, b"variables") + field(2, field(2, field(1, field(1, b"other/w:0")))))
    artifact = _beside(prefix, other)
    assert "has none of its variables in a collection" in artifact.notes[0]
    assert {entry.collections for entry in artifact.variables} == {()}


def test_collections_of_any_size_are_refused(prefix, tmp_path):
    path = prefix.with_name(f"{prefix.name}.meta")
    with open(path, "wb") as stream:
        stream.write(b"\x22\x80\x80\x80\x40")
        stream.truncate((1 << 27) + 5)
    assert "take more than 67,108,864 bytes" in open_artifact(prefix).notes[0]


def test_names_of_nodes_in_a_collection_count(prefix):
    mine = field(4, field(1, b"mine") + field(2, field(1, field(1, b"tower_0/conv1/weights:0"))))
    artifact = _beside(prefix, META_GRAPH.read_bytes() + mine)
    assert "mine" in artifact.entry("tower_0/conv1/weights").collections


def test_path_of_the_meta_file_opens_the_meta_graph(tmp_path):
    shutil.copy(META_GRAPH, tmp_path / "m.meta")
    assert open_artifact(tmp_path / "m.meta").kind == "MetaGraph"
