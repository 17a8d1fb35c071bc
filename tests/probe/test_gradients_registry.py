"""Every network of the registry against ordinary gradients, at the smallest size that it takes."""

import gradient_cases as cases
import numpy as np
import pytest
from gradient_masks import graph_as_written, ordinary
from gradient_oracle import batch, worst

import tfinspect
from tfinspect.nets.registry import get_spec, list_specs
from tfinspect.probe.gradients import GradientProbe

NETWORKS = [spec.name for spec in list_specs()]
# One for each kind of block: without kinks the forward pass may be fused and cut as it likes.
SMOOTH = (
    "inception_v3",
    "resnet_v1_50",
    "resnet_v2_50",
    "mobilenet_v2_050",
    "alexnet_v2",
    "cifar_resnet29_bottleneck",
)
COUNT = 2


def moved(model):
    """Returns the model with offsets away from 0, and residual branches that do not explode.

    Fresh batch normalization changes nothing: with an offset of 0 a dead unit would stand exactly
    at the kink of its ReLU, and 66 residual units would double their values each.
    """
    random = np.random.RandomState(0)
    for name, variable in model.variables.items():
        if name.endswith("beta"):
            variable.assign(random.normal(0.1, 0.1, variable.shape))
        if name.endswith("gamma"):
            variable.assign(random.uniform(0.2, 0.6, variable.shape))
    return model


def case(build, network):
    model = moved(build(network, max(33, get_spec(network).minimum_size)))
    return model, *batch(model, COUNT)


def error(found, example, wanted):
    one = {name: values[example : example + 1] for name, values in found.items()}
    return worst(one, {name: values[None] for name, values in wanted.items()})[0]


@pytest.mark.oracle_full
@pytest.mark.parametrize("network", NETWORKS)
def test_every_example_of_every_network_equals_the_ordinary_gradient(network):
    model, images, labels = case(cases.registered, network)
    probe = GradientProbe(model)
    within, alone = ordinary(model, COUNT), ordinary(model, 1)
    with graph_as_written():
        found = tfinspect.per_example_gradients(probe, images, labels)
        assert not [rule for rule in found.rules.values() if "vectorized_map" in rule]
        for n in range(COUNT):
            wanted, masks = within(images, labels, n)
            assert error(found, n, wanted) < 1e-5, ("of the batch's own forward pass", n)
            image, label = images[n : n + 1], labels[n : n + 1]
            wanted, others = alone(image, label, 0)
            single = tfinspect.per_example_gradients(probe, image, label)
            assert error(single, 0, wanted) < 1e-5, ("of a batch of one", n)
            if all(map(np.array_equal, masks, others)):
                assert error(found, n, wanted) < 1e-5, ("a batch against single ones", n)


@pytest.mark.oracle_full
@pytest.mark.parametrize("network", SMOOTH)
def test_without_kinks_every_example_equals_the_loop_over_single_ones(network):
    model, images, labels = case(cases.smooth, network)
    found = tfinspect.per_example_gradients(model, images, labels)
    alone = ordinary(model, 1)
    for n in range(COUNT):
        wanted, masks = alone(images[n : n + 1], labels[n : n + 1], 0)
        assert not masks
        assert error(found, n, wanted) < 1e-5
