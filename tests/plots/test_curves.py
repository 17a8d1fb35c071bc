from types import SimpleNamespace

import pytest

from tfinspect.errors import DataError
from tfinspect.plots.curves import curves_figure, write_curves


def records(count):
    return [
        SimpleNamespace(
            epoch=epoch,
            learning_rate=0.1 / epoch,
            loss=2.0 / epoch,
            accuracy=1 - 0.5 / epoch,
            validation_loss=2.5 / epoch,
            validation_accuracy=[0.5, 0.75, 0.75, 0.25][epoch - 1],
        )
        for epoch in range(1, count + 1)
    ]


def lines(axes):
    return {line.get_label(): line.get_ydata().tolist() for line in axes.get_lines()}


def test_panels_hold_loss_accuracy_in_percent_and_rate():
    loss, accuracy, rate = curves_figure(records(2)).axes
    assert lines(loss) == {"train": [2.0, 1.0], "validation": [2.5, 1.25]}
    assert lines(accuracy) == {"train": [50.0, 75.0], "validation": [50.0, 75.0]}
    assert rate.get_lines()[0].get_ydata().tolist() == [0.1, 0.05]


def test_the_title_names_the_epoch_whose_weights_were_kept():
    title = curves_figure(records(4), 3).axes[1].get_title(loc="left")
    assert title == "kept: epoch 3, validation accuracy 75.00%"


def test_no_epoch_is_named_where_none_was_kept():
    assert curves_figure(records(4)).axes[1].get_title(loc="left") == ""


@pytest.mark.parametrize(("first", "scale"), [(100.0, "linear"), (200.0, "log")])
def test_losses_that_fall_very_far_stand_on_a_log_axis(first, scale):
    drawn = records(1)
    drawn[0].validation_loss = first
    assert curves_figure(drawn).axes[0].get_yscale() == scale


@pytest.mark.parametrize("count", [0, 1])
def test_few_epochs_still_make_a_picture(count, tmp_path):
    write_curves(records(count), str(tmp_path / "curves.png"))
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_records_give_the_same_bytes(tmp_path):
    for name in ("one.png", "two.png"):
        write_curves(records(3), str(tmp_path / name))
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_a_directory_that_is_missing_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        write_curves(records(1), str(tmp_path / "nowhere" / "curves.png"))
