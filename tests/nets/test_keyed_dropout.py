"""Masks that are a function of key and scope alone."""

import numpy as np
import pytest
import tensorflow as tf

from tfinspect.nets.keyed_dropout import dropout_keyed_by
from tfinspect.nets.slim_compat import slim, without_layer_warnings

ONES = tf.ones([50, 40])
KEEP = 0.8


def masked(step, scope="Dropout_1b", training=True):
    @tf.function
    def run(step):
        with (
            without_layer_warnings(),
            dropout_keyed_by(tf.stack([tf.constant(7, tf.int64), step])),
            slim.arg_scope([slim.dropout], is_training=training),
        ):
            return slim.dropout(ONES, KEEP, scope=scope)

    return run(tf.constant(step, tf.int64)).numpy()


def test_equal_keys_draw_equal_masks_in_another_function():
    np.testing.assert_array_equal(masked(3), masked(3))


@pytest.mark.parametrize("other", [{"step": 4}, {"step": 3, "scope": "Dropout_2"}])
def test_another_step_or_layer_draws_another_mask(other):
    assert not np.array_equal(masked(3), masked(**other))


def test_kept_values_are_scaled_and_their_share_is_asked_for():
    values = masked(0)
    assert set(np.unique(values)) == {np.float32(0), np.float32(1 / KEEP)}
    deviation = np.sqrt(KEEP * (1 - KEEP) / values.size)
    assert abs(np.mean(values > 0) - KEEP) < 4 * deviation


def test_inference_drops_nothing():
    np.testing.assert_array_equal(masked(0, training=False), ONES)


def test_without_a_key_the_dropout_is_tensorflows_own():
    with tf.Graph().as_default() as graph, without_layer_warnings():
        slim.dropout(tf.ones([2, 3]), KEEP)
    kinds = {op.type for op in graph.get_operations()}
    assert "RandomUniform" in kinds
    assert not any(kind.startswith("Stateless") for kind in kinds)


def test_parts_of_a_batch_have_the_masks_of_the_whole():
    def masks(rows, part):
        key = tf.constant([7, 3], tf.int64)
        with (
            without_layer_warnings(),
            dropout_keyed_by(key, part),
            slim.arg_scope([slim.dropout], is_training=True),
        ):
            return slim.dropout(tf.ones([rows, 41]), KEEP, scope="Dropout_1b").numpy()

    parts = [masks(10, (number, 3)) for number in range(3)]
    np.testing.assert_array_equal(np.concatenate(parts), masks(30, (0, 1)))
    assert not np.array_equal(parts[0], parts[1])
