import tracemalloc

import pytest

from tfinspect import listing
from tfinspect.entries import VariableEntry
from tfinspect.errors import ConfigError
from tfinspect.listing import Criteria, select


def _entry(name, size=1, **known):
    return VariableEntry(name, (size,), "float32", size, 4 * size, key=name, **known)


ENTRIES = (
    _entry("net/unit10/weights", 20, trainable=True, collections=("trainable_variables",)),
    _entry("net/unit9/weights", 30, trainable=True, collections=("trainable_variables",)),
    _entry("net/unit9/moving_mean", 5, trainable=False),
    _entry("net/unit9/weights/Adam", 30, slot=True),
    _entry("net/Logits/weights", 7),
    _entry("net/Logits_2/weights", 8),
    _entry("train/Adam", 3, slot=True),
    _entry("global_step"),
)


def _names(entries):
    return [entry.name for entry in entries]


def test_slots_are_left_out_unless_asked_for():
    assert "net/unit9/weights/Adam" not in _names(select(ENTRIES))
    assert select(ENTRIES, Criteria(optimizer=True)) == list(ENTRIES)


def test_scope_takes_whole_components():
    assert _names(select(ENTRIES, Criteria(scopes=("net/Logits",)))) == ["net/Logits/weights"]


def test_several_scopes_are_joined_in_order_of_the_file():
    found = select(ENTRIES, Criteria(scopes=("global_step", "net/Logits/")))
    assert _names(found) == ["net/Logits/weights", "global_step"]


def test_scope_that_holds_nothing_names_the_nearest():
    with pytest.raises(ConfigError, match=r"no variable or op in scope 'net/Logit'.*'net/Logits'"):
        select(ENTRIES, Criteria(scopes=("net", "net/Logit")))


def test_scope_that_holds_slots_alone_is_told():
    with pytest.raises(ConfigError, match=r"'train' holds optimizer slots alone.*--optimizer"):
        select(ENTRIES, Criteria(scopes=("train",)))


def test_pattern_is_found_anywhere():
    assert _names(select(ENTRIES, Criteria(match=r"unit\d+/w"))) == [
        "net/unit10/weights",
        "net/unit9/weights",
    ]


def test_excluded_patterns_are_taken_away():
    found = select(ENTRIES, Criteria(scopes=("net",), exclude=("weights$", "biases|unit10")))
    assert _names(found) == ["net/unit9/moving_mean"]


def test_excluded_pattern_may_be_of_what_is_left_out_anyway():
    assert select(ENTRIES, Criteria(exclude=("Adam",))) == select(ENTRIES)
    found = select(ENTRIES, Criteria(scopes=("net/Logits",), exclude=("unit9",)))
    assert _names(found) == ["net/Logits/weights"]


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        (Criteria(match="Adam"), "'Adam' is found in optimizer slots alone, such as 'net/unit9"),
        (
            Criteria(scopes=("net/Logits",), match="unit"),
            "'unit' is found only in names that other criteria leave out, such as 'net/unit10",
        ),
        (Criteria(match="conv"), "pattern 'conv' is found in no name"),
        (Criteria(match="("), "'\\(' is no valid regular expression"),
        (Criteria(exclude=("",)), "without the pattern '' nothing is left"),
        (
            Criteria(exclude=("wieghts",)),
            "pattern 'wieghts' is found in no name; nearest: ",
        ),
        (Criteria(collection="model_variables"), "no variable in collection 'model_variables'"),
        (Criteria(collection="trainable"), "nearest: 'trainable_variables'"),
        (Criteria(scopes=("net/Logits",), trainable=True), "does not say which variables"),
        (Criteria(match="moving", trainable=True), "none of these variables is trainable"),
    ],
)
def test_criterion_that_matches_nothing_is_refused(criteria, message):
    with pytest.raises(ConfigError, match=message):
        select(ENTRIES, criteria)


def test_collection_of_a_format_without_collections_is_told():
    with pytest.raises(ConfigError, match="this file stores no collections"):
        select(ENTRIES[4:], Criteria(collection="trainable_variables"))


def test_trainable_and_collection_choose():
    wanted = ["net/unit10/weights", "net/unit9/weights"]
    assert _names(select(ENTRIES, Criteria(trainable=True))) == wanted
    assert _names(select(ENTRIES, Criteria(collection="trainable_variables"))) == wanted


def test_names_sort_with_numbers_as_numbers():
    found = listing.sort(ENTRIES[:2], "name")
    assert _names(found) == ["net/unit9/weights", "net/unit10/weights"]


def test_sizes_sort_largest_first():
    assert [entry.bytes for entry in listing.sort(ENTRIES[:3], "size")] == [120, 80, 20]


def test_scopes_add_up_to_the_totals():
    chosen = select(ENTRIES)
    rows, sums = listing.roll_up(chosen), listing.totals(chosen)
    assert sum(row.variables for row in rows) == sums.variables == 6
    assert sum(row.parameters for row in rows) == sums.parameters == 71
    assert sum(row.bytes for row in rows) == sums.bytes


@pytest.mark.parametrize(
    ("depth", "scopes"),
    [(None, ["net/unit10", "net/unit9", "net/Logits", "net/Logits_2", "."]), (1, ["net", "."])],
)
def test_depth_cuts_scopes(depth, scopes):
    assert [row.scope for row in listing.roll_up(select(ENTRIES), depth)] == scopes


def test_totals_count_slots_apart():
    sums = listing.totals(ENTRIES)
    assert (sums.variables, sums.slots, sums.slot_bytes) == (6, 2, 132)
    assert sums.sentence().endswith("; 2 optimizer slots, 132 bytes.")


def test_brief_rows_have_no_empty_columns():
    (row,) = listing.brief_rows([_entry("w")])
    assert list(row) == ["name", "shape", "dtype", "parameters", "bytes"]
    assert "trainable" in listing.brief_rows(ENTRIES)[0]


@pytest.mark.parametrize("digits", ["1" * 5000, "\u0661", "\u00b2"])
def test_names_with_any_digits_sort(digits):
    names = ["w10", "w9", f"w{digits}"]
    assert _names(listing.sort([_entry(name) for name in names], "name"))[0] == "w9"


def test_scopes_of_a_name_without_end_take_little_memory():
    tracemalloc.start()
    found = listing.all_scopes([_entry("/".join("a" * 30_000)), _entry("net/b/w")])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {"/".join("a" * 30_000), "net/b/w"} <= found
    assert peak < 100 << 20
