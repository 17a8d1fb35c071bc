import dataclasses

import numpy as np
import pytest
from PIL import Image
from transfer_images import NETWORK

from tfinspect.data.prepare import prepare
from tfinspect.nets.registry import get_spec
from tfinspect.transfer.prepare_tuning import prepare_tuning
from tfinspect.transfer.size_notes import size_notes
from tfinspect.transfer.tuning_request import TuningRequest

CHECKPOINT = "model.ckpt"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images of 40x60 but for one of each class."""
    base = tmp_path_factory.mktemp("sizes")
    for name in ("a", "b"):
        (base / name).mkdir()
        for number in range(10):
            shape = (40, 60, 3) if number else (400, 600, 3)
            pixels = np.full(shape, number, np.uint8)
            Image.fromarray(pixels).save(base / name / f"{number}.png")
    return prepare(str(base))


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (32, []),
        (64, []),
        (20, []),
        (
            16,
            ["data's images (median 40x60) are shrunk 2.5 times, to 16x16; --image-size"],
        ),
        (
            90,
            [
                "given images of 90x90, and its weights are of images of 32x32",
                "data's images (median 40x60) are enlarged 2.2 times, to 90x90",
            ],
        ),
    ],
)
def test_more_than_twofold_changes_are_said(folder, size, said):
    notes = size_notes(CHECKPOINT, get_spec(NETWORK).with_image_size(size), folder)
    assert len(notes) == len(said)
    assert all(words in note for words, note in zip(said, notes, strict=True))


def test_images_of_one_size_are_known_from_the_manifest(folder):
    directory, manifest = folder
    same = dataclasses.replace(manifest, image_shape=(8, 8, 3))
    (note,) = size_notes(CHECKPOINT, get_spec(NETWORK), (directory, same))
    assert "(median 8x8) are enlarged 4.0 times, to 32x32" in note


def test_plan_has_the_notes(pretrained, settings):
    notes = prepare_tuning(TuningRequest(pretrained), settings).notes
    assert notes == ("the network is given images of 8x8, and its weights are of images of 32x32.",)
