import numpy as np
import pytest
import tensorflow as tf

from tfinspect.training.config import OPTIMIZERS, TrainConfig
from tfinspect.training.optimizers import (
    averages,
    learning_rate,
    make_optimizer,
    regularization,
    slots,
)

GRADIENTS = [0.5, -1.0, 2.0]


def _variable():
    return tf.Variable([1.0, -2.0], name="unit/conv1/weights")


def _steps(config, rates):
    variable = _variable()
    optimizer = make_optimizer(config, [variable])
    for gradient, rate in zip(GRADIENTS, rates, strict=True):
        optimizer.learning_rate.assign(rate)
        optimizer.apply_gradients([(tf.constant([gradient, gradient]), variable)])
    return variable, optimizer


def test_momentum_follows_the_rule_of_tensorflow_1_when_the_rate_drops():
    rates = [0.1, 0.1, 0.01]
    variable, optimizer = _steps(TrainConfig(), rates)
    expected, accumulator = np.array([1.0, -2.0]), 0.0
    for gradient, rate in zip(GRADIENTS, rates, strict=True):
        accumulator = 0.9 * accumulator + gradient
        expected = expected - rate * accumulator
    np.testing.assert_allclose(variable, expected, rtol=1e-6)
    stored = slots(TrainConfig(), optimizer, [variable])
    np.testing.assert_allclose(stored["unit/conv1/weights/Momentum"], [accumulator] * 2, rtol=1e-6)
    assert stored["global_step"].numpy() == 3


@pytest.mark.parametrize(
    ("name", "slot_names"),
    [
        ("momentum", ["Momentum"]),
        ("adam", ["Adam", "Adam_1"]),
        ("adamw", ["AdamW", "AdamW_1"]),
        ("rmsprop", ["RMSProp", "RMSProp_1"]),
    ],
)
def test_slots_have_the_names_of_tensorflow_1(name, slot_names):
    config = TrainConfig(optimizer=name)
    variable, optimizer = _steps(config, [0.1] * 3)
    expected = ["global_step", *(f"unit/conv1/weights/{slot}" for slot in slot_names)]
    assert sorted(slots(config, optimizer, [variable])) == sorted(expected)


def test_rmsprop_without_momentum_has_one_slot():
    config = TrainConfig(optimizer="rmsprop", momentum=0.0)
    variable, optimizer = _steps(config, [0.1] * 3)
    assert sorted(slots(config, optimizer, [variable])) == [
        "global_step",
        "unit/conv1/weights/RMSProp",
    ]


def test_every_optimizer_has_a_row_in_the_test_above():
    assert set(OPTIMIZERS) == {"momentum", "adam", "adamw", "rmsprop"}


def test_moving_average_follows_its_closed_form():
    config = TrainConfig(ema_decay=0.8, momentum=0.0)
    variable, optimizer = _steps(config, [0.1] * 3)
    value = average = np.array([1.0, -2.0])
    for gradient in GRADIENTS:
        value = value - 0.1 * gradient
        average = 0.8 * average + 0.2 * value
    np.testing.assert_allclose(averages(optimizer)[0], average, rtol=1e-6)
    name = "unit/conv1/weights/ExponentialMovingAverage"
    np.testing.assert_allclose(slots(config, optimizer, [variable])[name], average, rtol=1e-6)


def test_adamw_decays_kernels_alone_and_leaves_the_loss_alone():
    kernel = tf.Variable([1.0], name="unit/conv1/weights")
    others = [
        tf.Variable([1.0], name=f"unit/{name}")
        for name in ("logits/biases", "conv1/BatchNorm/gamma", "conv1/BatchNorm/beta")
    ]
    config = TrainConfig(optimizer="adamw", weight_decay=0.5, learning_rate=0.1)
    optimizer = make_optimizer(config, [kernel, *others])
    optimizer.apply_gradients([(tf.constant([0.0]), one) for one in (kernel, *others)])
    np.testing.assert_allclose(kernel, [1 - 0.1 * 0.5], rtol=1e-6)
    for one in others:
        np.testing.assert_array_equal(one, [1.0])
    assert regularization(config) == 0.0
    assert regularization(TrainConfig()) == 2e-4


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("factor", [0.0, 0.25])
def test_rate_factor_scales_every_part_of_a_step(name, factor):
    config = TrainConfig(optimizer=name, weight_decay=0.5, learning_rate=0.1)
    moved = {}
    for factors in (None, {"unit/conv1/weights": factor}):
        variable = _variable()
        optimizer = make_optimizer(config, [variable], factors)
        optimizer.apply_gradients([(tf.constant([0.5, -1.0]), variable)])
        moved[factors is None] = variable.numpy() - [1.0, -2.0]
    np.testing.assert_allclose(moved[False], factor * moved[True], rtol=1e-5, atol=1e-9)
    assert np.abs(moved[True]).min() > 1e-3


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rate_of_a_step_takes_the_place_of_the_variable_and_goes_again(name):
    config = TrainConfig(optimizer=name)
    expected, _ = _steps(config, [0.1, 0.02, 0.3])
    variable = _variable()
    optimizer = make_optimizer(config, [variable])
    kept = optimizer.learning_rate.numpy()
    for gradient, rate in zip(GRADIENTS, [0.1, 0.02, 0.3], strict=True):
        with learning_rate(optimizer, tf.constant(rate)):
            optimizer.apply_gradients([(tf.constant([gradient, gradient]), variable)])
    np.testing.assert_allclose(variable, expected, rtol=1e-6)
    assert optimizer.learning_rate.numpy() == kept
