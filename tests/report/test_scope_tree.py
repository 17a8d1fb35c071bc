from tfinspect.entries import VariableEntry
from tfinspect.report.scope_tree import scope_tree


def _entry(name, parameters):
    return VariableEntry(name, (parameters,), "float32", parameters, 4 * parameters)


def test_every_scope_adds_up_what_lies_below_it():
    entries = [_entry("a/b/w", 3), _entry("a/c/w", 5), _entry("d/w", 7), _entry("step", 1)]
    root = scope_tree(entries)
    assert (root.parameters, root.bytes, root.variables) == (16, 64, 4)
    a, d = root.ordered()
    assert (a.path, a.parameters, d.path, d.parameters) == ("a", 8, "d", 7)
    assert [(one.path, one.parameters) for one in a.ordered()] == [("a/b", 3), ("a/c", 5)]


def test_numbered_scopes_stand_in_the_order_of_their_numbers():
    names = ["net/block_1", "net/block_10", "net/block_2", "net/head", "net/block", "aux"]
    root = scope_tree([_entry(f"{name}/w", 1) for name in names])
    assert [one.name for one in root.ordered()] == ["net", "aux"]
    assert [one.name for one in root.ordered()[0].ordered()] == [
        *("block_1", "block_2", "block_10", "head", "block")
    ]


def test_depth_ends_the_tree_but_counts_what_is_deeper():
    root = scope_tree([_entry("a/b/c/d/w", 3)], depth=2)
    deepest = root.ordered()[0].ordered()[0]
    assert (deepest.path, deepest.parameters, deepest.children) == ("a/b", 3, {})


def test_operations_are_added_to_the_scopes_of_their_ops():
    root = scope_tree([_entry("a/b/w", 3)], {"a/b": 10, "a/pool": 2, "": 1})
    a = root.ordered()[0]
    assert (root.flops, a.flops) == (13, 12)
    assert [one.flops for one in a.ordered()] == [10, 2]


def test_without_a_graph_operations_are_unknown():
    assert scope_tree([_entry("a/w", 3)]).flops is None
