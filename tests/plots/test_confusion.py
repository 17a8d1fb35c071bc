import numpy as np
import pytest

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


def test_the_same_matrix_gives_the_same_bytes(tmp_path):
    for name in ("one.png", "two.png"):
        write_confusion(MATRIX, "abc", str(tmp_path / name))
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
