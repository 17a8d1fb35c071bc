import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tfinspect.plots.confusion import confusion_figure, write_confusion

MATRIX = np.array([[3, 1, 0], [0, 5, 0], [0, 0, 0]])


def drawn(figure):
    return figure.axes[0]


def test_shades_are_shares_of_the_true_label():
    (image,) = drawn(confusion_figure(MATRIX, "abc")).get_images()
    np.testing.assert_array_equal(image.get_array(), [[75, 25, 0], [0, 100, 0], [0, 0, 0]])


def test_counts_that_are_not_zero_are_written_in_their_cells():
    texts = drawn(confusion_figure(MATRIX, "abc")).texts
    written = {text.get_position(): text.get_text() for text in texts}
    # Column first: x is the predicted label.
    assert written == {(0, 0): "3", (1, 0): "1", (1, 1): "5"}


def test_axes_name_the_labels():
    axes = drawn(confusion_figure(MATRIX, ["cat", "dog", "frog"], "test"))
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["cat", "dog", "frog"]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("true", "predicted")
    assert axes.get_title() == "test"


@pytest.mark.parametrize(("classes", "counts", "named"), [(26, 0, True), (61, 0, False)])
def test_many_classes_lose_counts_and_then_names(classes, counts, named):
    labels = [f"class_{number}" for number in range(classes)]
    axes = drawn(confusion_figure(np.eye(classes, dtype=int), labels))
    assert len(axes.texts) == counts
    assert (axes.get_yticklabels()[1].get_text() == "class_1") is named


@pytest.mark.parametrize("labels", [["cat", "dog"], ["cat", "a name that is far too long " * 9]])
def test_two_classes_have_a_matrix_of_some_size_that_nothing_is_cut_of(labels):
    figure = confusion_figure(np.eye(2, dtype=int), labels, "test: accuracy 50.00% of 10")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    matrix, bar = figure.axes
    assert min(matrix.get_window_extent().size) > 200
    width, height = canvas.get_width_height()
    for text in (
        bar.yaxis.label,
        matrix.title,
        *matrix.get_xticklabels(),
        *matrix.get_yticklabels(),
    ):
        extent = text.get_window_extent()
        assert extent.x0 >= 0 <= extent.y0
        assert extent.x1 <= width
        assert extent.y1 <= height
    assert matrix.title.get_window_extent().y0 > matrix.get_window_extent().y1


def test_long_names_keep_both_ends():
    labels = ["Some_species_of_bird_number_0001", "Some_species_of_bird_number_0002"]
    axes = drawn(confusion_figure(np.eye(2, dtype=int), labels))
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [
        "Some_specie…_number_0001",
        "Some_specie…_number_0002",
    ]


def test_the_same_matrix_gives_the_same_bytes(tmp_path):
    for name in ("one.png", "two.png"):
        write_confusion(MATRIX, "abc", str(tmp_path / name))
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
