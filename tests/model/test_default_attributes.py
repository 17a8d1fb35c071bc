import tensorflow as tf

from tfinspect.model.default_attributes import parse_graph


def test_attributes_that_were_left_out_have_their_defaults():
    graph_def = tf.compat.v1.GraphDef()
    graph_def.node.add(name="a", op="FusedBatchNormV3")
    function = graph_def.library.function.add()
    function.node_def.add(name="b", op="Conv2D")
    parsed = parse_graph(graph_def.SerializeToString())
    assert parsed.node[0].attr["is_training"].b is True
    assert parsed.library.function[0].node_def[0].attr["data_format"].s == b"NHWC"


def test_attributes_that_are_there_and_unknown_ops_stay():
    graph_def = tf.compat.v1.GraphDef()
    graph_def.node.add(name="a", op="FusedBatchNormV3").attr["is_training"].b = False
    graph_def.node.add(name="b", op="NobodysOp")
    parsed = parse_graph(graph_def.SerializeToString())
    assert parsed.node[0].attr["is_training"].b is False
    assert not parsed.node[1].attr
