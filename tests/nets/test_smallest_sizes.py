"""The smallest size of networks that pad: a single place is left in the last map."""

import pytest
import tensorflow as tf

from tfinspect.errors import NetworkError
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel

LAST_MAPS = {
    "cifar_resnet8_v1": "stage3/unit1",
    "cifar_resnet14_v2": "stage3/unit2",
    "cifar_resnet11_bottleneck": "stage3/unit1",
    "inception_v1": "Mixed_5c",
    "inception_v2": "Mixed_5c",
    "resnet_v1_50": "resnet_v1_50/block4",
    "mobilenet_v1_025": "Conv2d_13_pointwise",
    "mobilenet_v2_035": "layer_19",
}


def last_map(name, side):
    model = SlimModel(get_spec(name).with_image_size(side), 3, seed=None)
    with tf.__internal__.FuncGraph("small").as_default():
        images = tf.compat.v1.placeholder(tf.float32, [1, side, side, 3])
        _, end_points = model.network(images, False)
    return end_points[LAST_MAPS[name]].shape[1:3].as_list()


@pytest.mark.parametrize("name", LAST_MAPS)
def test_one_place_of_the_last_map_is_one_smallest_image(name):
    smallest = get_spec(name).minimum_size
    assert last_map(name, smallest) == [1, 1]
    assert last_map(name, 2 * smallest) == [2, 2]
    # A pixel more, and padding fills up another place.
    assert last_map(name, smallest + 1) == [2, 2]
    with pytest.raises(NetworkError, match=f"takes at least {smallest}x{smallest}; resize them"):
        get_spec(name).with_image_size(smallest - 1)
