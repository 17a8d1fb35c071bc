"""The export of a run as a model: labels, preprocessing inside, slim names."""

import numpy as np
import pytest

from tfinspect.model import load_model
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints, export

LABELS = ("cat", "dog", "owl")


@pytest.fixture(scope="module")
def network():
    return SlimModel(get_spec("cifar_resnet8_v1", width=0.25), len(LABELS), seed=4)


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("model") / "export")
    spec = network.spec
    network.build_variables()
    export.export(
        network,
        path,
        labels=LABELS,
        preprocessing=spec.preprocessing,
        image_shape=spec.image_shape,
    )
    return load_model(path)


def test_logits_are_the_networks(exported, network):
    images = np.random.RandomState(0).randint(0, 256, (3, 32, 32, 3), np.uint8)
    live = load_model(network)
    expected = live.logits(live.preprocess(images))
    np.testing.assert_allclose(exported.logits(exported.preprocess(images)), expected, atol=1e-5)
    assert exported.labels == LABELS
    assert exported.classify(images[0])[0][0].label == LABELS[expected[0].argmax()]


def test_variables_and_tensors_have_slim_names(exported, network):
    assert exported.variables.keys() == network.variables_by_name().keys()
    images = np.zeros((1, 32, 32, 3), np.float32)
    assert exported.fetch("resnet/conv1/Conv2D:0", images)["resnet/conv1/Conv2D:0"].ndim == 4


def test_a_checkpoint_with_the_name_of_its_network_is_a_model(network, tmp_path):
    variables = SlimModel(get_spec("cifar_resnet8_v1"), 3, seed=4).variables_by_name()
    prefix = f"{tmp_path}/model.ckpt-1"
    checkpoints.save(prefix, variables)
    for source, said in (
        (f"{prefix}.index", {"net": "cifar_resnet8_v1"}),
        ("cifar_resnet8_v1", {"checkpoint": str(tmp_path)}),
    ):
        model = load_model(source, **said)
        assert model.labels is None
        assert model.variables["resnet/logits/biases"].shape == (3,)
        name = "resnet/logits/weights"
        np.testing.assert_array_equal(model.variables[name], variables[name])
