"""Which rule is offered where several are as good."""

from tfinspect.prefixes import exchanged_prefix


def test_of_rules_that_find_equally_many_the_first_stored_one_is_taken():
    towers = [f"tower{number}" for number in (5, 3, 7, 1, 6, 2)]
    stored = [f"{tower}/net/{layer}/w" for tower in towers for layer in "ab"]
    names = ["net/a/w", "net/b/w"]
    assert str(exchanged_prefix(names, stored)) == "^=>tower5/"
    assert str(exchanged_prefix(names, stored[2:])) == "^=>tower3/"
    assert str(exchanged_prefix(names, stored[::-1])) == "^=>tower2/"


def test_no_rule_where_every_one_changes_a_name_that_is_kept():
    assert exchanged_prefix(["net/b"], ["x/net/b"], kept=["net/a"]) is None


def test_decoys_with_longer_endings_do_not_hide_the_rule_that_finds_all():
    names = [f"net/l{number}/w" for number in range(20)]
    decoys = [f"q{number}/{name}" for number, name in enumerate(names)]
    existing = decoys + [name.replace("net/", "tower/") for name in names]
    found = exchanged_prefix(names, existing)
    assert (str(found), found.found) == ("^net/=>tower/", 20)
