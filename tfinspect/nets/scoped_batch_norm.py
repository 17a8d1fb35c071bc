"""Batch normalization whose mode can differ from scope to scope.

Slim sets `is_training` for a whole network, so that frozen layers would go on normalizing with the
statistics of each batch and moving their averages.
"""

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from tfinspect.nets.slim_layers import replace_layer

Rule = Callable[[str], bool]

_NAME = "batch_norm"
_rule: contextvars.ContextVar[Rule | None] = contextvars.ContextVar("rule", default=None)


@contextlib.contextmanager
def inference_where(rule: Rule) -> Iterator[None]:
    """Builds batch normalizations in inference mode where a rule says so, while the block runs.

    Args:
      rule: called with the full scope of a normalization, such as `resnet/conv1/BatchNorm`; the
        others keep the mode that the network gives them.
    """
    token = _rule.set(rule)
    try:
        yield
    finally:
        _rule.reset(token)


def install() -> None:
    """Lets `slim.batch_norm` ask the rule, wherever tf_slim's imported modules hold it."""
    replace_layer(_NAME, _asking)


def _asking(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def batch_norm(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        rule = _rule.get()
        if rule is not None:
            outer = tf.compat.v1.get_variable_scope().name
            scope = kwargs.get("scope") or "BatchNorm"
            if rule(f"{outer}/{scope}" if outer else scope):
                kwargs["is_training"] = False
        return original(inputs, *args, **kwargs)

    # By this key slim's arg scopes find the function.
    batch_norm._key_op = original._key_op  # type: ignore[attr-defined]
    return batch_norm
