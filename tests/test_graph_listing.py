"""Choosing and relating the ops of a small graph made by hand."""

import pytest
from made_graph import OPS, op

from tfinspect.errors import ConfigError
from tfinspect.graph_listing import TensorCriteria, select_tensors


def _names(**criteria):
    return [tensor.name for tensor in select_tensors(OPS, TensorCriteria(**criteria))]


def test_all_outputs_are_listed():
    assert len(_names()) == 11


def test_scope_is_compared_by_whole_components():
    assert _names(scopes=("net/conv1",)) == [
        "net/conv1/weights:0",
        "net/conv1/Conv2D:0",
        "net/conv1/Relu:0",
    ]


def test_op_is_a_scope_of_its_own():
    assert _names(scopes=("net/conv10/split",)) == ["net/conv10/split:0", "net/conv10/split:1"]


def test_op_type_and_pattern_go_together():
    assert _names(op_types=("Relu", "Conv2D"), match="conv1/") == [
        "net/conv1/Conv2D:0",
        "net/conv1/Relu:0",
    ]


def test_op_without_outputs_is_shown_by_its_control_output():
    assert _names(op_types=("NoOp",)) == ["^init"]


def test_inputs_of_an_op_are_what_it_takes():
    assert _names(inputs_of="net/conv1/Conv2D:0") == ["images:0", "net/conv1/weights:0"]


def test_consumers_of_an_op_include_what_runs_after_it():
    assert _names(consumers_of="net/probabilities") == ["^init"]
    assert _names(consumers_of="net/conv10/split") == ["net/probabilities:0"]


def test_output_that_an_op_does_not_have_is_refused():
    with pytest.raises(ConfigError, match="has no output 2; nearest: 'net/conv10/split:"):
        _names(consumers_of="net/conv10/split:2")


def test_names_in_functions_are_their_own():
    assert _names(consumers_of="images") == ["net/conv1/Conv2D:0", "Relu:0"]
    assert _names(consumers_of="images", function="inner") == ["Relu:0"]


def test_placeholders_are_what_is_fed_and_no_savers_file_name():
    assert _names(placeholders=True) == ["images:0"]


def test_outputs_are_computed_for_nobody_else():
    assert _names(outputs=True) == ["net/probabilities:0"]


def test_outputs_are_those_of_signatures_where_there_are_any():
    found = select_tensors(OPS, TensorCriteria(outputs=True), fetched=["net/conv1/Relu:0"])
    assert [tensor.name for tensor in found] == ["net/conv1/Relu:0"]


def test_placeholder_that_names_the_savers_file_is_none_to_feed():
    ops = [op("saver_filename", "Placeholder", dtype="string"), op("images", "Placeholder")]
    criteria = TensorCriteria(placeholders=True)
    found = select_tensors(ops, criteria, saver=["saver_filename"])
    assert [tensor.name for tensor in found] == ["images:0"]


def test_excluded_pattern_may_be_of_what_is_left_out_anyway():
    assert _names(scopes=("net/conv1",), exclude=("images",)) == _names(scopes=("net/conv1",))


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        ({"scopes": ("net/conv",)}, r"no variable or op in scope 'net/conv' .*'net/conv1'"),
        ({"op_types": ("ReLU",)}, "no op of type 'ReLU' here; nearest: 'Relu'"),
        ({"match": "xyz"}, "found in no name"),
        (
            {"scopes": ("net/conv1",), "match": "images"},
            "'images' is found only in names that other criteria leave out, such as 'images:0'",
        ),
        ({"match": "("}, "no valid regular expression"),
        ({"function": "outer"}, "no function 'outer' .*'inner'"),
        ({"inputs_of": "net/conv1/Conv"}, "no op or tensor .*nearest: .*'net/conv1/Conv2D'"),
        ({"inputs_of": "images", "function": "inner"}, "'images' takes no tensor"),
        ({"inputs_of": "net/conv1/Conv2D:7"}, "'net/conv1/Conv2D' has no output 7"),
        ({"consumers_of": "save/control_dependency"}, "an end of the graph"),
        ({"consumers_of": "net/conv10/split:0"}, "an end of the graph"),
        ({"placeholders": True, "function": "inner"}, "nothing to feed"),
    ],
)
def test_criterion_that_matches_nothing_is_refused(criteria, message):
    with pytest.raises(ConfigError, match=message):
        _names(**criteria)
