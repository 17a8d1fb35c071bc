"""The value of a TensorProto: raw bytes mapped from the file, or a typed list.

Source: `tensorflow/core/framework/tensor.proto`.
"""

import math
import mmap
from typing import TYPE_CHECKING, Any

from tensorboard.compat.proto import tensor_pb2

from tfinspect.artifacts.bundle_entry import BundleEntry
from tfinspect.artifacts.data_file import DataFile
from tfinspect.artifacts.dtypes import dtype_name, element_bytes, numpy_dtype
from tfinspect.artifacts.graph_file import Data, GraphFile
from tfinspect.artifacts.graph_proto import Range, messages, parse
from tfinspect.artifacts.wire import WireError, fields

if TYPE_CHECKING:
    import numpy as np

_CONTENT = 4
# A list that is shorter than its tensor is filled up with its last value; so a small file could
# ask for any amount of memory.
_MOST_FILLED_BYTES = 1 << 28
# A single value takes no memory however often it stands, but whoever looks at all of them time.
_MOST_REPEATED_BYTES = 1 << 34
_LISTS = {
    "float32": "float_val",
    "float64": "double_val",
    "string": "string_val",
    "complex64": "scomplex_val",
    "complex128": "dcomplex_val",
    "int64": "int64_val",
    "bool": "bool_val",
    "float16": "half_val",
    "bfloat16": "half_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
}
_INTEGERS = frozenset(
    {"int32", "int16", "int8", "uint16", "uint8", "qint8", "quint8", "qint16", "quint16", "qint32"}
)


def constant_value(file: GraphFile, tensor: list[Range]) -> "np.ndarray":
    """Reads the value in some ranges of a file, which are one TensorProto.

    Returns:
      A read-only array, mapped from the file where it lies there as raw bytes; strings as an
      object array of `bytes`.

    Raises:
      WireError: a type that cannot be read, or a number of elements that does not fit the shape.
    """
    contents = messages(file.data, tensor, _CONTENT)
    if contents and contents[-1][1] > contents[-1][0]:
        return _raw(file, tensor, contents[-1])
    message = parse(tensor_pb2.TensorProto, file.data, tensor)
    dtype, shape = _described(message)
    listed = _listed(message, dtype)
    return _filled(listed, dtype, shape)


def _described(message: Any) -> tuple[str, tuple[int, ...]]:
    shape = tuple(dim.size for dim in message.tensor_shape.dim)
    if message.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise WireError("its value has no full shape")
    if len(shape) > 254 or math.prod(shape) >= 1 << 63:
        raise WireError(f"its shape {list(shape[:8])} overflows")
    return dtype_name(message.dtype), shape


def _raw(file: GraphFile, tensor: list[Range], content: Range) -> "np.ndarray":
    import numpy as np

    data, (start, end) = file.data, content
    kept = []
    for begin, stop in tensor:
        # All but the content: type and shape stand before or behind it.
        inside = begin <= start and end <= stop
        kept += _around(data, (begin, stop), content) if inside else [(begin, stop)]
    dtype, shape = _described(parse(tensor_pb2.TensorProto, data, kept))
    size = math.prod(shape) * element_bytes(dtype)
    if not element_bytes(dtype) or size != end - start:
        raise WireError(f"its value has {end - start:,} bytes, not the {size:,} of its shape")
    if isinstance(data, mmap.mmap):
        # A mapping of its own, whose pages are given back with the value.
        entry = BundleEntry(dtype, shape, 0, start, size, 0, ())
        return DataFile(file.path, big_endian=False).mapped(entry)
    return np.frombuffer(data, np.uint8, size, start).view(numpy_dtype(dtype)).reshape(shape)


def _around(data: Data, tensor: Range, content: Range) -> list[Range]:
    kept, start = [], tensor[0]
    for part in fields(data, *tensor):
        if (part.start, part.end) != content:
            kept.append((start, part.end))
        start = part.end
    return kept


def _listed(message: Any, dtype: str) -> "np.ndarray":
    import numpy as np

    name = "int_val" if dtype in _INTEGERS else _LISTS.get(dtype)
    if name is None:
        raise WireError(f"its value is a {dtype}, which cannot be read")
    values = getattr(message, name)
    if dtype == "string":
        found = np.empty(len(values), object)
        found[:] = list(values)
        return found
    wanted = numpy_dtype(dtype)
    if name == "half_val":
        return np.fromiter(values, np.int64, len(values)).astype(np.uint16).view(wanted)
    if dtype.startswith("complex"):
        return np.fromiter(values, f"f{wanted.itemsize // 2}", len(values)).view(wanted)
    if name == "int_val":
        return np.fromiter(values, np.int32, len(values)).astype(wanted)
    return np.fromiter(values, wanted, len(values))


def _filled(values: "np.ndarray", dtype: str, shape: tuple[int, ...]) -> "np.ndarray":
    import numpy as np

    elements = math.prod(shape)
    if values.size == elements:
        return values.reshape(shape)
    if values.size > elements:
        raise WireError(f"its value has {values.size:,} elements, its shape {elements:,}")
    last = values[-1] if values.size else (b"" if dtype == "string" else values.dtype.type(0))
    if values.size <= 1 and elements * values.dtype.itemsize <= _MOST_REPEATED_BYTES:
        return np.broadcast_to(np.asarray(last, values.dtype), shape)
    if elements * values.dtype.itemsize > _MOST_FILLED_BYTES:
        raise WireError(f"its value lists {values.size:,} of {elements:,} elements")
    rest = np.full(elements - values.size, last, values.dtype)
    return np.concatenate([values, rest]).reshape(shape)
