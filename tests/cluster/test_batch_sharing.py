"""A batch that the processes cannot share is refused before they meet, and announce training."""

import pytest
import tiny_run

from tfinspect.cluster.launch import free_ports
from tfinspect.cluster.tf_config import ClusterConfig
from tfinspect.errors import ConfigError
from tfinspect.training import cluster_run, run
from tfinspect.training.config import TrainConfig
from tfinspect.training.strategy import check_batch


def test_batch_that_cannot_be_shared_is_refused_before_training_is_announced(tmp_path):
    told = []
    hosts = tuple(f"localhost:{port}" for port in free_ports(4))
    cluster = ClusterConfig({"worker": hosts}, "worker", 0)
    output = tmp_path / "output"
    part = cluster_run.Part(cluster, str(output), 0.2, run.Observer(on_phase=told.append))
    config = TrainConfig(data=tiny_run.copy_run(tmp_path).data, batch_size=10)
    words = "batch_size 10 cannot be shared equally by 4 processes; give --batch-size 8 or 12."
    with pytest.raises(ConfigError, match=f"^{words}$"):
        cluster_run.train(config, part)
    assert told == [f"the other processes are told: {words}"]
    assert not output.exists()


@pytest.mark.parametrize(
    ("batch_size", "replicas", "cure"), [(33, 2, "32 or 34"), (2, 3, "3"), (7, 3, "6 or 9")]
)
def test_sizes_that_can_be_shared_are_named(batch_size, replicas, cure):
    with pytest.raises(ConfigError, match=rf"by {replicas} devices; give --batch-size {cure}\.$"):
        check_batch(batch_size, replicas)
