import pytest

from tfinspect.entries import VariableEntry
from tfinspect.transfer.likely_cause import likely_cause
from tfinspect.transfer.load_rules import match_variables

NET = {
    "net/conv1/weights": (3, 3, 3, 8),
    "net/conv1/BatchNorm/beta": (8,),
    "net/conv2/weights": (3, 3, 8, 8),
    "net/Logits/weights": (8, 1001),
    "net/Logits/biases": (1001,),
}


def _cause(wanted, stored):
    entries = [VariableEntry(name, shape, "float32", 1, 4) for name, shape in stored.items()]
    return likely_cause(match_variables("net", wanted, "file", entries), ("net/Logits",))


def test_forgotten_arg_scope_is_named():
    bare = {name.replace("BatchNorm/beta", "biases"): shape for name, shape in NET.items()}
    cause = _cause(bare, NET)
    assert "without its arg scope" in cause
    assert "'net/conv1/BatchNorm/beta'" in cause


def test_other_class_count_is_named_with_both_counts_and_the_scope():
    fewer = NET | {"net/Logits/weights": (8, 1000), "net/Logits/biases": (1000,)}
    cause = _cause(fewer, NET)
    assert "1001 classes (a background class first) and the network 1000" in cause
    assert "--exclude-scope net/Logits" in cause


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda name: name.replace("net/", "old/"), "'^net/=>old/'"),
        (lambda name: "tower/" + name, "'^=>tower/'"),
        (lambda name: name.removeprefix("net/"), "'^net/=>'"),
    ],
)
def test_other_outermost_scope_is_answered_with_the_rename_rule(change, rule):
    cause = _cause(NET, {change(name): shape for name, shape in NET.items()})
    assert f"--rename {rule} finds them" in cause


def test_moving_averages_alone_are_named():
    stored = {f"{name}/ExponentialMovingAverage": shape for name, shape in NET.items()}
    assert "--moving-average" in _cause(NET, stored)


def test_slots_without_their_weights_are_named():
    stored = {f"{name}/{slot}": shape for name, shape in NET.items() for slot in ("Adam", "Adam_1")}
    cause = _cause(NET, stored)
    assert f"of {len(NET)} of them the optimizer's slots alone are stored, such as 'net/" in cause
    assert "give the checkpoint that holds the weights" in cause


def test_another_registered_network_is_named():
    cause = _cause(NET, {f"vgg_16/fc{n}/weights": (1,) for n in range(9)})
    assert "fits 'vgg_" in cause


def test_network_of_other_code_is_named_by_its_scope():
    cause = _cause(NET, {f"mine/fc{n}/weights": (1,) for n in range(9)})
    assert "9 of its variables lie in 'mine'" in cause


def test_checkpoint_of_a_sibling_is_not_answered_with_a_rename_rule():
    names = [f"conv{n}/conv{n}_1/weights" for n in range(1, 6)]
    wanted = {f"vgg_19/{name}": (3, 3) for name in names}
    cause = _cause(wanted, {f"vgg_16/{name}": (3, 3) for name in names})
    assert "fits 'vgg_" in cause
    assert "--rename" not in cause


def test_unknown_cause_is_not_invented():
    assert _cause(NET, {name: shape for name, shape in NET.items() if "conv2" not in name}) is None
