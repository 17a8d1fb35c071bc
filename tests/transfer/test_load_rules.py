import pytest

from tfinspect.entries import VariableEntry
from tfinspect.errors import ConfigError
from tfinspect.renames import parse_rename
from tfinspect.transfer.load_rules import LoadRules, match_variables

WANTED = {
    "net/conv/weights": (3, 3, 3, 8),
    "net/Logits/weights": (8, 10),
    "net/Logits_2/weights": (8, 10),
}


def _entry(name, shape, slot=False):
    size = 1
    for one in shape:
        size *= one
    return VariableEntry(name, shape, "float32", size, 4 * size, slot=slot)


STORED = [_entry(name, shape) for name, shape in WANTED.items()]


def test_equal_names_and_shapes_are_loaded():
    report = match_variables("net", WANTED, "file", STORED)
    assert {row.status for row in report.rows} == {"loaded"}
    assert report.summary() == "net from file: 3 would be loaded; 376 parameters would be loaded."


def test_excluded_scope_keeps_its_values_and_no_other():
    report = match_variables("net", WANTED, "file", STORED, LoadRules(("net/Logits",)))
    assert [(row.name, row.status) for row in report.rows] == [
        ("net/conv/weights", "loaded"),
        ("net/Logits/weights", "re-initialised"),
        ("net/Logits_2/weights", "loaded"),
        ("net/Logits/weights", "unused"),
    ]


def test_each_variable_of_the_network_has_one_row_in_order():
    report = match_variables("net", WANTED, "file", STORED, LoadRules(("net/Logits",)))
    assert [row.name for row in report.rows if row.status != "unused"] == list(WANTED)


def test_other_shape_is_a_mismatch_with_both_shapes():
    stored = [*STORED[:1], _entry("net/Logits/weights", (8, 11)), STORED[2]]
    [row] = match_variables("net", WANTED, "file", stored).failed
    assert (row.status, row.shape, row.stored_shape) == ("shape mismatch", (8, 10), (8, 11))
    assert row.detail == "the artifact has [8, 11], the network [8, 10]"


def test_absent_variable_is_missing():
    [row] = match_variables("net", WANTED, "file", STORED[1:]).failed
    assert (row.name, row.status, row.source) == ("net/conv/weights", "missing", None)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (_entry("global_step", ()), "step counter"),
        (_entry("net/conv/weights/Momentum", (3, 3, 3, 8), slot=True), "optimizer slot"),
        (_entry("other/weights", (1,)), "no such variable"),
    ],
)
def test_what_is_left_over_is_unused_and_says_why(entry, reason):
    report = match_variables("net", WANTED, "file", [*STORED, entry])
    [row] = report.having("unused")
    assert row.name == entry.name
    assert reason in row.detail


def test_rename_rules_rewrite_the_networks_names_one_after_the_other():
    stored = [_entry(name.replace("net/", "old/"), shape) for name, shape in WANTED.items()]
    rules = LoadRules(rename=(("^net/", "older/"), ("^older/", "old/")))
    report = match_variables("net", WANTED, "file", stored, rules)
    assert {row.status for row in report.rows} == {"loaded"}
    assert report.rows[0].source == "old/conv/weights"
    assert report.rows[0].rule == "rename ^older/=>old/"


def test_moving_average_is_taken_where_there_is_one():
    shadow = _entry("net/conv/weights/ExponentialMovingAverage", (3, 3, 3, 8), slot=True)
    rules = LoadRules(moving_average=True)
    report = match_variables("net", WANTED, "file", [*STORED, shadow], rules)
    first, second = report.rows[:2]
    assert (first.source, first.rule) == (shadow.name, "moving average")
    assert (second.source, second.rule) == ("net/Logits/weights", "same name")
    assert [row.name for row in report.having("unused")] == ["net/conv/weights"]


def test_shadow_of_another_shape_is_not_loaded():
    shadow = _entry("net/conv/weights/ExponentialMovingAverage", (1,), slot=True)
    rules = LoadRules(moving_average=True)
    assert match_variables("net", WANTED, "file", [*STORED, shadow], rules).failed


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (LoadRules(("net/Logit",)), "no variable of the network in the excluded scope 'net/Logit'"),
        (LoadRules(rename=(("nope", ""),)), "matches no variable"),
        (LoadRules(moving_average=True), "moving averages were asked for"),
    ],
)
def test_rule_that_matches_nothing_is_an_error(rules, words):
    with pytest.raises(ConfigError, match=words):
        match_variables("net", WANTED, "file", STORED, rules)


@pytest.mark.parametrize("text", ["a=b", "=>b", "(=>b", r"a=>\1"])
def test_rename_rule_that_cannot_be_used_is_refused(text):
    with pytest.raises(ConfigError, match="rename rule"):
        parse_rename(text)
