"""Dropout whose mask depends on a key alone, so that a run that goes on draws what it would have.

TensorFlow's own random ops count their calls; the count of an interrupted run is lost with its
process.
"""

import contextlib
import contextvars
import functools
import importlib
import inspect
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tensorflow as tf

from tfinspect.nets.slim_layers import PACKAGE, replace_layer

# Graph collection of the share that each keyed dropout keeps, float32 []; fed 1, it drops nothing.
KEEP = "keyed_dropout_keep"
_NAME = "dropout"
# The key, and which part of the batch is computed.
_drawn: contextvars.ContextVar[Any] = contextvars.ContextVar("drawn", default=(None, (0, 1)))


@contextlib.contextmanager
def dropout_keyed_by(key: Any, part: tuple[int, int] = (0, 1)) -> Iterator[None]:
    """Draws the masks of `slim.dropout` from a key and each layer's scope, while the block runs.

    Args:
      key: int64 `[2]`, another one in each step; None leaves TensorFlow's own dropout.
      part: number, and count, of the equal parts of a batch that several processes compute; each
        draws the mask of the whole batch and takes the rows of its own part.
    """
    token = _drawn.set((key, part))
    try:
        yield
    finally:
        _drawn.reset(token)


def install() -> None:
    """Lets `slim.dropout` ask for the key, wherever tf_slim's imported modules hold it."""
    replace_layer(_NAME, _asking)


def _asking(original: Callable[..., Any]) -> Callable[..., Any]:
    arg_scope: Any = importlib.import_module(f"{PACKAGE}.ops.arg_scope")
    signature = inspect.signature(original)

    @functools.wraps(original)
    def dropout(*args: Any, **kwargs: Any) -> Any:
        key, part = _drawn.get()
        if key is None:
            return original(*args, **kwargs)
        scoped = arg_scope.current_arg_scope().get(arg_scope.arg_scope_func_key(original), {})
        asked = signature.bind(*args, **(scoped | kwargs))
        asked.apply_defaults()
        if not asked.arguments["is_training"]:
            return original(*args, **kwargs)
        # What remains to slim, such as the end point, is that of inference.
        dropped = {"inputs": _dropped(asked.arguments, key, part), "is_training": False}
        return original(**(asked.arguments | dropped))

    # By this key slim's arg scopes find the function.
    dropout._key_op = original._key_op  # type: ignore[attr-defined]
    return dropout


def _dropped(asked: Mapping[str, Any], key: Any, part: tuple[int, int]) -> Any:
    outer, scope = tf.compat.v1.get_variable_scope().name, asked["scope"] or "Dropout"
    layer = tf.constant(zlib.crc32(f"{outer}/{scope}".encode()), tf.int64)
    with tf.name_scope(scope):
        inputs = tf.convert_to_tensor(asked["inputs"])
        seed = tf.random.experimental.stateless_fold_in(key, layer, alg="philox")
        keep = tf.constant(asked["keep_prob"], tf.float32, name="keep")
        tf.compat.v1.add_to_collection(KEEP, keep)
        drawn = _drawn_for(inputs, asked["noise_shape"], seed, part)
        return inputs * tf.cast(tf.floor(keep + drawn) / keep, inputs.dtype)


def _drawn_for(inputs: Any, noise_shape: Any, seed: Any, part: tuple[int, int]) -> Any:
    """Numbers for one decision each; None in a shape stands for the size of the inputs."""
    shape = tf.shape(inputs)
    if noise_shape is None:
        return _uniform(shape, seed, part)
    sizes = noise_shape
    if not isinstance(sizes, (list, tuple)):
        sizes = tf.get_static_value(noise_shape)
    if sizes is None:
        return _uniform(noise_shape, seed, part)
    # Of a size of 1 all rows share one decision, and so do all parts.
    part = (0, 1) if _is_one(sizes[0]) else part
    known = [shape[axis] if size is None else size for axis, size in enumerate(sizes)]
    return _uniform(tf.stack(known), seed, part)


def _is_one(size: Any) -> bool:
    return size is not None and tf.get_static_value(size) == 1


def _uniform(shape: Any, seed: Any, part: tuple[int, int]) -> Any:
    number, count = part
    if count == 1:
        return tf.random.stateless_uniform(shape, seed, alg="philox")
    # The numbers of a larger shape begin with those of a smaller one.
    upto = tf.concat([shape[:1] * (number + 1), shape[1:]], axis=0)
    return tf.random.stateless_uniform(upto, seed, alg="philox")[number * shape[0] :]
