import numpy as np
import pytest
from made_sources import write_image
from PIL import Image

from tfinspect.data.image_bytes import encode_png, read_encoded, read_rgb
from tfinspect.data.image_file import CorruptImageError, read_image


@pytest.mark.parametrize(("suffix", "kind"), [("png", "png"), ("jpg", "jpeg"), ("jpeg", "jpeg")])
def test_jpeg_and_png_keep_their_bytes(tmp_path, suffix, kind):
    path = write_image(tmp_path / f"a.{suffix}", (7, 5))
    encoded = read_encoded(str(path))
    assert (encoded.data, encoded.format) == (path.read_bytes(), kind)
    assert (encoded.height, encoded.width) == (5, 7)


def test_the_content_decides_the_format_and_not_the_name(tmp_path):
    write_image(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    assert read_encoded(str(tmp_path / "a.jpg")).format == "png"


@pytest.mark.parametrize("suffix", ["bmp", "webp"])
def test_other_formats_become_png_with_the_same_pixels(tmp_path, suffix):
    path = write_image(tmp_path / f"a.{suffix}")
    encoded = read_encoded(str(path))
    (tmp_path / "b").write_bytes(encoded.data)
    assert encoded.format == "png"
    np.testing.assert_array_equal(read_rgb(str(tmp_path / "b")), read_rgb(str(path)))


def test_an_animation_becomes_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_rgb(str(tmp_path / "a.gif"))[0, 0].tolist() == [255, 0, 0]
    assert read_encoded(str(tmp_path / "a.gif")).height == 4


def test_png_round_trip(tmp_path):
    image = np.random.RandomState(0).randint(0, 256, (5, 4, 3), np.uint8)
    (tmp_path / "a.png").write_bytes(encode_png(image).data)
    np.testing.assert_array_equal(read_rgb(str(tmp_path / "a.png")), image)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: b"", "is empty"),
        (lambda data: b"no image", "is in no image format that is known"),
        (lambda data: data[: len(data) // 2], "is corrupt"),
        (lambda data: data[:300] + b"\0" * 60 + data[360:], "is corrupt"),
    ],
)
@pytest.mark.parametrize(
    ("reader", "cure"),
    [
        (read_encoded, "remove or mend it, or convert with --skip-corrupt"),
        (read_rgb, "remove or mend it, or convert with --skip-corrupt"),
        (read_image, "give a whole PNG or JPEG file"),
    ],
)
def test_broken_files_are_named_with_the_cure(tmp_path, change, reason, reader, cure):
    path = write_image(tmp_path / "a.png", (40, 30))
    path.write_bytes(change(path.read_bytes()))
    expected = f"image '{path}' {reason}.*; {cure}"
    with pytest.raises(CorruptImageError, match=expected):
        reader(str(path))


@pytest.mark.filterwarnings("ignore:Image size")
def test_an_image_of_absurd_size_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    path = write_image(tmp_path / "a.png", (40, 30))
    with pytest.raises(CorruptImageError, match="decompression bomb"):
        read_rgb(str(path))
