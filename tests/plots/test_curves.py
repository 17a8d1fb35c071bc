from types import SimpleNamespace

import pytest
from matplotlib.text import Text

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


def test_the_title_says_that_another_epoch_had_a_higher_accuracy():
    figure = curves_figure(records(4), 1)
    axes = figure.axes[1]
    title = axes.get_title(loc="left")
    assert title == (
        "kept: epoch 1, validation accuracy 50.00%\n(highest: 75.00%, no more than chance above it)"
    )
    figure.draw_without_rendering()
    (drawn,) = axes.findobj(lambda one: isinstance(one, Text) and one.get_text() == title)
    assert drawn.get_window_extent().x1 < figure.bbox.x1


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


def staged(rates):
    made = records(4)
    for record, rate in zip(made, rates, strict=True):
        record.learning_rate = rate
    return curves_figure(made, None, [(1, "head"), (3, "a $stage$ of many long scopes")])


def test_stages_are_named_and_parted_in_every_panel():
    figure = staged([0.1] * 4)
    for axes in figure.axes:
        assert [line.get_xdata() for line in axes.get_lines() if len(line.get_xdata()) == 2] == [
            [2.5, 2.5]
        ]
    names = figure.axes[0].texts
    assert [(name.get_text(), name.xy[0]) for name in names] == [
        ("head", 0.5),
        ("a $stage$ of many long scopes", 2.5),
    ]
    assert not any(name.get_parse_math() for name in names)


@pytest.mark.parametrize(("second", "scale"), [(0.01, "linear"), (0.001, "log")])
def test_rates_of_stages_that_differ_far_stand_on_a_log_axis(second, scale):
    rate = staged([0.1, 0.1, second, second]).axes[2]
    assert rate.get_yscale() == scale


def test_schedule_that_ends_at_nothing_leaves_the_axis_to_the_stages():
    rate = staged([0.1, 1e-12, 0.001, 1e-12]).axes[2]
    bottom, top = rate.get_ylim()
    shown = rate.transData.transform([(0, value) for value in (bottom, 1e-12, 1e-5, 0.001, top)])
    heights = (shown[:, 1] - shown[0, 1]) / (shown[-1, 1] - shown[0, 1])
    # Every point lies on the axis, and what is near nothing takes less than a fifth of it.
    assert 0 < heights[1] < heights[2] < 0.2 < heights[3] < 1
    assert rate.get_yticks().tolist() == pytest.approx([0, 0.1, 0.001, 1e-5])


def test_name_that_the_font_cannot_write_is_the_stages_number():
    made = curves_figure(records(4), None, [(1, "head"), (3, "明るい")])
    assert [name.get_text() for name in made.axes[0].texts] == ["head", "stage 2"]
