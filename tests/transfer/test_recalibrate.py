import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tfinspect.nets.cifar_resnet import BATCH_NORM_EPSILON
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.transfer.recalibrate import recalibrate


@pytest.fixture(scope="module")
def recalibrated():
    """A network after three batches, and what its first two layers give for each of them."""
    model = SlimModel(get_spec("cifar_resnet8_v1", width=0.5).with_image_size(8), 3)
    values = {name: one.numpy() for name, one in model.variables_by_name().items()}
    random = np.random.RandomState(0)
    batches = [random.normal(size=(4, 8, 8, 3)).astype(np.float32) for _ in range(3)]
    assert recalibrate(model, batches) == 3
    found = {name: one.numpy() for name, one in model.variables_by_name().items()}
    layers = {"resnet/conv1": [], "resnet/stage1/unit1/conv1": []}
    for batch in batches:
        outputs = batch
        for layer, seen in layers.items():
            outputs = _convolved(outputs, values[f"{layer}/weights"])
            seen.append(outputs)
            outputs = np.maximum(_normalized(outputs), 0)
    return found, layers


@pytest.mark.parametrize("layer", ["resnet/conv1", "resnet/stage1/unit1/conv1"])
def test_statistics_become_the_means_over_the_batches(recalibrated, layer):
    found, layers = recalibrated
    count = layers[layer][0][..., 0].size
    means = np.mean([output.mean((0, 1, 2)) for output in layers[layer]], axis=0)
    # As TensorFlow's fused kernel stores it: the variance of a sample.
    variances = np.mean(
        [output.var((0, 1, 2)) * count / (count - 1) for output in layers[layer]], 0
    )
    np.testing.assert_allclose(found[f"{layer}/BatchNorm/moving_mean"], means, atol=1e-5)
    np.testing.assert_allclose(found[f"{layer}/BatchNorm/moving_variance"], variances, rtol=1e-4)


def test_weights_stay():
    model = SlimModel(get_spec("cifar_resnet8_v1", width=0.5).with_image_size(8), 3)
    before = {name: one.numpy() for name, one in model.variables_by_name().items()}
    recalibrate(model, [np.ones((2, 8, 8, 3), np.float32)])
    changed = {n for n, v in model.variables_by_name().items() if (v.numpy() != before[n]).any()}
    assert changed
    assert all("moving_" in name for name in changed)


def test_other_variables_that_move_stay():
    """Statistics are known by their whole names."""
    spec = get_spec("cifar_resnet8_v1", width=0.5).with_image_size(8)

    def build(images, num_classes, is_training, **options):
        zeros = tf.compat.v1.zeros_initializer()
        seen = tf.compat.v1.get_variable("moving_count", [], initializer=zeros, trainable=False)
        if is_training:
            seen.assign_add(1.0)
        return spec.build(images, num_classes, is_training, **options)

    model = SlimModel(dataclasses.replace(spec, build=build), 3)
    (count,) = (v for n, v in model.variables_by_name().items() if n.endswith("moving_count"))
    before = count.numpy()
    recalibrate(model, [np.ones((2, 8, 8, 3), np.float32)] * 3)
    assert count.numpy() == before


def _normalized(outputs):
    """With the batch's own statistics; scale and offset are 1 and 0 at first."""
    return (outputs - outputs.mean((0, 1, 2))) / np.sqrt(
        outputs.var((0, 1, 2)) + BATCH_NORM_EPSILON
    )


def _convolved(images, kernel):
    """The slow obvious 3x3 convolution with zeros around the image."""
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    output = 0
    for row in range(3):
        for column in range(3):
            output = output + padded[:, row : row + 8, column : column + 8] @ kernel[row, column]
    return output
