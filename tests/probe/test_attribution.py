import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tfinspect.errors import ConfigError, DataError
from tfinspect.model import load_model
from tfinspect.probe.attribution import explain
from tfinspect.probe.attribution_methods import Settings, integrated_gradients, smooth_grad

DRAW = np.random.RandomState(0)
IMAGES = DRAW.uniform(0, 1, (3, 4, 4, 3)).astype(np.float32)
KERNEL = DRAW.standard_normal((48, 5)).astype(np.float32)
BIAS = DRAW.standard_normal(5).astype(np.float32)


def keras_model(*layers):
    return load_model(tf_keras.Sequential([tf_keras.Input((4, 4, 3)), *layers]))


@pytest.fixture(scope="module")
def linear():
    dense = tf_keras.layers.Dense(5)
    model = keras_model(tf_keras.layers.Flatten(), dense)
    dense.set_weights([KERNEL, BIAS])
    return model


@pytest.fixture(scope="module")
def convolved():
    """conv 2x2 with ReLU -> K = 3 channels [3, 3]; mean over positions; dense 3 -> 2."""
    conv, dense = tf_keras.layers.Conv2D(3, 2, activation="relu"), tf_keras.layers.Dense(2)
    model = keras_model(conv, tf_keras.layers.GlobalAveragePooling2D(), dense)
    conv.set_weights([DRAW.standard_normal((2, 2, 3, 3)), np.zeros(3)])
    dense.set_weights([np.array([[1.0, 0], [-2, 1], [0.5, -1]]), np.zeros(2)])
    return model


class Cubic:
    """score = sum x^3 + class; the gradient is 3 x^2."""

    def of_images(self, images, classes):
        return (images**3).sum((1, 2, 3)) + classes, 3 * images**2


def test_attributions_of_a_linear_model_are_weights_times_pixels(linear):
    found = explain(linear, IMAGES, 3, use=["integrated_gradients", "smooth_grad"])
    weights = KERNEL[:, 3].reshape(4, 4, 3)
    maps = found.maps
    np.testing.assert_allclose(maps["integrated_gradients"], weights * IMAGES, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(maps["smooth_grad"], np.stack([weights] * 3), rtol=1e-5, atol=1e-6)
    assert found.completeness_gap == pytest.approx([0, 0, 0], abs=1e-5)


def test_integrated_gradients_of_a_polynomial_are_exact():
    baseline = np.full((4, 4, 3), 0.2, np.float32)
    found, gap = integrated_gradients(
        Cubic(), IMAGES.astype(np.float64), np.array([7, 7, 7]), Settings(steps=2), baseline
    )
    # (x - b) times the mean of 3 x^2 on the way from b to x is x^3 - b^3.
    np.testing.assert_allclose(found, IMAGES**3 - baseline**3, rtol=1e-5, atol=1e-7)
    assert gap.max() < 1e-6


class Kinked:
    """score = sum of relu(x - 0.9), whose gradient is 0 or 1; counts the images it is asked for."""

    def __init__(self):
        self.asked = 0

    def of_images(self, images, classes):
        self.asked += len(images)
        above = np.maximum(images - 0.9, 0)
        return above.sum((1, 2, 3)), (images > 0.9).astype(np.float32)


def integrated(gradient, **settings):
    image = np.full((1, 4, 4, 3), 0.95, np.float32)
    zeros = np.zeros((4, 4, 3), np.float32)
    return integrated_gradients(gradient, image, np.array([0]), Settings(**settings), zeros)


def test_integrated_gradients_take_more_steps_until_they_add_up():
    gradient = Kinked()
    found, gap = integrated(gradient, steps=4)
    assert gap[0] < 0.05
    assert found.sum() == pytest.approx(48 * 0.05, rel=0.05)
    assert gradient.asked < 2 * 512


def test_integrated_gradients_stop_at_the_most_steps_and_tell_the_gap():
    gradient = Kinked()
    found, gap = integrated(gradient, steps=2, most_steps=4)
    assert gradient.asked == 2 + 4 + 2
    np.testing.assert_allclose(gap[0], abs(found.sum() - 48 * 0.05) / (48 * 0.05), rtol=1e-3)
    assert gap[0] > 0.05


def test_integrated_gradients_add_up_to_the_difference_of_the_logits(convolved):
    found = explain(
        convolved, IMAGES, 1, use=["integrated_gradients"], settings=Settings(steps=200)
    )
    black = convolved.logits(np.zeros((1, 4, 4, 3), np.float32))[0, 1]
    difference = convolved.logits(IMAGES)[:, 1] - black
    summed = found.maps["integrated_gradients"].sum((1, 2, 3))
    np.testing.assert_allclose(summed, difference, rtol=0.01, atol=1e-4)
    np.testing.assert_allclose(
        found.completeness_gap, abs(summed - difference) / abs(difference), atol=1e-5
    )


def test_smooth_grad_averages_over_noise_of_the_given_size():
    settings = Settings(samples=4000, noise=0.3)
    found = smooth_grad(Cubic(), IMAGES[:1], np.array([0]), settings)
    # The mean of 3 (x + e)^2 is 3 x^2 + 3 var(e).
    variance = (0.3 * np.ptp(IMAGES[0])) ** 2
    np.testing.assert_allclose(found[0], 3 * IMAGES[0] ** 2 + 3 * variance, atol=0.1)


def test_smooth_grad_is_the_same_every_time():
    maps = [smooth_grad(Cubic(), IMAGES, np.zeros(3), Settings()) for _ in range(2)]
    np.testing.assert_array_equal(*maps)


@pytest.mark.parametrize("column", [0, 1])
def test_grad_cam_weighs_the_channels_by_their_mean_gradient(convolved, column):
    found = explain(convolved, IMAGES, column, use=["grad_cam"])
    relu = [op.name for op in convolved.trace().graph.get_operations() if op.type == "Relu"][-1]
    channels = convolved.fetch(f"{relu}:0", IMAGES)[f"{relu}:0"]
    # The mean over nine positions: the gradient is weight / 9 everywhere.
    weights = np.array([[1.0, -2, 0.5], [0, 1, -1]])[column] / 9
    np.testing.assert_allclose(
        found.maps["grad_cam"], np.maximum(channels @ weights, 0), rtol=1e-5, atol=1e-6
    )
    assert found.tensor == f"{relu}:0"


def test_without_a_class_the_predicted_ones_are_explained(linear):
    found = explain(linear, IMAGES, use=["smooth_grad"])
    np.testing.assert_array_equal(found.classes, linear.logits(IMAGES).argmax(1))
    np.testing.assert_allclose(found.probabilities, linear.predict(IMAGES).max(1), rtol=1e-5)
    assert found.labels == tuple(str(column) for column in found.classes)


def test_each_image_may_have_its_own_class(linear):
    found = explain(linear, IMAGES, [0, "4", 2], use=["smooth_grad"])
    weights = KERNEL.T[[0, 4, 2]].reshape(3, 4, 4, 3)
    np.testing.assert_allclose(found.maps["smooth_grad"], weights, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ("cat", "has no class 'cat'; a column from 0 to 4 works"),
        (5, "has no class '5'; a column from 0 to 4 works"),
        ([1, 2], "2 classes for 3 images; give one for all, or one for each"),
    ],
)
def test_a_class_that_does_not_exist_is_refused(linear, classes, message):
    with pytest.raises(ConfigError, match=message):
        explain(linear, IMAGES, classes)


def test_an_unknown_method_names_the_nearest(linear):
    with pytest.raises(ConfigError, match="no method 'gradcam'; nearest: 'grad_cam'"):
        explain(linear, IMAGES, use=["gradcam"])


def test_no_image_is_refused(linear):
    with pytest.raises(DataError, match="there is no image to explain"):
        explain(linear, IMAGES[:0])


def test_grad_cam_needs_a_tensor_with_positions(linear):
    flat = next(op.name for op in linear.trace().graph.get_operations() if op.type == "Reshape")
    with pytest.raises(ConfigError, match=r"is \(None, 48\) and not \[N, h, w, C\]"):
        explain(linear, IMAGES, settings=Settings(tensor=flat))


def test_a_model_that_gives_no_logits_is_refused():
    model = keras_model(tf_keras.layers.Conv2D(3, 1))
    with pytest.raises(DataError, match="gives \\[3, 4, 4, 3\\] for 3 images"):
        explain(model, IMAGES)


def test_a_model_without_a_gradient_says_so():
    model = keras_model(
        tf_keras.layers.Flatten(), tf_keras.layers.Lambda(lambda x: tf.cast(x > 0.5, tf.float32))
    )
    with pytest.raises(ConfigError, match="do not depend on the images in a way that has a grad"):
        explain(model, IMAGES, 0, use=["smooth_grad"])


def test_progress_counts_the_images_that_are_run(linear):
    told = []
    settings = Settings(steps=4, samples=3)
    use = ["integrated_gradients", "smooth_grad"]
    explain(linear, IMAGES, use=use, settings=settings, progress=lambda *call: told.append(call))
    assert told[-1] == ("explaining", 3 * (4 + 2 + 3), 3 * (4 + 2 + 3))
