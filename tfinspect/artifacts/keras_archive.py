"""`.keras` files: a zip of the model's config and its weights in HDF5.

Nothing is unpacked but what is asked for, and no more of it than a model can need; the config is
read as JSON, and neither its classes nor its lambdas are made.
"""

import json
import os
import struct
import tempfile
import weakref
import zipfile
import zlib
from functools import cached_property
from typing import IO, TYPE_CHECKING

from tfinspect.artifacts.file_part import map_part
from tfinspect.artifacts.hdf5 import Hdf5, tree_of
from tfinspect.artifacts.hdf5_tree import Tree
from tfinspect.artifacts.locate import last_bytes
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError

if TYPE_CHECKING:
    import numpy as np

_WEIGHTS, _CONFIG, _METADATA = "model.weights.h5", "config.json", "metadata.json"
_MOST_TEXT = 16 << 20
# Packed floats shrink little; a member that grows more than this is made to fill memory.
_MOST_GROWTH = 100
_MOST_DIRECTORY = 4 << 20
_BLOCK = 1 << 20
_END, _END_SIZE = b"PK\x05\x06", 22
_END64_SIZE, _LOCATOR_SIZE = 56, 20


def open_keras_archive(path: str) -> "KerasArchive":
    """Opens a `.keras` file.

    Raises:
      ArtifactError: it is no such file, broken, or made to fill memory.
    """
    try:
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            return KerasArchive(path, archive)
    except ArtifactError:
        raise
    except Exception as error:  # zipfile raises errors of all kinds over a broken file.
        raise ArtifactError(_broken(path, error)) from error


def _broken(path: str, error: Exception) -> str:
    reason = str(error) or type(error).__name__
    return f"'{path}' is no readable .keras file: {reason}; get it again from where it came."


def _check_directory(path: str) -> None:
    """Refuses a directory of members so long that reading it would fill memory."""
    end = last_bytes(path, 1 << 17)
    place = end.rfind(_END)
    if place < 0 or len(end) - place < _END_SIZE:
        return
    size = struct.unpack_from("<I", end, place + 12)[0]
    before = place - _LOCATOR_SIZE - _END64_SIZE
    if before >= 0 and end.startswith(b"PK\x06\x06", before):
        size = struct.unpack_from("<Q", end, before + 40)[0]
    elif size == 0xFFFFFFFF:
        size = 0
    if size > _MOST_DIRECTORY:
        raise ArtifactError(
            f"'{path}' declares a directory of {size:,} bytes, which no .keras file has; "
            "give another file."
        )


def _text(path: str, archive: zipfile.ZipFile, name: str) -> bytes:
    """Returns a small member; empty where there is none."""
    if name not in archive.namelist():
        return b""
    info = archive.getinfo(name)
    with archive.open(info) as stream:
        data = stream.read(_MOST_TEXT + 1)
    if info.file_size > _MOST_TEXT or len(data) > _MOST_TEXT:
        raise ArtifactError(
            f"'{name}' in '{path}' unpacks to more than {_MOST_TEXT:,} bytes, "
            "which no config has; give another file."
        )
    return data


class KerasArchive(Hdf5):
    """A `.keras` file."""

    def __init__(self, path: str, archive: zipfile.ZipFile) -> None:
        config = _text(path, archive, _CONFIG)
        names = archive.namelist()
        if not config and _WEIGHTS not in names:
            raise ArtifactError(
                f"'{path}' is a zip file without '{_CONFIG}' and '{_WEIGHTS}', so no .keras file; "
                "give another file."
            )
        self._members = tuple(names)
        # The file with the HDF5 file in it, at which offset, and what its bytes must add up to.
        self._source: tuple[str | IO[bytes], int] = (path, 0)
        self._unchecked: zipfile.ZipInfo | None = None
        tree = self._weights(path, archive) if _WEIGHTS in names else Tree()
        super().__init__(path, "Keras archive", tree)
        self.describe(config, _version(_text(path, archive, _METADATA)))
        if _WEIGHTS not in names:
            self._problems.append(f"'{path}' has no '{_WEIGHTS}': it holds no values.")

    def _weights(self, path: str, archive: zipfile.ZipFile) -> Tree:
        info = archive.getinfo(_WEIGHTS)
        size = os.stat(path).st_size
        if info.compress_type == zipfile.ZIP_STORED:
            base = _start(path, archive, info)
            self._source, self._unchecked = (path, base), info
            with open(path, "rb") as stream:
                return tree_of(path, stream, base, info.file_size)
        if info.file_size > _MOST_GROWTH * min(info.compress_size, size):
            raise ArtifactError(_bomb(path, info))
        unpacked: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as we do
        weakref.finalize(self, unpacked.close)
        _unpack(path, archive, info, unpacked)
        self._source = (unpacked, 0)
        return tree_of(path, unpacked, 0, info.file_size)

    @cached_property
    def assets(self) -> tuple[str, ...]:
        """The members below `assets/`, such as vocabularies."""
        return tuple(name for name in self._members if name.startswith("assets/"))

    def source(self, key: str) -> tuple[str | IO[bytes], int]:
        """Returns the file that holds the weights, and at which offset."""
        del key
        return self._source

    def _read(self, entry: VariableEntry) -> "np.ndarray":
        if self._unchecked is not None:
            self._check(self._unchecked)
            self._unchecked = None
        return super()._read(entry)

    def _check(self, info: zipfile.ZipInfo) -> None:
        """Verifies the weights' checksum, once for all values."""
        found, start = 0, self._source[1]
        end = start + info.file_size
        for place in range(start, end, _BLOCK):
            block = map_part(self.path, place, min(_BLOCK, end - place))
            found = zlib.crc32(block, found)
        if found != info.CRC:
            raise ArtifactError(
                f"'{_WEIGHTS}' in '{self.path}' is broken: its checksum is wrong; "
                "get the file again from where it came."
            )


def _version(metadata: bytes) -> str:
    try:
        parsed = json.loads(metadata)
        return str(parsed.get("keras_version", "")) if isinstance(parsed, dict) else ""
    except (ValueError, RecursionError):
        return ""


def _start(path: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """Returns the offset of a stored member's bytes, which must all lie in the file."""
    # Opening it checks the member's own header against the directory's.
    archive.open(info).close()
    with open(path, "rb") as stream:
        stream.seek(info.header_offset)
        header = stream.read(30)
    name, extra = struct.unpack_from("<HH", header, 26)
    start: int = info.header_offset + 30 + name + extra
    if info.flag_bits & 1 or start + info.file_size > os.stat(path).st_size:
        raise ArtifactError(
            f"'{info.filename}' in '{path}' is encrypted or runs past the end of the file; "
            "get it again from where it came."
        )
    return start


def _unpack(path: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo, to: IO[bytes]) -> None:
    """Copies a packed member, checked against its declared size and its checksum."""
    left = info.file_size
    with archive.open(info) as stream:
        while block := stream.read(_BLOCK):
            left -= len(block)
            if left < 0:
                raise ArtifactError(_bomb(path, info))
            to.write(block)
    to.flush()


def _bomb(path: str, info: zipfile.ZipInfo) -> str:
    return (
        f"'{info.filename}' in '{path}' unpacks from {info.compress_size:,} to "
        f"{info.file_size:,} bytes or more, as no weights do; give another file."
    )
