import numpy as np

from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.transfer.recalibrate import recalibrate


def test_statistics_become_the_means_over_the_batches():
    model = SlimModel(get_spec("cifar_resnet8_v1", width=0.5).with_image_size(8), 3)
    kernel = model.variables_by_name()["resnet/conv1/weights"].numpy()
    random = np.random.RandomState(0)
    batches = [random.normal(size=(4, 8, 8, 3)).astype(np.float32) for _ in range(3)]
    assert recalibrate(model, batches) == 3
    means = [_convolved(batch, kernel).mean((0, 1, 2)) for batch in batches]
    found = model.variables_by_name()["resnet/conv1/BatchNorm/moving_mean"].numpy()
    np.testing.assert_allclose(found, np.mean(means, axis=0), atol=1e-5)


def test_weights_stay():
    model = SlimModel(get_spec("cifar_resnet8_v1", width=0.5).with_image_size(8), 3)
    before = {name: one.numpy() for name, one in model.variables_by_name().items()}
    recalibrate(model, [np.ones((2, 8, 8, 3), np.float32)])
    changed = {n for n, v in model.variables_by_name().items() if (v.numpy() != before[n]).any()}
    assert changed
    assert all("moving_" in name for name in changed)


def _convolved(images, kernel):
    """The slow obvious 3x3 convolution with zeros around the image."""
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    output = 0
    for row in range(3):
        for column in range(3):
            output = output + padded[:, row : row + 8, column : column + 8] @ kernel[row, column]
    return output
