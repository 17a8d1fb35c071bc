import json
import struct
import zipfile

import pytest
from oracle_files import KERAS3, TF_KERAS

from tfinspect.artifacts import open_artifact
from tfinspect.errors import ArtifactError

WEIGHTS = "model.weights.h5"


def _members(path=TF_KERAS / "model.keras"):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.keras"


def test_packed_weights_are_the_same(path):
    artifact = open_artifact(_packed(path, _members(), zipfile.ZIP_DEFLATED))
    plain = open_artifact(TF_KERAS / "model.keras")
    assert artifact.variables == plain.variables
    for entry in plain.variables:
        assert artifact.read(entry.name).tobytes() == plain.read(entry.name).tobytes()


def test_zip_bomb_is_refused(path):
    members = _members() | {WEIGHTS: bytes(50 << 20)}
    with pytest.raises(ArtifactError, match=r"unpacks from .* as no weights do"):
        open_artifact(_packed(path, members, zipfile.ZIP_DEFLATED))


def test_config_bomb_is_refused(path):
    members = _members() | {"config.json": bytes(20 << 20)}
    with pytest.raises(ArtifactError, match=r"'config.json' .* which no config has"):
        open_artifact(_packed(path, members, zipfile.ZIP_DEFLATED))


def test_size_that_lies_is_refused(path):
    data = bytearray(_packed(path, _members(), zipfile.ZIP_DEFLATED).read_bytes())
    at = data.rfind(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 5000)
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=str(path)):
        open_artifact(path)


def test_directory_that_fills_memory_is_refused(path):
    data = bytearray(_packed(path, _members()).read_bytes())
    struct.pack_into("<I", data, data.rfind(b"PK\x05\x06") + 12, 1 << 30)
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match="declares a directory of 1,073,741,824 bytes"):
        open_artifact(path)


def test_wrong_checksum_is_told_when_a_value_is_read(path):
    data = bytearray((KERAS3 / "model.keras").read_bytes())
    value = open_artifact(KERAS3 / "model.keras").read("logits/bias").tobytes()
    data[data.find(value)] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match="its checksum is wrong"):
        open_artifact(path).read("logits/bias")


def test_lambda_is_not_made(path):
    config = json.loads(_members()["config.json"])
    bad = {"class_name": "Lambda", "config": {"name": "l", "function": ["__import__('os')"]}}
    config["config"]["layers"].insert(0, bad)
    members = _members() | {"config.json": json.dumps(config)}
    names = [entry.name for entry in open_artifact(_packed(path, members)).variables]
    assert "conv1/kernel" in names


@pytest.mark.parametrize(
    "config", ["[" * 100_000, "nothing", "[1, 2]", '{"config": {"layers": 3}}']
)
def test_config_of_any_content_leaves_the_groups_names(path, config):
    artifact = open_artifact(_packed(path, _members() | {"config.json": config}))
    assert "layers/conv2d_1/kernel" in [entry.name for entry in artifact.variables]


def test_frozen_layer_is_not_trainable(path):
    config = json.loads(_members()["config.json"])
    config["config"]["layers"][1]["config"]["trainable"] = False
    members = _members() | {"config.json": json.dumps(config)}
    assert open_artifact(_packed(path, members)).entry("conv1/kernel").trainable is False


def test_archive_without_weights_is_told(path):
    artifact = open_artifact(_packed(path, {"config.json": "{}"}))
    assert artifact.variables == ()
    assert "holds no values" in artifact.notes[0]


def test_other_zip_file_is_refused(path):
    with pytest.raises(ArtifactError, match=r"so no \.keras file"):
        open_artifact(_packed(path, {"readme": "text"}))


def test_assets_are_listed(path):
    artifact = open_artifact(_packed(path, _members() | {"assets/text/vocabulary.txt": "a"}))
    assert artifact.assets == ("assets/text/vocabulary.txt",)
