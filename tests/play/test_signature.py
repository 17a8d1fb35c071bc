from types import SimpleNamespace

import pytest

from tfinspect.errors import ConfigError
from tfinspect.play.signature import played_signature


def _signatures(**inputs):
    return {
        name: SimpleNamespace(inputs=[SimpleNamespace(key=key) for key in keys])
        for name, keys in inputs.items()
    }


SERVED = _signatures(images=["images"], serving_default=["encoded"], pair=["images", "scale"])


def _played(given, *fed, signatures=SERVED, tensors=("conv1", "conv1:0")):
    return played_signature(signatures, given, fed, tensors, "saved")


@pytest.mark.parametrize(
    ("given", "fed", "played"),
    [
        (None, ["encoded"], "serving_default"),
        (None, ["images", "scale"], "pair"),
        (None, ["conv1"], None),
        ("images", ["images"], "images"),
        ("images", ["conv1"], "images"),
        (None, [], None),
    ],
)
def test_signature_is_the_only_one_with_all_that_is_fed(given, fed, played):
    assert _played(given, *fed) == played


def test_of_several_the_default_is_played():
    signatures = _signatures(serving_default=["x"], train=["x"])
    assert _played(None, "x", signatures=signatures) == "serving_default"


def test_name_of_a_tensor_is_no_key():
    assert _played("serving_default", "images", tensors=("images",)) == "serving_default"


@pytest.mark.parametrize(
    ("given", "fed", "words"),
    [
        ("nope", ["images"], "no signature 'nope' in 'saved'; there are: 'images', 'pair', 'serv"),
        (
            "serving_default",
            ["images"],
            r"'images' is an input of the signature 'images' of 'saved', and not of "
            r"'serving_default' \(its inputs: 'encoded'\); give --signature images",
        ),
        (
            None,
            ["images"],
            "several signatures of 'saved' have all that is fed; there are: 'images', 'pair'; name "
            "one with --signature",
        ),
        (None, ["encoded", "scale"], "'encoded' is of 'serving_default', 'scale' is of 'pair'"),
    ],
)
def test_signature_that_does_not_fit_is_told(given, fed, words):
    with pytest.raises(ConfigError, match=words):
        _played(given, *fed)


def test_graph_without_signatures_has_none_to_give():
    with pytest.raises(ConfigError, match="there are none; leave it out"):
        _played("nope", "images", signatures={})
