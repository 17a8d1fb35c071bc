import itertools
from collections import Counter

import numpy as np
import tensorflow as tf

from tfinspect.data.order import Order, Purpose

ORDER = Order(seed=3, epochs=4, per_epoch=10, start=25)


def test_every_permutation_is_equally_likely():
    @tf.function
    def draw(epochs):
        def one(epoch):
            return ORDER.permutation(epoch, Purpose.EXAMPLES, 3)

        return tf.map_fn(one, epochs, fn_output_signature=tf.int32)

    drawn = Counter(map(tuple, draw(tf.range(600, dtype=tf.int64)).numpy().tolist()))
    assert set(drawn) == set(itertools.permutations(range(3)))
    # 100 each, with a standard deviation of 9.
    assert max(abs(count - 100) for count in drawn.values()) < 45


def test_a_permutation_has_every_number_once():
    drawn = ORDER.permutation(tf.constant(0), Purpose.EXAMPLES, 1000).numpy()
    np.testing.assert_array_equal(np.sort(drawn), np.arange(1000))


def test_keys_differ_by_seed_epoch_and_purpose():
    keys = {
        tuple(Order(seed, 4, 10, 0).key(tf.constant(epoch), purpose).numpy().tolist())
        for seed in (0, 1, 2**40)
        for epoch in range(3)
        for purpose in Purpose
    }
    assert len(keys) == 3 * 3 * 4


def test_epochs_that_are_done_are_left_out():
    assert list(ORDER.remaining_epochs().as_numpy_iterator()) == [2, 3]


def test_only_the_first_remaining_epoch_is_cut():
    skipped = [int(ORDER.skipped(tf.constant(epoch, tf.int64))) for epoch in (2, 3)]
    assert skipped == [5, 0]
