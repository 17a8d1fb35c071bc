"""Inception-ResNet-v2 against what the original code computed from the same weights.

Float32 with the tolerances that the reference data suggest; the logits go up to 60.
"""

import dataclasses
import functools
import json

import numpy as np
import pytest
import tensorflow as tf
from oracle_nets import INCEPTION_RESNET, arrays, fill, filled, probe

from tfinspect.nets.arg_scopes import inception_resnet_v2_arg_scope
from tfinspect.nets.inception_resnet_v2 import inception_resnet_v2
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_compat import slim, without_layer_warnings
from tfinspect.nets.slim_model import SlimModel

GAIN = 2.0
LABELS = np.array([1, 2, 3, 4])
UNIFORM = np.random.RandomState(7).uniform(-1, 1, (2, 299, 299, 3)).astype(np.float32)
TRAINING = np.random.RandomState(8).uniform(-1, 1, (4, 299, 299, 3)).astype(np.float32)
# A constant before a batch normalization: its gradient is zero, and rounding noise in float32.
NOISE = "InceptionResnetV2/Block8/Conv2d_1x1/biases"
TOLERANCES = {"Logits": 1.5e-4, "PreLogitsFlatten": 1.5e-4, "AuxLogits": 1e-4, "Predictions": 2e-5}


def pattern():
    """The oracle's integer pattern `[2, 299, 299, 3]` in -1..1."""
    b, h, w, c = np.ogrid[:2, :299, :299, :3]
    return (((h * (3 + b) + w * (5 + 2 * c) + (h * w) // (17 + b)) % 256) / 127.5 - 1).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def model():
    spec = get_spec("inception_resnet_v2")
    # The reference was made without dropout.
    build = functools.partial(spec.build, dropout_keep_prob=1.0)
    model = SlimModel(dataclasses.replace(spec, build=build), 1001, weight_decay=4e-5, seed=None)
    fill(model, GAIN)
    return model


@pytest.fixture(scope="module")
def expected():
    return json.loads((INCEPTION_RESNET / "train.json").read_text())


def check_inference(model, key, images):
    stored = arrays("inception_resnet_v2/eval.npz")
    run = tf.function(lambda fed: model.network(fed, False)[1])
    end_points = {name: value.numpy() for name, value in run(images).items()}
    for name, tolerance in TOLERANCES.items():
        np.testing.assert_allclose(
            end_points[name], stored[f"{key}/{name}"], rtol=0, atol=tolerance, err_msg=name
        )
    for name, values in end_points.items():
        _, deviation = stored[f"{key}/ep/{name}/mean_std"]
        np.testing.assert_allclose(
            probe(values),
            stored[f"{key}/ep/{name}/probe64"],
            rtol=0,
            atol=2e-4 * deviation,
            err_msg=name,
        )


@pytest.mark.slow
def test_inference_is_the_originals(model):
    check_inference(model, "eval", UNIFORM)


@pytest.mark.slow
def test_end_points_have_the_originals_names_shapes_and_order(model):
    graph = tf.function(lambda fed: model.network(fed, False)[1]).get_concrete_function(UNIFORM[:1])
    shapes = {name: value.shape.as_list() for name, value in graph.structured_outputs.items()}
    expected = json.loads((INCEPTION_RESNET / "endpoints.json").read_text())
    assert shapes == expected


@pytest.mark.oracle_full
def test_inference_on_a_pattern_is_the_originals(model):
    check_inference(model, "pattern", pattern())


@pytest.fixture(scope="module")
def step(model):
    """Losses, outputs, gradients of the data loss and moving statistics of a training step."""
    variables = model.variables_by_name()
    before = {n: v.numpy() for n, v in variables.items() if not v.trainable}
    trainable = {name: v for name, v in variables.items() if v.trainable}

    @tf.function
    def run(images):
        logits, end_points = model.network(images, True)
        main, auxiliary = losses(logits, end_points["AuxLogits"])
        gradients = tf.gradients(main + auxiliary, list(trainable.values()))
        return {
            "main": main,
            "auxiliary": auxiliary,
            "logits": logits,
            "aux_logits": end_points["AuxLogits"],
            "norms": [tf.norm(gradient) for gradient in gradients],
        }

    made = run(TRAINING)
    made["after"] = {name: variables[name].numpy() for name in before}
    made["norms"] = dict(zip(trainable, made["norms"], strict=True))
    for name, value in before.items():
        variables[name].assign(value)
    return made


def losses(logits, aux_logits):
    """The original's mean cross-entropies, the auxiliary one at 0.4."""
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits
    return (
        tf.reduce_mean(entropy(LABELS, logits)),
        0.4 * tf.reduce_mean(entropy(LABELS, aux_logits)),
    )


@pytest.mark.slow
def test_training_losses_and_logits_are_the_originals(step, expected):
    wanted = expected["train"]["losses"]
    assert float(step["main"]) == pytest.approx(wanted["main"], abs=2e-4)
    assert float(step["auxiliary"]) == pytest.approx(wanted["aux_times_0p4"], abs=2e-4)
    stored = arrays("inception_resnet_v2/train.npz")
    np.testing.assert_allclose(step["logits"], stored["train/Logits"], rtol=0, atol=1e-3)
    np.testing.assert_allclose(step["aux_logits"], stored["train/AuxLogits"], rtol=0, atol=3e-3)


@pytest.mark.slow
def test_regularization_is_the_originals_with_biases(model, expected):
    assert len(model.losses) == expected["train"]["n_regularization"]
    total = float(tf.add_n(model.losses))
    assert total == pytest.approx(expected["train"]["losses"]["regularization_sum"], abs=1e-5)


@pytest.mark.slow
def test_gradient_norms_of_all_variables_are_the_originals(step, expected):
    wanted = expected["train"]["grad_norm_data_loss"]
    assert set(step["norms"]) == set(wanted)
    for name in set(wanted) - {NOISE}:
        assert float(step["norms"][name]) == pytest.approx(wanted[name], rel=2e-2), name


@pytest.mark.slow
def test_moving_statistics_after_a_step_are_the_originals(step):
    stored = arrays("inception_resnet_v2/train.npz")
    prefix = "train/after_update/"
    names = [key.removeprefix(prefix) for key in stored if key.startswith(prefix)]
    assert names
    for name in names:
        got = step["after"][name].reshape(-1)[:16]
        np.testing.assert_allclose(got, stored[prefix + name], rtol=0, atol=1e-6, err_msg=name)


@pytest.fixture(scope="module")
def exact_step(expected):
    """The same step in float64: outputs, losses, gradient norms and some gradients."""
    stored = arrays("inception_resnet_v2/train.npz")
    prefix = "train64/grad_first16/"
    wanted = [key.removeprefix(prefix) for key in stored if key.startswith(prefix)]
    with tf.Graph().as_default(), without_layer_warnings():
        images = tf.constant(TRAINING.astype(np.float64))
        # The fused normalization has no float64 kernel.
        scope = inception_resnet_v2_arg_scope()
        with slim.arg_scope(scope), slim.arg_scope([slim.batch_norm], fused=False):
            logits, end_points = inception_resnet_v2(images, 1001, True, dropout_keep_prob=1.0)
        variables = {v.op.name: v for v in tf.compat.v1.trainable_variables()}
        main, auxiliary = losses(logits, end_points["AuxLogits"])
        gradients = dict(
            zip(
                variables,
                tf.gradients(main + auxiliary, list(variables.values())),
                strict=True,
            )
        )
        feeds = {}
        for variable in tf.compat.v1.global_variables():
            shape = variable.shape.as_list()
            values = filled(variable.op.name, shape, GAIN).astype(np.float64)
            feeds[variable.initializer.inputs[1]] = values
        fetches = {
            "logits": logits,
            "aux_logits": end_points["AuxLogits"],
            "losses": [main, auxiliary],
            "norms": {name: tf.norm(gradient) for name, gradient in gradients.items()},
            "gradients": {name: gradients[name] for name in wanted},
        }
        initialize = tf.compat.v1.global_variables_initializer()
        with tf.compat.v1.Session() as session:
            session.run(initialize, feeds)
            return session.run(fetches)


@pytest.mark.oracle_full
@pytest.mark.timeout(900)
def test_float64_training_is_the_originals(exact_step, expected):
    stored, wanted = arrays("inception_resnet_v2/train.npz"), expected["train64"]
    main_and_auxiliary = [wanted["losses"][name] for name in ("main", "aux_times_0p4")]
    np.testing.assert_allclose(exact_step["losses"], main_and_auxiliary, rtol=1e-7)
    np.testing.assert_allclose(exact_step["logits"], stored["train64/Logits"], atol=1e-7)
    np.testing.assert_allclose(exact_step["aux_logits"], stored["train64/AuxLogits"], atol=1e-7)
    for name in set(wanted["grad_norm_data_loss"]) - {NOISE}:
        norm = wanted["grad_norm_data_loss"][name]
        assert exact_step["norms"][name] == pytest.approx(norm, rel=1e-7), name


@pytest.mark.oracle_full
@pytest.mark.timeout(900)
def test_float64_gradients_are_the_originals(exact_step):
    stored = arrays("inception_resnet_v2/train.npz")
    for name, gradient in exact_step["gradients"].items():
        wanted = stored[f"train64/grad_probe64/{name}"]
        size = np.linalg.norm(wanted)
        difference = np.linalg.norm(probe(gradient) - wanted)
        assert difference <= 1e-7 * size, name
