"""Keras's files with bytes changed: an error of ours, and never a wrong value where a CRC is."""

import contextlib

import pytest
from changed_bytes import changed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle_files import KERAS3, TF_KERAS

from tfinspect.artifacts.hdf5 import open_hdf5
from tfinspect.artifacts.keras_archive import open_keras_archive
from tfinspect.errors import ArtifactError

FILES = {
    "h5": (KERAS3 / "model.h5", open_hdf5),
    "legacy weights": (TF_KERAS / "legacy_weights.h5", open_hdf5),
    "weights": (KERAS3 / "model.weights.h5", open_hdf5),
    "archive": (TF_KERAS / "model.keras", open_keras_archive),
}


def _readable(path, opener):
    with contextlib.suppress(ArtifactError):
        artifact = opener(str(path))
        assert isinstance(artifact.notes, tuple)
        for entry in artifact.variables:
            entry.row()
            with contextlib.suppress(ArtifactError):
                yield entry.key, artifact.read(entry.key).tobytes()


@pytest.mark.parametrize("name", FILES)
@settings(
    max_examples=120,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_changed_file_gives_no_other_error(name, tmp_path, data):
    source, opener = FILES[name]
    path = tmp_path / "changed"
    path.write_bytes(data.draw(changed(source.read_bytes())))
    whole = dict(_readable(source, opener))
    for key, value in _readable(path, opener):
        # HDF5 has no checksums of its own here, the archive has.
        # Neither has it any of names, so a changed one may be unknown.
        assert opener is open_hdf5 or value == whole[key]


@pytest.mark.parametrize("name", FILES)
def test_file_cut_at_any_length_is_refused(name, tmp_path):
    source, opener = FILES[name]
    data, path = source.read_bytes(), tmp_path / "cut"
    for length in range(0, len(data), len(data) // 150):
        path.write_bytes(data[:length])
        with pytest.raises(ArtifactError, match=str(path)):
            opener(str(path))
