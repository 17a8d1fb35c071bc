"""What stands in an HDF5 file: groups with the attributes Keras gives them, and stored arrays.

libhdf5 reads the headers, every size of which is checked against the file; its own functions are
called, for h5py's objects would double the time of a file with a thousand arrays. Links to other
files and types that hold anything but numbers and plain strings are never followed. Values are read
from their place in the file without libhdf5.
"""

import contextlib
import functools
import math
import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from tfinspect.artifacts.hdf5_layout import StoredArray, placed
from tfinspect.artifacts.object_header import Bytes, Text, text_attributes
from tfinspect.artifacts.window import Window
from tfinspect.names import natural

if TYPE_CHECKING:
    import numpy as np

# Keras splits lists of names that are longer than an attribute may be: `weight_names0`, …
_ATTRIBUTES = ("layer_names", "weight_names", "name", "model_config", "keras_version")
_MOST_OBJECTS = 1_000_000
_DEEPEST = 64
_MOST_NOTED = 3
# Strings of any length are stored as their places in heaps.
_PLACES = "V16"


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
    with _mapped(stream) as mapped, h5py.File(Window(mapped, base, size), "r") as file:
        data = Bytes(mapped, base, size)
        for path, found in _objects(h5py.h5o.open(file.id, b"/"), tree):
            try:
                address = h5py.h5o.get_info(found).addr
                if isinstance(found, h5py.h5d.DatasetID):
                    told = text_attributes(data, address, ("dtype",)).get("dtype")
                    tree.arrays[path] = _array(path, found, size, told)
                else:
                    tree.groups[path] = text_attributes(data, address, _ATTRIBUTES)
            except Exception as error:  # h5py raises errors of all kinds over broken headers.
                tree.note(path, first_line(error))
    return tree


def _mapped(stream: IO[bytes]) -> "contextlib.closing[mmap.mmap]":
    return contextlib.closing(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def first_line(error: Exception) -> str:
    """Words an error of h5py, which may have many lines or none."""
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")


def _objects(root: Any, tree: Tree) -> Iterator[tuple[str, Any]]:
    """Yields every group and dataset once, parents first; links elsewhere are noted."""
    import h5py

    seen = {h5py.h5o.get_info(root).addr}
    yield "", root
    stack = [("", root, iter(_names(root, "", tree)))]
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
            tree.note(path, first_line(error))
            continue
        if found is None:
            continue
        if len(seen) > _MOST_OBJECTS or len(stack) > _DEEPEST:
            tree.note(path, "there are too many objects, or too deep ones")
            return
        yield path, found
        if isinstance(found, h5py.h5g.GroupID):
            stack.append((path, found, iter(_names(found, path, tree))))


def _names(group: Any, path: str, tree: Tree) -> list[str]:
    try:
        names = []
        for name, _ in zip(group, range(_MOST_OBJECTS), strict=False):
            names.append(name.decode("utf-8", "surrogateescape"))
        return sorted(names, key=natural)
    except Exception as error:  # As above.
        tree.note(path, first_line(error))
        return []


def _child(group: Any, name: str, seen: set[Any]) -> Any:
    import h5py

    stored = name.encode("utf-8", "surrogateescape")
    if group.links.get_info(stored).type != h5py.h5l.TYPE_HARD:
        raise ValueError("it is a link to another place, which is not followed")
    found = h5py.h5o.open(group, stored)
    address = h5py.h5o.get_info(found).addr
    if address in seen or not isinstance(found, (h5py.h5g.GroupID, h5py.h5d.DatasetID)):
        return None
    seen.add(address)
    return found


def _array(path: str, dataset: Any, size: int, told: Text | None) -> StoredArray:
    extent = dataset.shape
    shape = tuple(int(length) for length in extent or ())
    name, layout, problem = _type(dataset.get_type().encode(), told == "bfloat16")
    if extent is None:
        problem = "holds nothing (a null dataspace)"
    if problem is not None or layout is None:
        return StoredArray(path, name, shape, problem=problem)
    array = StoredArray(path, name, shape, layout, varying=layout == _PLACES)
    return array if math.prod(shape) == 0 else placed(dataset, array, size)


@functools.lru_cache(maxsize=256)
def _type(described: bytes, bfloat16: bool) -> "tuple[str, np.dtype | None, str | None]":
    """Returns the name of a type, the type of its stored bytes, and why it cannot be read.

    Args:
      described: HDF5's description of it; a model has few, which are looked into once.
      bfloat16: whether Keras says that it stands for that.
    """
    import h5py
    import numpy as np

    stored = h5py.h5t.decode(described)
    dtype = stored.dtype
    if stored.get_size() == 2 and bfloat16:
        import ml_dtypes

        return "bfloat16", np.dtype(ml_dtypes.bfloat16), None
    if h5py.check_string_dtype(dtype) is not None:
        plain = dtype.kind == "S" and dtype.itemsize == stored.get_size()
        return "string", dtype if plain else np.dtype(_PLACES), None
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
