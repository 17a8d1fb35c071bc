"""Layers of tf_slim replaced by ones that ask more, wherever its imported modules hold them."""

import sys
from collections.abc import Callable
from typing import Any

PACKAGE = "tf_slim"
Layer = Callable[..., Any]


def replace_layer(name: str, replacement: Callable[[Layer], Layer]) -> None:
    """Puts a layer made of the original one in its place.

    Args:
      name: of the layer, such as `batch_norm`.
      replacement: from the original layer to the new one.
    """
    original = getattr(sys.modules[PACKAGE], name)
    replaced = replacement(original)
    for module_name, module in list(sys.modules.items()):
        if module_name.split(".")[0] == PACKAGE and getattr(module, name, None) is original:
            setattr(module, name, replaced)
