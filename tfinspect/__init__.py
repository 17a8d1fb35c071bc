"""See inside TensorFlow models and reuse them.

Importing this package imports neither TensorFlow nor matplotlib: every public name is resolved
when it is first asked for.
"""

import importlib
import sys
import types
from typing import Any

_HOMES = {
    "TfinspectError": "errors",
    "ArtifactError": "errors",
    "open_artifact": "artifacts",
    "Artifact": "artifacts",
    "VariableEntry": "entries",
    "TensorEntry": "entries",
    "OpEntry": "entries",
    "list_tensors": "tensors",
    "list_variables": "variables",
    "get_tensor": "tensors",
    "TensorCriteria": "graph_listing",
    "diff": "diff",
    "Difference": "diff",
    "health": "health",
    "Finding": "health",
    "filter_grid": "filter_pictures.view",
    "visualize_weights": "filter_pictures.write",
    "FilterView": "filter_pictures.arrangement",
    "activations": "probe.activations",
    "TensorChoice": "probe.tensor_choice",
    "explain": "probe.attribution",
    "convert": "data.convert",
    "check_records": "data.check",
    "TrainConfig": "training.config",
    "resume": "training.run",
    "train": "training.run",
    "evaluate": "training.evaluate",
    "custom_op": "custom_ops.op",
    "check_gradient": "custom_ops.gradient_check",
    "GradientReport": "custom_ops.gradient_report",
    "CustomOpError": "errors",
    "per_example_gradients": "probe.gradients",
    "per_example_gradient_norms": "probe.gradients",
    "clipped_sum": "probe.gradients",
    "GradientProbe": "probe.gradients",
    "rank_examples": "ranking",
    "load_model": "model",
    "extract": "extraction",
    "play": "play",
    "verify": "verification",
    "Model": "model",
}

__all__ = sorted(_HOMES)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tfinspect' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"tfinspect.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


class _Package(types.ModuleType):
    """This package, whose functions `diff` and `health` win over their modules of these names."""

    def __setattr__(self, name: str, value: Any) -> None:
        # An import of a submodule ends with setting it as an attribute of its package.
        if name not in _HOMES or not isinstance(value, types.ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
