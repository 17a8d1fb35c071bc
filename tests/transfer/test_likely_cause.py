import pytest
from oracle_nets import SLIM_NETS, expected_variables

from tfinspect.entries import VariableEntry
from tfinspect.renames import parse_rename
from tfinspect.transfer.cause import Built
from tfinspect.transfer.likely_cause import likely_cause
from tfinspect.transfer.load_rules import LoadRules, match_variables

NET = {
    "net/conv1/weights": (3, 3, 3, 8),
    "net/conv1/BatchNorm/beta": (8,),
    "net/conv2/weights": (3, 3, 8, 8),
    "net/Logits/weights": (8, 1001),
    "net/Logits/biases": (1001,),
}


def _cause(wanted, stored, network="net", **built):
    entries = [VariableEntry(name, shape, "float32", 1, 4) for name, shape in stored.items()]
    report = match_variables(network, wanted, "file", entries)
    return likely_cause(report, Built(("net/Logits",), **built))


def test_forgotten_arg_scope_is_named():
    bare = {name.replace("BatchNorm/beta", "biases"): shape for name, shape in NET.items()}
    cause = _cause(bare, NET)
    assert "without its arg scope" in cause
    assert "'net/conv1/BatchNorm/beta'" in cause


def test_other_class_count_is_named_with_both_counts_and_the_scope():
    fewer = NET | {"net/Logits/weights": (8, 1000), "net/Logits/biases": (1000,)}
    cause = _cause(fewer, NET)
    assert "1001 classes (a background class first) and the network 1000" in cause
    assert "give --num-classes 1001, or exclude the classifier with --exclude-scope" in cause
    assert "--exclude-scope net/Logits" in cause


def test_number_of_classes_that_the_data_say_is_not_answered_with_an_option():
    fewer = NET | {"net/Logits/weights": (8, 5), "net/Logits/biases": (5,)}
    cause = _cause(fewer, NET, classes_of_data=True)
    assert cause == (
        "the checkpoint has 1001 classes and the data have 5: exclude the classifier with "
        "--exclude-scope net/Logits"
    )


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda name: name.replace("net/", "old/"), "'^net/=>old/'"),
        (lambda name: "tower/" + name, "'^=>tower/'"),
        (lambda name: name.removeprefix("net/"), "'^net/=>'"),
        (lambda name: "serve/network/" + name, "'^=>serve/network/'"),
        (lambda name: "a+b/" + name.removeprefix("net/"), "'^net/=>a+b/'"),
    ],
)
def test_other_outermost_scope_is_answered_with_the_rename_rule(change, rule):
    cause = _cause(NET, {change(name): shape for name, shape in NET.items()})
    assert f"--rename {rule} finds them" in cause


def test_rule_that_is_offered_finds_every_variable():
    stored = {f"network/{name}": shape for name, shape in NET.items()}
    cause = _cause(NET, stored)
    assert cause.startswith("all of them are stored under another scope")
    assert _counts(NET, stored, cause.split("'")[1]) == {"loaded": len(NET)}


def _counts(wanted, stored, *rename):
    entries = [VariableEntry(name, shape, "float32", 1, 4) for name, shape in stored.items()]
    rules = LoadRules(rename=tuple(parse_rename(rule) for rule in rename))
    return match_variables("net", wanted, "file", entries, rules).counts()


def test_rule_that_would_lose_what_loads_already_is_not_offered():
    wanted = {f"net/{layer}/w": (2,) for layer in "abcdefgh"}
    stored = {("" if name < "net/d" else "x/") + name: shape for name, shape in wanted.items()}
    assert _counts(wanted, stored) == {"loaded": 3, "missing": 5, "unused": 5}
    assert "--rename" not in (_cause(wanted, stored) or "")


def test_rule_that_is_offered_leaves_what_loads_already():
    wanted = {f"net/{part}/{layer}/w": (2,) for part in ("one", "two") for layer in "abc"}
    stored = {("x/" if "two" in name else "") + name: shape for name, shape in wanted.items()}
    cause = _cause(wanted, stored)
    assert cause.startswith("all of them are stored under another scope")
    rule = cause.split("'")[1]
    assert rule == "^net/two/=>x/net/two/"
    assert _counts(wanted, stored, rule) == {"loaded": 6}


def test_rename_that_fits_is_not_mistaken_for_moving_averages():
    stored = {f"tower/{name}": shape for name, shape in NET.items()}
    averages = {f"{name}/ExponentialMovingAverage": shape for name, shape in NET.items()}
    assert "--rename '^=>tower/'" in _cause(NET, stored | averages)
    some = {name: shape for name, shape in averages.items() if "weights" in name}
    assert "--rename '^=>tower/'" in _cause(NET, stored | some)


@pytest.mark.parametrize("beside", ["biases", None])
def test_graph_with_folded_batch_norm_is_named(beside):
    wanted = NET | {"net/conv2/BatchNorm/beta": (8,)}
    stored = {name: shape for name, shape in NET.items() if "BatchNorm" not in name}
    if beside:
        stored |= {"net/conv1/biases": (8,), "net/conv2/biases": (8,)}
    cause = _cause(wanted, stored)
    assert "batch normalizations folded into their convolutions" in cause
    assert ("'net/conv1/biases'" in cause) == bool(beside)
    assert "give the checkpoint that the graph was made from" in cause


def _wider(factor):
    def scaled(size):
        return size if size in (3, 1001) else int(size * factor)

    return {name: tuple(map(scaled, shape)) for name, shape in NET.items()}


@pytest.mark.parametrize(
    ("network", "built", "cure"),
    [
        ("mobilenet_v2", {}, "one of mobilenet_v2, mobilenet_v2_035, mobilenet_v2_050, "),
        ("cifar_resnet8_v1", {}, "give its run directory"),
        ("cifar_resnet8_v1", {"classes_of_data": True, "width": 2.0}, "give --width 1"),
    ],
)
def test_other_width_is_named(network, built, cure):
    cause = _cause(_wider(1), _wider(0.5), network, **built)
    assert "its layers have about 0.5 times as many filters as the network's" in cause
    assert cure in cause


def test_other_width_is_named_where_depthwise_layers_have_one_filter_for_each_input():
    depthwise = "net/conv2/depthwise_weights"
    wanted, stored = (
        _wider(factor) | {depthwise: (3, 3, int(8 * factor), 1)} for factor in (1, 1.25)
    )
    assert "about 1.25 times as many filters" in _cause(wanted, stored, "mobilenet_v2")


@pytest.mark.parametrize(("built", "stored"), [("", "_050"), ("_050", "")])
def test_published_width_is_named_as_a_width(built, stored):
    wanted, given = (
        {
            name: shape
            for name, (shape, _) in expected_variables(
                SLIM_NETS / f"mobilenet_v1{width}.variables.txt"
            ).items()
        }
        for width in (built, stored)
    )
    cause = _cause(wanted, given, f"mobilenet_v1{built}")
    assert f"fits 'mobilenet_v1{stored}' best (another width)" in cause


def test_layers_of_which_some_are_wider_and_some_narrower_are_no_other_width():
    stored = _wider(0.5) | {"net/conv2/weights": (3, 3, 8, 80)}
    assert _cause(_wider(1), stored) is None


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


def test_rule_that_leads_away_from_the_right_names_is_to_be_left_out():
    stored = dict(NET)
    rules = LoadRules(rename=(parse_rename("^net=>tower"),))
    entries = [VariableEntry(name, shape, "float32", 1, 4) for name, shape in stored.items()]
    report = match_variables("net", NET, "file", entries, rules)
    cause = likely_cause(report, Built(("net/Logits",)))
    assert "under the network's own names: leave --rename out" in cause
