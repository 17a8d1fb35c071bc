"""Every rule against the loop over single examples."""

import gradient_cases as cases
import numpy as np
import pytest
from gradient_oracle import batch, flat_norms, loop, randomized, worst

import tfinspect
from tfinspect.probe.gradients import GradientProbe

BUILDERS = {
    **{
        f"{family} {name}": (lambda f=family, n=name: cases.family_model(f, n))
        for family in cases.FAMILIES
        for name in cases.LAYERS
    },
    **{f"cifar {unit}": (lambda u=unit: cases.cifar(u)) for unit in ("v1", "v2", "bottleneck")},
    "function in the graph": cases.grouped,
    "explicit padding, groups, embedding": cases.explicit,
}
BY_FALLBACK = {"function in the graph", "tf_keras layer norm"}


@pytest.mark.parametrize("name", BUILDERS)
def test_gradients_and_norms_equal_the_loop(name):
    model = BUILDERS[name]()
    model = randomized(model if isinstance(model, tfinspect.Model) else tfinspect.load_model(model))
    images, labels = batch(model)
    wanted = loop(model, images, labels)
    probe = GradientProbe(model)
    found = tfinspect.per_example_gradients(probe, images, labels)
    assert worst(found, wanted)[0] < 1e-5, worst(found, wanted)
    norms = tfinspect.per_example_gradient_norms(probe, images, labels)
    np.testing.assert_allclose(norms.total, flat_norms(list(wanted.values())), rtol=1e-5)
    by_map = any("vectorized_map" in rule for rule in found.rules.values())
    assert by_map == (name in BY_FALLBACK), found.rules


@pytest.mark.slow
def test_what_vectorized_map_cannot_convert_goes_one_by_one():
    model = tfinspect.load_model(cases.recurrent())
    images, labels = batch(model, 2)
    found = tfinspect.per_example_gradients(model, images, labels)
    assert worst(found, loop(model, images, labels))[0] < 1e-5
    assert all("one by one" in rule for rule in found.rules.values())


def test_bfloat16_convolutions_have_rules_too():
    model = randomized(tfinspect.load_model(cases.cifar("v1", "bfloat16")))
    images, labels = batch(model)
    found = tfinspect.per_example_gradients(model, images, labels)
    # Eight bits of mantissa, over nine layers.
    assert worst(found, loop(model, images, labels))[0] < 3e-2
    assert not [rule for rule in found.rules.values() if "vectorized_map" in rule]


@pytest.mark.slow
@pytest.mark.parametrize(("network", "size"), [("mobilenet_v1", 33), ("inception_v1", 33)])
def test_networks_of_the_registry_equal_the_loop(network, size):
    model = cases.registered(network, size)
    # Fresh offsets are 0: a dead unit stands at the kink of its ReLU, where rounding decides.
    for name, variable in model.variables.items():
        if name.endswith("beta"):
            variable.assign(np.random.RandomState(0).normal(0.1, 0.1, variable.shape))
    images, labels = batch(model, 2)
    found = tfinspect.per_example_gradients(model, images, labels)
    assert worst(found, loop(model, images, labels))[0] < 1e-5
    assert not [rule for rule in found.rules.values() if "vectorized_map" in rule]
