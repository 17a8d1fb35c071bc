import pytest

from tfinspect.alarms import Alarm, parse_alarm, raised
from tfinspect.errors import ConfigError

ROW = {"name": "a/Relu:0", "zeros": 0.97, "saturated": None, "dead": 3, "mean": None, "min": -1.5}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zeros>0.95", Alarm("zeros", ">", 0.95)),
        (" dead >= 3 ", Alarm("dead", ">=", 3)),
        ("min<-1e-3", Alarm("min", "<", -1e-3)),
        ("shift<=2", Alarm("shift", "<=", 2)),
    ],
)
def test_an_alarm_is_read(text, expected):
    assert parse_alarm(text) == expected


@pytest.mark.parametrize("text", ["zeros", "zeros=1", "zeros>", "zeros>--1", ">3", "zeros>1>2"])
def test_another_form_is_refused_with_an_example(text):
    with pytest.raises(ConfigError, match=r"is no alarm; give METRIC>NUMBER, such as 'zeros>0\.95"):
        parse_alarm(text)


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(ConfigError, match=r"no metric 'zero' .*; nearest: 'zeros'"):
        parse_alarm("zero>1")


@pytest.mark.parametrize(
    ("text", "rings"),
    [
        ("zeros>0.95", True),
        ("zeros>0.97", False),
        ("zeros>=0.97", True),
        ("dead<3", False),
        ("min<-1", True),
    ],
)
def test_an_alarm_is_raised_beyond_its_bound(text, rings):
    assert parse_alarm(text).raised_by(ROW) is rings


def test_a_tensor_without_a_finite_value_is_within_no_bound():
    assert raised([parse_alarm("mean>5")], [ROW]) == [
        "a/Relu:0: mean is not a number (alarm mean>5)"
    ]


def test_a_shift_to_either_side_counts():
    assert parse_alarm("shift>2").raised_by({"shift": -3.0})


def test_an_alarm_names_tensor_value_and_bound():
    assert raised([parse_alarm("zeros>0.95"), parse_alarm("dead>9")], [ROW]) == [
        "a/Relu:0: zeros is 0.97 (alarm zeros>0.95)"
    ]


@pytest.mark.parametrize("metric", ["nan", "inf", "dead"])
def test_counts_are_told_to_the_last_one(metric):
    assert raised([parse_alarm(f"{metric}>0")], [{"name": "a:0", metric: 14112}]) == [
        f"a:0: {metric} is 14,112 (alarm {metric}>0)"
    ]


def test_an_alarm_that_needs_a_reference_says_so():
    with pytest.raises(ConfigError, match="give them with --reference DIR"):
        raised([parse_alarm("drift>0.1")], [ROW])


def test_an_alarm_on_what_no_tensor_has_is_refused():
    with pytest.raises(ConfigError, match=r"'saturated>0\.5' can never be raised"):
        raised([parse_alarm("saturated>0.5")], [ROW])
