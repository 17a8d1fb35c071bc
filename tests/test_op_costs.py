"""Operations and bytes of ops, against closed forms."""

import math

import pytest
import tensorflow as tf

import tfinspect
from tfinspect.live_graph import as_artifact
from tfinspect.op_costs import Cost, op_costs

v1 = tf.compat.v1


def _cost(build):
    with tf.Graph().as_default() as graph:
        made = build(v1.placeholder(tf.float32, [None, 9, 9, 4]))
    return op_costs(as_artifact(graph).ops)[None, made.op.name]


@pytest.mark.parametrize(
    ("build", "flops", "size"),
    [
        (lambda x: tf.nn.conv2d(x, tf.zeros([3, 3, 4, 8]), 2, "SAME"), 2 * 25 * 36 * 8, 25 * 8),
        (lambda x: tf.nn.conv2d(x, tf.zeros([3, 3, 2, 8]), 1, "VALID"), 2 * 49 * 18 * 8, 49 * 8),
        (
            lambda x: tf.nn.depthwise_conv2d(x, tf.zeros([3, 3, 4, 2]), [1] * 4, "SAME"),
            2 * 81 * 9 * 8,
            81 * 8,
        ),
        (lambda x: tf.matmul(x[:, 0, 0], tf.zeros([4, 5])), 2 * 4 * 5, 5),
        (lambda x: tf.matmul(x[:, 0, 0], tf.zeros([5, 4]), transpose_b=True), 2 * 4 * 5, 5),
        (lambda x: tf.nn.max_pool2d(x, 3, 2, "VALID"), 9 * 16 * 4, 16 * 4),
        (lambda x: tf.nn.avg_pool2d(x, 9, 1, "VALID"), 81 * 4, 4),
        (
            lambda x: v1.nn.fused_batch_norm(x, [1.0] * 4, [0.0] * 4)[0],
            2 * 81 * 4,
            81 * 4,
        ),
    ],
    ids=["conv", "group conv", "depthwise", "matmul", "transposed", "max", "average", "norm"],
)
def test_cost_is_the_closed_form(build, flops, size):
    assert _cost(build) == Cost(flops, size * 4)


def test_unknown_shape_gives_an_unknown_cost():
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32)
        tf.nn.conv2d(x, tf.zeros([3, 3, 4, 8]), 1, "SAME", name="conv")
    assert op_costs(as_artifact(graph).ops)[None, "conv"] == Cost(None, None)


def test_resnet20_has_the_closed_form_of_its_paper():
    """He et al. 2015, section 4.2: 3x3 convolutions on maps of 32, 16 and 8, and a product."""
    artifact = as_artifact(tfinspect.load_model("cifar_resnet20_v1"))
    costs = op_costs(artifact.ops)
    types = {op.name: op.op_type for op in artifact.ops}
    counted = sum(
        cost.flops for (_, name), cost in costs.items() if types[name] in ("Conv2D", "MatMul")
    )
    first = 32 * 32 * 16 * 27
    stages = [6 * 32 * 32 * 16 * 144]
    for size, filters in ((16, 32), (8, 64)):
        area = size * size * filters * 9
        stages.append(area * filters // 2 + 5 * area * filters)
    assert counted == 2 * (first + math.fsum(stages) + 64 * 10)
