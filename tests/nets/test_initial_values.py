import numpy as np
import pytest
import tensorflow as tf

from tfinspect.nets.initial_values import seeded

HE_NORMAL = tf.compat.v1.variance_scaling_initializer(2.0, "fan_in", "untruncated_normal")
SHAPE = [3, 3, 16, 32]


def values(name="resnet/conv1/weights", seed=0, initializer=HE_NORMAL, shape=SHAPE):
    return np.asarray(seeded(initializer, name, seed)(shape, tf.float32))


def test_values_are_a_function_of_name_and_seed():
    np.testing.assert_array_equal(values(), values())


def test_another_name_gives_other_values():
    assert not np.array_equal(values(), values(name="resnet/stage1/unit1/conv1/weights"))


def test_another_seed_gives_other_values():
    assert not np.array_equal(values(), values(seed=1))


def test_global_seed_does_not_matter():
    expected = values()
    tf.random.set_seed(99)
    np.testing.assert_array_equal(values(), expected)


def test_global_seed_is_left_alone():
    tf.random.set_seed(5)
    expected = tf.random.normal([3]).numpy()
    tf.random.set_seed(5)
    values()
    np.testing.assert_array_equal(tf.random.normal([3]), expected)


def test_the_distribution_is_the_initializers():
    drawn = values(shape=[3, 3, 64, 64])
    assert drawn.dtype == np.float32
    assert np.std(drawn) == pytest.approx(np.sqrt(2 / (9 * 64)), rel=0.02)
    assert np.mean(drawn) == pytest.approx(0, abs=1e-3)


def test_constants_stay_constants():
    drawn = values(initializer=tf.compat.v1.ones_initializer(), shape=[4])
    np.testing.assert_array_equal(drawn, np.ones(4, np.float32))
