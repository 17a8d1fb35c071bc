import numpy as np
import pytest
import tensorflow as tf

from tfinspect.training import optimizers
from tfinspect.training.config import TrainConfig
from tfinspect.training.step_gradients import Step, gradient


def values(config, optimizer, variables):
    named = optimizers.slots(config, optimizer, variables)
    named |= {variable.name.removesuffix(":0"): variable for variable in variables}
    return {name: value.numpy() for name, value in named.items()}


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "momentum"},
        {"optimizer": "momentum", "ema_decay": 0.9},
        {"optimizer": "adam"},
        {"optimizer": "adamw", "weight_decay": 0.1},
        {"optimizer": "rmsprop"},
        {"optimizer": "rmsprop", "momentum": 0.0},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_gradient_is_the_one_that_was_applied(settings):
    config = TrainConfig(depth=8, learning_rate=0.1, **settings)
    variables = [tf.Variable(np.linspace(1, 2, 6, dtype=np.float32), name="layer/weights")]
    optimizer = optimizers.make_optimizer(config, variables)
    random = np.random.default_rng(0)
    for _ in range(3):
        applied = random.normal(size=6).astype(np.float32)
        before = values(config, optimizer, variables)
        optimizer.apply_gradients([(tf.constant(applied), variables[0])])
        step = Step(before, values(config, optimizer, variables), 0.1)
        found = gradient(config, step, "layer/weights")
        np.testing.assert_allclose(found, applied, rtol=1e-4, atol=1e-5)


def test_rmsprop_at_rate_zero_does_not_tell():
    config = TrainConfig(depth=8, optimizer="rmsprop")
    assert gradient(config, Step({}, {}, 0.0), "layer/weights") is None
