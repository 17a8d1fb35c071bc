"""What is advised when a process was lost, or stopped, can be done; no process meets another."""

import os
from types import SimpleNamespace

import pytest
import tensorflow as tf
import tiny_run

from tfinspect.cluster.tf_config import ClusterConfig
from tfinspect.errors import ClusterError, ProcessLostError
from tfinspect.training import callbacks, cluster_run, run, server_run
from tfinspect.training.config import TrainConfig
from tfinspect.training.interruption import interrupted_after
from tfinspect.training.progress import Progress
from tfinspect.training.run_directory import RunDirectory

CLUSTER = ClusterConfig({"worker": ("localhost:1", "localhost:2")}, "worker", 1)
# At the address of worker 0 nobody listens.
TEAM = SimpleNamespace(cluster=CLUSTER, give_up=lambda: None)
WITHOUT = "No backup is known. Start every process again without --resume, with the command "
BACKUP = Progress(step=4, checkpoint="checkpoints/model.ckpt-4")


def part(output, command="train"):
    return cluster_run.Part(CLUSTER, output, 0.1, run.Observer(), command=command)


def said_of_loss(progress, command="train"):
    with (
        pytest.raises(ProcessLostError) as raised,
        cluster_run.naming_the_lost(TEAM, progress, part("runs/x", command)),
    ):
        raise tf.errors.UnavailableError(None, None, "gone")
    return str(raised.value)


def test_process_lost_before_the_first_backup_is_started_again_without_resume():
    said = said_of_loss(Progress(step=3))
    assert said.startswith(f"worker 0 was lost after step 3. {WITHOUT}of the beginning; ")


@pytest.mark.parametrize("command", ["train", "finetune"])
def test_process_lost_later_is_gone_on_with_from_the_backup(command):
    assert said_of_loss(BACKUP, command) == (
        "worker 0 was lost after step 4. The last backup is model.ckpt-4. Start every process "
        f"again with `tfinspect {command} --resume --output runs/x`."
    )


@pytest.mark.parametrize("backup", [False, True])
def test_those_that_serve_a_lost_chief_name_directory_and_backup(tmp_path, backup):
    output = str(tmp_path / "run")
    if backup:
        os.mkdir(output)
        BACKUP.write(RunDirectory(output))
    with (
        pytest.raises(ClusterError) as raised,
        server_run._naming_the_backup(output),
    ):
        raise ProcessLostError("chief 0 was lost, and ps 0 has nobody to work for.")
    expected = (
        "The last backup is model.ckpt-4. Start every process again with " * backup or WITHOUT
    )
    assert str(raised.value).startswith(
        f"chief 0 was lost, and ps 0 has nobody to work for. {expected}"
    )
    assert f"`tfinspect train --resume --output {output}`." in str(raised.value)


def test_stopped_worker_names_the_run_and_not_its_own_temporary_place(tmp_path):
    one, output = tiny_run.copy_run(tmp_path), str(tmp_path / "output")
    with cluster_run.directory(part(output), (one.data, one.manifest), TrainConfig()) as written:
        loop = callbacks.Loop(None, written, BACKUP, None, 4, 8, None, 20, print, print)
        assert written.path != output
        assert str(loop.interrupted()) == str(interrupted_after(4, "train", output))
