"""The border between NumPy and TensorFlow: what crosses it where it must not is named."""

import contextlib
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfinspect.errors import CustomOpError

_FORWARD_CURE = (
    "the forward of a custom op gets and returns NumPy arrays and calls np.* alone; a function of "
    "tf.* ops needs no custom op, TensorFlow differentiates it by itself."
)
_GRADIENT_CURE = (
    "the gradient of a custom op gets and returns tensors and calls tf.* alone, so that it runs "
    "in graphs and has a gradient of its own."
)
# What TensorFlow says when NumPy, or `.numpy()`, meets a tensor without a value.
_SYMBOLIC = ("to a numpy array", "has no attribute 'numpy'", "numpy() is only available")


def call_forward(forward: Callable[..., Any], arrays: Sequence[np.ndarray], name: str) -> Any:
    """Calls a NumPy forward, with inputs that it cannot overwrite.

    Raises:
      CustomOpError: it uses TensorFlow. Its own exceptions are passed on as they are.
    """
    # Under a graph of its own every call of TensorFlow leaves an op, or fails.
    with tf.Graph().as_default() as graph:
        try:
            returned = forward(*(_read_only(array) for array in arrays))
        except Exception as error:
            if _raised_in_tensorflow(error):
                raise _uses_tensorflow(name, f"TensorFlow says: {error}") from error
            raise
    kinds = sorted({op.type for op in graph.get_operations()} - {"Const"})
    if kinds:
        raise _uses_tensorflow(name, f"it made {', '.join(kinds)}")
    values = returned if isinstance(returned, (list, tuple)) else [returned]
    if any(isinstance(value, (tf.Tensor, tf.Variable)) for value in values):
        raise _uses_tensorflow(name, "it returned a tf.Tensor")
    return returned


def _uses_tensorflow(name: str, how: str) -> CustomOpError:
    return CustomOpError(f"the forward of '{name}' uses TensorFlow ({how}): {_FORWARD_CURE}")


def _read_only(array: np.ndarray) -> np.ndarray:
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def _raised_in_tensorflow(error: Exception) -> bool:
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    next(frames)  # the call of the forward, above
    return any(frame.f_globals.get("__name__", "").startswith("tensorflow.") for frame in frames)


def uses_numpy(error: Exception) -> bool:
    """Tells whether TensorFlow refused to hand a tensor without a value to NumPy."""
    kinds = isinstance(error, (NotImplementedError, AttributeError))
    return kinds and any(words in str(error) for words in _SYMBOLIC)


@contextlib.contextmanager
def tensorflow_only(name: str) -> Iterator[None]:
    """Words what happens when a gradient hands a tensor of a graph to NumPy.

    Raises:
      CustomOpError: it did. Other exceptions are passed on as they are.
    """
    try:
        yield
    except Exception as error:
        if uses_numpy(error):
            raise CustomOpError(
                f"the gradient of '{name}' uses NumPy ({error}): {_GRADIENT_CURE}"
            ) from error
        raise


def refuse_arrays(gradients: Sequence[Any], name: str) -> None:
    """Raises a CustomOpError if a gradient returned NumPy values among its tensors."""
    if any(isinstance(one, (np.ndarray, np.generic)) for one in gradients):
        raise CustomOpError(
            f"the gradient of '{name}' uses NumPy (it returned an array): {_GRADIENT_CURE}"
        )


def refuse_saving(name: str) -> None:
    """Raises a CustomOpError while a SavedModel is being written.

    TensorFlow would write one that cannot run: the op calls a function of this process.
    """
    from tensorflow.python.saved_model import save_context

    if save_context.in_save_context():
        raise CustomOpError(
            f"the custom op '{name}' runs Python code of this program, which no SavedModel can "
            "hold; compose it of TensorFlow's own ops and save again."
        )
