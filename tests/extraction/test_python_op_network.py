"""A network with an op that calls Python: no graph can hold it."""

import dataclasses
import os

import numpy as np
import pytest
import tensorflow as tf

import tfinspect
from tfinspect.errors import CustomOpError
from tfinspect.extraction.formats import save
from tfinspect.extraction.load import Loaded
from tfinspect.extraction.part import NetworkPart
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.transfer.load_report import LoadReport


@pytest.fixture(scope="module")
def loaded():
    spec = get_spec("cifar_resnet8_v1")
    doubled = tfinspect.custom_op(lambda x: np.float32(2) * x, output=lambda x: x)

    def build(images, num_classes, is_training):
        logits, end_points = spec.build(images, num_classes, is_training)
        return tf.ensure_shape(doubled(logits), logits.shape), end_points

    network = SlimModel(dataclasses.replace(spec, build=build), 3, seed=1)
    return Loaded(NetworkPart(network), LoadReport(spec.name, "memory", ()), ("a", "b", "c"))


@pytest.mark.parametrize("as_format", ["saved-model", "meta-graph", "frozen"])
def test_graph_formats_refuse_it_with_the_reason(loaded, tmp_path, as_format):
    with pytest.raises(CustomOpError, match="Python code of this program"):
        save(loaded, str(tmp_path / "out"), as_format=as_format)
    assert os.listdir(tmp_path) == []


def test_its_weights_are_saved(loaded, tmp_path):
    save(loaded, str(tmp_path / "out"), as_format="checkpoint")
    assert (tmp_path / "out/model.ckpt.index").exists()
