import pytest
from oracle_nets import INCEPTION_RESNET, SLIM_NETS, expected_variables

from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.transfer.likely_network import likely_network

LISTED = [path.name.split(".")[0] for path in sorted(SLIM_NETS.glob("*.txt"))]


def _shapes(path):
    return {name: shape for name, (shape, _) in expected_variables(path).items()}


@pytest.mark.parametrize("name", LISTED)
def test_every_published_network_is_known_by_its_variables(name):
    assert likely_network(_shapes(SLIM_NETS / f"{name}.variables.txt")) == name


def test_width_is_known_whatever_the_classes():
    shapes = _shapes(SLIM_NETS / "mobilenet_v1_050.variables.txt")
    head = "MobilenetV1/Logits/Conv2d_1c_1x1"
    fewer = {f"{head}/weights": (1, 1, 512, 5), f"{head}/biases": (5,)}
    assert likely_network(shapes | fewer) == "mobilenet_v1_050"


def test_part_of_a_network_that_has_siblings_is_not_guessed():
    shapes = _shapes(SLIM_NETS / "mobilenet_v1.variables.txt")
    part = {name: shape for name, shape in shapes.items() if "Conv2d_9" not in name}
    assert likely_network(part) is None


def test_inception_resnet_is_known_without_its_heads():
    shapes = _shapes(INCEPTION_RESNET / "variables.txt")
    body = {name: shape for name, shape in shapes.items() if "Logits" not in name}
    assert likely_network(body) == "inception_resnet_v2"


@pytest.mark.parametrize(
    "name", ["cifar_resnet14_v1", "cifar_resnet8_v2", "cifar_resnet11_bottleneck"]
)
def test_cifar_networks_are_known_by_depth_and_unit(name):
    model = SlimModel(get_spec(name), 10, seed=None)
    shapes = {key: tuple(one.shape) for key, one in model.variables_by_name().items()}
    assert likely_network(shapes) == name


@pytest.mark.parametrize("stored", [{}, {"net/conv/weights": (3, 3)}, {"resnet/w": (1,)}])
def test_unknown_variables_fit_no_network(stored):
    assert likely_network(stored) is None
