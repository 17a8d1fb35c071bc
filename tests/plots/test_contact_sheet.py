import numpy as np
import pytest
from PIL import Image

from tfinspect.errors import DataError
from tfinspect.plots.contact_sheet import MARK, Cell, draw_contact_sheet, write_contact_sheet

RED = np.full((32, 32, 3), (200, 0, 0), np.uint8)
WIDE = np.full((100, 300, 3), (0, 0, 200), np.uint8)
LONG = ("Some_species_of_bird_0001", "another_species_of_bird_0002")


def pixels_of(sheet, color):
    return (np.asarray(sheet) == color).all(axis=2)


def drawn(*cells, **more):
    return draw_contact_sheet(cells, title="", **more)


def same(one, two):
    return np.array_equal(np.asarray(one), np.asarray(two))


def test_every_image_is_on_the_sheet_enlarged_by_a_whole_factor():
    sheet = draw_contact_sheet([Cell(RED, ("red",))] * 23, title="23 images")
    assert pixels_of(sheet, (200, 0, 0)).sum() == 23 * 96 * 96


def test_large_images_keep_their_proportions():
    sheet = draw_contact_sheet([Cell(WIDE, ("wide",))], title="one")
    rows, columns = np.nonzero(pixels_of(sheet, (0, 0, 200)))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (32, 96)


def test_the_sheet_grows_by_rows():
    heights = [drawn(*[Cell(RED)] * n).height for n in (1, 10, 11, 21)]
    assert heights[0] == heights[1] < heights[2] < heights[3]


def ink_below(sheet):
    dark = np.asarray(sheet).sum(axis=2) < 600
    return np.nonzero(dark & ~pixels_of(sheet, (200, 0, 0)))


def test_the_caption_is_drawn_under_the_image_and_fits():
    sheet = drawn(*[Cell(RED, ("a caption that is much too long for its image",))] * 4)
    rows, columns = ink_below(sheet)
    assert rows.min() > 96
    gaps = np.diff(np.unique(columns))
    assert (gaps > 8).sum() == 3
    assert len(ink_below(drawn(Cell(RED, ("",))))[0]) == 0


def test_label_and_prediction_stand_on_lines_of_their_own_where_one_is_too_narrow():
    short = drawn(Cell(RED, ("3", "8")), Cell(RED, ("1", "7")))
    assert drawn(Cell(RED, ("3", "8")), Cell(RED, LONG)).height == short.height + 20


@pytest.mark.parametrize("other", [(LONG[0], LONG[1][:-1] + "3"), (LONG[0][:-1] + "2", LONG[1])])
def test_the_ends_of_both_long_names_can_be_read(other):
    assert not same(drawn(Cell(RED, LONG)), drawn(Cell(RED, other)))


def test_a_long_name_alone_keeps_both_ends():
    name = 2 * LONG[0]
    for other in ("X" + name[1:], name[:-1] + "2"):
        assert not same(drawn(Cell(RED, (name,))), drawn(Cell(RED, (other,))))


def test_a_long_name_does_not_cut_the_rank_off():
    assert not same(drawn(Cell(RED, LONG, lead="1: ")), drawn(Cell(RED, LONG, lead="2: ")))


def test_place_keeps_its_end_below_the_names():
    def sheet(place):
        return drawn(Cell(RED, ("3", "8"), place=place), Cell(RED, ("", "")))

    one, two = drawn(Cell(RED, ("3", "8")), Cell(RED, ("", ""))), sheet("folder/of/many/img 54.png")
    assert two.height == one.height + 20
    assert same(two, sheet("another/of/many/img 54.png"))
    assert not same(two, sheet("folder/of/many/img 55.png"))


def test_facts_are_lines_that_may_widen_the_sheet():
    one, two = (drawn(Cell(RED, ("3", "8"), facts=facts)) for facts in ((), ("loss 123.45",)))
    assert (two.height, two.width) == (one.height + 20, one.width)
    assert drawn(Cell(RED, facts=("100% sure against 0%",))).width > one.width


def test_marked_images_have_a_frame_that_covers_nothing():
    plain, marked = drawn(Cell(RED, ("3", "8"))), drawn(Cell(RED, ("3", "8"), marked=True))
    assert not pixels_of(plain, MARK).any()
    assert pixels_of(marked, MARK).sum() > 4 * 96
    assert pixels_of(marked, (200, 0, 0)).sum() == 96 * 96


def test_long_titles_take_more_lines():
    heights = [draw_contact_sheet([Cell(RED)], title="word " * n).height for n in (1, 40)]
    assert heights[0] < heights[1]
    assert drawn(Cell(RED), subtitle="what it shows").height > drawn(Cell(RED)).height


def test_the_file_is_a_png(tmp_path):
    write_contact_sheet(str(tmp_path / "sheet.png"), [Cell(RED, ("a",))], title="t")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.format == "PNG"
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_no_image_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"no image to draw on the contact sheet '.*x.png'"):
        write_contact_sheet(str(tmp_path / "x.png"), [], title="t")
