from types import SimpleNamespace

import numpy as np
import pytest

from tfinspect.plots.activation_sheet import SampleImage, activation_sheet
from tfinspect.plots.activation_tiles import channel_tiles
from tfinspect.plots.drawing import Pixels, Text
from tfinspect.plots.grid import NOT_FINITE
from tfinspect.plots.raster import picture_png
from tfinspect.tensor_statistics import tensor_statistics

IMAGES = [SampleImage(f"{name}.png", np.full((8, 8, 3), 90, np.uint8)) for name in "ab"]
DRAW = np.random.RandomState(0).standard_normal


def tensor(values, end_point=None, channels=None):
    return SimpleNamespace(
        name="net/stage1/Relu:0",
        end_point=end_point,
        op_type="Relu",
        shape=values.shape[1:],
        statistics=tensor_statistics(values),
        samples=values.astype(np.float32),
        channels=tuple(range(values.shape[-1])) if channels is None else channels,
        strength=abs(values).mean(-1) if values.ndim == 4 else None,
    )


def texts(picture):
    return [item.text for item in picture.items if isinstance(item, Text)]


def test_a_sheet_says_what_it_shows():
    told = " | ".join(texts(activation_sheet(tensor(DRAW((2, 4, 4, 6)), "stage1"), IMAGES, 40)))
    for words in ("stage1", "net/stage1/Relu:0", "[N, 4, 4, 6]", "40 images", "a.png", "b.png"):
        assert words in told
    assert "mean magnitude" in told
    assert "6 channels" in told


def test_without_an_end_point_the_tensor_is_the_title():
    assert texts(activation_sheet(tensor(DRAW((2, 4, 4, 6))), IMAGES, 2))[0] == "net/stage1/Relu:0"


def test_the_limits_of_the_colors_are_printed():
    values = np.zeros((2, 4, 4, 1))
    values[0] = 12.5
    told = texts(activation_sheet(tensor(values), IMAGES, 2))
    assert {"0", "12.5"} <= set(told)


def test_sampled_channels_are_said_and_numbered():
    values = DRAW((2, 4, 4, 32))
    shown = tensor(values, channels=tuple(range(0, 64, 2)))
    shown.statistics = tensor_statistics(values.repeat(2, axis=3))
    told = texts(activation_sheet(shown, IMAGES, 2))
    assert any("32 of 64 channels, evenly spread" in text for text in told)
    assert told.count("32") == 2


def test_values_that_are_not_finite_are_drawn_and_said():
    values = DRAW((2, 4, 4, 2))
    values[0, 0, 0, 0], values[0, 1, 1, 0] = np.nan, np.inf
    sheet = activation_sheet(tensor(values), IMAGES, 2)
    assert "NaN values: 1, infinite values: 1" in texts(sheet)
    drawn = [item.values for item in sheet.items if isinstance(item, Pixels)]
    assert any((pixels == NOT_FINITE).all(axis=2).any() for pixels in drawn)


def test_largest_bars_of_a_vector_are_named_by_the_labels():
    values = np.array([[0.1, 0.7, 0.2, np.nan], [0.0, 0.25, 0.5, 0.25]])
    told = texts(activation_sheet(tensor(values), IMAGES, 2, ["cat", "dog", "owl", "fox"]))
    first, second = told.index("dog: 0.7"), told.index("owl: 0.5")
    assert told[first : first + 3] == ["dog: 0.7", "owl: 0.2", "cat: 0.1"]
    assert told[second : second + 2] == ["owl: 0.5", "dog: 0.25"]


@pytest.mark.parametrize("shape", [(2, 4), (2, 3, 3, 3)])
def test_labels_of_another_number_or_of_maps_name_nothing(shape):
    told = texts(activation_sheet(tensor(DRAW(shape)), IMAGES, 2, ["cat", "dog", "owl"]))
    assert not any("cat" in text for text in told)


def test_broken_values_of_a_vector_are_said():
    values = np.array([[0.1, np.nan], [1.0, np.nan]])
    told = texts(activation_sheet(tensor(values), IMAGES, 2))
    assert "2 channels; 2 not finite, magenta" in told
    told = texts(activation_sheet(tensor(np.full((2, 3), np.nan)), IMAGES, 2))
    assert "3 channels, no finite value, all magenta" in told


def test_dead_channels_are_counted():
    values = abs(DRAW((2, 4, 4, 5)))
    values[..., 2] = 0
    told = texts(activation_sheet(tensor(values), IMAGES, 2))
    assert any("1 dead, on red" in text for text in told)


@pytest.mark.parametrize(
    "shape", [(2, 7), (2, 1), (2, 5, 7), (2, 200, 200, 3), (2, 1, 1, 64), (2, 3, 4, 4, 2)]
)
def test_tensors_of_any_rank_are_drawn_within_the_picture(shape):
    sheet = activation_sheet(tensor(DRAW(shape)), IMAGES, 2)
    for item in sheet.items:
        if isinstance(item, Pixels):
            assert item.left + item.values.shape[1] <= sheet.width
            assert item.top + item.values.shape[0] <= sheet.height
    assert picture_png(sheet).startswith(b"\x89PNG")


def test_a_tensor_without_a_finite_value_is_drawn():
    sheet = activation_sheet(tensor(np.full((2, 4, 4, 2), np.nan)), IMAGES, 2)
    assert "no finite value" in texts(sheet)


def test_the_same_sheet_gives_the_same_bytes():
    values = DRAW((2, 4, 4, 6))
    first, second = (picture_png(activation_sheet(tensor(values), IMAGES, 2)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("shape", "tiles"),
    [
        ((4, 5, 6), (6, 4, 5)),
        ((9, 6), (1, 9, 6)),
        ((2, 4, 5, 6), (6, 8, 5)),
        ((192, 192, 2), (2, 96, 96)),
    ],
)
def test_each_channel_is_a_tile(shape, tiles):
    assert channel_tiles(DRAW(shape), 100).shape == tiles


LABELS = ["cat", "dog", "owl", "明"]


def named(values, counted, labels=LABELS):
    return activation_sheet(tensor(values), IMAGES[: len(values)], counted, labels)


def test_classes_are_called_classes_and_stand_below_their_bars():
    told = texts(named(np.array([[0.1, 0.7, 0.2, 0.0]]), 1))
    assert "4 classes" in told
    assert "dead classes 1 of 4" in " | ".join(told)
    assert "channel" not in " ".join(told)
    first = told.index("cat")
    assert told[first : first + 4] == ["cat", "dog", "owl", "#3"]


def test_long_labels_leave_the_numbers_of_the_first_and_the_last_bar():
    labels = [f"{'long name ' * 4}{number}" for number in range(30)]
    told = texts(activation_sheet(tensor(DRAW((2, 30))), IMAGES, 2, labels))
    assert {"0", "29"} <= set(told)
    assert not set(labels) & set(told)


def test_ends_of_the_axes_of_bars_are_printed_at_their_left():
    values = np.array([[0.5, 2.0, 1.0], [0.5, 4.0, 1.0]])
    sheet = activation_sheet(tensor(values), IMAGES, 2)
    told = [item.text for item in sheet.items if isinstance(item, Text) and item.anchor == "end"]
    # Two images share the scale of all, the means have their own.
    assert told.count("4") == 2
    assert told.count("3") == 1
    assert not any("from" in text for text in texts(sheet))


def test_axis_of_counts_ends_at_the_largest():
    values = np.zeros((2, 4, 4, 3))
    values[0, 0, 0, 0] = 1
    told = texts(activation_sheet(tensor(values), IMAGES, 2))
    assert "95" in told


@pytest.mark.parametrize(
    ("values", "counted", "drawn"), [(1, 1, False), (2, 2, True), (1, 2, True)]
)
def test_means_over_one_image_alone_are_not_drawn_twice(values, counted, drawn):
    told = texts(activation_sheet(tensor(DRAW((values, 6))), IMAGES[:values], counted))
    assert ("mean of each channel" in told) is drawn


def test_values_beyond_the_colors_are_said():
    values = np.ones((2, 32, 32, 3))
    assert not any(
        "colors end" in text for text in texts(activation_sheet(tensor(values), IMAGES, 2))
    )
    values[0, 0, 0, 0] = 9
    told = [text for text in texts(activation_sheet(tensor(values), IMAGES, 2)) if "colors" in text]
    assert told == ["colors end at 99.8% of these images' magnitudes; the largest is 9"]


def test_a_long_caption_keeps_its_end():
    images = [SampleImage(f"a_long_folder_of_images/{name}.png", IMAGES[0].pixels) for name in "ab"]
    told = texts(activation_sheet(tensor(DRAW((2, 6))), images, 2))
    assert any(text.startswith("…") and text.endswith("/a.png") for text in told)
