"""Real graph files with bytes changed: they open, or an error of ours says why; nothing else."""

import contextlib
import os

import pytest
from changed_bytes import changed
from graph_files import (
    FROZEN,
    GRAPH,
    GRAPH_TEXT,
    META_GRAPH,
    TF1_SAVED_MODEL,
    TF2_SAVED_MODEL,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfinspect.artifacts.graph_def import open_graph
from tfinspect.artifacts.saved_model import open_saved_model
from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.graph_listing import TensorCriteria
from tfinspect.tensors import select_from

FILES = {
    "GraphDef": (GRAPH, "graph.pb"),
    "text": (GRAPH_TEXT, "graph.pbtxt"),
    "frozen": (FROZEN, "graph.pb"),
    "MetaGraph": (META_GRAPH, "model.meta"),
    "TF1 SavedModel": (TF1_SAVED_MODEL / "saved_model.pb", "saved_model.pb"),
    "TF2 SavedModel": (TF2_SAVED_MODEL / "saved_model.pb", "saved_model.pb"),
}
SLOW = {"text": 40, "MetaGraph": 60}


def _opens_or_tells(path):
    """Asks an artifact for all that it has; errors of any other kind than ours come out.

    Returns whether it either opened or was refused with its path in the message.
    """
    # Opened by hand: what a changed file is to the other formats is their tests' matter.
    try:
        if path.name == "saved_model.pb":
            artifact = open_saved_model(str(path.parent))
        else:
            artifact = open_graph(str(path))
    except ArtifactError as error:
        return str(path.parent) in str(error)
    for part in ("tensors", "variables", "collections", "signatures", "assets", "notes"):
        with contextlib.suppress(ArtifactError):
            getattr(artifact, part)
    for criteria in (TensorCriteria(outputs=True), TensorCriteria(placeholders=True)):
        with contextlib.suppress(ArtifactError, ConfigError):
            select_from(artifact, criteria)
    with contextlib.suppress(ArtifactError):
        names = [*artifact.graph.constants, *(entry.name for entry in artifact.variables)]
        for name in names:
            with contextlib.suppress(ArtifactError):
                artifact.read(name)
    return True


@pytest.mark.parametrize("name", FILES)
def test_changed_file_gives_nothing_but_errors_of_ours(name, tmp_path):
    source, target = FILES[name]
    original = source.read_bytes()
    for other in ("variables", "assets"):
        if (source.parent / other).is_dir():
            os.symlink(source.parent / other, tmp_path / other)

    @settings(
        max_examples=SLOW.get(name, 120),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def check(data):
        (tmp_path / target).unlink(missing_ok=True)
        (tmp_path / target).write_bytes(data.draw(changed(original)))
        assert _opens_or_tells(tmp_path / target)

    check()


@settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(noise=st.binary(min_size=1, max_size=200))
def test_random_bytes_give_nothing_but_errors_of_ours(noise, tmp_path):
    path = tmp_path / "noise.pb"
    path.unlink(missing_ok=True)
    path.write_bytes(noise)
    assert _opens_or_tells(path)


@pytest.mark.parametrize("name", ["frozen", "TF1 SavedModel"])
def test_file_cut_at_any_length_gives_nothing_but_errors_of_ours(name, tmp_path):
    source, target = FILES[name]
    original = source.read_bytes()
    for length in range(0, len(original), max(1, len(original) // 150)):
        (tmp_path / target).unlink(missing_ok=True)
        (tmp_path / target).write_bytes(original[:length])
        assert _opens_or_tells(tmp_path / target)
