"""Rows, sums and totals of a small graph made by hand."""

import pytest
from made_graph import OPS

from tfinspect.errors import ConfigError
from tfinspect.graph_listing import TensorCriteria, select_tensors
from tfinspect.graph_views import View, costed, rows, totals_sentence
from tfinspect.op_costs import Cost

TENSORS = select_tensors(OPS, TensorCriteria())
COSTS = {
    (None, "net/conv1/Conv2D"): Cost(100, 16),
    (None, "net/probabilities"): Cost(None, None),
}


def test_op_types_are_counted_by_op_most_frequent_first():
    found = rows(TENSORS, View(counts=True))
    assert {"op_type": "Split", "ops": 1} in found
    assert found[0] == {"op_type": "Relu", "ops": 2}


def test_scopes_are_rolled_up_functions_apart():
    found = rows(TENSORS, View(by_scope=True, depth=1))
    assert [tuple(row.values()) for row in found] == [
        (".", 1, 1),
        ("net", 5, 6),
        ("save", 2, 2),
        ("inner: .", 2, 2),
    ]


def test_brief_rows_leave_out_what_says_nothing():
    (first, *_) = rows([tensor for tensor in TENSORS if not tensor.function], View(brief=True))
    assert list(first) == ["name", "op_type", "dtype", "shape"]


def test_full_rows_have_the_documented_keys():
    (first, *_) = rows(TENSORS, View(uses={"images:0": "serve: x"}))
    keys = ["name", "op", "op_type", "dtype", "shape", "device", "function", "signature"]
    assert list(first) == keys
    assert first["signature"] == "serve: x"


def test_costs_stand_in_their_rows_and_add_up():
    chosen = costed(TENSORS, COSTS)
    assert [(row["name"], row["flops"]) for row in rows(chosen, View(costs=COSTS))] == [
        ("net/conv1/Conv2D:0", 100),
        ("net/probabilities:0", None),
    ]
    assert rows(chosen, View(by_scope=True, depth=1, costs=COSTS)) == [
        {"scope": "net", "ops": 2, "tensors": 2, "flops": 100, "activation_bytes": 16}
    ]


def test_costs_of_ops_that_are_not_counted_are_refused():
    with pytest.raises(ConfigError, match="none of these ops is a convolution"):
        costed(TENSORS[:1], COSTS)


def test_total_counts_ops_and_functions():
    assert totals_sentence(TENSORS) == (
        "Total: 11 tensors of 10 ops in the main graph and 1 function."
    )


def test_total_says_what_could_not_be_counted():
    sentence = totals_sentence(costed(TENSORS, COSTS), COSTS)
    assert "100 floating-point operations and 16 bytes" in sentence
    assert "1 ops whose shapes the file does not say are left out" in sentence
