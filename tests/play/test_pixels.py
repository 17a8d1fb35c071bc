"""Which values count as pixels, and what range images have after their preprocessing."""

import numpy as np
import pytest

from tfinspect.errors import DataError
from tfinspect.nets.registry import get_spec
from tfinspect.nets.spec import Preprocessing
from tfinspect.play.feeds import Place
from tfinspect.play.pixels import note_on_pixels, value_range

SCALED = Preprocessing(scale=2 / 255, offset=-1.0)


def _note(value, dtype="float32", preprocessing=SCALED):
    return note_on_pixels(Place("x", dtype, None), np.asarray(value), preprocessing.apply)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_for_floats_of_another_range_are_refused(dtype, channels):
    with pytest.raises(DataError, match=rf"'x' takes {dtype} in -1\.\.1, and was given uint8"):
        _note(np.zeros((2, 4, 4, channels), np.uint8), dtype)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (np.zeros((2, 4, 4, 3), np.uint8), "uint8"),
        (np.zeros((2, 4, 4, 3), np.float32), "float32"),
        (np.zeros((2, 4, 4, 16), np.uint8), "float32"),
        (np.zeros((2, 3), np.uint8), "float32"),
        (3, "float32"),
    ],
)
def test_other_values_are_none_of_its_business(value, dtype):
    assert _note(value, dtype) is None
    assert _note(value, dtype, Preprocessing()) is None


def test_pixels_for_a_model_that_tells_no_range_are_noted():
    note = _note(np.zeros((2, 4, 4, 3), np.uint8), preprocessing=Preprocessing())
    assert "taken as they are, 0..255" in note


@pytest.mark.parametrize(
    ("network", "ends"),
    [("inception_v3", (-1, 1)), ("vgg_16", (-123.68, 255 - 103.94))],
)
def test_range_is_that_of_slims_preprocessing(network, ends):
    assert value_range(get_spec(network).preprocessing.apply, 3) == pytest.approx(ends, rel=1e-6)
