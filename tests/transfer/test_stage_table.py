"""The table of the stages, joined for people."""

import pytest

from tfinspect.transfer.stage_table import MOST_ROWS, collapsed


def row(number, stage="head", trained=0, rate=None, mode="inference"):
    return {
        "stage": stage,
        "scope": f"net/{number}",
        "variables": 2,
        "parameters": 10,
        "trained": trained,
        "learning_rate": rate,
        "batch_norm": mode,
    }


def network(stage, decay=1.0, mode="batch statistics"):
    """Rows of a stage that trains everything."""
    blocks = [row(n, stage, 10, 0.1 * decay ** (27 - n), mode) for n in range(27)]
    return [*blocks, row("logits", stage, 10, 0.1, None)]


def test_rows_that_say_the_same_are_one_with_their_number_and_sums():
    frozen = [row(number) for number in range(27)]
    table = collapsed([*frozen, row("logits", "head", 10, 0.1, None), *network("all")])
    assert [(one["stage"], one["scope"], one["scopes"]) for one in table] == [
        ("head", "net/0 … net/26", 27),
        ("head", "net/logits", 1),
        ("all", "net/0 … net/26", 27),
        ("all", "net/logits", 1),
    ]
    assert table[0] == row("0 … net/26") | {"variables": 54, "parameters": 270, "scopes": 27}
    assert table[2]["trained"] == 270


@pytest.mark.parametrize(
    "other",
    [row(1, trained=5), row(1, rate=0.1), row(1, mode="batch statistics"), row(1, stage="all")],
)
def test_rows_that_differ_stay_apart(other):
    assert [one["scopes"] for one in collapsed([row(0), other, row(2)])] == [1, 1, 1]


def test_rates_of_layer_decay_become_a_range_where_there_are_many():
    table = collapsed([*network("all", 0.9), *network("more", 0.9)])
    assert len(table) == 4 <= MOST_ROWS
    assert table[0]["learning_rate"] == f"{0.1 * 0.9**27:.3g} … {0.1 * 0.9:.3g}"
    few = collapsed(network("all", 0.9)[-4:])
    assert [one["scopes"] for one in few] == [1, 1, 1, 1]
