import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tfinspect.errors import NetworkError
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel

SPEC = get_spec("cifar_resnet8_v1")
IMAGES = np.random.RandomState(0).standard_normal((8, 32, 32, 3)).astype(np.float32)
LABELS = np.arange(8) % 4


def compiled(**arguments):
    model = SlimModel(SPEC, 4, **arguments)
    model.build_variables()
    loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf_keras.optimizers.SGD(0.01, momentum=0.9), loss)
    return model


def values(model):
    return {name: v.numpy() for name, v in model.variables_by_name().items()}


@pytest.fixture(scope="module")
def model():
    return SlimModel(SPEC, 4, weight_decay=0.01)


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def fitted(request):
    """The values before and after two steps of `fit`, and the model."""
    model = compiled(compute_dtype=request.param)
    before = values(model)
    model.fit(IMAGES, LABELS, batch_size=4, verbose=0)
    return before, values(model), model


def test_fit_moves_every_variable(fitted):
    before, after, _ = fitted
    assert [name for name in before if np.array_equal(before[name], after[name])] == []


def test_variables_are_float32_whatever_is_computed(fitted):
    _, after, _ = fitted
    assert {value.dtype for value in after.values()} == {np.dtype(np.float32)}


def test_moving_average_moves_by_the_decay():
    model = compiled(batch_norm_decay=0.75)
    kernel = model.variables_by_name()["resnet/conv1/weights"]
    mean = np.mean(tf.nn.conv2d(IMAGES, kernel, 1, "SAME"), axis=(0, 1, 2))
    model(IMAGES, training=True)
    moved = model.variables_by_name()["resnet/conv1/BatchNorm/moving_mean"]
    np.testing.assert_allclose(moved, 0.25 * mean, atol=1e-6)


def test_inference_leaves_all_variables_alone(model):
    before = values(model)
    model(IMAGES)
    after = values(model)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_training_none_is_inference(model):
    np.testing.assert_array_equal(model.call(IMAGES, training=None), model(IMAGES))


@pytest.mark.parametrize("training", [False, True])
def test_eager_and_traced_logits_agree(model, training):
    traced = tf.function(model)(IMAGES, training=training)
    np.testing.assert_allclose(traced, model(IMAGES, training=training), atol=1e-4)


def test_losses_are_l2_of_the_kernels_alone(model):
    kernels = [v for name, v in values(model).items() if name.endswith("/weights")]
    expected = sorted(
        0.01 * float(np.sum(kernel.astype(np.float64) ** 2)) / 2 for kernel in kernels
    )
    assert len(expected) == 8
    assert sorted(float(loss) for loss in model.losses) == pytest.approx(expected, rel=1e-5)


def test_no_weight_decay_no_losses():
    model = SlimModel(SPEC, 4)
    model.build_variables()
    assert model.losses == []


def test_fit_adds_the_l2_terms_to_the_loss(model):
    model.compile(loss=tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS, model(IMAGES))
    expected = float(tf.reduce_mean(entropy) + tf.add_n(model.losses))
    assert model.evaluate(IMAGES, LABELS, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_variable_names_have_no_prefix_and_are_sorted(model):
    names = list(model.variables_by_name())
    assert names[0] == "resnet/conv1/BatchNorm/beta"
    assert names == sorted(names)


def test_end_points_come_with_the_logits(model):
    logits, end_points = model.network(IMAGES)
    np.testing.assert_array_equal(logits, model(IMAGES))
    np.testing.assert_array_equal(end_points["logits"], logits)


def test_op_names_carry_the_slim_scopes(model):
    traced = tf.function(lambda images: model.network(images)[0])
    graph = traced.get_concrete_function(tf.TensorSpec([None, 32, 32, 3])).graph
    names = {operation.name for operation in graph.get_operations()}
    assert {"resnet/stage2/unit1/conv1/Conv2D", "resnet/stage2/unit1/Relu"} <= names


def test_initial_weights_do_not_depend_on_what_is_built_before():
    deeper = values(SlimModel(get_spec("cifar_resnet14_v1"), 4))
    first = values(SlimModel(SPEC, 4))
    for name in ("resnet/conv1/weights", "resnet/stage3/unit1/conv2/weights"):
        np.testing.assert_array_equal(first[name], deeper[name])


def test_seed_changes_the_weights():
    first, second = values(SlimModel(SPEC, 4)), values(SlimModel(SPEC, 4, seed=1))
    name = "resnet/stage1/unit1/conv1/weights"
    assert not np.array_equal(first[name], second[name])


def test_bfloat16_logits_are_float32_and_near():
    exact, rounded = SlimModel(SPEC, 4), SlimModel(SPEC, 4, compute_dtype="bfloat16")
    logits = rounded(IMAGES, training=True)
    assert logits.dtype == tf.float32
    np.testing.assert_allclose(logits, exact(IMAGES, training=True), atol=0.1)


def test_bfloat16_convolves_in_bfloat16_with_float32_statistics():
    model = SlimModel(SPEC, 4, compute_dtype="bfloat16")
    traced = tf.function(lambda images: model(images, training=True))
    operations = traced.get_concrete_function(tf.TensorSpec([4, 32, 32, 3])).graph.get_operations()
    assert {o.outputs[0].dtype for o in operations if o.type == "Conv2D"} == {tf.bfloat16}
    normalizations = [o for o in operations if o.type == "FusedBatchNormV3"]
    assert {o.get_attr("U") for o in normalizations} == {tf.float32}
    assert {o.get_attr("T") for o in normalizations} == {tf.bfloat16}


def test_unknown_compute_type_is_refused():
    with pytest.raises(NetworkError, match=r"no compute type 'float16'; nearest: 'bfloat16'"):
        SlimModel(SPEC, 4, compute_dtype="float16")


def test_no_classes_are_refused():
    with pytest.raises(NetworkError, match="0 classes cannot be told apart"):
        SlimModel(SPEC, 0)


def test_config_rebuilds_an_equal_model():
    model = SlimModel(get_spec("cifar_resnet8_v2", width=0.5), 4, weight_decay=0.1, seed=3)
    copy = SlimModel.from_config(model.get_config())
    expected = values(model)
    assert copy.get_config() == model.get_config()
    assert all(np.array_equal(expected[name], value) for name, value in values(copy).items())


def test_saved_model_gives_the_same_logits(model, tmp_path):
    module = tf.Module()
    module.variables_ = list(model.variables_by_name().values())
    module.serve = tf.function(
        lambda images: {"logits": model.network(images)[0]},
        input_signature=[tf.TensorSpec([None, 32, 32, 3], name="images")],
    )
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": module.serve})
    loaded = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    np.testing.assert_allclose(loaded(tf.constant(IMAGES))["logits"], model(IMAGES), atol=1e-5)


MIRRORED = """
    import numpy as np, tensorflow as tf, tf_keras
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    from tfinspect.nets.registry import get_spec
    from tfinspect.nets.slim_model import SlimModel
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    images = np.random.RandomState(0).standard_normal((8, 32, 32, 3)).astype(np.float32)
    with strategy.scope():
        model = SlimModel(get_spec("cifar_resnet8_v1"), 4, weight_decay=0.01, batch_norm_decay=0.5)
        model.build_variables()
        loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(tf_keras.optimizers.SGD(0.01), loss)
    before = {name: v.numpy() for name, v in model.variables_by_name().items()}
    model.fit(images, np.arange(8) % 4, batch_size=8, verbose=0)
    after = {name: v.numpy() for name, v in model.variables_by_name().items()}
    assert [name for name in before if np.array_equal(before[name], after[name])] == []
    # Two replicas of four images: the moving mean is the mean of both replicas' updates.
    means = np.mean(tf.nn.conv2d(images, before["resnet/conv1/weights"], 1, "SAME"), (0, 1, 2))
    moving = after["resnet/conv1/BatchNorm/moving_mean"]
    np.testing.assert_allclose(moving, 0.5 * means, atol=1e-6)
"""


@pytest.mark.slow
def test_mirrored_strategy_trains_on_two_devices():
    # Logical devices must be set before TensorFlow starts: a process of its own.
    program = textwrap.dedent(MIRRORED)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
