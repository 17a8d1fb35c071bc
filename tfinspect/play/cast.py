"""Numbers in a tensor's type, as long as that type can hold them."""

from typing import Any

import numpy as np

from tfinspect.errors import DataError


def cast(array: np.ndarray, dtype: str, name: str) -> np.ndarray:
    """Returns numbers in a tensor's type; other values as TensorFlow takes them.

    Args:
      array: of any shape; whole numbers where the tensor takes whole numbers.
      dtype: TensorFlow's name.
      name: of the tensor, for the message.

    Raises:
      DataError: a whole number that the type does not reach, or a finite one that would become
        infinite.
    """
    import tensorflow as tf

    wanted = tf.as_dtype(dtype)
    if wanted.is_integer:
        _require_within(array, np.iinfo(wanted.as_numpy_dtype), name)
    with np.errstate(over="ignore"):
        found: np.ndarray = array.astype(wanted.as_numpy_dtype)
    if wanted.is_floating or wanted.is_complex:
        _require_finite(array, found, dtype, name)
    return found


def _require_within(array: np.ndarray, type_of: Any, name: str) -> None:
    outside = array[(array < type_of.min) | (array > type_of.max)]
    if outside.size:
        raise DataError(
            f"'{name}' takes {type_of.dtype}, which is {type_of.min}..{type_of.max}, and was given "
            f"{outside.flat[0]}; give numbers in that range."
        )


def _require_finite(array: np.ndarray, found: np.ndarray, dtype: str, name: str) -> None:
    lost = array[np.isfinite(array) & ~np.isfinite(found)]
    if lost.size:
        raise DataError(
            f"'{name}' takes {dtype}, in which {lost.flat[0]:g} would not be a finite number; give "
            "numbers nearer to 0."
        )
