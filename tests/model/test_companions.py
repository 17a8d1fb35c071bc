"""What stands beside a graph of ours: labels, and what is still to be done with an image."""

import json

import pytest

from tfinspect.model.files import companions
from tfinspect.nets.spec import Preprocessing
from tfinspect.training.export import write_companions

INCEPTION = Preprocessing(
    scale=1 / 127.5,
    offset=-1.0,
    channel_means=(1.0, 2.0, 3.0),
    central_fraction=0.875,
    name="inception",
    half_pixel_centers=False,
    shorter_side=40,
)


def test_graph_takes_images_that_are_preprocessed_in_full(tmp_path):
    write_companions(str(tmp_path), INCEPTION, ("cat", "dog"))
    found = companions(str(tmp_path / "frozen.pb"))
    assert found == {"preprocessing": INCEPTION, "labels": ("cat", "dog")}


def test_saved_model_scales_itself_and_takes_images_that_are_cropped_and_resized(tmp_path):
    (tmp_path / "assets").mkdir()
    write_companions(str(tmp_path / "assets"), INCEPTION, ())
    found = companions(str(tmp_path))["preprocessing"]
    assert (found.scale, found.offset, found.channel_means) == (1.0, 0.0, None)
    assert (found.central_fraction, found.shorter_side) == (0.875, 40)
    assert found.half_pixel_centers is False


@pytest.mark.parametrize("text", ["", "[]", '{"scale": 1}', json.dumps({"a": "b"})])
def test_file_of_another_program_says_nothing(tmp_path, text):
    (tmp_path / "preprocessing.json").write_text(text)
    assert companions(str(tmp_path / "frozen.pb")) == {}
