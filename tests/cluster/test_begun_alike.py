"""A run is gone on with as it was begun, alone or in a cluster; no process meets another here."""

import pytest
import tiny_run

from tfinspect.cluster.tf_config import ClusterConfig
from tfinspect.errors import RunError
from tfinspect.training import cluster_run, reunion, run
from tfinspect.training.config import TrainConfig
from tfinspect.training.progress import Progress

ADDRESSES = {"worker": ("localhost:1", "localhost:2")}
WITH_SERVERS = {"chief": ("localhost:1",), "worker": ("localhost:2",), "ps": ("localhost:3",)}


def part(output, addresses=ADDRESSES, role="worker"):
    return cluster_run.Part(ClusterConfig(addresses, role, 0), output, 0.1, run.Observer())


@pytest.fixture
def begun_alone(tmp_path):
    return tiny_run.copy_run(tmp_path).path


@pytest.fixture
def begun_together(tmp_path):
    """Written as a cluster's chief does, up to its first backup."""
    one = tiny_run.copy_run(tmp_path)
    output = str(tmp_path / "together")
    with cluster_run.directory(part(output), (one.data, one.manifest), TrainConfig()) as made:
        Progress().write(made)
    return output


def test_run_of_a_cluster_is_not_gone_on_with_alone(begun_together):
    with pytest.raises(RunError, match=r"was begun with TF_CONFIG.*set it for every process"):
        run.resume(begun_together)


@pytest.mark.parametrize(
    "own", [("worker", ADDRESSES), ("worker", WITH_SERVERS), ("chief", WITH_SERVERS)]
)
def test_run_of_one_process_is_not_gone_on_with_in_a_cluster(begun_alone, own):
    role, addresses = own
    with pytest.raises(RunError, match=r"was begun without TF_CONFIG.*; unset it"):
        cluster_run.resume(part(begun_alone, addresses, role))


def test_command_of_the_beginning_does_not_cross_either(begun_alone):
    with pytest.raises(RunError, match="was begun without TF_CONFIG"):
        reunion.open_begun(TrainConfig(), begun_alone)


def test_run_of_a_cluster_is_gone_on_with_in_a_cluster(begun_together):
    info, _ = run.resumable(begun_together, in_cluster=True)
    assert info.directory.read_json("config.json")["in_cluster"] is True
