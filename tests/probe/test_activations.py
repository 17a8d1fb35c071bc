import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tfinspect.errors import ConfigError, DataError
from tfinspect.model import load_model
from tfinspect.probe.activations import Limits, activations
from tfinspect.probe.tensor_choice import TensorChoice

IMAGES = np.random.RandomState(0).standard_normal((10, 4, 4, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    layers = tf_keras.layers
    return load_model(
        tf_keras.Sequential(
            [
                tf_keras.Input((4, 4, 3)),
                layers.Conv2D(6, 3, padding="same", activation="relu", name="conv"),
                layers.GlobalAveragePooling2D(name="pool"),
                layers.Dense(2, activation="sigmoid", name="scores"),
            ]
        )
    )


RELU, SIGMOID = TensorChoice(op_types=("Relu",)), TensorChoice(op_types=("Sigmoid",))


def only(found):
    (tensor,) = found.tensors
    return tensor


def test_statistics_are_of_all_images_whatever_the_batches(model):
    found = only(activations(model, IMAGES, RELU, limits=Limits(batch_size=3)))
    values = model.fetch(found.name, IMAGES)[found.name]
    assert found.shape == (4, 4, 6)
    assert found.statistics.values == values.size
    assert found.statistics.mean == pytest.approx(values.mean(), rel=1e-5)
    assert found.statistics.zeros == (values == 0).mean()


def test_samples_hold_the_values_of_evenly_spread_images_and_channels(model):
    limits = Limits(samples=2, channels=3, batch_size=4)
    found = activations(model, IMAGES, RELU, limits=limits)
    tensor = only(found)
    values = model.fetch(tensor.name, IMAGES)[tensor.name]
    assert (found.sample_images, tensor.channels) == ((0, 9), (0, 2, 5))
    np.testing.assert_allclose(tensor.samples, values[[0, 9]][..., [0, 2, 5]], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tensor.strength, abs(values[[0, 9]]).mean(-1), rtol=1e-5, atol=1e-6)


def test_more_images_than_the_limit_are_sampled(model):
    found = activations(model, IMAGES, RELU, limits=Limits(images=4))
    assert found.images == (0, 3, 6, 9)
    assert only(found).statistics.values == 4 * 4 * 4 * 6


def test_a_tensor_without_positions_has_no_strength(model):
    found = only(activations(model, IMAGES, SIGMOID))
    assert found.strength is None
    assert found.samples.shape == (3, 2)
    assert found.statistics.saturated == 0


def test_progress_is_told(model):
    told = []
    activations(
        model, IMAGES, limits=Limits(batch_size=4), progress=lambda *call: told.append(call)
    )
    assert told == [("images", done, 10) for done in (4, 8, 10)]


def test_keys_of_a_row_are_stable(model):
    row = only(activations(model, IMAGES, RELU)).row()
    assert list(row) == [
        *("name", "end_point", "op_type", "shape", "min", "max", "mean", "std", "zeros"),
        *("saturated", "channels", "dead", "nan", "inf"),
    ]


def test_no_image_is_refused(model):
    with pytest.raises(DataError, match="there is no image to look at"):
        activations(model, IMAGES[:0])


def test_images_of_another_shape_are_refused(model):
    with pytest.raises(DataError, match=r"\[2, 5, 5, 3\]"):
        activations(model, np.zeros((2, 5, 5, 3), np.float32))


def test_a_limit_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="a limit of 0 channels is none"):
        Limits(channels=0)


def test_a_tensor_whose_first_axis_does_not_count_the_images_is_refused():
    @tf.function(input_signature=[tf.TensorSpec([None, 4, 4, 3])])
    def flattened(images):
        return tf.reshape(tf.nn.relu(images), [-1, 3], name="rows")

    with pytest.raises(ConfigError, match=r"has no batch dimension: 10 images give the shape"):
        activations(load_model(flattened), IMAGES, TensorChoice(match="rows"))
