"""Per-example gradients on disk, written chunk by chunk: `.npy` files or one HDF5 file."""

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from tfinspect import files
from tfinspect.errors import ConfigError, DataError

HDF5_ENDINGS = (".h5", ".hdf5")
_OTHER_ENDINGS = (".npz", ".npy", ".csv", ".json", ".zip")
Shapes = Mapping[str, tuple[tuple[int, ...], Any]]


class Store(Protocol):
    """Where rows go."""

    def put(self, start: int, values: Mapping[str, np.ndarray]) -> None:
        """Stores the rows `[n, *shape]` of variables from row `start` on."""


class _Arrays:
    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self._arrays = arrays

    def put(self, start: int, values: Mapping[str, np.ndarray]) -> None:
        for name, rows in values.items():
            array = self._arrays[name]
            array[start : start + len(rows)] = rows.astype(array.dtype, copy=False)


def shapes(variables: Mapping[str, Any], count: int) -> Shapes:
    """Returns the `[N, *shape]` of each variable's gradients, and their dtype in files.

    bfloat16 becomes float32, which holds all of its values: the formats do not have it.
    """
    return {
        name: ((count, *variable.shape), _stored_dtype(variable.dtype.as_numpy_dtype))
        for name, variable in variables.items()
    }


def _stored_dtype(dtype: Any) -> np.dtype:
    return np.dtype(np.float32 if np.dtype(dtype).kind == "V" else dtype)


@contextlib.contextmanager
def opened(path: str, shapes: Shapes) -> Iterator[Store]:
    """Yields a store under a temporary name; it is renamed to `path` when all went well.

    Args:
      path: a directory for one `.npy` file per variable, or a file that ends in `.h5` or `.hdf5`.
      shapes: variable -> (`(N, *shape)`, dtype).

    Raises:
      DataError: the place is occupied, or cannot be written.
      ConfigError: it is remote, has the ending of another kind of file, or cannot hold these names.
    """
    if files.is_remote(path):
        raise ConfigError(f"'{path}' is remote, and memory maps are local; give a local path.")
    if path.endswith(_OTHER_ENDINGS):
        raise ConfigError(
            f"'{path}' is the name of a kind of file that is not written; give a directory, or a "
            "name that ends in .h5."
        )
    if os.path.exists(path):
        raise DataError(f"'{path}' exists already; remove it or choose another name.")
    temporary = files.temporary_name(path.rstrip("/"))
    open_store = _hdf5 if path.endswith(HDF5_ENDINGS) else _directory
    try:
        with files.reporting("write", path, "free space there, or choose another place"):
            with open_store(temporary, shapes) as store:
                yield store
            files.rename(temporary, path.rstrip("/"))
    except BaseException:
        files.remove(temporary)
        raise


@contextlib.contextmanager
def _hdf5(path: str, shapes: Shapes) -> Iterator[Store]:
    import h5py

    _require_apart(shapes)
    with h5py.File(path, "w") as file:
        made = {name: file.create_dataset(name, *described) for name, described in shapes.items()}
        yield _Arrays(made)


def _require_apart(names: Iterable[str]) -> None:
    known = set(names)
    for name in sorted(known):
        scopes = itertools.accumulate(name.split("/")[:-1], "{}/{}".format)
        for scope in known.intersection(scopes):
            raise ConfigError(
                f"HDF5 cannot hold both '{scope}' and '{name}', which would lie inside it; write a "
                "directory of .npy files instead."
            )


@contextlib.contextmanager
def _directory(path: str, shapes: Shapes) -> Iterator[Store]:
    arrays = {}
    for name, (shape, dtype) in shapes.items():
        target = npy_path(path, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        arrays[name] = np.lib.format.open_memmap(target, "w+", dtype, shape)
    yield _Arrays(arrays)
    for array in arrays.values():
        array.flush()


def npy_path(directory: str, name: str) -> str:
    """Returns the file of a variable: its scopes are directories.

    Raises:
      ConfigError: the name would leave the directory.
    """
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise ConfigError(f"the variable '{name}' has no name for a file; write HDF5 instead.")
    return os.path.join(directory, *parts) + ".npy"


def load(path: str, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Returns read-only memory maps of a directory's arrays, or of a file's HDF5 data sets."""
    if not path.endswith(HDF5_ENDINGS):
        return {name: np.load(npy_path(path, name), mmap_mode="r") for name in names}
    import h5py

    with h5py.File(path, "r") as file:
        return {name: _mapped(path, file[name]) for name in names}


def _mapped(path: str, dataset: Any) -> np.ndarray:
    # Contiguous data sets lie in the file as they are.
    return np.memmap(path, dataset.dtype, "r", dataset.id.get_offset(), dataset.shape)
