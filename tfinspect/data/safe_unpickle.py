"""Reads pickles of plain data only: NumPy arrays, bytes, strings, numbers, lists and dicts.

A pickle is a program, and unpickling runs it. Here every class or function that it asks for is
looked up in a short table, whose entries are stand-ins of this module: no code of NumPy or of the
pickle's author runs, and arrays are made at the end from checked shapes, dtypes and bytes.
"""

import io
import math
import pickle
from typing import Any, ClassVar

import numpy as np

from tfinspect.errors import DataError


def load_plain(data: bytes, what: str) -> Any:
    """Reads a pickle of plain data; strings of Python 2 become `bytes`.

    `what` names the pickle in errors.

    Raises:
      DataError: it asks for anything else, or is broken.
    """
    try:
        if not data.endswith(pickle.STOP):
            raise EOFError("it is cut off")
        value = _Unpickler(io.BytesIO(data), encoding="bytes").load()
        return _Plain(len(data)).value(value)
    except _ForeignError as error:
        raise DataError(
            f"{what} is a pickle that asks for '{error}'; only NumPy arrays, bytes, strings, "
            "numbers, lists and dicts are read. Get the file from its publisher."
        ) from error
    # A broken pickle can fail in any of its instructions.
    except Exception as error:
        raise DataError(
            f"{what} is broken ({type(error).__name__}: {error}); get the file again."
        ) from error


class _ForeignError(Exception):
    pass


class _Dtype:
    """Stands for `numpy.dtype(spec)`, with the byte order that its state brings."""

    def __init__(self, spec: bytes | str, *flags: object) -> None:
        del flags
        if not isinstance(spec, (bytes, str)):
            raise _ForeignError("an array of records")
        self._spec = spec.decode("ascii") if isinstance(spec, bytes) else spec
        self._order = "|"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1]
        self._order = order.decode("ascii") if isinstance(order, bytes) else order

    def dtype(self) -> np.dtype:
        dtype = np.dtype(self._spec).newbyteorder(self._order)  # type: ignore[arg-type]
        if dtype.kind not in "biufS":
            raise _ForeignError(f"an array of dtype {self._spec}")
        return dtype


class _Array:
    """Stands for a `numpy.ndarray` until its state is known."""

    def __init__(self, *arguments: object) -> None:
        del arguments

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._shape, self._dtype, fortran, self._data = state[1:]
        self._order = "F" if fortran else "C"

    def array(self) -> np.ndarray:
        dtype = self._dtype.dtype()
        shape = tuple(int(size) for size in self._shape)
        if len(self._data) != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{len(self._data)} bytes for shape {shape} of {dtype}")
        flat = np.frombuffer(bytes(self._data), dtype)
        return flat.reshape(shape, order=self._order)  # type: ignore[call-overload]


def _scalar(dtype: _Dtype, data: bytes) -> Any:
    # A memory view of bytes alone: a number would become as many zeros.
    return np.frombuffer(memoryview(data), dtype.dtype(), count=1)[0].item()


def _from_buffer(data: Any, dtype: _Dtype, shape: Any, order: str) -> _Array:
    array = _Array()
    array.__setstate__((1, shape, dtype, order == "F", data))
    return array


def _encode(text: str, encoding: str) -> bytes:
    if encoding not in ("latin1", b"latin1"):
        shown = repr(encoding) if isinstance(encoding, str) else type(encoding).__name__
        raise _ForeignError(f"_codecs.encode to {shown}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


# What NumPy 1 and 2 and Python 2 and 3 write for arrays, NumPy scalars and bytes.
_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): _no_bytes,
    ("builtins", "bytes"): _no_bytes,
    **{
        (f"numpy.{core}.{module}", name): stand_in
        for core in ("core", "_core")
        for module, name, stand_in in (
            ("multiarray", "_reconstruct", _Array),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _from_buffer),
        )
    },
}


# The one in Python: that in C hashes whatever is to be a key, which takes for ever for tuples that
# hold each other twice, and makes room for as many parts as the pickle claims.
_InPython: Any = pickle._Unpickler  # type: ignore[attr-defined]


class _Unpickler(_InPython):
    dispatch: ClassVar[dict[int, Any]] = dict(_InPython.dispatch)

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return _ADMITTED[module_name, global_name]
        except KeyError:
            raise _ForeignError(f"{module_name}.{global_name}") from None

    def set_item(self) -> None:
        _check_keys(self.stack[-2:-1])
        self.load_setitem()

    def set_items(self) -> None:
        _check_keys(self.stack[::2])
        self.load_setitems()

    def make_dict(self) -> None:
        _check_keys(self.stack[::2])
        self.load_dict()

    def make_set(self) -> None:
        raise _ForeignError("set")

    def make_bytes(self) -> None:
        # The one in Python makes room for as many as the pickle claims.
        size = int.from_bytes(self.read(8), "little")
        data = self.read(size) if size < 1 << 63 else b""
        if len(data) != size:
            raise EOFError("it is cut off")
        self.append(bytearray(data))

    for _code, _load in (
        (pickle.SETITEM, set_item),
        (pickle.SETITEMS, set_items),
        (pickle.DICT, make_dict),
        (pickle.EMPTY_SET, make_set),
        (pickle.FROZENSET, make_set),
        (pickle.BYTEARRAY8, make_bytes),
    ):
        dispatch[_code[0]] = _load


def _check_keys(keys: list[Any]) -> None:
    for key in keys:
        if not isinstance(key, (bytes, str, int, float, type(None))):
            raise _ForeignError(f"a key that is a {type(key).__name__.strip('_')}")


class _Plain:
    """Makes arrays of their stand-ins, in at most `limit` values.

    A pickle spends a byte or more on each of its values, unless lists hold the same list twice:
    nested, those double with every few bytes.
    """

    def __init__(self, limit: int) -> None:
        self._left = limit

    def value(self, value: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise ValueError("it repeats its own parts too often")
        if isinstance(value, _Array):
            return value.array()
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.value(item) for item in value)
        if value is None or isinstance(value, (bytes, bytearray, str, bool, int, float, complex)):
            return value
        raise _ForeignError(type(value).__name__.strip("_"))
