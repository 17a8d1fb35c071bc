"""The hash of a checkpoint's values: of what it holds, not of how it is stored."""

import h5py
import numpy as np

from tfinspect.artifacts import open_artifact
from tfinspect.training import checkpoints
from tfinspect.transfer.content_hash import content_hash

VALUES = {
    "a/weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a/biases": np.zeros(3, np.float32),
    "global_step": np.asarray(7, np.int64),
}


def hashed(path, values):
    checkpoints.save(str(path), values)
    return content_hash(open_artifact(str(path)))


def test_equal_values_have_equal_hashes_whatever_their_order_and_place(tmp_path):
    backwards = dict(reversed(VALUES.items()))
    assert hashed(tmp_path / "one", VALUES) == hashed(tmp_path / "two", backwards)


def test_every_change_shows(tmp_path):
    changes = {
        "last bit": {"a/biases": np.asarray([0, 0, 1e-45], np.float32)},
        "sign of zero": {"a/biases": np.asarray([0, 0, -0.0], np.float32)},
        "shape": {"a/weights": VALUES["a/weights"].reshape(3, 2)},
        "dtype": {"global_step": np.asarray(7, np.int32)},
        "one more": {"b/biases": np.zeros(1, np.float32)},
    }
    found = {name: hashed(tmp_path / name, VALUES | change) for name, change in changes.items()}
    found["none"] = hashed(tmp_path / "none", VALUES)
    found["name"] = hashed(
        tmp_path / "name", {name.replace("a/", "c/"): value for name, value in VALUES.items()}
    )
    assert len(set(found.values())) == len(found)


def test_hash_of_another_format_is_of_its_values_too(tmp_path):
    def hashed_layers(name, value):
        path = str(tmp_path / f"{name}.weights.h5")
        with h5py.File(path, "w") as file:
            file["layers/dense/vars/0"] = value
        return content_hash(open_artifact(path))

    weights = VALUES["a/weights"]
    assert hashed_layers("one", weights) == hashed_layers("copy", weights)
    assert hashed_layers("other", weights + 1) != hashed_layers("one", weights)
