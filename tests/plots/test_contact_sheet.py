import numpy as np
import pytest
from PIL import Image

from tfinspect.errors import DataError
from tfinspect.plots.contact_sheet import draw_contact_sheet, write_contact_sheet

RED = np.full((32, 32, 3), (200, 0, 0), np.uint8)
WIDE = np.full((100, 300, 3), (0, 0, 200), np.uint8)


def pixels_of(sheet, color):
    return (np.asarray(sheet) == color).all(axis=2)


def test_every_image_is_on_the_sheet_enlarged_by_a_whole_factor():
    sheet = draw_contact_sheet([("red", RED)] * 23, title="23 images")
    assert pixels_of(sheet, (200, 0, 0)).sum() == 23 * 96 * 96


def test_large_images_keep_their_proportions():
    sheet = draw_contact_sheet([("wide", WIDE)], title="one")
    rows, columns = np.nonzero(pixels_of(sheet, (0, 0, 200)))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (32, 96)


def test_the_sheet_grows_by_rows():
    heights = [draw_contact_sheet([("", RED)] * n, title="").height for n in (1, 10, 11, 21)]
    assert heights[0] == heights[1] < heights[2] < heights[3]


def test_the_caption_is_drawn_under_the_image_and_fits():
    def ink(caption):
        sheet = draw_contact_sheet([(caption, RED)] * 4, title="")
        return np.nonzero((np.asarray(sheet).sum(axis=2) < 600) & ~pixels_of(sheet, (200, 0, 0)))

    rows, columns = ink("a caption that is much too long for its image")
    assert rows.min() > 96
    gaps = np.diff(np.unique(columns))
    assert (gaps > 8).sum() == 3
    assert len(ink("")[0]) == 0


def test_second_line_of_a_caption_keeps_its_end_below_the_first():
    def sheet(caption):
        return np.asarray(draw_contact_sheet([(caption, RED), ("", RED)], title=""))

    one, two = sheet("1: 3 → 8"), sheet("1: 3 → 8\ntrain-00000-of-00001.tfrecord:54")
    assert two.shape[0] == one.shape[0] + 20
    other = sheet("1: 3 → 8\nvalidation-00000-of-00001.tfrecord:54")
    another = sheet("1: 3 → 8\ntrain-00000-of-00001.tfrecord:55")
    assert np.array_equal(two, other)
    assert not np.array_equal(two, another)


def test_the_file_is_a_png(tmp_path):
    write_contact_sheet(str(tmp_path / "sheet.png"), [("a", RED)], title="t")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.format == "PNG"
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_no_image_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"no image to draw on the contact sheet '.*x.png'"):
        write_contact_sheet(str(tmp_path / "x.png"), [], title="t")
