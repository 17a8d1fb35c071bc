import difflib

from tfinspect.renamed_pairs import renamed_pairs


def test_unique_values_tell_by_themselves():
    assert renamed_pairs({"a": b"1", "b": b"2"}, {"x": b"2", "y": b"1"}) == {"a": "y", "b": "x"}


def test_equal_values_go_where_their_scope_went():
    removed = {"cell/backward/bias": b"0", "cell/forward/bias": b"0", "cell/backward/kernel": b"1"}
    added = {"m/1/bias": b"0", "m/2/bias": b"0", "m/2/kernel": b"1"}
    assert renamed_pairs(removed, added) == {
        "cell/backward/kernel": "m/2/kernel",
        "cell/backward/bias": "m/2/bias",
        "cell/forward/bias": "m/1/bias",
    }


def test_equal_values_of_no_known_scope_go_to_the_name_most_alike():
    removed = {"shared/bias": b"0", "norm/beta": b"0"}
    added = {"layers/norm/beta": b"0", "layers/shared/bias": b"0"}
    assert renamed_pairs(removed, added) == {
        "shared/bias": "layers/shared/bias",
        "norm/beta": "layers/norm/beta",
    }


def test_longest_shared_ending_wins_over_a_whole_name():
    z = b"0"
    names = {"bias": z, "tower/conv/bias": z}
    assert renamed_pairs({"net/conv/bias": z}, names) == {"net/conv/bias": "tower/conv/bias"}
    assert renamed_pairs(names, {"net/conv/bias": z}) == {"tower/conv/bias": "net/conv/bias"}


def test_each_is_used_once_and_what_is_left_has_no_partner():
    assert renamed_pairs({"a": b"0", "b": b"0", "c": b"9"}, {"x": b"0"}) == {"a": "x"}
    removed = {"net/extra/beta": b"0", "net/conv/beta": b"0"}
    assert renamed_pairs(removed, {"tower/conv/beta": b"0"}) == {"net/conv/beta": "tower/conv/beta"}
    many = {f"old/{n}": b"0" for n in range(300)}
    found = renamed_pairs(many, {f"new/{n}": b"0" for n in range(300)})
    assert found == {f"old/{n}": f"new/{n}" for n in range(300)}


def test_one_name_too_many_does_not_shift_the_others():
    removed = {f"old/l{n}/beta": b"0" for n in range(120)}
    found = renamed_pairs(removed, {f"new/l{n}/beta": b"0" for n in range(10, 130)})
    assert {f"old/l{n}/beta": f"new/l{n}/beta" for n in range(10, 120)}.items() <= found.items()
    assert len(set(found.values())) == 120


def test_scopes_tell_of_many_equal_values_too():
    scopes = {f"old/{n}": f"new/{(n * 7) % 150}" for n in range(150)}
    removed = {f"{scope}/beta": b"0" for scope in scopes}
    added = {f"{scope}/offset": b"0" for scope in sorted(scopes.values())[20:]}
    wanted = {f"{one}/beta": f"{two}/offset" for one, two in scopes.items()}
    wanted = {one: two for one, two in wanted.items() if two in added}
    for place, (one, two) in enumerate(scopes.items()):
        removed[f"{one}/w"] = added[f"{two}/w"] = str(place).encode()
        wanted[f"{one}/w"] = f"{two}/w"
    assert renamed_pairs(removed, added) == wanted


def test_letters_are_compared_only_where_nothing_else_tells(calls_here):
    compared = calls_here(difflib.SequenceMatcher, "ratio")
    inner = [f"{n}/{'inner' * 8}" for n in range(96)]
    renamed_pairs({f"old/{n}": b"0" for n in inner}, {f"new/{n}": b"0" for n in inner})
    assert not compared
    ours, theirs = ({f"{side}{n:050}": b"0" for n in range(400)} for side in ("old", "new"))
    assert len(renamed_pairs(ours, theirs)) == 400
    assert len(compared) < 9_216
