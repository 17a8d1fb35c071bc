"""Functions of modules that import TensorFlow, named in tables and imported when called."""

import importlib
from typing import Any


def call(function: str, *args: Any, **kwargs: Any) -> Any:
    """Calls `module:function` of this package, such as `cifar_resnet:cifar_resnet_arg_scope`."""
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(f"tfinspect.nets.{module}"), name)(*args, **kwargs)
