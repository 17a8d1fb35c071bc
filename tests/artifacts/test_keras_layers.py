from tfinspect.artifacts.keras_layers import Layer, is_trainable, owns


def test_layer_of_an_unknown_kind_owns_no_weight():
    layer = Layer("mine", "depthwise_conv9d", {})
    assert not owns(layer, "kernel")
    assert is_trainable(layer, "kernel") is None
