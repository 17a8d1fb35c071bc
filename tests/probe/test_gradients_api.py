"""What users give and get: chunks, files, clipping, and the errors."""

import os

import gradient_cases as cases
import h5py
import numpy as np
import pytest
import tensorflow as tf
from gradient_oracle import batch, flat_norms, loop, worst

import tfinspect
from tfinspect.errors import ConfigError, DataError, NetworkError
from tfinspect.probe.gradients import GradientProbe
from tfinspect.probe.gradients.memory import parse_memory


@pytest.fixture(scope="module")
def model():
    return tfinspect.load_model(cases.family_model("tf_keras", "strides"))


@pytest.fixture(scope="module")
def examples(model):
    return batch(model, 7)


@pytest.fixture(scope="module")
def wanted(model, examples):
    return loop(model, *examples)


@pytest.fixture(scope="module")
def kernels(model):
    """Names of the first convolution's and of the dense kernel; Keras numbers its layers."""
    names = [name for name in model.variables if name.endswith("kernel")]
    return names[0], next(name for name in names if name.startswith("dense"))


@pytest.fixture(scope="module")
def probe(model):
    """Cuts into chunks of two or so, the last of them filled up."""
    made = GradientProbe(model)
    from tfinspect.probe.gradients import memory

    one = memory.bytes_per_example(model, model.image_shape, made.chosen, True)
    return GradientProbe(model, memory=int(2.5 * one))


def test_chunks_give_the_same_as_one_batch(probe, examples, wanted, kernels):
    assert probe.chunk_size(examples[0], True) == 2
    found = tfinspect.per_example_gradients(probe, *examples)
    assert found[kernels[0]].shape == (7, 3, 3, 3, 4)
    assert worst(found, wanted)[0] < 1e-5


def test_clipped_sum_is_the_sum_of_the_clipped(probe, examples, wanted):
    norms = flat_norms(list(wanted.values()))
    clip = float(np.median(norms))
    scales = np.minimum(1, clip / norms)
    found = tfinspect.clipped_sum(probe, *examples, clip)
    sums = {name: np.tensordot(scales, value, 1) for name, value in wanted.items()}
    assert worst(found, sums)[0] < 1e-5


def test_clipped_sum_of_a_batch_norm_counts_its_scale():
    model = tfinspect.load_model(cases.cifar("v1"))
    images, labels = batch(model)
    wanted = loop(model, images, labels)
    found = tfinspect.clipped_sum(model, images, labels, 1e9)
    assert worst(found, {name: value.sum(0) for name, value in wanted.items()})[0] < 1e-5


def test_losses_and_logits_come_along(model, probe, examples):
    found = tfinspect.per_example_gradient_norms(probe, *examples)
    np.testing.assert_allclose(found.logits, model.logits(examples[0]), rtol=1e-5, atol=1e-6)
    assert found.losses.shape == found.total.shape == (7,)


@pytest.mark.parametrize("name", ["gradients", "gradients.h5"])
def test_gradients_are_written_chunk_by_chunk(probe, examples, wanted, kernels, tmp_path, name):
    path = str(tmp_path / name)
    found = tfinspect.per_example_gradients(probe, *examples, output=path)
    assert worst(found, wanted)[0] < 1e-5
    assert os.listdir(tmp_path) == [name]
    kernel = kernels[0]
    stored = h5py.File(path)[kernel][:] if name.endswith("h5") else np.load(f"{path}/{kernel}.npy")
    np.testing.assert_array_equal(stored, found[kernel])


def test_ending_of_another_kind_of_file_is_refused(probe, examples, tmp_path):
    with pytest.raises(ConfigError, match=r"g.npz' is the name of a kind of file that is not wr"):
        tfinspect.per_example_gradients(probe, *examples, output=str(tmp_path / "g.npz"))
    assert not os.listdir(tmp_path)


def test_nothing_is_left_of_a_failed_write(probe, examples, tmp_path):
    images, labels = examples
    with pytest.raises(DataError, match="label 9 of example 6 is unknown to the model, whose 5"):
        tfinspect.per_example_gradients(
            probe, images, np.append(labels[:-1], 9), output=str(tmp_path / "gradients")
        )
    assert not os.listdir(tmp_path)


def test_occupied_output_is_refused(probe, examples, tmp_path):
    with pytest.raises(DataError, match="exists already; remove it"):
        tfinspect.per_example_gradients(probe, *examples, output=str(tmp_path))


def test_chosen_variables_alone_are_differentiated(model, examples, wanted, kernels):
    found = tfinspect.per_example_gradients(model, *examples, variables=kernels[1:])
    assert list(found) == [kernels[1]]
    assert worst(found, {kernels[1]: wanted[kernels[1]]})[0] < 1e-5


def test_own_loss_has_its_own_labels(model, examples):
    images, _ = examples
    targets = np.random.RandomState(0).normal(size=(7, 5)).astype(np.float32)

    def squared(labels, logits):
        return tf.reduce_sum(tf.square(labels - logits), 1)

    found = tfinspect.per_example_gradients(model, images, targets, loss=squared)
    assert worst(found, loop(model, images, targets, squared))[0] < 1e-5


def test_mean_loss_is_refused(model, examples):
    with pytest.raises(ConfigError, match=r"has the shape \[\] for 7 examples.*no mean"):
        tfinspect.per_example_gradients(
            model, *examples, loss=lambda labels, logits: tf.reduce_mean(logits)
        )


def _training_norm(images, kernel):
    ones, zeros = tf.ones([3]), tf.zeros([3])
    return tf.compat.v1.nn.fused_batch_norm(images, kernel * ones, zeros, is_training=True)[0]


def _own_statistics(images, kernel):
    return images * kernel - tf.reduce_mean(images * kernel, 0)


@pytest.mark.parametrize("build", [_training_norm, _own_statistics])
def test_batch_statistics_are_refused_with_the_cure(build):
    kernel = tf.Variable([1.0, 2.0, 3.0], name="kernel")
    model = cases.function_model(
        lambda images: tf.reduce_sum(build(images, kernel), [1, 2]), {"kernel": kernel}
    )
    with pytest.raises(NetworkError, match=r"mixes the examples.*is_training=False"):
        tfinspect.per_example_gradients(model, *batch(model, classes=3))


def test_no_float_path_is_refused():
    kernel = tf.Variable([1.0, 2.0, 3.0], name="kernel")
    model = cases.function_model(lambda images: images[:, 0, 0], {"kernel": kernel})
    with pytest.raises(NetworkError, match="no float path leads from the losses of 'made'"):
        tfinspect.per_example_gradients(model, *batch(model, classes=3))


def test_frozen_model_without_variables_is_refused():
    model = cases.function_model(lambda images: images[:, 0, 0], {})
    with pytest.raises(NetworkError, match="no trainable float variable"):
        tfinspect.per_example_gradients(model, *batch(model, classes=3))


def _with_nan(images, labels):
    images = images.copy()
    images[2, 0, 0, 0] = np.nan
    return images, labels


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x, y[:-1]), "6 labels for 7 images"),
        (lambda x, y: (x, y.astype(float)), "dtype float64 .* no class numbers"),
        (lambda x, y: (x[:, :-1], y), r"shape \[7, 8, 8, 3\] are not \[N, 9, 8, 3\]"),
        (lambda x, y: (x[:0], y[:0]), "there is no image"),
        (lambda x, y: (x, y + 4), "label [5-8] of example . is unknown"),
        (_with_nan, "image 2 holds NaN"),
    ],
)
def test_wrong_examples_are_named(probe, examples, change, message):
    with pytest.raises(DataError, match=message):
        tfinspect.per_example_gradient_norms(probe, *change(*examples))


def test_nan_in_the_weights_is_named_as_such():
    model = tfinspect.load_model(cases.family_model("tf_keras", "strides"))
    bias = next(v for n, v in model.variables.items() if n.startswith("dense") and "bias" in n)
    bias.assign(np.full(5, np.nan))
    with pytest.raises(DataError, match="loss of example 0 is nan: the weights hold NaN"):
        tfinspect.per_example_gradient_norms(model, *batch(model))


def test_unknown_variable_names_the_nearest(model, examples, kernels):
    wrong = kernels[1].replace("kernel", "kernal")
    with pytest.raises(ConfigError, match=f"no float variable '{wrong}'.*nearest: '{kernels[1]}'"):
        tfinspect.per_example_gradients(model, *examples, variables=[wrong])


@pytest.mark.parametrize(("text", "size"), [("2GB", 2 * 10**9), ("1.5 MiB", 1572864), ("7", 7)])
def test_memory_sizes_are_read(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["lots", "0GB", "-1", "2 XB"])
def test_what_is_no_memory_size_is_refused(text):
    with pytest.raises(ConfigError, match="no memory size; write it such as 2GB"):
        parse_memory(text)


def test_too_little_memory_for_one_example_is_refused(model, examples):
    with pytest.raises(ConfigError, match="too little for one example"):
        tfinspect.per_example_gradients(model, *examples, memory="1KB")


def test_options_beside_a_probe_are_refused(probe, examples):
    with pytest.raises(ConfigError, match="has its variables already; give it to GradientProbe"):
        tfinspect.per_example_gradients(probe, *examples, variables=["nope"])


@pytest.mark.parametrize("function", ["per_example_gradients", "per_example_gradient_norms"])
def test_misspelt_options_are_refused(probe, examples, function):
    with pytest.raises(ConfigError, match="there is no option los=; nearest: 'loss'"):
        getattr(tfinspect, function)(probe, *examples, los=None)


@pytest.fixture(scope="module")
def nested():
    """A variable inside the scope that another one's name is, in bfloat16."""
    outer = tf.Variable(tf.cast(tf.random.stateless_normal([3, 3], [1, 2]), tf.bfloat16))
    inner = tf.Variable(tf.random.stateless_normal([3, 3], [3, 4]))

    def build(x):
        x = tf.cast(tf.reduce_mean(x, [1, 2]), tf.bfloat16) @ outer
        return tf.cast(x, tf.float32) @ inner

    return cases.function_model(build, {"a": outer, "a/b": inner})


def test_names_that_hdf5_cannot_hold_are_refused(nested, tmp_path):
    with pytest.raises(ConfigError, match=r"HDF5 cannot hold both 'a' and 'a/b'.*\.npy files"):
        tfinspect.per_example_gradients(
            nested, *batch(nested, classes=3), output=str(tmp_path / "gradients.h5")
        )
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("name", ["gradients", "gradients.h5"])
def test_bfloat16_gradients_are_written_as_float32(nested, tmp_path, name):
    examples, path = batch(nested, classes=3), str(tmp_path / name)
    wanted = tfinspect.per_example_gradients(nested, *examples, variables=["a"])
    found = tfinspect.per_example_gradients(nested, *examples, variables=["a"], output=path)
    stored = h5py.File(path)["a"][:] if name.endswith("h5") else np.load(f"{path}/a.npy")
    assert wanted["a"].dtype == tf.bfloat16.as_numpy_dtype
    assert stored.dtype == found["a"].dtype == np.float32
    np.testing.assert_array_equal(stored, wanted["a"].astype(np.float32))


def test_clip_norm_must_be_above_zero(model, examples):
    with pytest.raises(ConfigError, match="clip norm of 0 is not above 0"):
        tfinspect.clipped_sum(model, *examples, 0)
