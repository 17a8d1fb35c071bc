import numpy as np
import pytest
import tensorflow as tf
from graph_files import META_GRAPH, TF1_SAVED_MODEL
from model.training_graph import images, write
from oracle_files import CKPT_V2, ORACLE
from PIL import Image
from tiny_weights import NET, PIXELS, preprocessed, tiny_weights

from tfinspect.errors import ArtifactError, ConfigError, DataError
from tfinspect.extraction import Request, load_network, save
from tfinspect.model import load_model
from tfinspect.nets.registry import get_spec
from tfinspect.play import ImageFiles, Setting, play

TF1_IO = np.load(ORACLE / "tf1_artifacts/inference_io.npz")
WITH_CHECKPOINT = Setting(checkpoint=str(CKPT_V2))


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    base = tmp_path_factory.mktemp("played")
    loaded = load_network(tiny_weights().v2, Request(NET))
    for name in ("saved-model", "frozen"):
        save(loaded, str(base / name), as_format=name)
    return base


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    base = tmp_path_factory.mktemp("pictures")
    paths = tuple(str(base / f"{number}.png") for number in range(len(PIXELS)))
    for path, pixels in zip(paths, PIXELS, strict=True):
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return ImageFiles(paths)


def test_meta_graph_and_checkpoint_give_their_writers_tensors():
    names = [key.replace("__", "/") for key in TF1_IO.files if "__" in key]
    played = play(META_GRAPH, {"input": TF1_IO["input"]}, names, setting=WITH_CHECKPOINT)
    for name, value in played.values.items():
        np.testing.assert_allclose(value, TF1_IO[name.replace("/", "__")], atol=2e-6)


def test_saved_model_is_fed_and_fetched_by_its_signatures_keys():
    played = play(str(TF1_SAVED_MODEL), {"images": TF1_IO["input"]}, ["probabilities"])
    np.testing.assert_allclose(played.values["probabilities"], TF1_IO["probabilities"], atol=1e-6)


def test_image_files_are_preprocessed_as_the_graph_says(extracted, pictures):
    played = play(
        str(extracted / "frozen/frozen.pb"), {"images": pictures}, ["resnet/logits/BiasAdd"]
    )
    (logits,) = played.values.values()
    np.testing.assert_allclose(logits, tiny_weights().logits, atol=1e-4)


def test_image_files_are_fed_encoded_where_the_graph_decodes(extracted, pictures):
    played = play(
        str(extracted / "saved-model"), {"encoded": pictures}, ["logits", "classes"], classify=True
    )
    np.testing.assert_allclose(played.values["logits"], tiny_weights().logits, atol=1e-4)
    np.testing.assert_allclose(played.logits, tiny_weights().logits, atol=1e-4)
    assert [int(one) for one in played.values["classes"]] == list(
        tiny_weights().logits.argmax(axis=1)
    )


def test_signature_whose_inputs_are_fed_is_played(extracted):
    played = play(str(extracted / "saved-model"), {"images": PIXELS}, ["logits"], classify=True)
    np.testing.assert_allclose(played.values["logits"], tiny_weights().logits, atol=1e-4)
    np.testing.assert_allclose(played.logits, tiny_weights().logits, atol=1e-4)


def test_several_tensors_are_fed(tmp_path):
    write(str(tmp_path), "placeholder", resource=True)
    path = str(tmp_path / "model.ckpt.meta")
    played = play(path, {"images": images(), "is_training": False}, ["probabilities"])
    expected = load_model(path, feeds={"is_training:0": False}).predict(images())
    np.testing.assert_allclose(played.values["probabilities"], expected, atol=1e-6)


def test_switch_that_is_fed_a_word_is_told_what_it_takes(tmp_path):
    write(str(tmp_path), "placeholder", resource=True)
    feeds = {"images": images(), "is_training": ImageFiles(("maybe",))}
    words = r"'is_training' takes bool \[\], and was given 'maybe', .*; give true or false\."
    with pytest.raises(DataError, match=words):
        play(str(tmp_path / "model.ckpt.meta"), feeds, ["probabilities"])


def test_inner_tensor_can_be_fed():
    inner = TF1_IO["tower_0__conv1__Relu"]
    played = play(
        META_GRAPH, {"tower_0/conv1/Relu:0": inner}, ["tower_0/logits:0"], setting=WITH_CHECKPOINT
    )
    np.testing.assert_allclose(played.values["tower_0/logits:0"], TF1_IO["logits"], atol=1e-6)


def test_variable_is_fetched_by_its_name(extracted):
    name = "resnet/logits/weights"
    played = play(str(extracted / "frozen/frozen.pb"), {"images": preprocessed()}, [name])
    np.testing.assert_array_equal(played.values[name], tiny_weights().values[name])


def test_network_of_the_registry_plays_with_its_checkpoint():
    setting = Setting(checkpoint=tiny_weights().v1)
    played = play(NET, {"images": preprocessed()}, ["stage1/unit1"], setting=setting)
    assert played.values["stage1/unit1"].shape == (3, 32, 32, 16)


@pytest.mark.parametrize(
    ("feeds", "fetches", "error", "words"),
    [
        ({}, [], ConfigError, "nothing is fed"),
        ({"image": 1.0}, [], ConfigError, "no tensor 'image' to feed; nearest: 'images'"),
        (
            {"images": 3},
            [],
            DataError,
            r"takes float32 \[\?, 32, 32, 3\], and was given int64 \[\]",
        ),
        ({"images": PIXELS[0]}, [], DataError, r"was given float32 \[32, 32, 3\]"),
        ({"images": PIXELS > 0}, [], DataError, "was given bool"),
        ({"images": PIXELS}, [""], ConfigError, "an empty text names no tensor of"),
        ({"images": PIXELS}, ["conv1", " "], ConfigError, "give --fetch the name of one"),
        ({"images": ImageFiles(("no.png",))}, [], DataError, "no.png"),
        ({"images": PIXELS}, ["resnet/conv1/Rel"], ConfigError, "nearest: 'resnet/conv1/Relu:0'"),
        (
            {"images": PIXELS},
            ["resnet/conv1/Relu", "resnet/conv1/Rel"],
            ArtifactError,
            "'resnet/conv1/Relu:0'",
        ),
    ],
)
def test_what_cannot_be_fed_or_fetched_is_one_clear_line(extracted, feeds, fetches, error, words):
    with pytest.raises(error, match=words) as caught:
        play(str(extracted / "frozen/frozen.pb"), feeds, fetches)
    assert "\n" not in str(caught.value)


def test_pixels_are_not_taken_for_preprocessed_images(extracted):
    path, preprocessing = str(extracted / "frozen/frozen.pb"), get_spec(NET).preprocessing
    pixels = PIXELS.astype(np.uint8)
    # The extremes, from all 256 values of each channel.
    every = preprocessing.apply(np.arange(256.0).repeat(3).reshape(256, 1, 3))
    words = (
        rf"takes float32 in {every.min():.4g}\.\.{every.max():.4g}, and was given uint8, .*0\.\.255"
    )
    with pytest.raises(DataError, match=f"'images' {words}; feed the image files"):
        play(path, {"images": pixels}, classify=True)
    as_floats = play(path, {"images": pixels.astype(np.float32)}, classify=True)
    assert not any("uint8" in note for note in as_floats.notes)


def test_pixels_are_taken_with_a_note_where_the_model_tells_no_range(extracted):
    path, pixels = str(extracted / "saved-model"), PIXELS.astype(np.uint8)
    played = play(path, {"images": pixels}, ["logits"])
    np.testing.assert_allclose(played.values["logits"], tiny_weights().logits, atol=1e-4)
    assert "'images' takes float32, and the uint8 values" in played.notes[-1]


def test_loaded_graph_is_augmented_and_trained_one_step(tmp_path):
    """A new dense layer on an inner tensor; the gradient reaches the stored variables."""
    write(str(tmp_path), False)
    model = load_model(str(tmp_path / "model.ckpt.meta"))
    inner = "net/Relu:0"
    head = tf.Variable(tf.random.stateless_normal([model.tensor(inner).shape[-1], 2], [1, 2]))
    kernel = model.variables["net/weights"]
    labels = tf.constant([0, 1, 0, 1, 0, 1])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            features = tf.reduce_mean(model.tensor(inner, images()), [1, 2])
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, features @ head)
            loss = tf.reduce_mean(losses)
        for variable, gradient in zip(
            (head, kernel), tape.gradient(loss, (head, kernel)), strict=True
        ):
            variable.assign_sub(0.05 * gradient)
        return loss

    before = kernel.numpy()
    first, second = float(step()), float(step())
    assert second < first
    assert np.abs(kernel.numpy() - before).max() > 0


def test_fed_weight_of_a_frozen_graph_takes_the_place_of_the_stored_one(extracted):
    biases = np.zeros(10, np.float32)
    biases[7] = 1000
    name = "resnet/logits/biases"
    feeds = {"images": preprocessed(), name: biases}
    played = play(str(extracted / "frozen/frozen.pb"), feeds, [name], classify=True)
    np.testing.assert_array_equal(played.values[name], biases)
    assert (played.logits.argmax(1) == 7).all()
    plain = play(str(extracted / "frozen/frozen.pb"), {"images": preprocessed()}, [], classify=True)
    offset = tiny_weights().values[name]
    np.testing.assert_allclose(played.logits - biases, plain.logits - offset, atol=1e-3)


def test_handle_of_a_variable_takes_no_value(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        images = tf.compat.v1.placeholder(tf.float32, [None, 4, 4, 1], "images")
        variable = tf.compat.v1.get_variable("w", [4, 4, 1], use_resource=True)
        tf.reduce_sum(images * variable, [1, 2], name="out")
        session.run(tf.compat.v1.global_variables_initializer())
        prefix = tf.compat.v1.train.Saver().save(session, str(tmp_path / "m.ckpt"))
    feeds = {"images": np.zeros([1, 4, 4, 1], np.float32), "w": np.zeros([4, 4, 1], np.float32)}
    with pytest.raises(DataError, match="'w' is the resource of a variable and takes no value"):
        play(f"{prefix}.meta", feeds, ["out"])


def test_value_that_the_graph_cannot_take_is_one_sentence(extracted):
    feeds = {"resnet/conv1/Relu": np.zeros([1, 8, 8, 3], np.float32)}
    with pytest.raises((DataError, ConfigError), match=r"\A[^\n]+\Z"):
        play(str(extracted / "frozen/frozen.pb"), feeds, ["resnet/logits/BiasAdd"])


@pytest.mark.parametrize("fetches", [["logitz"], ["classes", "logitz"]])
def test_mistyped_output_of_a_signature_is_answered_with_the_output(extracted, fetches):
    with pytest.raises((ConfigError, ArtifactError), match=r"no output .*'logitz'.*: 'logits'"):
        play(str(extracted / "saved-model"), {"images": preprocessed()}, fetches)


@pytest.fixture(scope="module")
def shapeless(tmp_path_factory):
    """A graph with a kernel and a text of which it does not say the shape."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        pixels = tf.compat.v1.placeholder(tf.float32, [None, 8, 8, 3], "images")
        kernel = tf.compat.v1.placeholder(tf.float32, None, "kernel")
        text = tf.compat.v1.placeholder(tf.string, None, "text")
        one = tf.compat.v1.placeholder(tf.string, [], "one")
        variable = tf.compat.v1.get_variable("w", [1, 1, 3, 4], use_resource=False)
        inner = tf.nn.conv2d(pixels, variable, 1, "SAME", name="inner")
        tf.nn.conv2d(inner, kernel, 1, "SAME", name="out")
        for name, contents in (("decoded", text), ("decoded_one", one)):
            image = tf.io.decode_jpeg(contents, 3, name=name)
            sized = tf.compat.v1.image.resize_bilinear(image[None], [8, 8])
            tf.nn.conv2d(sized, variable, 1, "SAME", name=f"{name}_out")
        session.run(tf.compat.v1.global_variables_initializer())
        directory = str(tmp_path_factory.mktemp("shapeless") / "m.ckpt")
        return f"{tf.compat.v1.train.Saver().save(session, directory)}.meta"


@pytest.mark.parametrize(
    ("fed", "fetch", "words"),
    [
        (
            {"kernel": np.zeros([1, 4, 4], np.float32)},
            "out",
            r"'out' \(Conv2D\) cannot take 'inner' \[\?, 8, 8, 4\] and 'kernel' \[1, 4, 4\]: it "
            r"needs 4 axes and gets 3\..* 'kernel' takes float32 of any shape, and was given "
            r"float32 \[1, 4, 4\]; feed values of other shapes",
        ),
        ({}, "inner:2", r"no tensor 'inner:2': the op 'inner' gives 'inner:0' alone; take one"),
    ],
)
def test_what_tensorflow_refuses_is_said_in_our_words(shapeless, fed, fetch, words):
    pixels = np.zeros([2, 8, 8, 3], np.float32)
    with pytest.raises(ArtifactError, match=words) as caught:
        play(shapeless, {"images": pixels, **fed}, [fetch])
    assert not any(text in str(caught.value) for text in ("{{", "but is rank", "Invalid return"))


def test_text_of_one_image_is_no_batch(shapeless, pictures):
    with pytest.raises(ConfigError, match=r"'one:0' .* takes one text and no batch \[N\]"):
        play(shapeless, {"one": pictures}, ["decoded_one_out"])
    words = r"'decoded' \(DecodeJpeg\) cannot take 'text' \[\?\]: it needs 0 axes and gets 1"
    with pytest.raises(ArtifactError, match=words):
        play(shapeless, {"text": pictures}, ["decoded_out"])


@pytest.fixture
def whole(tmp_path):
    """Path of a frozen graph that takes pixels of uint8 and gives them as floats."""
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.uint8, [None, 32, 32, 3], "images")
        tf.cast(images, tf.float32, name="seen")
    path = tmp_path / "whole.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return str(path)


def test_image_files_reach_a_tensor_of_whole_numbers_as_their_pixels(whole, pictures):
    played = play(whole, {"images": pictures}, ["seen"])
    np.testing.assert_array_equal(played.values["seen"], PIXELS.astype(np.uint8))


def test_scaled_image_files_are_no_whole_numbers(whole, pictures):
    words = r"'images' takes uint8, and image files would be scaled to -1\.\.1; leave --net out"
    with pytest.raises(DataError, match=words):
        play(whole, {"images": pictures}, ["seen"], setting=Setting(net="mobilenet_v1"))


@pytest.mark.parametrize("mean_first", [False, True])
def test_image_files_are_the_input_whatever_else_is_fed(tmp_path, pictures, mean_first):
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, 32, 32, 3], "images")
        mean = tf.compat.v1.placeholder(tf.float32, [1, 1, 1, 3], "mean")
        tf.subtract(images, mean, name="centred")
    path = tmp_path / "centred.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    feeds = {"images": pictures, "mean": np.full([1, 1, 1, 3], 7.0)}
    feeds = dict(sorted(feeds.items(), reverse=mean_first))
    played = play(str(path), feeds, ["centred"])
    np.testing.assert_array_equal(played.values["centred"], np.floor(PIXELS) - 7)


def test_output_of_the_default_signature_is_fetched_though_another_has_the_same_keys(tmp_path):
    class Twice(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 2, 2, 1], tf.float32, "x")])
        def serve(self, x):
            return {"y": 2 * x}

        @tf.function(input_signature=[tf.TensorSpec([None, 2, 2, 1], tf.float32, "x")])
        def train(self, x):
            return {"y": 3 * x}

    module = Twice()
    signatures = {"serving_default": module.serve, "train": module.train}
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=signatures)
    x = np.ones([1, 2, 2, 1], np.float32)
    for signature, factor in ((None, 2), ("train", 3)):
        played = play(
            str(tmp_path / "saved"), {"x": x}, ["y"], setting=Setting(signature=signature)
        )
        np.testing.assert_array_equal(played.values["y"], factor * x)
