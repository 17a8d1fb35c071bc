"""See inside TensorFlow models and reuse them.

Importing this package imports neither TensorFlow nor matplotlib: every public name is resolved
when it is first asked for.
"""

import importlib
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
    "TensorCriteria": "graph_listing",
    "convert": "data.convert",
    "check_records": "data.check",
    "TrainConfig": "training.config",
    "resume": "training.run",
    "train": "training.run",
    "evaluate": "training.evaluate",
    "load_model": "model",
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
