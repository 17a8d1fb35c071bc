"""What an op declares of its outputs: a rule from the inputs' shapes and dtypes to theirs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfinspect.errors import CustomOpError

_WEAK = (bool, int, float, complex)


@dataclass(frozen=True)
class Outputs:
    """The declared outputs of one call.

    Attributes:
      specs: shape and dtype of each.
      single: whether the op returns its only output itself, not a tuple.
    """

    specs: tuple[tf.TensorSpec, ...]
    single: bool

    def packed(self, outputs: Sequence[Any]) -> Any:
        """Returns the outputs as the op's caller gets them."""
        return outputs[0] if self.single else tuple(outputs)


def declared_outputs(rule: Any, inputs: Sequence[tf.TensorSpec], name: str) -> Outputs:
    """Applies an op's declaration to the inputs of one call.

    Args:
      rule: a `tf.TensorSpec`, a sequence of them, or a function from one spec per input to those.
      inputs: shape and dtype of each input.
      name: of the op, for messages.

    Raises:
      CustomOpError: the rule gives something else.
    """
    found = rule(*inputs) if callable(rule) else rule
    single = isinstance(found, tf.TensorSpec)
    specs = (found,) if single else tuple(found) if isinstance(found, (list, tuple)) else ()
    if not specs or not all(isinstance(spec, tf.TensorSpec) for spec in specs):
        raise CustomOpError(
            f"the declaration of '{name}' gave {found!r}; it must give a tf.TensorSpec per output, "
            "such as output=lambda x, k: x."
        )
    return Outputs(specs, single)


def spec_of(value: Any) -> tf.TensorSpec:
    """Returns shape and dtype of a tensor or an array, without a name."""
    return tf.TensorSpec(value.shape, tf.as_dtype(value.dtype))


def as_array(tensor: Any) -> np.ndarray:
    """Returns the value of an eager tensor; a scalar as an array without axes."""
    return np.array(tensor.numpy(), tensor.dtype.as_numpy_dtype)


def words(spec: tf.TensorSpec) -> str:
    """Words shape and dtype: `float32 [None, 3]`."""
    shape = "of any shape" if spec.shape.rank is None else str(spec.shape.as_list())
    return f"{spec.dtype.name} {shape}"


def checked_arrays(returned: Any, outputs: Outputs, name: str) -> list[np.ndarray]:
    """Returns what a forward returned as arrays of the declared types, with copied values.

    A bare Python number takes the declared dtype; everything else must have it.

    Raises:
      CustomOpError: another number of outputs, another shape or another dtype than declared.
    """
    several = isinstance(returned, (list, tuple))
    values = [returned] if outputs.single or not several else list(returned)
    if len(values) != len(outputs.specs):
        raise CustomOpError(
            f"the forward of '{name}' returned {len(values)} values, and {len(outputs.specs)} "
            "outputs are declared; return one array for each."
        )
    pairs = zip(values, outputs.specs, strict=True)
    return [
        _checked(value, spec, f"output {n} of '{name}'") for n, (value, spec) in enumerate(pairs)
    ]


def _checked(value: Any, spec: tf.TensorSpec, what: str) -> np.ndarray:
    weak = type(value) in _WEAK
    # Copied: TensorFlow would read the memory later, when the forward may have changed it.
    array = np.array(value, spec.dtype.as_numpy_dtype if weak else None, order="C")
    known = array.dtype.kind != "O"
    if (
        known
        and tf.as_dtype(array.dtype) == spec.dtype
        and spec.shape.is_compatible_with(array.shape)
    ):
        return array
    given = f"{array.dtype.name} {list(array.shape)}" if known else f"a {type(value).__name__}"
    raise CustomOpError(
        f"{what} is {given}, and {words(spec)} is declared; convert it in the forward (for a dtype "
        "with .astype), or change the declaration."
    )


def require_callable(value: Callable[..., Any] | None, what: str) -> None:
    """Raises a CustomOpError if a part of an op is no function."""
    if not callable(value):
        raise CustomOpError(f"the {what} is {value!r}; it must be a function.")
