"""Where a graph takes its images and gives its logits, where that is not plain."""

import numpy as np
import pytest
import tensorflow as tf

from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.model import load_model

IMAGES = np.random.RandomState(0).rand(2, 4, 4, 3).astype(np.float32)


def written(directory, build):
    """Writes the graph that `build` makes as a GraphDef."""
    graph = tf.Graph()
    with graph.as_default():
        build()
    tf.io.write_graph(graph, str(directory), "made.pb", as_text=False)
    return directory / "made.pb"


def placeholder(name="images", shape=(None, 4, 4, 3), dtype=tf.float32):
    return tf.compat.v1.placeholder(dtype, shape, name)


def two_inputs():
    tf.add(placeholder("left"), placeholder("right"))


def two_outputs():
    mean = tf.reduce_mean(placeholder(), [1, 2])
    tf.identity(mean + 1, name="one")
    tf.identity(mean + 2, name="other")


def no_images():
    tf.identity(placeholder("vector", [None, 3]))


def one_image():
    tf.reduce_mean(placeholder("image", [4, 4, 3])[None], [1, 2], name="out")


def custom():
    tf.reduce_mean(placeholder(), [1, 2], name="out")


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (two_inputs, ConfigError, r"2 placeholders .*'left:0' \[\?, 4, 4, 3\], 'right:0'"),
        (two_outputs, ConfigError, r"2 float outputs .*'one:0' \[\?, 3\], 'other:0'"),
        (no_images, ArtifactError, r"no float placeholder .*'vector:0' float32 \[\?, 3\]"),
        (one_image, ArtifactError, r"without a batch dimension at 'image:0' \[4, 4, 3\]; name a"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_ambiguous_or_missing_is_refused_with_candidates(tmp_path, build, error, text):
    with pytest.raises(error, match=text):
        load_model(written(tmp_path, build))


def test_a_named_output_settles_it(tmp_path):
    model = load_model(written(tmp_path, two_outputs), output_name="other:0")
    np.testing.assert_allclose(model.logits(IMAGES), IMAGES.mean((1, 2)) + 2, rtol=1e-5)


def test_a_named_input_that_takes_no_batch_is_refused(tmp_path):
    with pytest.raises(
        ConfigError, match=r"'image:0' in .* has the shape \[4, 4, 3\] and takes no"
    ):
        load_model(written(tmp_path, one_image), input_name="image")


def test_the_batch_of_one_behind_a_single_image_can_be_named(tmp_path):
    model = load_model(written(tmp_path, one_image), input_name="strided_slice")
    np.testing.assert_allclose(model.logits(IMAGES), IMAGES.mean((1, 2)), rtol=1e-5)


def test_pixels_of_bytes_and_unknown_shapes_are_taken(tmp_path):
    def build():
        images = placeholder(shape=None, dtype=tf.uint8)
        tf.reduce_mean(tf.ensure_shape(tf.cast(images, tf.float32), [None] * 3 + [3]), [1, 2])

    model = load_model(written(tmp_path, build))
    assert (model.image_shape, model.input_dtype) == ((None, None, None), "uint8")
    images = np.full((1, 5, 7, 3), 9, np.uint8)
    np.testing.assert_array_equal(model.logits(model.preprocess(images)), [[9, 9, 9]])


def test_an_op_that_is_not_registered_is_named(tmp_path):
    path = written(tmp_path, custom)
    graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    next(node for node in graph.node if node.name == "out").op = "MadeUpOp"
    path.write_bytes(graph.SerializeToString())
    with pytest.raises(ArtifactError, match=r"needs 'out' \(MadeUpOp\), which cannot run here"):
        load_model(path, output_name="out:0")


class Signatures(tf.Module):
    """Two ways to call one sum, and one that takes encoded images."""

    def __init__(self):
        super().__init__()
        self.scale = tf.Variable(2.0)

    def total(self, images):
        return {"logits": tf.reduce_sum(images * self.scale, [1, 2])}

    def decoded(self, encoded):
        pixels = tf.reshape(tf.io.decode_raw(encoded, tf.uint8), [-1, 4, 4, 3])
        return self.total(tf.identity(tf.cast(pixels, tf.float32), name="pixels"))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("signatures")
    module = Signatures()
    floats = tf.function(module.total).get_concrete_function(tf.TensorSpec([None, 4, 4, 3]))
    strings = tf.function(module.decoded).get_concrete_function(tf.TensorSpec([None], tf.string))
    both = {"serving_default": strings, "one": floats}
    tf.saved_model.save(module, path / "both", both)
    tf.saved_model.save(module, path / "two", {"one": floats, "two": floats})
    tf.saved_model.save(module, path / "encoded", {"serving_default": strings})
    return path


def test_the_signature_with_float_images_is_taken(saved):
    model = load_model(saved / "both")
    np.testing.assert_allclose(model.logits(IMAGES), 2 * IMAGES.sum((1, 2)), rtol=1e-5)


def test_several_signatures_with_images_need_a_choice(saved):
    with pytest.raises(ConfigError, match=r"at several places: 'one_images:0' .one., 'two_images"):
        load_model(saved / "two")
    model = load_model(saved / "two", signature="two")
    np.testing.assert_allclose(model.logits(IMAGES), 2 * IMAGES.sum((1, 2)), rtol=1e-5)


def test_encoded_images_need_the_tensor_after_the_decoding(saved):
    with pytest.raises(ArtifactError, match="takes encoded images at 'serving_default_encoded:0'"):
        load_model(saved / "encoded")
    model = load_model(saved / "encoded", input_name="pixels:0")
    np.testing.assert_allclose(model.logits(IMAGES), 2 * IMAGES.sum((1, 2)), rtol=1e-5)


def test_the_key_of_a_signatures_output_names_it(saved):
    model = load_model(saved / "both", signature="one", output_name="logits")
    np.testing.assert_allclose(model.logits(IMAGES), 2 * IMAGES.sum((1, 2)), rtol=1e-5)
    with pytest.raises(ConfigError, match=r"no tensor and no output 'logit' .*nearest: 'logits'"):
        load_model(saved / "both", signature="one", output_name="logit")
