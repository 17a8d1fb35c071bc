"""Names that no two variables share, whatever the keys are."""

import itertools
import random

import pytest

from tfinspect.artifacts.unique_names import readable_key, unique_names


def test_first_names_that_differ_are_taken():
    assert unique_names({"k1": ("a", "p1"), "k2": ("b", "p2")}) == {"k1": "a", "k2": "b"}


def test_name_of_two_goes_to_neither():
    assert unique_names({"k1": ("a", "p1"), "k2": ("a", "p2")}) == {"k1": "p1", "k2": "p2"}


def test_keys_are_taken_where_all_else_is_shared():
    assert unique_names({"x": ("x", "x"), "x/V": ("x", "x")}) == {"x": "x", "x/V": "x/V"}


def test_key_of_another_variable_is_no_name():
    assert unique_names({"k1": ("k2",), "k2": ("a",)}) == {"k1": "k1", "k2": "a"}


@pytest.mark.parametrize("seed", range(20))
def test_any_names_become_unique_and_nobodys_key(seed):
    chance = random.Random(seed)
    keys = ["".join(pair) for pair in itertools.product("abc", repeat=2)]
    some = [*keys, "x", "y", "z"]
    named = unique_names({key: chance.choices(some, k=chance.randrange(4)) for key in keys})
    assert list(named) == keys
    assert len(set(named.values())) == len(keys)
    assert all(name == key or name not in keys for key, name in named.items())


def test_chain_of_names_takes_time_in_proportion():
    names = {f"k{n}": (f"n{n}", f"n{n + 1}") for n in range(20_000)} | {"k": ("n0",)}
    assert len(set(unique_names(names).values())) == len(names)


def test_bytes_that_are_no_text_are_escaped_unlike_all_others():
    taken = {}
    for key in (b"a", b"a\\xff", b"a\xff", b"b'a\\xff'"):
        taken[readable_key(key, taken)] = key
    assert list(taken) == ["a", "a\\xff", "b'a\\xff'", repr(b"b'a\\xff'")]
