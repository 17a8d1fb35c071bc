"""The nearest names: the right one for a misspelling, among any number, at a bounded cost."""

import difflib
import random

import pytest

from tfinspect import names

MANY = [
    f"net/stage{n // 900}/unit{n // 30}/{layer}/{weight}"
    for n in range(0, 8000, 2)
    for layer in ("conv", "shortcut")
    for weight in ("weights", "biases", "BatchNorm/gamma")
]


def _misspelt(name, place):
    """Drops, doubles, swaps and replaces a letter."""
    return (
        name[:place] + name[place + 1 :],
        name[:place] + name[place] + name[place:],
        name[:place] + name[place + 1] + name[place] + name[place + 2 :],
        name[:place] + "x" + name[place + 1 :],
    )


@pytest.mark.parametrize("place", [0, 4, -3])
def test_misspelt_name_is_found_among_many(place):
    right = MANY[random.Random(place).randrange(len(MANY))]
    for query in _misspelt(right, place % len(right)):
        assert right in names.nearest(query, MANY), query


def test_missing_component_is_found_among_many():
    assert names.nearest("net/stage3/conv/weights", MANY)[0].startswith("net/stage3/")
    wanted = "net/stage3/unit99/shortcut/BatchNorm/gamma"
    assert wanted in names.nearest("net/unit99/shortcut/BatchNorm/gamma", MANY)


def test_only_so_many_names_are_compared_letter_by_letter(monkeypatch):
    compared = []
    counted = difflib.get_close_matches

    def counting(query, existing, **options):
        compared.append(len(existing))
        return counted(query, existing, **options)

    monkeypatch.setattr(names.difflib, "get_close_matches", counting)
    names.choices("net/stage1/unit12/conv", MANY)
    assert compared == [300]


def test_few_names_are_all_compared():
    assert names.nearest("ReluV6", ["MatMul", "Relu6"]) == ["Relu6"]


def test_names_that_no_person_types_are_neither_compared_nor_shown_whole():
    long = "a" * 100_000
    assert names.nearest(long, [long]) == []
    assert names.nearest("a", [long, "ab"]) == ["ab"]
    assert len(names.choices("b", [long])) < 300


def test_no_likeness_offers_the_first_names():
    assert names.choices("?", "bac") == "there are: 'a', 'b', 'c'"
    assert names.choices("?", "abcdefg").endswith("'e' and 2 more")
    assert names.choices("?", []) == "there are none"


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("12", 12), ("007", 7), ("9" * 18, 10**18 - 1)],
)
def test_digits_are_a_number(text, number):
    assert names.decimal(text) == number


@pytest.mark.parametrize("text", ["", "-1", " 1", "1_0", "\u00b2", "\u0661", "1" * 5000])
def test_anything_else_is_no_number(text):
    assert names.decimal(text) is None
