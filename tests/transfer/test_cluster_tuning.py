"""What a stage puts together of several replicas, and what it must leave as it is."""

import json
import subprocess
import sys

import pytest

# Three logical processors can only be made in a process that has not used TensorFlow yet.
PROGRAM = """
import json
import numpy as np
import tensorflow as tf
from tfinspect.nets.registry import get_spec
from tfinspect.transfer.cluster_tuning import StageTeam
from tfinspect.transfer.frozen import is_statistic
from tfinspect.transfer.stages import Stage
from tfinspect.transfer.tuned_model import TunedModel
one = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(one, [tf.config.LogicalDeviceConfiguration()] * 3)
strategy = tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(3)])
random = np.random.RandomState(0)
with strategy.scope():
    model = TunedModel(get_spec("cifar_resnet8_v1", width=0.25), 3)
    model.build_variables()
    model.begin(Stage("last", ("resnet/stage3", "resnet/logits"), 1, 0.1))
def copies(variable):
    return strategy.experimental_local_results(variable)
def values():
    return {name: np.stack([copy.numpy() for copy in copies(v)]) for name, v in statistics.items()}
statistics = {n: v for n, v in model.variables_by_name().items() if is_statistic(n)}
for name, variable in statistics.items():
    trained = name.startswith("resnet/stage3")
    common = random.uniform(0.1, 1.0, variable.shape)
    for copy in copies(variable):
        copy.assign(random.uniform(0.1, 1.0, variable.shape) if trained else common)
before = values()
means = {name: variable.numpy() for name, variable in statistics.items()}
StageTeam(None, strategy).merge(model)
after = values()
trained = [name for name in before if name.startswith("resnet/stage3")]
frozen = [name for name in before if name not in trained]
print(json.dumps({
    "frozen": len(frozen),
    "trained": len(trained),
    "means_differ": sum(not np.array_equal(means[name], before[name][0]) for name in frozen),
    "frozen_moved": [name for name in frozen if not np.array_equal(after[name], before[name])],
    "apart": [name for name in trained if np.ptp(after[name], axis=0).any()],
    "error": max(float(np.abs(after[n] - before[n].mean(0)).max()) for n in trained),
}))
"""


@pytest.mark.slow
def test_statistics_of_a_stage_are_averaged_and_frozen_ones_keep_every_bit():
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["frozen"] > 0
    assert found["trained"] > 0
    # The mean of three equal numbers is not always the same number: leaving them alone matters.
    assert found["means_differ"] > 0
    assert found["frozen_moved"] == found["apart"] == []
    assert found["error"] < 1e-6
