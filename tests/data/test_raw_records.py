import numpy as np
import pytest

from tfinspect.data.example_proto import encode_example
from tfinspect.data.raw_records import frame_raw, raw_record_bytes
from tfinspect.data.tfrecord import frame


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 4, 4), (3, 127, 43), (1, 1, 2)])
@pytest.mark.parametrize("labels", [[0, 1, 127], [3, 128, 99999], []])
def test_blocks_equal_examples_written_one_by_one(shape, labels):
    random = np.random.RandomState(0)
    images = random.randint(0, 256, (len(labels), *shape), np.uint8)
    one_by_one = b"".join(
        frame(encode_example({"image": image.tobytes(), "label": label}))
        for image, label in zip(images, labels, strict=True)
    )
    assert frame_raw(images, np.array(labels, np.int64)) == one_by_one


def test_images_of_the_template_marker_do_not_confuse_it():
    images = np.full((2, 3, 8, 8), 255, np.uint8)
    expected = frame(encode_example({"image": b"\xff" * 192, "label": 5}))
    assert frame_raw(images, np.array([5, 5])) == 2 * expected


def test_length_of_a_record():
    images = np.zeros((1, 3, 32, 32), np.uint8)
    assert raw_record_bytes(3072) == len(frame_raw(images, np.array([7]))) == 3126
