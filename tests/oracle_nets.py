"""Reference data of networks: what the original code made of weights filled by a rule."""

import functools
import json
import zlib

import numpy as np
from oracle_files import ORACLE

from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel

SLIM_NETS = ORACLE / "slim_nets"
INCEPTION_RESNET = ORACLE / "inception_resnet_v2"


def filled(name, shape, gain=0.5, *, depthwise_alone=False):
    """The oracle's fill: a function of a variable's name and shape.

    A depthwise kernel's fan-in is its area where `depthwise_alone`, else that times the channels.
    """
    rng = np.random.RandomState(zlib.crc32(name.encode()))
    kind = name.rpartition("/")[2]
    if kind in ("gamma", "moving_variance"):
        values = 0.5 + rng.uniform(0, 1, shape)
    elif kind in ("beta", "moving_mean", "bias", "biases"):
        values = 0.1 * rng.standard_normal(shape)
    else:
        area_alone = depthwise_alone and kind == "depthwise_weights"
        fan_in = np.prod(shape[:2] if area_alone else shape[:-1])
        values = rng.standard_normal(shape) * np.sqrt(gain / fan_in)
    return values.astype(np.float32)


@functools.cache
def slim_facts():
    """Net name (or `name@size`) -> what is known of it."""
    return json.loads((SLIM_NETS / "slim_nets.json").read_text())


@functools.cache
def arrays(path):
    with np.load(ORACLE / path, allow_pickle=False) as stored:
        return dict(stored)


def expected_variables(path):
    """Name -> (shape, trainable) in the original's order of creation."""
    lines = (ORACLE / path).read_text().splitlines()
    rows = (line.split("\t") for line in lines)
    return {
        name: (tuple(int(size) for size in shape.split(",")), trainable == "1")
        for name, shape, trainable in rows
    }


def filled_model(name, classes, image_size, gain, **arguments):
    """A network at a size, with the oracle's weights."""
    spec = get_spec(name).with_image_size(image_size)
    model = SlimModel(spec, classes, seed=None, **arguments)
    fill(model, gain)
    return model


def fill(model, gain):
    for name, variable in model.variables_by_name().items():
        shape = variable.shape.as_list()
        variable.assign(filled(name, shape, gain, depthwise_alone=True))


def probe(values, count=64):
    """The values at the oracle's `count` places, evenly over the flattened array."""
    flat = np.asarray(values).reshape(-1)
    count = min(count, flat.size)
    return flat[[k * flat.size // count for k in range(count)]]
