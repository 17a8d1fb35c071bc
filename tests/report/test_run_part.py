"""Curves and settings of a run, worded for the page."""

import json
import math
from types import SimpleNamespace

import pytest
from tiny_run import copy_run

from tfinspect.report import run_part as parts
from tfinspect.report.example_parts import _told


def records(*rates):
    return [
        SimpleNamespace(
            epoch=number,
            learning_rate=rate,
            loss=1.0,
            validation_loss=1.0,
            accuracy=0.01,
            validation_accuracy=0.97,
        )
        for number, rate in enumerate(rates, 1)
    ]


@pytest.fixture
def settings(tmp_path):
    def changed(**config):
        run = copy_run(tmp_path)
        path = f"{run.path}/config.json"
        with open(path, encoding="utf-8") as stream:
            stored = json.load(stream)
        stored["config"] |= config
        with open(path, "w", encoding="utf-8") as stream:
            json.dump(stored, stream)
        return dict(parts.run_part(run.path)["settings"])

    return changed


def test_epochs_that_nobody_gave_are_those_in_force(settings):
    shown = settings(epochs=None, steps=None)
    assert shown["epochs"] == "20"
    assert "steps" not in shown


def test_steps_stand_for_epochs(settings):
    shown = settings(epochs=None, steps=300)
    assert shown["steps"] == "300"
    assert "epochs" not in shown


@pytest.mark.parametrize(
    ("schedule", "told"),
    [("piecewise", "boundaries"), ("cosine", "warmup epochs"), ("constant", None)],
)
def test_settings_of_another_schedule_are_left_out(settings, schedule, told):
    shown = settings(schedule=schedule, boundaries=[1.0], warmup_epochs=1.0)
    assert {"boundaries", "warmup epochs"} & set(shown) == ({told} if told else set())


def test_accuracy_is_in_percent_and_linear():
    curves = parts._curves(records(0.1, 0.1), [1])
    (chart,) = (one["chart"] for one in curves if one["title"] == "Accuracy (%)")
    # A logarithmic axis would have ticks at 1 and 10.
    assert ">50<" in chart
    assert ">10<" not in chart


def test_rate_that_ends_near_nothing_has_an_axis_from_zero():
    axis = parts._rate_axis(records(0.1, 0.05, 1e-6), [1])
    assert axis == {"logarithmic": False, "least": 0.0}


def test_rates_of_stages_far_apart_have_a_logarithmic_axis_of_two_more_decades():
    axis = parts._rate_axis(records(0.1, 1e-9, 1e-3, 1e-9), [1, 3])
    assert axis["logarithmic"] is True
    assert math.isclose(axis["least"], 1e-5)


def test_nothing_is_said_of_wrong_labels_where_all_are_predicted_as_labelled():
    assert _told(0, 64) == "The model predicts all 64 in the picture as they are labelled."
    assert "wrong labels would be among them" in _told(3, 64)
