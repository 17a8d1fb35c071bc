import csv
import json

import pytest

from tfinspect import text

ROWS = [
    {"name": "net/a/w", "shape": (3, None), "size": 1000, "known": True},
    {"name": "net/b", "shape": None, "size": 5, "known": None},
]


def _text(lines):
    return "\n".join(lines)


def test_table_lines_up_numbers_to_the_right():
    assert _text(text.as_table(ROWS)) == (
        "name     shape    size  known\n"
        "───────  ──────  ─────  ─────\n"
        "net/a/w  [3, ?]  1,000  yes\n"
        "net/b    -           5  -"
    )


def test_table_fits_the_width_and_loses_nothing():
    rows = [{"name": "scope/" * 20, "size": 7}]
    lines = list(text.as_table(rows, 40))
    assert max(map(len, lines)) <= 40
    assert "".join(line.split()[0] for line in lines[2:]) == "scope/" * 20


def test_table_without_width_is_never_folded():
    assert len(list(text.as_table([{"name": "x" * 500}]))) == 3


def test_tree_adds_up_its_branches():
    assert _text(text.as_tree([{"name": row["name"], "size": row["size"]} for row in ROWS])) == (
        "name      size\n"
        "───────  ─────\n"
        "net      1,005\n"
        "├─ a     1,000\n"
        "│  └─ w  1,000\n"
        "└─ b         5"
    )


def test_variable_that_is_a_scope_too_keeps_its_own_value():
    rows = [{"name": "w", "size": 1}, {"name": "w/Adam", "size": 2}]
    assert [line.split()[-1] for line in text.as_tree(rows)][2:] == ["1", "2"]


def test_tree_of_deep_names_needs_no_recursion():
    (line, *_) = list(text.as_tree([{"name": "/".join("a" * 99)}]))[-1:]
    assert line.endswith("└─ a")


def test_tree_of_a_name_without_end_shows_its_rest_as_one():
    name = "/".join("a" * 30_000)
    lines = list(text.as_tree([{"name": name, "size": 7}, {"name": name + "/b", "size": 2}]))
    assert len(lines) == 2 + 100 + 2
    assert sum(map(len, lines)) < 200 * len(name)
    assert "─ " + "/".join("a" * 29_900) + "/b" in lines[-1]


def test_json_is_one_array_of_objects():
    assert json.loads(_text(text.as_json(ROWS))) == [
        {"name": "net/a/w", "shape": [3, None], "size": 1000, "known": True},
        {"name": "net/b", "shape": None, "size": 5, "known": None},
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_json_has_no_numbers_that_json_does_not_know(value):
    def refuse(constant):
        raise AssertionError(constant)

    (row,) = json.loads(_text(text.as_json([{"max": value}])), parse_constant=refuse)
    assert row["max"] == str(value)


def test_csv_reads_back():
    first, second = csv.DictReader(text.as_csv(ROWS))
    assert first == {"name": "net/a/w", "shape": "[3, ?]", "size": "1000", "known": "True"}
    assert second["shape"] == ""


def test_markdown_escapes_pipes():
    lines = list(text.as_markdown([{"name": "a|b", "size": 3}]))
    assert lines == ["| name | size |", "|---|---:|", "| a\\|b | 3 |"]


@pytest.mark.parametrize("render", text.RENDERERS.values(), ids=text.RENDERERS)
def test_no_rows_are_no_error(render):
    assert _text(render([])) in ("", "[]")


def test_equal_values_of_other_types_are_worded_as_what_they_are():
    shapes = [(1,), (True,), (1.0,), ((True,),), ((1,),), ([1],)]
    assert [text.cell(shape) for shape in shapes] == [
        *("[1]", "[True]", "[1.0]", "[(True,)]", "[(1,)]", "[[1]]")
    ]


def test_control_characters_do_not_reach_the_terminal():
    assert text.cell("a\x1b[2Jb\n") == "a\\x1b[2Jb\\n"


@pytest.mark.parametrize(
    "word",
    [
        "\N{WOMAN}\u200d\N{PERSONAL COMPUTER}",
        "\N{WOMAN}\N{EMOJI MODIFIER FITZPATRICK TYPE-4}\u200d\N{PERSONAL COMPUTER}",
        "می\u200cخواهم",
        "क्\u200dष",
        "\N{HEAVY BLACK HEART}\ufe0f\u200d\N{FIRE}",
    ],
)
def test_joiners_stay_within_the_words_that_need_them(word):
    assert text.cell(word) == word


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("pay\u200dpal", "pay\\u200dpal"),
        ("猫\u200d犬", "猫\\u200d犬"),
        ("ね\u200cこ", "ね\\u200cこ"),
        ("고\u200d양", "고\\u200d양"),
        ("แม\u200cว", "แม\\u200cว"),
        ("חת\u200dול", "חת\\u200dול"),
        ("^\u200d\N{FIRE}", "^\\u200d\N{FIRE}"),
        ("e\u0301\u200dष", "e\u0301\\u200dष"),
        ("می\u200c", "می\\u200c"),
        ("\u200dمی", "\\u200dمی"),
        ("می\u200c\u200cخواهم", "می\\u200c\\u200cخواهم"),
        ("می\u202eخواهم", "می\\u202eخواهم"),
        ("می\u200fخواهم", "می\\u200fخواهم"),
    ],
)
def test_other_joiners_and_bidirectional_controls_are_escaped(name, shown):
    assert text.cell(name) == shown


def test_numbers_and_headers_are_never_torn():
    rows = [{"name": "scope/" * 9, "activation_bytes": 1234567890, "shape_of_it": "[1, 2, 3, 4]"}]
    assert text.columns_too_many(rows, 50) == []
    lines = list(text.as_table(rows, 50))
    assert max(map(len, lines)) <= 50
    assert "1,234,567,890" in lines[2]
    assert {"activation_bytes", "shape_of_it"} <= set(lines[0].split())


@pytest.mark.parametrize(
    ("width", "spare", "left_out"),
    [
        (None, (), []),
        (60, (), []),
        (29, (), ["c"]),
        (29, ("a",), ["a"]),
        (10, ("a", "name"), ["a", "c", "b"]),
    ],
)
def test_columns_that_do_not_fit_are_named(width, spare, left_out):
    rows = [{"name": "n" * 30, "a": 123456, "b": 1234567, "c": 1}]
    assert text.columns_too_many(rows, width, spare) == left_out


def test_tree_has_the_true_bounds_of_a_scope():
    rows = [
        {"name": "a/x", "size": 1, "min": -2.5, "max": 3, "mean": 1.5},
        {"name": "a/y", "size": 2, "min": 1, "max": None, "mean": 2.5},
    ]
    assert list(text.as_tree(rows))[2].split() == ["a", "3", "-2.5", "3"]


def test_tree_keeps_all_rows_of_a_name():
    rows = [{"name": "a/x", "finding": finding, "count": 3} for finding in ("nan", "inf")]
    lines = [line.split() for line in text.as_tree(rows)][2:]
    assert lines == [["a"], ["└─", "x", "nan", "3"], ["└─", "x", "inf", "3"]]


def test_scopes_in_a_tree_have_all_that_is_in_them():
    rows = [{"scope": "a", "size": 1}, {"scope": "a/b", "size": 2}, {"scope": "c/d", "size": 4}]
    sizes = {line.split()[-2]: line.split()[-1] for line in list(text.as_tree(rows))[2:]}
    assert sizes == {"a": "3", "b": "2", "c": "4", "d": "4"}


@pytest.mark.parametrize(
    ("width", "left_out"), [(70, []), (69, ["b"]), (58, ["b", "a"]), (43, ["b"]), (36, ["b", "a"])]
)
def test_spare_columns_go_before_a_name_is_broken(width, left_out):
    # A name that cannot stay whole does not cost more columns than its two halves need.
    rows = [{"name": "a/bb/ccc/dddd/eeeee/" * 2 + "dddd", "a": 1234567890, "b": "x" * 9}]
    assert text.columns_too_many(rows, width, ["b", "a"]) == left_out
    assert max(map(len, text.as_table(rows, 200))) == 70


def test_names_are_broken_behind_slashes():
    rows = [{"name": "resnet/conv1/BatchNorm/moving_variance", "shape": "[3, 3, 16]", "size": 7}]
    lines = [line.split("  ")[0].strip() for line in list(text.as_table(rows, 34))[2:]]
    assert lines == ["resnet/conv1/", "BatchNorm/", "moving_variance"]
    assert "[3, 3, 16]" in "\n".join(text.as_table(rows, 34))
