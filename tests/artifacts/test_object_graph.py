import tracemalloc

import pytest
from table_writer import field

from tfinspect.artifacts import object_graph
from tfinspect.artifacts.object_graph import ReadableName, readable_names
from tfinspect.artifacts.wire import WireError

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def _node(children=(), variable=None, slots=()):
    parts = [field(1, field(1, number) + field(2, name.encode())) for name, number in children]
    if variable is not None:
        key, name = variable
        attribute = field(1, b"VARIABLE_VALUE") + field(2, name.encode()) + field(3, key.encode())
        parts.append(field(2, attribute))
    for name, original, value in slots:
        parts.append(field(3, field(1, original) + field(2, name.encode()) + field(3, value)))
    return field(1, b"".join(parts))


def _names(*nodes, keys=()):
    return readable_names(b"".join(nodes), list(keys))


def test_layers_number_is_preferred_to_the_key():
    key = f"layer_with_weights-0/kernel{VALUE}"
    names = _names(
        _node([("layer_with_weights-0", 1), ("layer-3", 1)]),
        _node([("kernel", 2)]),
        _node(variable=(key, "dense/kernel")),
    )
    assert names == {key: ReadableName("layer-3/kernel", False)}


def test_slot_stands_below_its_optimizer_under_its_variables_name():
    names = _names(
        _node([("optimizer", 1), ("w", 2)]),
        _node([("iter", 3), ("learning_rate", 4)], slots=[("m", 2, 5)]),
        _node(variable=("key w", "w")),
        _node(variable=("key iter", "")),
        _node(variable=("key rate", "")),
        _node(variable=("key m", "w/m")),
    )
    assert names["key m"] == ReadableName("optimizer/m/w", True)
    assert names["key iter"] == ReadableName("optimizer/iter", True)
    assert names["key w"] == ReadableName("w", False)


def test_model_variables_stored_under_keras_3_optimizer_are_no_slots():
    names = _names(
        _node([("optimizer", 1), ("model", 5)]),
        _node([("_iterations", 2), ("_learning_rate", 2), ("_trainable_variables", 3)]),
        _node(variable=("key iter", "")),
        _node([("0", 4)]),
        _node(variable=(f"optimizer/_trainable_variables/0{VALUE}", "a/kernel")),
        _node([("_operations", 6)]),
        _node([("1", 7)]),
        _node([("_kernel", 4)]),
    )
    found = names[f"optimizer/_trainable_variables/0{VALUE}"]
    assert found == ReadableName("model/layer-1/kernel", False)


def test_cycle_ends():
    names = _names(_node([("self", 0), ("w", 1)]), _node([("back", 0)], variable=("key", "w")))
    assert names == {"key": ReadableName("w", False)}


def test_two_variables_of_one_name_keep_their_keys():
    names = _names(
        _node([("_kernel", 1), ("kernel", 2)]),
        _node(variable=(f"_kernel{VALUE}", "")),
        _node(variable=(f"kernel{VALUE}", "")),
    )
    assert {found.name for found in names.values()} == {"_kernel", "kernel"}


def test_key_outside_the_graph_is_named_by_itself():
    names = _names(_node(), keys=[f"step{VALUE}", f"w/.OPTIMIZER_SLOT/opt/m{VALUE}"])
    assert list(names.values()) == [ReadableName("step", False), ReadableName("opt/m/w", True)]


def test_edge_that_leads_nowhere_is_refused():
    with pytest.raises(WireError, match="outside its 1 objects"):
        _names(_node([("child", 9)]))


def test_long_chain_is_followed_without_recursion():
    depth = 5000
    nodes = [_node([("c", number + 1)]) for number in range(depth)]
    names = _names(*nodes, _node(variable=("key", "w")))
    assert names["key"].name.count("/") == depth - 1


def _chain(depth, variable_at_every):
    for number in range(depth):
        key = f"k{number}" if number % variable_at_every == 0 else None
        yield _node([("c", number + 1)], variable=key and (key, ""))
    yield _node(variable=("last", "w"))


def test_paths_of_a_chain_are_written_for_variables_alone():
    tracemalloc.start()
    names = _names(*_chain(10_000, 10_001))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert names["last"].name == "/".join(["c"] * 10_000)
    assert peak < 20e6


def test_paths_that_add_up_to_more_than_any_models_give_way_to_keys(monkeypatch):
    monkeypatch.setattr(object_graph, "_MOST_CHARACTERS", 1000)
    names = _names(*_chain(300, 1))
    assert names["k5"].name == "c/c/c/c/c"
    assert names["k200"].name == "k200"
    assert sum(len(found.name) for found in names.values()) < 3000


def test_many_optimizers_in_a_cycle_are_followed_once(monkeypatch):
    looked_at = []
    monkeypatch.setattr(object_graph, "_preference", lambda child: looked_at.append(child) or 0)
    count = 300
    root = _node([(f"o{number}", number) for number in range(1, count + 1)])
    optimizers = [
        _node([("iterations", count + 1), ("learning_rate", count + 1), ("next", n % count + 1)])
        for n in range(1, count + 1)
    ]
    names = _names(root, *optimizers, _node(variable=("step", "")))
    assert names["step"].slot
    assert len(looked_at) == 4 * count


@pytest.mark.parametrize("limit", ["_MOST_OBJECTS", "_MOST_PARTS"])
def test_graph_of_any_size_is_refused(monkeypatch, limit):
    monkeypatch.setattr(object_graph, limit, 10)
    with pytest.raises(WireError, match="more objects or edges than any model"):
        _names(*_chain(20, 1))


def test_keys_that_stand_for_one_name_keep_different_ones():
    names = readable_names(b"", ["x", f"x{VALUE}"])
    assert {key: found.name for key, found in names.items()} == {"x": "x", f"x{VALUE}": f"x{VALUE}"}
