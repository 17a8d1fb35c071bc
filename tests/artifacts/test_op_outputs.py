"""The table of op outputs is what TensorFlow registers, and survives its own text."""

from importlib import resources

import tensorflow as tf
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session

from tfinspect.artifacts.op_outputs import OpDefinitions, from_line, from_op_def, to_line


def _registered():
    packed = pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    return op_def_pb2.OpList.FromString(packed).op


def test_every_registered_op_is_in_the_table():
    definitions = OpDefinitions()
    assert [op.name for op in _registered() if definitions.get(op.name) != from_op_def(op)] == []


def test_line_says_all_that_its_op_has():
    for op in _registered():
        outputs = from_op_def(op)
        _, _, words = to_line(op.name, outputs).partition(" ")
        assert from_line(words) == outputs


def test_table_says_which_tensorflow_it_is_of():
    text = resources.files("tfinspect.artifacts").joinpath("op_outputs.txt").read_text()
    assert tf.__version__ in text.splitlines()[0]


def test_carried_definition_comes_before_the_table():
    own = from_line("mine:9")
    assert OpDefinitions({"Relu": own}).get("Relu") == own
    assert OpDefinitions().get("NobodysOp") is None
