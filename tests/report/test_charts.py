import math
import re
import xml.etree.ElementTree as ET

import pytest

from tfinspect.report import charts

SVG = {"svg": "http://www.w3.org/2000/svg"}


def _parsed(text):
    return ET.fromstring(text)


def _points(chart, name):
    group = next(one for one in _parsed(chart).iter("g") if name in one.get("class"))
    numbers = re.findall(r"[ML]([\d.]+) ([\d.]+)", group.find("path").get("d"))
    return [(float(x), float(y)) for x, y in numbers]


def test_line_rises_where_its_values_rise():
    points = _points(charts.line_chart([1, 2, 3], [("train", [0.1, 0.5, 0.9])], label="x"), "train")
    assert points[0][1] > points[1][1] > points[2][1]
    assert points[1][0] - points[0][0] == pytest.approx(points[2][0] - points[1][0])


def test_wide_range_has_a_logarithmic_axis():
    chart = charts.line_chart([1, 2, 3], [("train", [1.0, 10.0, 100.0])], label="x")
    heights = [y for _, y in _points(chart, "train")]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.2)
    assert [one.text for one in _parsed(chart).iter("text")][:3] == ["1", "10", "100"]


def test_values_that_are_not_finite_leave_a_gap():
    chart = charts.line_chart([1, 2, 3, 4], [("train", [1.0, math.nan, 2.0, 3.0])], label="x")
    assert chart.count("M") - chart.count('class="grid" d="M') == 2
    assert len(_points(chart, "train")) == 3


@pytest.mark.parametrize("line", [[], [math.nan], [math.inf]])
def test_nothing_finite_draws_nothing(line):
    assert charts.line_chart([1.0] * len(line), [("train", line)], label="x") == ""


@pytest.mark.parametrize("line", [[0.0], [5.0], [-2.0, -2.0], [0.0, 1e-300], [1e300, -1e300]])
def test_any_finite_line_stays_inside_the_picture(line):
    chart = charts.line_chart(list(range(1, len(line) + 1)), [("train", line)], label="x")
    for x, y in _points(chart, "train"):
        assert 0 <= x <= 640
        assert 0 <= y <= 220


def test_histogram_has_a_bar_for_each_count():
    assert charts.spark_histogram([1, 0, 4]).count("M") == 2
    assert charts.spark_histogram([]) == ""
    assert charts.spark_histogram([0, 0]) == ""


def test_horizontal_axis_is_named():
    chart = charts.line_chart([1, 2, 3], [("train", [0.1, 0.5, 0.9])], label="x")
    assert "epoch" in [one.text for one in _parsed(chart).iter("text")]


def test_axis_from_zero_is_not_logarithmic_however_small_a_value_is():
    line = [1.0, 0.5, 1e-6]
    chart = charts.line_chart([1, 2, 3], [("train", line)], label="x", logarithmic=False, least=0.0)
    heights = [y for _, y in _points(chart, "train")]
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1], abs=0.2)
    assert next(_parsed(chart).iter("text")).text == "0"


def test_values_below_the_lower_end_are_drawn_at_it():
    line = [1.0, 1e-2, 1e-9]
    chart = charts.line_chart([1, 2, 3], [("train", line)], label="x", logarithmic=True, least=1e-2)
    heights = [y for _, y in _points(chart, "train")]
    assert heights[0] < heights[1] == heights[2] <= 190
