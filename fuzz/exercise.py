"""What a target does with an artifact: everything that a user can ask of it.

An error of the package's own is an answer; any other exception is a finding and comes out.
"""

import contextlib
from collections.abc import Callable
from typing import Any

from tfinspect import graph_views, op_costs, tensors, text
from tfinspect.artifacts import Artifact
from tfinspect.diff import EQUAL, diff
from tfinspect.errors import TfinspectError
from tfinspect.graph_listing import TensorCriteria
from tfinspect.health import health
from tfinspect.listing import brief_rows, roll_up, sort, totals
from tfinspect.stats import has_numbers, value_stats

# A small file may describe a large constant: it can be read, and takes for ever to add up.
MOST_ELEMENTS = 1 << 20
MOST_READ = 200
PARTS = ("variables", "tensors", "collections", "signatures", "assets", "notes")


def exercise(opener: Callable[[str], Artifact], path: str) -> None:
    """Opens a path, lists all of it in every form, and reads every small value."""
    with contextlib.suppress(TfinspectError):
        artifact = opener(path)
        for part in PARTS:
            with contextlib.suppress(TfinspectError):
                str(getattr(artifact, part))
        list_variables(artifact)
        if hasattr(artifact, "ops"):
            list_ops(artifact)
        read_values(artifact)
        judge_values(artifact)


def list_variables(artifact: Artifact) -> None:
    with contextlib.suppress(TfinspectError):
        entries = artifact.variables
        totals(entries).sentence()
        roll_up(entries, 2)
        sort(entries, "size")
        written([entry.row() for entry in sort(entries, "name")])
        written(brief_rows(entries))


def list_ops(artifact: Any) -> None:
    with contextlib.suppress(TfinspectError):
        costs = op_costs.op_costs(artifact.ops)
        for criteria in (TensorCriteria(), TensorCriteria(outputs=True)):
            with contextlib.suppress(TfinspectError):
                chosen = tensors.select_from(artifact, criteria)
                view = graph_views.View(uses=tensors.uses(artifact, criteria), brief=True)
                written(graph_views.rows(chosen, view))
                view = graph_views.View(by_scope=True, costs=costs)
                written(graph_views.rows(graph_views.costed(chosen, costs), view))


def written(rows: list[Any]) -> None:
    for render in text.RENDERERS.values():
        # As the command line writes it to a terminal of any letters.
        "\n".join(render(rows)).encode("utf-8", "backslashreplace")


def read_values(artifact: Artifact) -> None:
    constants = list(artifact.graph.constants) if hasattr(artifact, "graph") else []
    for name in [*(entry.name for entry in artifact.variables), *constants][:MOST_READ]:
        with contextlib.suppress(TfinspectError):
            read_value(artifact, name)


def read_value(artifact: Artifact, name: str) -> None:
    entry, value = artifact.entry(name), artifact.read(name)
    assert value.shape == entry.shape, f"{value.shape} is read, {entry.shape} was listed"
    assert artifact.entry(entry.key) == entry, f"the key of '{name}' is another variable's"
    if value.size <= MOST_ELEMENTS:
        artifact.read_part(name, (..., slice(0, 1)) if value.ndim else ())
        if has_numbers(entry):
            value_stats(value)


def judge_values(artifact: Artifact) -> None:
    if sum(entry.parameters for entry in artifact.variables) > MOST_ELEMENTS:
        return
    with contextlib.suppress(TfinspectError):
        written([finding.row() for finding in health(artifact)])
    with contextlib.suppress(TfinspectError):
        statuses = {found.status for found in diff(artifact, artifact)}
        assert statuses <= {EQUAL, "unreadable"}, f"differs from itself: {statuses}"
