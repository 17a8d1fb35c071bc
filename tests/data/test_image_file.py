import numpy as np
import pytest
from PIL import Image

from tfinspect.data.image_file import read_image
from tfinspect.errors import DataError


def test_sixteen_bit_grey_keeps_its_high_byte(tmp_path):
    values = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "grey.png")
    image = read_image(str(tmp_path / "grey.png"))
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image[0, :, 0], [0, 0, 1, 128, 255])
    np.testing.assert_array_equal(image[..., 0], image[..., 2])


def test_transparency_is_dropped(tmp_path):
    Image.new("RGBA", (2, 2), (10, 20, 30, 0)).save(tmp_path / "clear.png")
    np.testing.assert_array_equal(read_image(str(tmp_path / "clear.png"))[0, 0], [10, 20, 30])


def test_a_remote_image_is_read(tmp_path):
    import tensorflow as tf

    Image.new("RGB", (3, 2), (1, 2, 3)).save(tmp_path / "image.png")
    tf.io.gfile.copy(str(tmp_path / "image.png"), "ram://image.png", overwrite=True)
    assert read_image("ram://image.png").shape == (2, 3, 3)


def test_missing_file_is_named():
    with pytest.raises(DataError, match=r"no image 'nowhere\.png'; give the path"):
        read_image("nowhere.png")
