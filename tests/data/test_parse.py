import io

import numpy as np
import pytest
import tensorflow as tf
import tiny_data
from PIL import Image

from tfinspect.data import parse
from tfinspect.data.image_file import read_image


def file_bytes(image, **options):
    stream = io.BytesIO()
    image.save(stream, **options)
    return stream.getvalue()


def photo(size=(40, 30), seed=0):
    noise = np.random.RandomState(seed).randint(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def test_raw_planes_become_rows_columns_channels():
    pixels, labels = tiny_data.images(5)
    images, parsed = parse.parse_raw(
        tf.constant(tiny_data.raw_records(pixels, labels)), (32, 32, 3)
    )
    np.testing.assert_array_equal(images, pixels.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(parsed, labels)


def test_raw_record_of_another_length_is_refused():
    record = tiny_data.example(image=b"\0" * 3071, label=1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="3071"):
        parse.parse_raw(tf.constant([record]), (32, 32, 3))


def test_encoded_images_of_any_size_get_one_size():
    files = [file_bytes(photo(size), format="PNG") for size in ((40, 30), (32, 32), (7, 90))]
    records = tf.constant(tiny_data.encoded_records(files, [3, 1, 2]))
    images, labels = parse.parse_encoded(records, 32, 32)
    assert images.shape == (3, 32, 32, 3)
    assert images.dtype == tf.uint8
    np.testing.assert_array_equal(images[1], photo((32, 32)))
    np.testing.assert_array_equal(labels, [3, 1, 2])


def test_resize_halves_by_averaging_neighbours():
    column = tf.constant([[[10], [20], [31], [41]]], tf.uint8)
    # Half of a pixel's centre lies between two: (10 + 20) / 2 and 36.
    np.testing.assert_array_equal(parse.resize(column, 1, 2).numpy().ravel(), [15, 36])


def test_resize_to_the_same_size_changes_nothing():
    image = tf.constant(np.asarray(photo()))
    assert parse.resize(image, 30, 40) is image


MODES = {
    "rgb": photo(),
    "rgba": photo().convert("RGBA"),
    "grey": photo().convert("L"),
    "grey with alpha": photo().convert("LA"),
    "palette": photo().convert("P"),
    "black and white": photo().convert("1"),
    "16-bit grey": Image.fromarray(np.arange(0, 65536, 57, np.uint16)[:1120].reshape(28, 40)),
}


@pytest.mark.parametrize("mode", MODES)
def test_png_of_every_mode_decodes_as_pillow_reads_it(mode, tmp_path):
    data = file_bytes(MODES[mode], format="PNG")
    (tmp_path / "image.png").write_bytes(data)
    np.testing.assert_array_equal(parse.decode_image(data), read_image(str(tmp_path / "image.png")))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 30}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg_decodes_as_pillow_reads_it(mode, options, tmp_path):
    data = file_bytes(photo((61, 47)).convert(mode), format="JPEG", **options)
    (tmp_path / "image.jpg").write_bytes(data)
    np.testing.assert_array_equal(parse.decode_image(data), read_image(str(tmp_path / "image.jpg")))
