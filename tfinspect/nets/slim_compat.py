"""The one place that imports `tf_slim`, made usable on TensorFlow 2.21.

`slim.batch_norm` reaches `tf_keras.legacy_tf_layers` through
`tensorflow/python/layers/normalization.py`, since TensorFlow 2.16, but the released `tf_keras`
keeps that package at `tf_keras.src.legacy_tf_layers`. Its modules are registered under the former
name before slim is imported. Everything else imports `slim` and the variable-scope shim from here;
its `batch_norm` asks `scoped_batch_norm` for the mode of each scope, its `dropout` asks
`keyed_dropout` for the key of its mask.

Slim calls its layers by the deprecated `Layer.apply`, which warns at every call; a network is built
inside `without_layer_warnings()`.
"""

import contextlib
import importlib
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from tfinspect.nets import keyed_dropout, scoped_batch_norm, synchronized_batch_norm

_MISSING_PACKAGE = "tf_keras.legacy_tf_layers"
_PRESENT_PACKAGE = "tf_keras.src.legacy_tf_layers"
_MODULES = ("base", "convolutional", "core", "normalization", "pooling")


def _register_legacy_layers() -> None:
    present = importlib.import_module(_PRESENT_PACKAGE)
    sys.modules.setdefault(_MISSING_PACKAGE, present)
    for name in _MODULES:
        module = importlib.import_module(f"{_PRESENT_PACKAGE}.{name}")
        sys.modules.setdefault(f"{_MISSING_PACKAGE}.{name}", module)


def _import_slim() -> ModuleType:
    with warnings.catch_warnings():
        # tf_slim 1.1 predates Python 3.8's warnings about `is` with a literal and invalid escapes.
        warnings.simplefilter("ignore")
        _register_legacy_layers()
        return importlib.import_module("tf_slim")


slim: Any = _import_slim()
slim_nets: Any = importlib.import_module("tf_slim.nets")
# The rule of scopes is asked first: it may take a normalization out of training mode.
synchronized_batch_norm.install()
scoped_batch_norm.install()
keyed_dropout.install()
track_tf1_style_variables: Any = importlib.import_module(
    f"{_PRESENT_PACKAGE}.variable_scope_shim"
).track_tf1_style_variables


@contextlib.contextmanager
def without_layer_warnings() -> Iterator[None]:
    """Ignores what Keras says about how slim calls its layers."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`layer\.(apply|updates)`")
        yield
