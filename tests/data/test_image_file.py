import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tfinspect.data.image_file import read_image, read_with_changes
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


def test_a_directory_is_no_image(tmp_path):
    with pytest.raises(DataError, match="is a directory and no image"):
        read_image(str(tmp_path))


def _rgb16(path):
    """A PNG of 2 x 1 pixels with 16 bits a channel, which Pillow reads but cannot write."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    pixels = struct.pack(">B6H", 0, 0x1234, 0x5678, 0x9ABC, 0, 0xFFFF, 0x8000)
    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )


def _animation(path):
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "green", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("name", "write", "changes"),
    [
        ("rgb.png", lambda path: Image.new("RGB", (2, 2)).save(path), ()),
        ("rgb.jpg", lambda path: Image.new("RGB", (2, 2)).save(path), ()),
        ("palette.png", lambda path: Image.new("P", (2, 2)).save(path), ()),
        ("grey.png", lambda path: Image.new("L", (2, 2)).save(path), ("grey made RGB",)),
        ("bits.png", lambda path: Image.new("1", (2, 2)).save(path), ("grey made RGB",)),
        ("rgba.png", lambda path: Image.new("RGBA", (2, 2)).save(path), ("transparency dropped",)),
        (
            "la.png",
            lambda path: Image.new("LA", (2, 2)).save(path),
            ("grey made RGB", "transparency dropped"),
        ),
        ("cmyk.jpg", lambda path: Image.new("CMYK", (2, 2)).save(path), ("CMYK made RGB",)),
        (
            "deep.png",
            lambda path: Image.fromarray(np.zeros((2, 2), np.uint16)).save(path),
            ("16 bits reduced to 8", "grey made RGB"),
        ),
        ("deep_rgb.png", _rgb16, ("16 bits reduced to 8",)),
        ("float.tif", lambda path: Image.new("F", (2, 2)).save(path), ("floats cut", "grey made")),
        ("moving.webp", _animation, ("first of 3 frames taken",)),
        ("moving.gif", _animation, ("first of 3 frames taken",)),
    ],
)
def test_what_is_done_to_an_image_is_said(tmp_path, name, write, changes):
    write(tmp_path / name)
    found = read_with_changes(str(tmp_path / name))
    assert found.pixels.shape[2] == 3
    assert len(found.changes) == len(changes)
    assert all(map(str.startswith, found.changes, changes))


def test_sixteen_bit_colour_keeps_its_high_bytes(tmp_path):
    _rgb16(tmp_path / "deep.png")
    expected = [[[0x12, 0x56, 0x9A], [0, 0xFF, 0x80]]]
    np.testing.assert_array_equal(read_image(str(tmp_path / "deep.png")), expected)
