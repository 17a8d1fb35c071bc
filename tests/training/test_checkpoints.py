import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfinspect.errors import RunError
from tfinspect.training import checkpoints, run_directory

VALUES = {
    "resnet/conv1/weights": np.arange(27, dtype=np.float32).reshape(3, 3, 3, 1),
    "resnet/conv1/weights/Momentum": np.ones((3, 3, 3, 1), np.float32),
    "global_step": np.int64(5_000_000_000),
}


def test_values_come_back_under_their_names(tmp_path):
    prefix = str(tmp_path / "model.ckpt-3")
    checkpoints.save(prefix, VALUES)
    read = checkpoints.read(prefix)
    assert sorted(read) == sorted(VALUES)
    for name, value in VALUES.items():
        np.testing.assert_array_equal(read[name], value)
    assert sorted(os.listdir(tmp_path)) == [
        "model.ckpt-3.data-00000-of-00001",
        "model.ckpt-3.index",
    ]


def test_checkpoint_is_restored_by_the_saver_of_tensorflow_1(tmp_path):
    prefix = str(tmp_path / "model.ckpt-3")
    checkpoints.save(prefix, VALUES)
    checkpoints.keep_newest(str(tmp_path), 2)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        with tf.compat.v1.variable_scope("resnet/conv1"):
            weights = tf.compat.v1.get_variable("weights", [3, 3, 3, 1])
        tf.compat.v1.train.Saver().restore(session, tf.train.latest_checkpoint(str(tmp_path)))
        np.testing.assert_array_equal(session.run(weights), VALUES["resnet/conv1/weights"])


def test_missing_checkpoint_names_what_exists(tmp_path):
    checkpoints.save(str(tmp_path / "model.ckpt-3"), VALUES)
    with pytest.raises(
        RunError, match=r"no checkpoint '.*model\.ckpt-4'.*nearest: '.*model\.ckpt-3'"
    ):
        checkpoints.read(str(tmp_path / "model.ckpt-4"))


def test_truncated_checkpoint_is_an_error(tmp_path):
    prefix = str(tmp_path / "model.ckpt-3")
    checkpoints.save(prefix, VALUES)
    data = tmp_path / "model.ckpt-3.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:50])
    with pytest.raises(RunError, match=r"model\.ckpt-3' is broken"):
        checkpoints.read(prefix)


def test_assign_refuses_missing_and_misshapen_values_and_changes_nothing():
    variables = {"a": tf.Variable([1.0]), "b": tf.Variable([[2.0]])}
    with pytest.raises(RunError, match=r"'x' lacks 1 of 2 variables, such as 'b'"):
        checkpoints.assign(variables, {"a": [9.0]}, "x")
    with pytest.raises(
        RunError, match=r"'b' has the shape \[1\] in 'x' and \[1, 1\] in the network"
    ):
        checkpoints.assign(variables, {"a": [9.0], "b": [9.0]}, "x")
    assert variables["a"].numpy() == [1.0]


def test_newest_checkpoints_are_kept_by_step_not_by_name(tmp_path):
    for step in (9, 10, 100):
        checkpoints.save(str(tmp_path / f"model.ckpt-{step}"), {"a": np.float32(step)})
    checkpoints.keep_newest(str(tmp_path), 2)
    names = [os.path.basename(prefix) for prefix in checkpoints.stored(str(tmp_path))]
    assert names == ["model.ckpt-10", "model.ckpt-100"]
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith("model.ckpt-100")


class Model:
    """What `restore` needs of a network."""

    def __init__(self):
        self.variable = tf.Variable(np.float32(0))

    def variables_by_name(self):
        return {"a": self.variable}


def test_checkpoint_that_was_deleted_meanwhile_is_chosen_again(tmp_path):
    checkpoints.save(str(tmp_path / "model.ckpt-2"), {"a": np.float32(2)})
    choices = iter([str(tmp_path / "model.ckpt-1"), *[str(tmp_path / "model.ckpt-2")] * 2])
    model = Model()
    assert checkpoints.restore_chosen(lambda: next(choices), model).endswith("model.ckpt-2")
    assert model.variable.numpy() == 2


def test_checkpoint_that_stays_broken_is_an_error(tmp_path):
    with pytest.raises(RunError, match=r"no checkpoint '.*model\.ckpt-1'"):
        checkpoints.restore_chosen(lambda: str(tmp_path / "model.ckpt-1"), Model())


def test_data_without_an_index_are_swept_and_whole_checkpoints_stay(tmp_path):
    run = run_directory.RunDirectory(str(tmp_path))
    checkpoints.save(os.path.join(run.checkpoints, "model.ckpt-3"), VALUES)
    whole = sorted(os.listdir(run.checkpoints))
    for name in ("model.ckpt-4.data-00000-of-00001", ".model.ckpt-5.tmp-1"):
        (tmp_path / "checkpoints" / name).write_bytes(b"half")
    run_directory.sweep(run)
    assert sorted(os.listdir(run.checkpoints)) == whole


FULL_DISK = """
import resource, signal, sys
import numpy as np
from tfinspect.errors import RunError
from tfinspect.training import checkpoints
checkpoints.save(sys.argv[1] + "/model.ckpt-1", {"a": np.ones(10, np.float32)})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    checkpoints.save(sys.argv[1] + "/model.ckpt-2", {"a": np.ones(1_000_000, np.float32)})
except RunError as error:
    print(error)
"""


@pytest.mark.slow
def test_full_disk_leaves_the_last_good_checkpoint_and_nothing_else(tmp_path):
    # A limit on the size of files fails the write in the same place as a full disk.
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "cannot write the checkpoint" in done.stdout
    assert "the last good checkpoint is" in done.stdout
    assert "model.ckpt-1'" in done.stdout
    assert sorted(os.listdir(tmp_path)) == [
        "model.ckpt-1.data-00000-of-00001",
        "model.ckpt-1.index",
    ]
    np.testing.assert_array_equal(
        checkpoints.read(str(tmp_path / "model.ckpt-1"))["a"], np.ones(10)
    )
