"""Masks that are a function of key and scope alone."""

import contextlib

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


@contextlib.contextmanager
def keyed(key):
    with (
        without_layer_warnings(),
        dropout_keyed_by(None if key is None else tf.constant(key, tf.int64)),
    ):
        yield


KEYS = [None, (7, 3)]


@pytest.mark.parametrize("key", KEYS, ids=["no key", "a key"])
def test_the_share_may_come_from_an_arg_scope(key):
    with keyed(key), slim.arg_scope([slim.dropout], keep_prob=0.25):
        values = slim.dropout(ONES).numpy()
    assert set(np.unique(values)) == {0, 4}


@pytest.mark.parametrize("key", KEYS, ids=["no key", "a key"])
@pytest.mark.parametrize(
    ("args", "named"),
    [
        ((), {"inputs": ONES, "keep_prob": KEEP, "noise_shape": [50, 1]}),
        ((ONES, KEEP, [50, 1]), {}),
        ((ONES, KEEP, (None, 1)), {"scope": "x"}),
        ((ONES, KEEP, tf.constant([50, 1]), True, None, "x", 5), {}),
    ],
    ids=["all by name", "by position", "None in the shape", "all by position"],
)
def test_what_shares_a_decision_is_kept_or_dropped_together(key, args, named):
    with keyed(key):
        values = slim.dropout(*args, **named).numpy()
    rows = {tuple(np.unique(row)) for row in values}
    assert rows == {(np.float32(0),), (np.float32(1 / KEEP),)}


@pytest.mark.parametrize("key", KEYS, ids=["no key", "a key"])
def test_inference_by_position_drops_nothing(key):
    with keyed(key):
        np.testing.assert_array_equal(slim.dropout(ONES, KEEP, None, False), ONES)


@pytest.mark.parametrize("key", KEYS, ids=["no key", "a key"])
def test_what_dropout_does_not_know_is_refused(key):
    with keyed(key), pytest.raises(TypeError, match="rate"):
        slim.dropout(ONES, rate=0.5)


@pytest.mark.parametrize(
    ("shape", "made", "shared"),
    [((None, 1), list, False), ((1, 40), list, True), ((1, 40), tf.constant, True)],
    ids=["rows", "columns", "columns by a tensor"],
)
def test_parts_share_the_decisions_of_the_whole(shape, made, shared):
    def masks(rows, part):
        @tf.function(input_signature=[tf.TensorSpec([None, 40])])
        def run(ones):
            with without_layer_warnings(), dropout_keyed_by(tf.constant([7, 3], tf.int64), part):
                return slim.dropout(ones, 0.5, made(shape))

        return run(tf.ones([rows, 40])).numpy()

    parts = [masks(10, (number, 3)) for number in range(3)]
    np.testing.assert_array_equal(np.concatenate(parts), masks(30, (0, 1)))
    assert np.array_equal(parts[0], parts[1]) == shared
