import pytest

from tfinspect.errors import ConfigError
from tfinspect.renames import all_renamed, parse_rename, require_apart, worded


def test_rules_are_applied_one_after_the_other():
    rules = [parse_rename("^net/=>tower/"), parse_rename(r"conv(\d)=>layer\1")]
    names = ["net/conv1/w", "other/conv2/w", "net/b"]
    assert all_renamed(names, rules, "A", "B") == ["tower/layer1/w", "other/layer2/w", "tower/b"]
    assert [worded(rule) for rule in rules] == ["^net/=>tower/", r"conv(\d)=>layer\1"]
    assert parse_rename("a=>") == ("a", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "has no '=>'"),
        ("=>b", "nothing before its '=>'"),
        ("(=>b", "cannot be used"),
        (r"a=>\9", "cannot be used"),
        ("a{99999999999999999999}=>b", "cannot be used"),
        ("(" * 3000 + ")" * 3000 + "=>b", "cannot be used"),
    ],
)
def test_text_that_is_no_rule_is_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_rename(text)


def test_rule_that_matches_nothing_names_the_nearest():
    with pytest.raises(ConfigError, match=r"'convv=>x' matches no variable of A; nearest: 'conv'"):
        all_renamed(["conv"], [("convv", "x")], "A", "B")


def test_two_names_that_become_one_are_refused():
    with pytest.raises(ConfigError, match="lead both 'a' and 'b' to 'x'"):
        require_apart(["x", "y", "x"], ["a", "c", "b"])
