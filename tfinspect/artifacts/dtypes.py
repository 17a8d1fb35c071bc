"""TensorFlow's data types: number in a file, name, size in bytes, and NumPy type.

Source: `tensorflow/core/framework/types.proto`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Number -> (name, bytes of one element; 0 where elements have no fixed size).
_TYPES = {
    1: ("float32", 4),
    2: ("float64", 8),
    3: ("int32", 4),
    4: ("uint8", 1),
    5: ("int16", 2),
    6: ("int8", 1),
    7: ("string", 0),
    8: ("complex64", 8),
    9: ("int64", 8),
    10: ("bool", 1),
    11: ("qint8", 1),
    12: ("quint8", 1),
    13: ("qint32", 4),
    14: ("bfloat16", 2),
    15: ("qint16", 2),
    16: ("quint16", 2),
    17: ("uint16", 2),
    18: ("complex128", 16),
    19: ("float16", 2),
    20: ("resource", 0),
    21: ("variant", 0),
    22: ("uint32", 4),
    23: ("uint64", 8),
    24: ("float8_e5m2", 1),
    25: ("float8_e4m3fn", 1),
    26: ("float8_e4m3fnuz", 1),
    27: ("float8_e4m3b11fnuz", 1),
    28: ("float8_e5m2fnuz", 1),
    29: ("int4", 1),
    30: ("uint4", 1),
    31: ("int2", 1),
    32: ("uint2", 1),
    33: ("float4_e2m1fn", 1),
}
_SIZES = dict(_TYPES.values())
# A reference to a variable has its type's number plus this.
_REFERENCE = 100


def dtype_name(number: int) -> str:
    """Returns the name of a type; `unknown(N)` for a number of a later TensorFlow."""
    plain = number - _REFERENCE if number > _REFERENCE else number
    return _TYPES[plain][0] if plain in _TYPES else f"unknown({number})"


def element_bytes(name: str) -> int:
    """Returns the size of one element, 0 where it has no fixed size or is not known."""
    return _SIZES.get(name, 0)


def is_readable(name: str) -> bool:
    """Tells whether values of a type can become a NumPy array."""
    return name == "string" or element_bytes(name) > 0


def numpy_dtype(name: str) -> "np.dtype":
    """Returns the NumPy type of a fixed-size type; quantized types as their plain integers."""
    import numpy as np

    plain = name.removeprefix("q") if name.startswith(("qint", "quint")) else name
    if plain.startswith(("bfloat", "float8", "float4", "int4", "uint4", "int2", "uint2")):
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, plain))
    return np.dtype(plain)
