"""Names of weights in `.h5` files of all builds, brought to the chain of the layers."""

import pytest

from tfinspect.artifacts import keras_layers
from tfinspect.artifacts.keras_chains import LayerChains
from tfinspect.artifacts.keras_layers import layers_of


def _layer(kind, name, **settings):
    return {"class_name": kind, "config": {"name": name, **settings}}


INNER = _layer("Functional", "inner", layers=[_layer("Dense", "deep")])
MODEL = {
    "config": {
        "layers": [
            _layer("Dense", "head"),
            _layer("TimeDistributed", "each", layer=_layer("Dense", "wrapped")),
            _layer("Functional", "body", layers=[INNER, _layer("Dense", "out")]),
            _layer("Bidirectional", "both", layer=_layer("LSTM", "read")),
            _layer("BatchNormalization", "frozen", trainable=False),
        ]
    }
}


@pytest.mark.parametrize(
    ("group", "stored", "weight", "chain"),
    [
        ("head", "head", "kernel", "head"),
        ("head", "top/head", "kernel", "head"),
        ("head", "head_1", "kernel", "head"),
        ("head", "", "kernel", "head"),
        ("each", "each", "kernel", "each/wrapped"),
        ("each", "each/wrapped", "kernel", "each/wrapped"),
        ("each", "each", "own", "each"),
        ("body", "out", "kernel", "body/out"),
        ("body", "deep", "bias", "body/inner/deep"),
        ("body", "top/body/inner/deep", "bias", "body/inner/deep"),
        ("both", "both/forward_read/lstm_cell", "bias", "both/forward_read/lstm_cell"),
        ("unknown/layer", "x/unknown/layer", "kernel", "unknown/layer"),
    ],
)
def test_chain_begins_at_the_layer_and_leads_to_the_owner(group, stored, weight, chain):
    assert LayerChains(layers_of(MODEL)).scope(group, stored, weight) == chain


def test_without_a_config_the_stored_scopes_stay():
    assert LayerChains({}).scope("body", "deep", "kernel") == "body/deep"


@pytest.mark.parametrize(
    ("scope", "weight", "trained"),
    [
        ("head", "kernel", True),
        ("both/forward_read/lstm_cell", "recurrent_kernel", True),
        ("frozen", "gamma", False),
        ("nowhere", "kernel", None),
    ],
)
def test_trainability_is_that_of_the_owner(scope, weight, trained):
    assert LayerChains(layers_of(MODEL)).trained(scope, weight) is trained


def test_wrappers_in_wrappers_do_not_multiply_without_end(monkeypatch):
    monkeypatch.setattr(keras_layers, "_MOST_CHARACTERS", 10_000)
    layer = _layer("Dense", "d")
    for _ in range(40):
        layer = _layer("Bidirectional", "b", layer=layer)
    with pytest.raises(ValueError, match="more layers than a model has"):
        layers_of({"config": {"layers": [layer]}})
