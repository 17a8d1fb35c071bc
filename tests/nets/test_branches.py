import numpy as np
import tensorflow as tf

from tfinspect.nets.branches import Fork, avg_pool, chain, concat_branches, conv, max_pool
from tfinspect.nets.slim_compat import slim, without_layer_warnings

v1 = tf.compat.v1
INPUTS = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)


def run(build):
    """Runs layers whose kernels are ones, on a 4x4 map; returns the output and variable names."""
    with tf.Graph().as_default(), without_layer_warnings():
        with slim.arg_scope(
            [slim.conv2d], activation_fn=None, weights_initializer=v1.ones_initializer()
        ):
            outputs = build(tf.constant(INPUTS))
        names = [variable.op.name for variable in v1.global_variables()]
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            return session.run(outputs), names


def test_branches_are_concatenated_in_scopes_of_their_own():
    branches = (
        (conv("a", 2, 1), conv("b", 3, 1)),
        (max_pool("pool", 4, stride=4, padding="SAME"),),
    )
    outputs, names = run(
        lambda inputs: concat_branches(inputs[:, :1, :1], branches),
    )
    assert outputs.reshape(-1).tolist() == [0, 0, 0, 0]
    assert [name for name in names if name.endswith("weights")] == [
        "Branch_0/a/weights",
        "Branch_0/b/weights",
    ]


def test_layers_of_a_branch_follow_each_other():
    layers = (max_pool("max", 2, stride=2), avg_pool("mean", 2, stride=1))
    outputs, _ = run(lambda inputs: chain(inputs, layers))
    assert outputs.reshape(-1).tolist() == [np.mean([5, 7, 13, 15])]


def test_a_fork_gives_the_same_inputs_to_each_layer():
    fork = Fork((conv("row", 1, (1, 4), padding="VALID"), max_pool("max", (1, 4), stride=1)))
    outputs, _ = run(fork.apply)
    assert outputs[0, :, 0].tolist() == [[6, 3], [22, 7], [38, 11], [54, 15]]
