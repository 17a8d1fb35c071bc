"""Where the reference artifacts lie, and what is expected of them."""

import json
import shutil
from pathlib import Path

ORACLE = Path(__file__).with_name("oracle")
CKPT_V1 = ORACLE / "tf1_artifacts/ckpt_v1/model.ckpt-4200000001"
CKPT_V2 = ORACLE / "tf1_artifacts/ckpt_v2/model.ckpt-4200000001"
OBJECT_BASED = ORACLE / "tf2_artifacts/checkpoint/ckpt-3"
KERAS3 = ORACLE / "tf2_artifacts/keras3"
TF_KERAS = ORACLE / "tf2_artifacts/tf_keras"
CHECKPOINTS = (CKPT_V1, CKPT_V2, OBJECT_BASED)


def expected_variables(prefix):
    """Key -> what the writer's own memory held."""
    described = json.loads(prefix.with_name("expected.json").read_text())
    return {variable["name"]: variable for variable in described["variables"]}


def copied(prefix, directory):
    """Copies a checkpoint's files, so that a test can break them; returns the new prefix."""
    for path in prefix.parent.glob(f"{prefix.name}*"):
        shutil.copy(path, directory)
    return Path(directory) / prefix.name


def broken_copy(prefix, directory, name):
    """Copies a V2 checkpoint with one bit of one variable's value flipped; returns the prefix."""
    from tfinspect.artifacts import open_artifact

    copy = copied(prefix, directory)
    path = copy.with_name(f"{copy.name}.data-00000-of-00001")
    data = bytearray(path.read_bytes())
    data[data.find(open_artifact(prefix).read(name).tobytes())] ^= 1
    path.write_bytes(data)
    return copy
