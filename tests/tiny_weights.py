"""Weights of a small network of the registry, as checkpoints V1 and V2, made once a session."""

import atexit
import functools
import shutil
import tempfile
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfinspect.model import load_model
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints

NET = "cifar_resnet8_v1"
PIXELS = np.random.RandomState(5).randint(0, 256, (3, 32, 32, 3)).astype(np.float32)


@dataclass(frozen=True)
class TinyWeights:
    v1: str
    v2: str
    values: dict
    logits: np.ndarray


@functools.cache
def tiny_weights():
    """The weights, and what the network makes of PIXELS with them."""
    directory = tempfile.mkdtemp(prefix="tfinspect-tiny-weights-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    network = filled_network(NET)
    values = {name: one.numpy() for name, one in network.variables_by_name().items()}
    prefix = f"{directory}/model.ckpt-3"
    checkpoints.save(prefix, values)
    names = sorted(values)
    path = f"{directory}/model_v1.ckpt"
    tf.raw_ops.Save(filename=path, tensor_names=names, data=[values[name] for name in names])
    return TinyWeights(path, prefix, values, load_model(network).logits(preprocessed()))


def filled_network(name, classes=10, seed=3):
    """A network whose normalizations are no identities."""
    network = SlimModel(get_spec(name), classes, seed=seed)
    random = np.random.RandomState(seed)
    for key, variable in network.variables_by_name().items():
        if "BatchNorm" in key:
            variable.assign(0.5 + random.rand(*variable.shape))
    return network


def preprocessed():
    return get_spec(NET).preprocessing.apply(PIXELS)
