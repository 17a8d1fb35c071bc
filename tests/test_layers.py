"""Imports point down only, and the heavy packages stay where they belong."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Package or module -> what of tfinspect it may import, besides itself and the base.
BASE = {"errors", "names", "files", "cache", "renames"}
ALLOWED = {
    "errors": set(),
    "names": {"errors"},
    "renames": {"errors", "names"},
    "files": {"errors"},
    "cache": set(),
    "entries": {"errors", "names"},
    "prefixes": set(),
    "patterns": {"errors", "names"},
    "listing": BASE | {"entries", "patterns"},
    "display_width": set(),
    "columns": {"display_width"},
    "joiners": set(),
    "text": BASE | {"entries", "columns", "joiners"},
    "artifacts": BASE | {"entries"},
    "vector_sums": set(),
    "cores": set(),
    "forked": {"cores"},
    "stats": BASE | {"entries", "artifacts", "vector_sums", "forked"},
    "health": BASE | {"entries", "artifacts", "stats", "vector_sums"},
    "value_difference": BASE | {"vector_sums"},
    "diff_sides": BASE | {"entries", "artifacts", "listing"},
    "diff": BASE
    | {"entries", "artifacts", "diff_sides", "forked", "renamed_pairs", "value_difference"}
    | {"vector_sums"},
    "renamed_pairs": {"names"},
    "graph_relations": BASE | {"entries"},
    "graph_listing": BASE | {"entries", "listing", "graph_relations"},
    "op_costs": BASE | {"entries"},
    "graph_views": BASE | {"entries", "op_costs"},
    "tensors": BASE
    | {"entries", "artifacts", "graph_listing", "live_graph", "live_variables", "shape_inference"},
    "live_graph": BASE | {"artifacts"},
    "live_keras": BASE,
    "live_variables": BASE | {"entries", "artifacts", "live_graph", "live_keras"},
    "variables": BASE | {"entries", "artifacts", "listing", "live_variables"},
    "shape_inference": BASE | {"entries", "artifacts"},
    "python_ops": BASE | {"entries"},
    "custom_ops": BASE,
    "event_file": BASE | {"data", "histogram"},
    "spread": set(),
    "histogram": BASE,
    "tensor_statistics": BASE | {"histogram"},
    "tensor_drift": BASE | {"histogram", "tensor_statistics"},
    "alarms": BASE,
    "data": BASE | {"spread"},
    # Published weights are fetched as data sets are.
    "nets": BASE | {"data"},
    "plots": BASE | {"tensor_statistics"},
    "probe": BASE
    | {"entries", "artifacts", "listing", "health", "graph_listing", "graph_relations", "model"}
    | {"spread", "tensor_statistics"},
    "activation_pictures": BASE
    | {"model", "nets", "data", "probe", "plots", "event_file", "alarms", "tensor_drift"},
    "ranking": BASE | {"text", "model", "data", "probe", "plots", "training"},
    "filter_pictures": BASE | {"artifacts", "event_file", "plots", "prefixes", "probe"},
    "model": BASE | {"artifacts", "nets", "data", "training"},
    "training": BASE
    | {"entries", "listing", "python_ops", "tensor_statistics", "event_file"}
    | {"nets", "data", "plots", "model", "cluster"},
    # What a tf.data service is asked, by whoever starts it and by whoever reads from it.
    "cluster": BASE | {"cores", "data"},
    "transfer": BASE
    | {"entries", "listing", "artifacts", "nets", "model", "training", "data", "probe", "plots"}
    | {"filter_pictures", "cluster", "prefixes"},
    "extraction": BASE
    | {"artifacts", "nets", "model", "training", "transfer", "data", "python_ops"},
    "verification": BASE | {"artifacts", "model", "nets", "data", "transfer", "extraction"},
    "play": BASE | {"artifacts", "model", "data"},
    "report": BASE
    | {"entries", "listing", "text", "artifacts", "stats", "health", "op_costs", "tensors"}
    | {"model", "probe", "plots", "training", "data", "spread", "filter_pictures"}
    # The stages of a fine-tuning, which its curves are drawn by.
    | {"activation_pictures", "ranking", "transfer"},
}
MATPLOTLIB_HOMES = {"plots"}


def _modules():
    return sorted((ROOT / "tfinspect").rglob("*.py"))


def _imports(path):
    """Yields (full module name, whether at the top of the file)."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            yield name, node in tree.body


def _layer(path):
    relative = path.relative_to(ROOT / "tfinspect")
    return relative.parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_module_imports_only_layers_below(path):
    layer = _layer(path)
    if layer == "__init__":
        return
    for name, _ in _imports(path):
        if name.startswith("tfinspect.") and (other := name.split(".")[1]) != layer:
            assert other in ALLOWED[layer], f"{layer} imports {name}"
        assert not name.startswith("tfinspect_cli"), "the library imports the command line"


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_matplotlib_is_imported_by_plots_alone(path):
    if _layer(path) not in MATPLOTLIB_HOMES:
        assert not [name for name, _ in _imports(path) if name.startswith("matplotlib")]


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_module_is_short_and_library_does_not_print(path):
    text = path.read_text()
    assert text.count("\n") <= 300
    calls = [node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "print"]
