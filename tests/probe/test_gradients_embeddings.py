"""Norms and clipped sums of tables that are looked up: no example's whole table is ever built."""

import gradient_cases as cases
import keras
import numpy as np
import pytest
import tensorflow as tf
from gradient_oracle import flat_norms, loop, worst

import tfinspect
from tfinspect.probe.gradients import GradientProbe

ROWS, WIDTH, COUNT = 11, 5, 3


def _table(*shape, seed=0):
    return tf.Variable(tf.random.stateless_normal(shape, [seed, 1]))


def _ids(images, rows=ROWS):
    """`[N, 12]`; with so many of so few, every example repeats some."""
    return tf.cast(tf.abs(images[:, 0, :4]) * 9, tf.int32)[..., :3] % rows


def _sums(looked_up):
    return tf.reduce_sum(tf.tanh(looked_up), list(range(1, looked_up.shape.rank - 1)))


def _once(table, other):
    return lambda x: _sums(tf.gather(table, _ids(x))) @ other


def _handle(table, other):
    return lambda x: _sums(tf.nn.embedding_lookup(table, _ids(x))) @ other


def _twice(table, other):
    def build(x):
        first, second = tf.gather(table, _ids(x)), tf.gather(table, _ids(-2 * x + 1)[:, :2])
        return (_sums(first) + _sums(second * 1.5)) @ other

    return build


def _tied(table, other):
    def build(x):
        states = tf.tanh(_sums(tf.gather(table, _ids(x))))
        return tf.matmul(states, table, transpose_b=True)[:, :WIDTH] + 0 * states @ other

    return build


BUILDS = {"once": _once, "by its handle": _handle, "twice": _twice, "and a matmul": _tied}


def _model(name, rows=ROWS):
    table, other = _table(rows, WIDTH), _table(WIDTH, WIDTH, seed=1)
    return cases.function_model(BUILDS[name](table, other), {"table": table, "other": other})


def _examples(model):
    random = np.random.RandomState(2)
    return random.normal(size=(COUNT, *model.image_shape)).astype(np.float32), np.arange(COUNT)


def _largest(probe):
    """The most elements that a tensor has in what was traced."""
    graphs = [one.graph for one in probe._functions.values() if hasattr(one, "graph")]
    tensors = [out for graph in graphs for op in graph.get_operations() for out in op.outputs]
    assert all(one.shape.rank is not None for one in tensors if one.dtype.is_floating)
    return max(one.shape.num_elements() or 0 for one in tensors)


@pytest.mark.parametrize("name", BUILDS)
def test_norms_and_clipped_sums_equal_the_loop(name):
    model = _model(name)
    images, labels = _examples(model)
    wanted = loop(model, images, labels)
    found = tfinspect.per_example_gradients(model, images, labels)
    assert worst(found, wanted)[0] < 1e-5
    assert "embedding lookup" in found.rules["table"]
    norms = tfinspect.per_example_gradient_norms(model, images, labels)
    for variable, want in wanted.items():
        np.testing.assert_allclose(norms.per_variable[variable], flat_norms([want]), rtol=1e-5)
    clip = float(np.median(norms.total))
    scales = np.minimum(1, clip / flat_norms(list(wanted.values())))
    sums = {name: np.tensordot(scales, value, 1) for name, value in wanted.items()}
    assert worst(tfinspect.clipped_sum(model, images, labels, clip), sums)[0] < 1e-5


@pytest.mark.parametrize("name", BUILDS)
def test_no_table_per_example_is_built(name):
    model = _model(name, rows=4000)
    images, labels = _examples(model)
    probe = GradientProbe(model)
    tfinspect.per_example_gradient_norms(probe, images, labels)
    tfinspect.clipped_sum(probe, images, labels, 1.0)
    # The table itself, and its own sum of gradients.
    assert _largest(probe) == 4000 * WIDTH


def test_ids_that_do_not_repeat_and_those_that_all_do():
    table = _table(ROWS, WIDTH)
    ids = tf.constant([[0, 1, 2], [7, 7, 7], [10, 0, 10]])

    def build(x):
        rows = tf.gather(table, tf.cast(x[:, 0, :3, 0], tf.int32))
        return tf.reduce_sum(rows * x[:, 1, :3, :1], 1)

    model = cases.function_model(build, {"table": table})
    images = np.random.RandomState(0).normal(size=(COUNT, *model.image_shape)).astype(np.float32)
    images[:, 0, :3, 0] = ids
    labels = np.arange(COUNT)
    norms = tfinspect.per_example_gradient_norms(model, images, labels)
    wanted = flat_norms(list(loop(model, images, labels).values()))
    np.testing.assert_allclose(norms.total, wanted, rtol=1e-5)


@pytest.mark.parametrize("shape", [(ROWS,), (ROWS, 2, 3)])
def test_tables_of_other_ranks(shape):
    table = _table(*shape)

    def build(x):
        rows = tf.gather(table, _ids(x))
        return tf.reshape(tf.tanh(rows), [x.shape[0], -1])[:, ::2]

    model = cases.function_model(build, {"table": table})
    images, labels = _examples(model)
    norms = tfinspect.per_example_gradient_norms(model, images, labels)
    wanted = flat_norms(list(loop(model, images, labels).values()))
    np.testing.assert_allclose(norms.total, wanted, rtol=1e-5)


def test_memory_for_norms_counts_no_table_per_example():
    inputs = keras.Input(cases.SHAPE)
    ids = keras.ops.cast(keras.ops.abs(keras.ops.reshape(inputs, (-1, 216))), "int32")
    rows = keras.layers.Embedding(100_000, 16)(ids)
    outputs = keras.layers.Dense(5)(keras.layers.GlobalAveragePooling1D()(rows))
    model = tfinspect.load_model(keras.Model(inputs, outputs))
    images, labels = _examples(model)
    # One table of gradients would take 6.4 MB.
    norms = tfinspect.per_example_gradient_norms(model, images, labels, memory="2MB")
    wanted = flat_norms(list(loop(model, images, labels).values()))
    np.testing.assert_allclose(norms.total, wanted, rtol=1e-5)
