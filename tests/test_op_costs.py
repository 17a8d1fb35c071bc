"""Operations and bytes of ops, against closed forms."""

import math

import pytest
import tensorflow as tf

import tfinspect
from tfinspect.entries import OpEntry, TensorEntry
from tfinspect.live_graph import as_artifact
from tfinspect.nets.arg_scopes import inception_resnet_v2_arg_scope
from tfinspect.nets.inception_resnet_v2 import inception_resnet_v2
from tfinspect.nets.slim_compat import slim, without_layer_warnings
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
        (
            lambda x: tf.nn.conv2d_transpose(x, tf.zeros([3, 3, 8, 4]), [1, 18, 18, 8], 2),
            2 * 81 * 4 * 9 * 8,
            18 * 18 * 8,
        ),
        (lambda x: tf.matmul(x[:, 0, 0], tf.zeros([4, 5])), 2 * 4 * 5, 5),
        (lambda x: tf.matmul(x[:, 0, 0], tf.zeros([5, 4]), transpose_b=True), 2 * 4 * 5, 5),
        (lambda x: tf.einsum("bijc,cd->bijd", x, tf.zeros([4, 5])), 2 * 81 * 4 * 5, 81 * 5),
        (lambda x: tf.einsum("...c,cd->...d", x, tf.zeros([4, 5])), 2 * 81 * 4 * 5, 81 * 5),
        (lambda x: tf.einsum("bijc,bklc->bijkl", x, x), 2 * 81 * 81 * 4, 81 * 81),
        (lambda x: tf.nn.max_pool2d(x, 3, 2, "VALID"), 9 * 16 * 4, 16 * 4),
        (lambda x: tf.nn.avg_pool2d(x, 9, 1, "VALID"), 81 * 4, 4),
        (
            lambda x: v1.nn.fused_batch_norm(x, [1.0] * 4, [0.0] * 4)[0],
            2 * 81 * 4,
            81 * 4,
        ),
    ],
    ids=[
        "conv",
        "group conv",
        "depthwise",
        "transposed conv",
        "matmul",
        "transposed",
        "einsum",
        "einsum of any axes",
        "einsum over channels",
        "max",
        "average",
        "norm",
    ],
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


# Szegedy et al. 2016 (arXiv:1602.07261), figures 15 to 20, sizes as in the published network for
# images of 299: how often, side of the map that is made, height and width of the filter, channels
# taken and made. Summed up by hand these are 13,155,795,552 multiplications.
LAYERS = {
    "stem": (1, [(149, 3, 3, 3, 32), (147, 3, 3, 32, 32), (147, 3, 3, 32, 64)]),
    "stem, after a pool": (1, [(73, 1, 1, 64, 80), (71, 3, 3, 80, 192)]),
    "Mixed_5b, 1x1 and 5x5": (1, [(35, 1, 1, 192, 96), (35, 1, 1, 192, 48), (35, 5, 5, 48, 64)]),
    "Mixed_5b, 3x3": (1, [(35, 1, 1, 192, 64), (35, 3, 3, 64, 96), (35, 3, 3, 96, 96)]),
    "Mixed_5b, pool": (1, [(35, 1, 1, 192, 64)]),
    "block35, 1x1 and 3x3": (10, [*[(35, 1, 1, 320, 32)] * 2, (35, 3, 3, 32, 32)]),
    "block35, two 3x3": (10, [(35, 1, 1, 320, 32), (35, 3, 3, 32, 48), (35, 3, 3, 48, 64)]),
    "block35, up": (10, [(35, 1, 1, 128, 320)]),
    "Mixed_6a, 3x3": (1, [(17, 3, 3, 320, 384)]),
    "Mixed_6a, two": (1, [(35, 1, 1, 320, 256), (35, 3, 3, 256, 256), (17, 3, 3, 256, 384)]),
    "block17, 1x1": (20, [(17, 1, 1, 1088, 192)]),
    "block17, 7x1": (20, [(17, 1, 1, 1088, 128), (17, 1, 7, 128, 160), (17, 7, 1, 160, 192)]),
    "block17, up": (20, [(17, 1, 1, 384, 1088)]),
    "Mixed_7a, 3x3": (1, [*[(17, 1, 1, 1088, 256)] * 2, (8, 3, 3, 256, 384), (8, 3, 3, 256, 288)]),
    "Mixed_7a, two": (1, [(17, 1, 1, 1088, 256), (17, 3, 3, 256, 288), (8, 3, 3, 288, 320)]),
    "block8, 1x1": (10, [(8, 1, 1, 2080, 192)]),
    "block8, 3x1": (10, [(8, 1, 1, 2080, 192), (8, 1, 3, 192, 224), (8, 3, 1, 224, 256)]),
    "block8, up": (10, [(8, 1, 1, 448, 2080)]),
    "end": (1, [(8, 1, 1, 2080, 1536), (1, 1, 1, 1536, 1001)]),
}


@pytest.mark.slow
def test_inception_resnet_v2_has_the_closed_form_of_its_layers():
    with tf.Graph().as_default() as graph, without_layer_warnings():
        with slim.arg_scope(inception_resnet_v2_arg_scope()):
            images = v1.placeholder(tf.float32, [None, 299, 299, 3])
            inception_resnet_v2(images, 1001, is_training=False, create_aux_logits=False)
    artifact = as_artifact(graph)
    types = {op.name: op.op_type for op in artifact.ops}
    counted = sum(
        cost.flops
        for (_, name), cost in op_costs(artifact.ops).items()
        if types[name] in ("Conv2D", "MatMul")
    )
    products = sum(
        times * side * side * height * width * taken * made
        for times, layers in LAYERS.values()
        for side, height, width, taken, made in layers
    )
    assert (products, counted) == (13_155_795_552, 2 * products)


@pytest.mark.parametrize(
    ("equation", "shapes", "flops"),
    [("ab->ba", [(2, 3)], 0), ("ab->a", [(2, 3)], 6), ("...a,a->", [(7, 3), (3,)], None)],
)
def test_einsum_of_other_forms(equation, shapes, flops):
    made = {"ab->ba": (3, 2), "ab->a": (2,), "...a,a->": ()}[equation]
    outputs = [
        TensorEntry(f"x{n}:0", f"x{n}", "Placeholder", "float32", s) for n, s in enumerate(shapes)
    ]
    taken = [OpEntry(one.op, "Placeholder", outputs=(one,)) for one in outputs]
    result = TensorEntry("e:0", "e", "Einsum", "float32", made)
    inputs = tuple(one.name for one in outputs)
    op = OpEntry("e", "Einsum", inputs, outputs=(result,), equation=equation)
    assert op_costs([*taken, op])[None, "e"].flops == flops
