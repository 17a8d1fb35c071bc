"""What stands in an HDF5 file: groups with the attributes Keras gives them, and stored arrays.

libhdf5 reads the headers, every size of which is checked against the file; links to other files and
types that hold anything but numbers and plain strings are never followed. Values are read from
their place in the file without libhdf5.
"""

import contextlib
import math
import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any

from tfinspect.artifacts.object_header import Bytes, Text, text_attributes
from tfinspect.artifacts.window import Window

if TYPE_CHECKING:
    import h5py
    import numpy as np

# Keras splits lists of names that are longer than an attribute may be: `weight_names0`, …
_ATTRIBUTES = ("layer_names", "weight_names", "name", "model_config", "keras_version")
_MOST_OBJECTS = 1_000_000
_DEEPEST = 64
_MOST_NOTED = 3


@dataclass(frozen=True, slots=True)
class StoredArray:
    """One dataset.

    Attributes:
      path: of the dataset in the file, without the leading slash.
      dtype: TensorFlow's name, or HDF5's for what TensorFlow does not have.
      shape: of the array.
      layout: NumPy's type of the stored bytes; None where `problem` says why it cannot be read.
      offset: of the first byte in the HDF5 file; None for an array in `data` or without elements.
      data: the bytes of a small array that stands between the headers.
      problem: why the value cannot be read; None where it can.
    """

    path: str
    dtype: str
    shape: tuple[int, ...]
    layout: "np.dtype | None" = None
    offset: int | None = None
    data: bytes = b""
    problem: str | None = None


@dataclass
class Tree:
    """The groups and arrays of a file, children in natural order of their names.

    Attributes:
      groups: path -> attributes: text, or a list of texts.
      arrays: path -> stored array.
      problems: what could not be listed, in sentences.
    """

    groups: dict[str, dict[str, Text]] = field(default_factory=dict)
    arrays: dict[str, StoredArray] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def note(self, path: str, reason: object) -> None:
        """Notes an object that cannot be listed; only the first few in full."""
        if len(self.problems) < _MOST_NOTED:
            self.problems.append(f"'{path}' cannot be listed: {reason}.")
        elif len(self.problems) == _MOST_NOTED:
            self.problems.append("More objects cannot be listed.")


def read_tree(stream: IO[bytes], base: int, size: int) -> Tree:
    """Reads the headers of an HDF5 file.

    Args:
      stream: the file that holds the HDF5 file; it has a file descriptor.
      base: offset of the HDF5 file in it.
      size: bytes of the HDF5 file.

    Raises:
      Exception: of any kind, from h5py: it is no HDF5 file, or its first headers are broken.
    """
    import h5py

    tree = Tree()
    with _mapped(stream) as mapped, h5py.File(Window(stream, base, size), "r") as file:
        data = Bytes(mapped, base, size)
        for path, found in _objects(file, tree):
            try:
                address = h5py.h5o.get_info(found.id).addr
                if isinstance(found, h5py.Dataset):
                    told = text_attributes(data, address, ("dtype",)).get("dtype")
                    tree.arrays[path] = _array(path, found, size, told)
                else:
                    tree.groups[path] = text_attributes(data, address, _ATTRIBUTES)
            except Exception as error:  # h5py raises errors of all kinds over broken headers.
                tree.note(path, _first_line(error))
    return tree


def _mapped(stream: IO[bytes]) -> "contextlib.closing[mmap.mmap]":
    return contextlib.closing(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")


def _objects(file: "h5py.File", tree: Tree) -> Iterator[tuple[str, Any]]:
    """Yields every group and dataset once, parents first; links elsewhere are noted."""
    import h5py

    seen = {h5py.h5o.get_info(file.id).addr}
    yield "", file
    stack = [("", file, iter(_names(file, "", tree)))]
    while stack:
        prefix, group, names = stack[-1]
        name = next(names, None)
        if name is None:
            stack.pop()
            continue
        path = f"{prefix}/{name}" if prefix else name
        try:
            found = _child(group, name, seen)
        except Exception as error:  # As above.
            tree.note(path, _first_line(error))
            continue
        if found is None:
            continue
        if len(seen) > _MOST_OBJECTS or len(stack) > _DEEPEST:
            tree.note(path, "there are too many objects, or too deep ones")
            return
        yield path, found
        if isinstance(found, h5py.Group):
            stack.append((path, found, iter(_names(found, path, tree))))


def _names(group: "h5py.Group", path: str, tree: Tree) -> list[str]:
    try:
        names = []
        for name, _ in zip(group, range(_MOST_OBJECTS), strict=False):
            names.append(name)
        return sorted(names, key=natural)
    except Exception as error:  # As above.
        tree.note(path, _first_line(error))
        return []


def natural(name: str) -> tuple[int, int, str]:
    """Returns a sort key under which `10` comes after `9`, and numbers before words."""
    # Only ASCII digits, few enough for a number: names in a broken file may hold anything.
    number = name.isascii() and name.isdecimal() and len(name) < 19
    return (0, int(name), name) if number else (1, 0, name)


def _child(group: "h5py.Group", name: str, seen: set[Any]) -> Any:
    import h5py

    if group.id.links.get_info(name.encode("utf-8", "surrogateescape")).type != h5py.h5l.TYPE_HARD:
        raise ValueError("it is a link to another place, which is not followed")
    found = group[name]
    address = h5py.h5o.get_info(found.id).addr
    if address in seen or not isinstance(found, (h5py.Group, h5py.Dataset)):
        return None
    seen.add(address)
    return found


def _array(path: str, dataset: "h5py.Dataset", size: int, told: Text | None) -> StoredArray:
    shape = tuple(int(length) for length in dataset.shape or ())
    name, layout, problem = _type(dataset, told)
    if dataset.shape is None:
        problem = "holds nothing (a null dataspace)"
    count = math.prod(shape)
    if problem is not None or layout is None:
        return StoredArray(path, name, shape, problem=problem)
    if count == 0:
        return StoredArray(path, name, shape, layout)
    return _placed(dataset, StoredArray(path, name, shape, layout), count * layout.itemsize, size)


def _placed(dataset: "h5py.Dataset", array: StoredArray, needed: int, size: int) -> StoredArray:
    import h5py

    described = dataset.id.get_create_plist()
    layout = described.get_layout()
    if layout == h5py.h5d.COMPACT and needed <= 1 << 16:
        return replace(array, data=dataset[()].tobytes())
    if layout != h5py.h5d.CONTIGUOUS or described.get_external_count():
        cure = "write it in one piece with `h5repack -f NONE -l CONTI`"
        return replace(array, problem=f"is stored in chunks, packed or in another file; {cure}")
    offset = dataset.id.get_offset()
    if offset is None:
        return replace(array, problem="was never written")
    if dataset.id.get_storage_size() < needed or offset + needed > size:
        return replace(array, problem=f"needs {needed:,} bytes at offset {offset:,}, past the end")
    return replace(array, offset=offset)


def _type(dataset: "h5py.Dataset", told: Text | None) -> "tuple[str, np.dtype | None, str | None]":
    """Returns the name of a type, the type of its stored bytes, and why it cannot be read."""
    import h5py
    import numpy as np

    stored, dtype = dataset.id.get_type(), dataset.dtype
    if stored.get_size() == 2 and told == "bfloat16":
        import ml_dtypes

        return "bfloat16", np.dtype(ml_dtypes.bfloat16), None
    if h5py.check_string_dtype(dtype) is not None:
        plain = dtype.kind == "S" and dtype.itemsize == stored.get_size()
        problem = None if plain else "holds strings of any length; it can be listed, not read"
        return "string", dtype if plain else None, problem
    if (
        dtype.kind in "iufcb"
        and stored.get_size() == dtype.itemsize
        and _is_standard(stored, dtype)
    ):
        return str(dtype.newbyteorder("=")), dtype, None
    kind = dtype.kind if dtype.kind in "iufcb" else type(stored).__name__
    name = kind.removeprefix("Type").removesuffix("ID").lower()
    return name, None, f"is of HDF5's type {name}, which is no tensor; it can be listed, not read"


def _is_standard(stored: Any, dtype: "np.dtype") -> bool:
    import h5py

    return dtype.kind in "cb" or bool(stored.equal(h5py.h5t.py_create(dtype)))


def value_of(array: StoredArray, source: "str | IO[bytes]", base: int = 0) -> "np.ndarray":
    """Maps the value of an array that can be read; strings and booleans are copied.

    Args:
      array: one without a problem.
      source: the file that holds the HDF5 file: its path, or a stream with a file descriptor.
      base: offset of the HDF5 file in it.

    Raises:
      OSError, ValueError: the file is no longer what it was.
    """
    import numpy as np

    assert array.layout is not None
    if array.offset is not None:
        place = base + array.offset
        mapped = np.memmap(source, array.layout, "r", place, array.shape)  # type: ignore[call-overload]
        stored = np.asarray(mapped)
    else:
        stored = np.frombuffer(array.data, array.layout).reshape(array.shape)
    if array.dtype == "string":
        return stored.astype(object)
    if array.dtype == "bool":
        return np.not_equal(stored.view(np.uint8), 0)
    return stored if stored.dtype.isnative else stored.astype(stored.dtype.newbyteorder("="))
